/* Events of streams. */

const HANDLERS = { scores: "scores", speech_started: "started", speech_stopped: "stopped", keyword: "keyword", error: "error" };

/** Calls the handler of an event, if there is one. */
export const dispatch = (handlers, event) => handlers[HANDLERS[event.type]]?.(event);

/* The models beside the page, computed in the browser: in a worker, and live scores of frames on the audio thread. */

import { dispatch } from "./events.js";
import { createStreamNode } from "./stapes/node.js";

/** Text about the place where sound is processed. */
export const privacy = "This device computes; the sound does not leave it.";

let worker;
let lastId = 0;
/* Receivers of the worker's answers and events, by number. */
const receivers = new Map();

function start() {
  worker = new Worker(new URL("engine-worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => receivers.get(data.id)?.(data);
  worker.onerror = () => {
    const error = new Error("The model cannot be computed in this browser; use a current one, or reload the page.");
    for (const receive of receivers.values()) receive({ error });
    receivers.clear();
    worker = undefined;
  };
}

function post(message, transfer) {
  if (!worker) start();
  worker.postMessage(message, transfer);
}

/* Calls a function of the worker. */
function ask(call, values, transfer = []) {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    receivers.set(id, ({ value, error }) => {
      receivers.delete(id);
      return error ? reject(new Error(error.message)) : resolve(value);
    });
    post({ id, call, ...values }, transfer);
  });
}

async function read(file) {
  const address = new URL(file, document.baseURI);
  const response = await fetch(address).catch(() => undefined);
  if (!response?.ok) throw new Error(`${file} cannot be read (${response?.status ?? "no connection"}); check that it is beside the page.`);
  return response;
}

/* Keeps the files for times without a network, where the browser can. */
function keepFiles() {
  if (!window.isSecureContext || !navigator.serviceWorker) return;
  navigator.serviceWorker.register(new URL("service-worker.js", document.baseURI)).catch(() => {
    /* The page then needs the network. */
  });
}

/** Returns the models with `kind`, "clips" or "frames", and their cards. */
export async function models() {
  const { models } = await (await read("models.json")).json();
  keepFiles();
  return Promise.all(
    models.map(async ({ file, ...entry }) => {
      const bytes = await (await read(file)).arrayBuffer();
      return { ...entry, file, bytes, ...(await ask("open", { file, bytes })) };
    }),
  );
}

/** Returns the probabilities of a recording, [K], or of its frames, [T, K]. */
export function classify({ file }, samples, sampleRate) {
  return ask("classify", { file, samples, sampleRate });
}

/** Returns the segments of speech of a recording; the options have the names of the module of JavaScript. */
export function segments({ file }, samples, sampleRate, { threshold, min_speech_ms, min_silence_ms, pad_ms } = {}) {
  const options = { threshold, min_speech_duration_ms: min_speech_ms, min_silence_duration_ms: min_silence_ms, speech_pad_ms: pad_ms };
  return ask("segments", { file, samples, sampleRate, options });
}

/** Creates the node that computes live scores of a model of frames on the audio thread; it also sends the samples. */
export function captureNode(context, { bytes }, options, onMessage) {
  return createStreamNode(context, bytes, { scores: true, ...options }, onMessage, { withSamples: true });
}

/** Opens a stream; the handlers receive its events. Returns `push(samples)`, `finish()` and `close()`. */
export function stream({ file, windowSeconds }, sampleRate, { threshold, keywords }, handlers) {
  const id = ++lastId;
  const close = () => receivers.delete(id);
  const end = (error) => {
    close();
    if (error) handlers.error?.(new Error(error.message));
    handlers.ended?.();
  };
  receivers.set(id, ({ events, error, isFinished }) => {
    for (const event of events ?? []) dispatch(handlers, event);
    if (error || isFinished) end(error);
  });
  post({ id, call: "stream", file, sampleRate, options: { scores: true, threshold, keywords, window_seconds: windowSeconds } });
  return {
    push: (samples) => post({ id, call: "push", samples }),
    finish: () => post({ id, call: "finish" }),
    close: () => {
      close();
      post({ id, call: "close" });
    },
  };
}

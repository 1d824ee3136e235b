/* Computes the models of `engine-web.js` on a thread of its own. */

import { classify, getSpeechTimestamps, load, stream } from "./stapes/stapes.js";

/* Windows of a model that does not say how long they are, s. */
const WINDOW_SECONDS = 1;

const models = new Map();
const streams = new Map();

/* Returns the length of windows to be set, undefined for that of the model, or null for a model that does not listen. */
function windowOf(model) {
  for (const window_seconds of [undefined, WINDOW_SECONDS]) {
    try {
      stream(model, model.sampleRate, { window_seconds }).free();
      return window_seconds;
    } catch {
      /* The next one. */
    }
  }
  return null;
}

const calls = {
  async open({ file, bytes }) {
    const model = await load(bytes);
    models.set(file, model);
    const { labels, kind, sampleRate, keywords } = model;
    const windowSeconds = windowOf(model);
    const facts = { labels, kind, sample_rate: sampleRate, keywords: Object.keys(keywords).length > 0 ? keywords : null };
    return { ...facts, streams: windowSeconds !== null, windowSeconds: windowSeconds ?? undefined };
  },

  classify({ file, samples, sampleRate }) {
    const model = models.get(file);
    const { probabilities, frames } = classify(model, samples, sampleRate);
    return { labels: model.labels, probabilities, frames, ...model.frameTimes };
  },

  segments: ({ file, samples, sampleRate, options }) => getSpeechTimestamps(models.get(file), samples, sampleRate, options),
};

const streamCalls = {
  stream({ id, file, sampleRate, options }) {
    streams.set(id, stream(models.get(file), sampleRate, options));
    return { events: [] };
  },

  push: ({ id, samples }) => ({ events: streams.get(id)?.push(samples) }),

  finish({ id }) {
    const events = streams.get(id)?.finish();
    streamCalls.close({ id });
    return { events, isFinished: true };
  },

  close({ id }) {
    streams.get(id)?.free();
    streams.delete(id);
    return {};
  },
};

async function answer({ data }) {
  const { id, call } = data;
  try {
    if (call in streamCalls) postMessage({ id, ...streamCalls[call](data) });
    else postMessage({ id, value: await calls[call](data) });
  } catch ({ message }) {
    streamCalls.close({ id });
    postMessage({ id, error: { message } });
  }
}

/* One after the other, in the order of their arrival. */
let last = Promise.resolve();
onmessage = (event) => (last = last.then(() => answer(event)));

/** Streams on the audio thread of a browser. */

import { compile } from "./stapes.js";

/**
 * Creates an AudioWorkletNode that runs a model of frames on the sound that reaches it; connect a source to it, and it to the destination
 * (it is silent). `bytes` is the model file, `options` those of `stream`, and `onEvent` receives its events, also
 * `{ type: "error", message }`. With `withSamples` it also receives the samples, as Float32Arrays. Post "stop" to the node's port at the
 * end: the last events follow, then null.
 */
export async function createStreamNode(context, bytes, options, onEvent, { withSamples = false } = {}) {
  const [module] = await Promise.all([compile(), context.audioWorklet.addModule(new URL("worklet.js", import.meta.url))]);
  const node = new AudioWorkletNode(context, "stapes", {
    channelCount: 1,
    channelCountMode: "explicit",
    processorOptions: { module, bytes, options, withSamples },
  });
  node.port.onmessage = ({ data }) => onEvent(data);
  return node;
}

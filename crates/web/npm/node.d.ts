import type { StreamEvent, StreamOptions } from "./stapes.js";

/** Creates an AudioWorkletNode that runs a model of frames on the sound that reaches it. */
export function createStreamNode(
  context: BaseAudioContext,
  bytes: ArrayBuffer,
  options: StreamOptions,
  onEvent: (event: StreamEvent | { type: "error"; message: string } | Float32Array | null) => void,
  settings?: { withSamples?: boolean },
): Promise<AudioWorkletNode>;

/** Speech classifiers that were trained with stapes. Samples are of one channel in [-1, 1]; times are seconds. */

/** Options of speech, with silero-vad's names and defaults. */
export interface SpeechOptions {
  threshold?: number;
  neg_threshold?: number;
  min_speech_duration_ms?: number;
  max_speech_duration_s?: number;
  min_silence_duration_ms?: number;
  speech_pad_ms?: number;
  min_silence_at_max_speech?: number;
}

/** Options of keywords in windows. */
export interface KeywordOptions {
  /** Thresholds by label; those of the model file if absent. */
  keywords?: Record<string, number>;
  window_seconds?: number;
  hop_seconds?: number;
  smoothing_seconds?: number;
  refractory_seconds?: number;
}

export type StreamOptions = (SpeechOptions | KeywordOptions) & {
  /** Also reports the probabilities of every frame or window. */
  scores?: boolean;
};

export type StreamEvent =
  | { type: "scores"; seconds: number; probabilities: Float32Array }
  | { type: "speech_started"; seconds: number }
  | { type: "speech_stopped"; seconds: number }
  | { type: "keyword"; seconds: number; label: string; score: number };

/** Error of the library; the message says what to correct. */
export class StapesError extends Error {}

export interface Model {
  /** Labels, in the order of the probabilities. */
  readonly labels: string[];
  /** Hz; samples of another rate are resampled. */
  readonly sampleRate: number;
  /** "frames": probabilities of every frame, such as voice activity; "clips": those of a clip. */
  readonly kind: "frames" | "clips";
  /** Thresholds of the keywords that the model file names, by label. */
  readonly keywords: Record<string, number>;
  /** Times of the rows of a model of frames, s: row t is that of first + t hop. */
  readonly frameTimes?: { first: number; hop: number };
  /** Releases the memory; nothing else can be called afterwards. */
  free(): void;
}

export interface Stream {
  /** Adds samples, any number of them; returns the events that they complete. */
  push(samples: Float32Array): StreamEvent[];
  /** Ends the recording; returns the remaining events. */
  finish(): StreamEvent[];
  /** Releases the memory. */
  free(): void;
}

export interface Classification {
  /** Most probable label, of a model of clips. */
  label?: string;
  /** Its probability. */
  probability?: number;
  /** [K] in the order of the labels, or [T, K] of a model of frames. */
  probabilities: Float32Array;
  /** T, of a model of frames. */
  frames?: number;
}

/** True if the module with vector instructions runs here; the other one runs everywhere, and is slower. */
export function hasSimd(): boolean;

/** Compiles the WebAssembly module beside this file, once, or the one of a source. */
export function compile(source?: BufferSource): Promise<WebAssembly.Module>;

/** Reads a model file: its address, or its bytes. */
export function load(source: string | URL | BufferSource, options?: { module?: WebAssembly.Module }): Promise<Model>;

/** Reads a model from its bytes with a compiled module, at once. */
export function open(bytes: BufferSource, module: WebAssembly.Module): Model;

/** Classifies a recording; `sampleRate` in Hz. */
export function classify(model: Model, samples: Float32Array, sampleRate: number): Classification;

/** Finds speech in a recording with a model of frames, s. */
export function getSpeechTimestamps(model: Model, samples: Float32Array, sampleRate: number, options?: SpeechOptions): { start: number; end: number }[];

/** Opens a stream for sound that does not end. */
export function stream(model: Model, sampleRate: number, options?: StreamOptions): Stream;

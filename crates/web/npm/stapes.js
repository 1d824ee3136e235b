/**
 * Speech classifiers that were trained with stapes, in browsers, workers, AudioWorklets and Node.js.
 *
 *     import { load, classify, getSpeechTimestamps, stream } from "stapes";
 *
 *     const model = await load("model.safetensors");
 *     const { label, probability } = classify(model, samples, sampleRate);
 *
 * Samples are a Float32Array of one channel in [-1, 1], of any sample rate in Hz. Times are seconds.
 */

/* Places of fields, bytes: `stapes.h` on a machine of 32 bits. */
const OPTIONS = { size: 104, sampleRate: 0, reportScores: 4, speech: 8, window: 64, hop: 72, smoothing: 80, refractory: 88, thresholds: 96, numThresholds: 100 };
const EVENT = { size: 32, kind: 0, seconds: 8, label: 16, score: 20, probabilities: 24 };
const SEGMENT_SIZE = 16;

/** Names of the options of speech, those of silero-vad, in their order in memory. */
const SPEECH_OPTIONS = ["threshold", "neg_threshold", "min_speech_duration_ms", "max_speech_duration_s", "min_silence_duration_ms", "speech_pad_ms", "min_silence_at_max_speech"];
const KEYWORD_OPTIONS = { window_seconds: OPTIONS.window, hop_seconds: OPTIONS.hop, smoothing_seconds: OPTIONS.smoothing, refractory_seconds: OPTIONS.refractory };

const OK = 0;
const BUFFER_TOO_SMALL = 4;
const NOT_A_KEYWORD = 2;

/* A module with one instruction of simd128: `i32.const 0; i8x16.splat; drop`. */
const SIMD_TEST = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11]);

/** True if the module with vector instructions runs here; the other one runs everywhere, and is slower. */
export const hasSimd = () => WebAssembly.validate(SIMD_TEST);

/* UTF-8 without TextDecoder, which an AudioWorklet does not have. */
const decode = (bytes) => decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));

/** Error of the library, such as a file that is not a model; the message says what to correct. */
export class StapesError extends Error {
  get name() {
    return "StapesError";
  }
}

async function read(address) {
  if (address.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return readFile(address);
  }
  let response;
  try {
    response = await fetch(address);
  } catch (cause) {
    throw new StapesError(`${address}: cannot be read; check the address and the connection`, { cause });
  }
  if (!response.ok) throw new StapesError(`${address}: status ${response.status}; check the address`);
  return response.arrayBuffer();
}

let compiled;

/** Compiles the WebAssembly module, once; another thread can be given the result. */
export function compile(source) {
  if (source) return WebAssembly.compile(source);
  compiled ??= read(new URL(hasSimd() ? "stapes-simd.wasm" : "stapes.wasm", import.meta.url)).then((bytes) => WebAssembly.compile(bytes));
  compiled.catch(() => (compiled = undefined));
  return compiled;
}

/* An instance of the module: functions, and memory that they share with JavaScript. */
class Library {
  constructor(module) {
    this.functions = new WebAssembly.Instance(module, {}).exports;
  }

  get view() {
    return new DataView(this.functions.memory.buffer);
  }

  floats(pointer, count) {
    return new Float32Array(this.functions.memory.buffer, pointer, count);
  }

  text(pointer) {
    const bytes = new Uint8Array(this.functions.memory.buffer);
    return decode(bytes.subarray(pointer, bytes.indexOf(0, pointer)));
  }

  /* Calls a function of the library, whose errors are thrown. */
  call(name, ...values) {
    let status;
    try {
      status = this.functions[`stapes_${name}`](...values);
    } catch (cause) {
      throw new StapesError("internal error of the library; load the model again, and please report it", { cause });
    }
    if (status !== OK) throw Object.assign(new StapesError(this.text(this.functions.stapes_last_error())), { status });
  }

  /* Calls `use` with memory of some sizes in bytes, which is released afterwards. */
  with(sizes, use) {
    const pointers = sizes.map((size) => this.functions.stapes_allocate(size));
    try {
      if (pointers.some((pointer, at) => pointer === 0 && sizes[at] > 0)) throw new StapesError("not enough memory; use shorter recordings");
      return use(...pointers);
    } finally {
      pointers.forEach((pointer, at) => this.functions.stapes_release(pointer, sizes[at]));
    }
  }

  /* Calls `use` with the address of a copy of the samples. */
  withSamples(samples, use) {
    if (!(samples instanceof Float32Array)) throw new TypeError("samples must be a Float32Array");
    return this.with([4 * samples.length], (pointer) => {
      if (samples.length > 0) this.floats(pointer, samples.length).set(samples);
      return use(pointer, samples.length);
    });
  }

  /*
   * Reads rows whose number is known only afterwards: `call` is given memory for `capacity` of them and the place of their number,
   * `convert` the rows.
   */
  rows(capacity, size, call, convert) {
    const found = this.with([capacity * size, 4], (pointer, count) => {
      try {
        call(pointer, capacity, count);
      } catch (error) {
        if (error.status !== BUFFER_TOO_SMALL) throw error;
        return { needed: this.view.getUint32(count, true) };
      }
      return { value: convert(pointer, this.view.getUint32(count, true)) };
    });
    return found.needed === undefined ? found.value : this.rows(found.needed, size, call, convert);
  }
}

/* Memory is also released for what JavaScript has forgotten. */
const forgotten = typeof FinalizationRegistry === "undefined" ? undefined : new FinalizationRegistry((free) => free());

class Handle {
  constructor(library, pointer, free) {
    Object.assign(this, { library });
    this.pointer = pointer;
    this.release = () => library.functions[free](pointer);
    forgotten?.register(this, this.release, this);
  }

  /** Releases the memory; nothing else can be called afterwards. */
  free() {
    if (this.pointer === 0) return;
    forgotten?.unregister(this);
    this.release();
    this.pointer = 0;
  }

  get address() {
    if (this.pointer === 0) throw new StapesError(`the ${this.constructor.name.toLowerCase()} was freed`);
    return this.pointer;
  }
}

function checkRate(sampleRate) {
  if (!Number.isInteger(sampleRate) || sampleRate <= 0) throw new TypeError(`sampleRate must be a whole number of Hz, not ${sampleRate}`);
  return sampleRate;
}

function checkOptions(options, names) {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!names.includes(name)) throw new TypeError(`unknown option ${name}; use ${names.join(", ")}`);
    if (name !== "scores" && name !== "keywords" && typeof value !== "number") throw new TypeError(`${name} must be a number`);
  }
}

/** A trained model; see `load`. */
export class Model extends Handle {
  constructor(library, bytes) {
    const pointer = library.with([bytes.length, 4], (from, to) => {
      new Uint8Array(library.functions.memory.buffer, from, bytes.length).set(bytes);
      library.call("model_load", from, bytes.length, to);
      return library.view.getUint32(to, true);
    });
    super(library, pointer, "stapes_model_free");
    const { functions } = library;
    const labels = Array.from({ length: functions.stapes_model_num_labels(pointer) }, (_, at) => library.text(functions.stapes_model_label(pointer, at)));
    const thresholds = labels.map((label, at) => [label, functions.stapes_model_keyword_threshold(pointer, at)]).filter(([, threshold]) => threshold <= 1);
    /** Labels, in the order of the probabilities. */
    this.labels = labels;
    /** Sample rate of the model, Hz; samples of another rate are resampled. */
    this.sampleRate = functions.stapes_model_sample_rate_hz(pointer);
    /** "frames" for a model with probabilities of every frame, such as voice activity; "clips" for one with those of a clip. */
    this.kind = functions.stapes_model_is_frame_level(pointer) ? "frames" : "clips";
    /** Thresholds of the keywords that the model file names, by label. */
    this.keywords = Object.fromEntries(thresholds);
    if (this.kind === "frames") {
      library.with([8, 8], (first, hop) => {
        library.call("model_frame_times", pointer, first, hop);
        /** Times of the rows of probabilities, s: row t is that of first + t hop. */
        this.frameTimes = { first: library.view.getFloat64(first, true), hop: library.view.getFloat64(hop, true) };
      });
    }
  }

  /* Calls `use` with the address of options: the defaults with changes. */
  withOptions(sampleRate, { scores, keywords, ...options }, use) {
    const { library } = this;
    checkOptions(options, this.kind === "frames" ? SPEECH_OPTIONS : Object.keys(KEYWORD_OPTIONS));
    return library.with([OPTIONS.size, 4 * this.labels.length], (pointer, thresholds) => {
      library.call("stream_options_init", this.address, pointer);
      const { view } = library;
      view.setUint32(pointer + OPTIONS.sampleRate, checkRate(sampleRate), true);
      view.setUint32(pointer + OPTIONS.reportScores, scores ? 1 : 0, true);
      const set = (at, value) => value !== undefined && view.setFloat64(pointer + at, value, true);
      if (this.kind === "frames") SPEECH_OPTIONS.forEach((name, at) => set(OPTIONS.speech + 8 * at, options[name]));
      else Object.entries(KEYWORD_OPTIONS).forEach(([name, at]) => set(at, options[name]));
      if (keywords) {
        const unknown = Object.keys(keywords).find((label) => !this.labels.includes(label));
        if (unknown !== undefined) throw new TypeError(`unknown keyword ${unknown}; the labels are ${this.labels.join(", ")}`);
        library.floats(thresholds, this.labels.length).set(this.labels.map((label) => keywords[label] ?? NOT_A_KEYWORD));
        view.setUint32(pointer + OPTIONS.thresholds, thresholds, true);
        view.setUint32(pointer + OPTIONS.numThresholds, this.labels.length, true);
      }
      return use(pointer);
    });
  }
}

/**
 * Reads a model file. `source` is its address, or its bytes; `module` is the compiled module if it is not beside this file.
 * Resolves to a model with `labels`, `sampleRate`, `kind`, `keywords`, `frameTimes` and `free()`.
 */
export async function load(source, { module } = {}) {
  const isBytes = source instanceof ArrayBuffer || ArrayBuffer.isView(source);
  const address = () => new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href ?? `file://${globalThis.process?.cwd()}/`);
  const [bytes, library] = await Promise.all([isBytes ? source : read(address()), module ?? compile()]);
  return open(bytes, library);
}

/** Reads a model from its bytes with a compiled module, at once; for AudioWorklets, which cannot wait. */
export function open(bytes, module) {
  const view = ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
  return new Model(new Library(module), view);
}

/**
 * Classifies a recording. Returns the most probable `label` and its `probability`, and `probabilities` [K] in the order of the labels; for
 * a model of frames `probabilities` [T, K] and `frames`, T.
 */
export function classify(model, samples, sampleRate) {
  const { library, labels } = model;
  const seconds = samples.length / checkRate(sampleRate);
  const estimate = model.kind === "frames" ? Math.ceil(seconds / model.frameTimes.hop) + 2 : 1;
  const probabilities = library.withSamples(samples, (pointer, count) =>
    library.rows(
      estimate,
      4 * labels.length,
      (to, capacity, found) => library.call("classify", model.address, pointer, count, sampleRate, to, capacity * labels.length, found),
      (from, rows) => library.floats(from, rows * labels.length).slice(),
    ),
  );
  if (model.kind === "frames") return { probabilities, frames: probabilities.length / labels.length };
  const best = probabilities.indexOf(Math.max(...probabilities));
  return { label: labels[best], probability: probabilities[best], probabilities };
}

/**
 * Finds speech in a recording with a model of frames: `start` and `end` of each segment, s. The options have silero-vad's names and
 * defaults: threshold, neg_threshold, min_speech_duration_ms, max_speech_duration_s, min_silence_duration_ms, speech_pad_ms,
 * min_silence_at_max_speech.
 */
export function getSpeechTimestamps(model, samples, sampleRate, options = {}) {
  const { library } = model;
  if (model.kind !== "frames") throw new StapesError("the model labels clips, not frames; use a model of voice activity");
  return model.withOptions(sampleRate, options, (speech) =>
    library.withSamples(samples, (pointer, count) =>
      library.rows(
        64,
        SEGMENT_SIZE,
        (to, capacity, found) => library.call("speech_segments", model.address, pointer, count, sampleRate, speech + OPTIONS.speech, to, capacity, found),
        (from, segments) => {
          const { view } = library;
          const time = (at) => view.getFloat64(from + at, true);
          return Array.from({ length: segments }, (_, at) => ({ start: time(SEGMENT_SIZE * at), end: time(SEGMENT_SIZE * at + 8) }));
        },
      ),
    ),
  );
}

/** A stream of one recording; see `stream`. */
export class Stream extends Handle {
  constructor(model, sampleRate, options) {
    const { library } = model;
    const pointer = model.withOptions(sampleRate, options, (settings) =>
      library.with([4], (to) => {
        library.call("stream_new", model.address, settings, to);
        return library.view.getUint32(to, true);
      }),
    );
    super(library, pointer, "stapes_stream_free");
    this.labels = model.labels;
  }

  /** Adds samples, any number of them; returns the events that they complete. */
  push(samples) {
    this.library.withSamples(samples, (pointer, count) => this.library.call("stream_push", this.address, pointer, count));
    return this.events();
  }

  /** Ends the recording; returns the remaining events. */
  finish() {
    this.library.call("stream_finish", this.address);
    return this.events();
  }

  events() {
    const { library, labels } = this;
    return library.with([EVENT.size], (pointer) => {
      const found = [];
      while (library.functions.stapes_stream_next(this.address, pointer)) {
        const { view } = library;
        const seconds = view.getFloat64(pointer + EVENT.seconds, true);
        const make = [
          () => ({ type: "scores", seconds, probabilities: library.floats(view.getUint32(pointer + EVENT.probabilities, true), labels.length).slice() }),
          () => ({ type: "speech_started", seconds }),
          () => ({ type: "speech_stopped", seconds }),
          () => ({ type: "keyword", seconds, label: labels[view.getUint32(pointer + EVENT.label, true)], score: view.getFloat32(pointer + EVENT.score, true) }),
        ];
        found.push(make[view.getUint32(pointer + EVENT.kind, true)]());
      }
      return found;
    });
  }
}

/**
 * Opens a stream for sound that does not end, with `push(samples)`, `finish()` and `free()`. A model of frames reports "speech_started" and
 * "speech_stopped", a model of clips "keyword"; with the option `scores` also "scores", with the probabilities of a frame or window.
 *
 * Options of a model of frames: those of `getSpeechTimestamps`. Options of a model of clips: `keywords` (thresholds by label),
 * `window_seconds`, `hop_seconds`, `smoothing_seconds`, `refractory_seconds`.
 */
export const stream = (model, sampleRate, options = {}) => new Stream(model, sampleRate, options);

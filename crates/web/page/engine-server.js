/* The models of `stapes serve`, over HTTP and WebSocket. */

import { dispatch } from "./events.js";
import { wav } from "./wav.js";

/** Text about the place where sound is processed. */
export const privacy = "The server computes; it keeps no sound, and the page calls no other server.";

/* Above it, a recording is sent with 16 bits instead of 32. */
const MAX_FLOAT_BYTES = 48e6;

/* Sound that waits to be sent; more of it means that the server or the network is too slow. */
const MAX_BUFFERED_BYTES = 4e6;

const UNREACHABLE = "The server does not answer; check that it runs and that you are connected, then try again.";

const server = document.querySelector('meta[name="stapes-server"]').content;
let token;

/** Sets the token of requests; `models` rejects with the code `unauthorized` where one is needed. */
export const authorize = (text) => (token = text);

/* An error with the code of the server. */
function failure(message, code) {
  return Object.assign(new Error(message), { code });
}

function address(path, parameters) {
  const url = new URL(path, server || document.baseURI);
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

async function request(path, parameters = {}, options = {}) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  let response, answer;
  try {
    response = await fetch(address(path, parameters), { ...options, headers });
    answer = await response.json();
  } catch {
    throw failure(response && !response.ok ? `The server answers with status ${response.status}; read its log.` : UNREACHABLE, "unreachable");
  }
  if (response.ok) return answer;
  const { code, message } = answer.error ?? {};
  if (response.status === 503) throw failure("The server has enough to do; try again in a few seconds.", "busy");
  if (code === "too_long") throw failure("The recording is longer than the server takes; cut it, or start the server with a higher --max-seconds.", code);
  if (code === "too_large") throw failure("The recording is larger than the server takes; cut it, or start the server with a higher --max-body-mb.", code);
  throw failure(`The server answers: ${message ?? response.status}`, code);
}

/** Returns the models with `kind`, "clips" or "frames", and their cards. */
export async function models() {
  const { models } = await request("v1/models");
  return models.map((model) => ({
    ...model,
    kind: model.predicts === "frames" ? "frames" : "clips",
    keywords: Object.keys(model.keywords).length > 0 ? model.keywords : null,
    streams: model.endpoints.includes("/v1/stream"),
  }));
}

function post(path, parameters, samples, sampleRate) {
  const bits = samples.length * 4 > MAX_FLOAT_BYTES ? 16 : 32;
  return request(path, parameters, { method: "POST", body: wav(samples, sampleRate, bits) });
}

/** Returns the probabilities of a recording, [K], or of its frames, [T, K]. */
export async function classify(model, samples, sampleRate) {
  const row = await post("v1/classify", { model: model.name }, samples, sampleRate);
  const { labels } = model;
  if (model.kind === "clips") return { labels, probabilities: Float32Array.from(labels, (label) => row.probabilities[label]) };
  const probabilities = new Float32Array(row.frames * labels.length);
  labels.forEach((label, at) => row.probabilities[label].forEach((value, frame) => (probabilities[frame * labels.length + at] = value)));
  return { labels, probabilities, frames: row.frames, hop: row.hop_seconds, first: row.first_frame_seconds };
}

/** Returns the segments of speech of a recording; the options have the names of the module of JavaScript. */
export async function segments(model, samples, sampleRate, { threshold, min_speech_ms, min_silence_ms, pad_ms } = {}) {
  const options = { threshold, min_speech_duration_ms: min_speech_ms, min_silence_duration_ms: min_silence_ms, speech_pad_ms: pad_ms };
  return (await post("v1/segments", { model: model.name, ...options }, samples, sampleRate)).segments;
}

/** Rules of the segments of a recording, for the events of a stream, whose own are longer. */
const FRAME_STREAM = { prefix_padding_ms: 30, silence_duration_ms: 100 };

/** Opens a stream; the handlers receive its events. Returns `push(samples)`, `finish()` and `close()`. */
export function stream(model, sampleRate, { keywords, ...options }, handlers) {
  const rules = model.kind === "frames" ? FRAME_STREAM : {};
  const url = address("v1/stream", { model: model.name, sample_rate: sampleRate, encoding: "f32le", scores: true, ...rules, ...options });
  for (const label of Object.keys(keywords ?? {})) url.searchParams.append("keyword", label);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url, token ? ["stapes", `bearer.${token}`] : ["stapes"]);
  socket.binaryType = "arraybuffer";
  let waiting = [];
  let isDone = false;
  const end = (error) => {
    if (isDone) return;
    isDone = true;
    if (error) handlers.error?.(error);
    handlers.ended?.();
  };
  const receive = (event) => {
    if (event.type === "finished") return end();
    if (event.type === "error") return end(failure(`The server answers: ${event.error.message}`, event.error.code));
    if (event.type === "scores") event.probabilities = Float32Array.from(model.labels, (label) => event.probabilities[label]);
    dispatch(handlers, event);
  };
  socket.onopen = () => {
    waiting.forEach((data) => socket.send(data));
    waiting = [];
  };
  socket.onmessage = ({ data }) => {
    if (!isDone) receive(JSON.parse(data));
  };
  socket.onclose = ({ code }) => {
    end(failure(code === 1001 ? "The server stops; try again when it runs." : "The connection to the server has ended; check that it runs.", "unreachable"));
  };
  const send = (data) => {
    if (socket.readyState === WebSocket.CONNECTING) waiting.push(data);
    else if (socket.readyState === WebSocket.OPEN) socket.send(data);
    if (socket.bufferedAmount <= MAX_BUFFERED_BYTES) return;
    socket.close();
    end(failure("The server or the network is too slow for live scores; they follow after the recording.", "slow"));
  };
  return {
    push: (samples) => send(samples),
    finish: () => send(JSON.stringify({ type: "finish" })),
    close: () => {
      isDone = true;
      socket.close();
    },
  };
}

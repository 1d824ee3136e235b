/* Segments from scores: the rules of the server and of `stapes vad`, so that the threshold acts on scores that are there. */

/* Labels that are not shown as segments. */
const BACKGROUND = /^_?(background|background_noise|silence|noise|unknown|other|non-?speech)_?$/i;

/* The defaults of `stapes vad`. */
const MIN_SPEECH_MS = 250;
const MIN_SILENCE_MS = 100;
const PAD_MS = 30;
const MIN_END_THRESHOLD = 0.01;
const END_BELOW_THRESHOLD = 0.15;

/** Returns the probability of speech of a frame: that of all labels but the first, the background. */
export const speechAt = (track, frame) => (track.labels.length === 2 ? track.at(frame, 1) : 1 - track.at(frame, 0));

/** Returns the segments of a track: speech of a frame-level model, else labels of windows. */
export function segmentsOf(model, track, threshold, seconds) {
  return model.kind === "frames" ? speechSegments(model, track, threshold, seconds) : labelSegments(track, threshold, seconds);
}

/* The segmenter of silero-vad: `crates/infer/src/decisions/speech.rs`, without a maximum duration. Positions are in samples. */
function speechSegments({ sample_rate: rate }, track, threshold, seconds) {
  const hop = Math.max(1, Math.round(track.hop * rate));
  const offset = Math.max(0, track.first - track.hop / 2);
  const samples = Math.round(Math.max(0, seconds - offset) * rate);
  const [minSpeech, minSilence, pad] = [MIN_SPEECH_MS, MIN_SILENCE_MS, PAD_MS].map((ms) => (rate * ms) / 1000);
  const found = speechRuns(track, { threshold, hop, minSpeech, minSilence, samples });
  const time = (sample) => (sample === 0 ? 0 : Math.min(offset + sample / rate, seconds));
  return found.map(({ start, end, score, label }, at) => {
    const before = at === 0 ? Infinity : start - found[at - 1].end;
    const after = at === found.length - 1 ? Infinity : found[at + 1].start - end;
    /* Close segments share the silence between them. */
    const first = before < 2 * pad ? start - Math.floor(before / 2) : Math.floor(Math.max(0, start - pad));
    const last = after < 2 * pad ? end + Math.floor(after / 2) : Math.floor(end + pad);
    return { start: time(first), end: time(Math.min(last, samples)), label, score };
  });
}

/* Speech before padding: it starts at the threshold, and ends with a silence below the lower threshold. */
function speechRuns(track, { threshold, hop, minSpeech, minSilence, samples }) {
  const endThreshold = Math.max(threshold - END_BELOW_THRESHOLD, MIN_END_THRESHOLD);
  const runs = [];
  let start, silence;
  const finish = (end) => {
    if (end - start > minSpeech) runs.push({ start, end, ...describe(track, start / hop, Math.min(end / hop, track.frames)) });
    start = silence = undefined;
  };
  for (let frame = 0; frame < track.frames; frame++) {
    const [now, speech] = [frame * hop, speechAt(track, frame)];
    if (start === undefined) {
      if (speech >= threshold) start = now;
      continue;
    }
    if (speech >= threshold) silence = undefined;
    if (speech >= endThreshold) continue;
    silence ??= now;
    if (now - silence >= minSilence) finish(silence);
  }
  if (start !== undefined) finish(samples);
  return runs;
}

/* The label of a run with the highest mean, and the mean speech probability. */
function describe(track, first, end) {
  const sums = track.labels.map(() => 0);
  let speech = 0;
  for (let frame = first; frame < end; frame++) {
    for (let label = 1; label < sums.length; label++) sums[label] += track.at(frame, label);
    speech += speechAt(track, frame);
  }
  return { label: track.labels[sums.indexOf(Math.max(...sums.slice(1)), 1)] ?? "speech", score: speech / (end - first) };
}

/* Neighboring windows with the same most probable label, if it is not the background and reaches the threshold. */
function labelSegments(track, threshold, seconds) {
  const segments = [];
  let open;
  for (let frame = 0; frame < track.frames; frame++) {
    let best = 0;
    for (let label = 1; label < track.labels.length; label++) if (track.at(frame, label) > track.at(frame, best)) best = label;
    const [label, score] = [track.labels[best], track.at(frame, best)];
    if (score < threshold || BACKGROUND.test(label)) {
      open = undefined;
      continue;
    }
    const center = track.first + frame * track.hop;
    if (open?.label !== label) {
      open = { start: Math.max(0, center - track.hop / 2), end: 0, label, score };
      segments.push(open);
    }
    open.end = Math.min(seconds, center + track.hop / 2);
    open.score = Math.max(open.score, score);
  }
  return segments;
}

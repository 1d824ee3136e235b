/* The result of a recording: label and probabilities, segments, and their files. */

import { clock, element } from "./dom.js";
import { LABEL_FORMATS, SEGMENT_FORMATS, save, stem } from "./downloads.js";

const MAX_BARS = 5;
const percent = (value) => `${(100 * value).toFixed(1)} %`;

/** Label of a clip for which no label of the model is probable enough, as in `stapes predict`. */
export const UNKNOWN = "unknown";

/** Returns the most probable label with its probability; the label is unknown below the threshold. */
export function bestLabel({ labels, probabilities }, threshold) {
  const best = probabilities.indexOf(Math.max(...probabilities));
  return { label: probabilities[best] >= threshold ? labels[best] : UNKNOWN, probability: probabilities[best] };
}

const tile = (name, value, detail = "") =>
  element("div", { className: "tile" }, element("dt", {}, name), element("dd", { className: "value" }, value), element("dd", { className: "detail" }, detail));

function files(name, formats, facts) {
  const buttons = Object.entries(formats).map(([title, [extension, type, write]]) =>
    element("button", { type: "button", onclick: () => save(`${stem(facts.file)}.${extension}`, write(facts), type) }, title),
  );
  return element("div", { className: "row downloads", role: "group", "aria-label": `Save the ${name}` }, element("span", { className: "muted" }, `Save the ${name} as`), ...buttons);
}

/** Shows the label of a clip and its probabilities. `facts` has file, model, threshold. */
export function showLabels(tiles, place, scores, facts) {
  const { label, probability } = bestLabel(scores, facts.threshold);
  const best = scores.labels[scores.probabilities.indexOf(probability)];
  tiles.replaceChildren(tile("Label", label, label === UNKNOWN ? `most probable: ${best}` : ""), tile("Probability", percent(probability)));
  const order = scores.labels.map((name, at) => [name, scores.probabilities[at]]).sort((a, b) => b[1] - a[1]);
  const rows = order.map(([name, value]) => bar(name, value, facts.threshold));
  const table = (children) => element("table", { className: "bars" }, head("Label", "", "Probability"), element("tbody", {}, ...children));
  const all = rows.length > MAX_BARS + 1 ? [element("details", {}, element("summary", {}, `All ${rows.length} labels`), table(rows.slice(MAX_BARS)))] : [];
  const first = all.length > 0 ? rows.slice(0, MAX_BARS) : rows;
  const wasOpen = place.querySelector("details")?.open;
  place.replaceChildren(table(first), ...all, files("labels", LABEL_FORMATS, { ...facts, ...scores, probabilities: [...scores.probabilities], label, probability }));
  if (wasOpen && all[0]) all[0].open = true;
}

const head = (...names) => {
  const cells = names.map((name) => element(name ? "th" : "td", name ? { scope: "col", className: /Probability|Start|End|Duration|Score/.test(name) ? "number" : "" } : {}, name));
  return element("thead", {}, element("tr", {}, ...cells));
};

function bar(name, value, threshold) {
  const fill = element("i");
  fill.style.width = `${100 * value}%`;
  const row = element("tr", {}, element("th", { scope: "row" }, name), element("td", { className: "bar" }, fill), element("td", { className: "number" }, percent(value)));
  row.classList.toggle("reached", value >= threshold);
  return row;
}

/** Shows the tiles of the segments of a frame-level model. */
export function showSpeech(tiles, segments, seconds) {
  const speech = segments.reduce((sum, { start, end }) => sum + end - start, 0);
  const name = segments.length === 1 ? "Segment" : "Segments";
  tiles.replaceChildren(tile(name, String(segments.length)), tile("Speech", clock(speech), `${percent(speech / seconds)} of the recording`));
}

/** Lists segments with buttons to play them and to save them; `onPlay` is called with a segment. */
export function showSegments(place, segments, facts, { title, emptyText, onPlay }) {
  if (segments.length === 0) {
    place.replaceChildren(element("h3", {}, title), element("p", { className: "muted" }, emptyText));
    return;
  }
  const rows = segments.map((segment, at) => {
    const play = element("button", { type: "button", onclick: () => onPlay(segment), "aria-label": `Play segment ${at + 1}, ${segment.label}` }, "Play");
    const numbers = [segment.start.toFixed(2), segment.end.toFixed(2), (segment.end - segment.start).toFixed(2), segment.score.toFixed(2)];
    const cells = numbers.map((value) => element("td", { className: "number" }, value));
    return element("tr", {}, element("th", { scope: "row" }, segment.label), ...cells, element("td", {}, play));
  });
  const table = element("table", {}, head("Label", "Start (s)", "End (s)", "Duration (s)", "Score", ""), element("tbody", {}, ...rows));
  const scroll = element("div", { className: "scroll tall", tabIndex: 0, role: "region", "aria-label": title }, table);
  place.replaceChildren(element("h3", {}, title), scroll, files("segments", SEGMENT_FORMATS, { ...facts, segments }));
}

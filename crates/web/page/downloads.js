/* Files to save: segments, labels and recordings. */

/** Saves a file. */
export function save(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Returns the name of a recording without its extension. */
export const stem = (name) => name.replace(/\.[^.]{1,5}$/, "");

const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const row = (...values) => `${values.map((value) => quoted(String(value))).join(",")}\r\n`;
const time = (seconds) => seconds.toFixed(3);
const round = (value) => Number(value.toFixed(6));

function stamp(seconds) {
  const ms = Math.round(seconds * 1000);
  const part = (value, width) => String(Math.floor(value)).padStart(width, "0");
  return `${part(ms / 3_600_000, 2)}:${part((ms / 60_000) % 60, 2)}:${part((ms / 1000) % 60, 2)}.${part(ms % 1000, 3)}`;
}

/** Formats of segments: extension, type and writer. */
export const SEGMENT_FORMATS = {
  CSV: ["csv", "text/csv", ({ segments }) => row("start", "end", "label") + segments.map((s) => row(time(s.start), time(s.end), s.label)).join("")],
  Audacity: ["txt", "text/plain", ({ segments }) => segments.map((s) => `${s.start.toFixed(6)}\t${s.end.toFixed(6)}\t${s.label.replace(/\s+/g, " ")}\n`).join("")],
  WebVTT: [
    "vtt",
    "text/vtt",
    ({ segments }) => {
      const escaped = (text) => text.replace(/\s+/g, " ").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
      return `WEBVTT\n\n${segments.map((s) => `${stamp(s.start)} --> ${stamp(s.end)}\n${escaped(s.label)}\n\n`).join("")}`;
    },
  ],
  JSON: [
    "json",
    "application/json",
    ({ file, model, threshold, seconds, segments }) => {
      const rounded = segments.map(({ start, end, label }) => ({ start: round(start), end: round(end), label }));
      return `${JSON.stringify({ file, model, threshold, seconds: round(seconds), segments: rounded }, null, 2)}\n`;
    },
  ],
};

/** Formats of the labels of a clip. */
export const LABEL_FORMATS = {
  CSV: ["csv", "text/csv", ({ labels, probabilities }) => row("label", "probability") + labels.map((label, at) => row(label, probabilities[at])).join("")],
  JSON: [
    "json",
    "application/json",
    ({ file, model, threshold, label, probability, labels, probabilities }) => {
      const all = Object.fromEntries(labels.map((name, at) => [name, probabilities[at]]));
      return `${JSON.stringify({ file, model, threshold, label, probability, probabilities: all }, null, 2)}\n`;
    },
  ],
};

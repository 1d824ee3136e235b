/* The sound that is shown, with its scores and results, and the threshold that acts on them. */

import { at, clock, element, showMessage } from "./dom.js";
import { save, stem } from "./downloads.js";
import { showLabels, showSegments, showSpeech } from "./result.js";
import { shownLabels } from "./scores.js";
import { segmentsOf, speechAt } from "./segments.js";
import { wav } from "./wav.js";
import { Timeline } from "./timeline.js";

const DEFAULT_THRESHOLD = 0.5;
const MAX_EVENTS = 6;

/** Shows one sound at a time. */
export class SoundView {
  constructor() {
    this.audio = at("audio");
    this.timeline = new Timeline(at("timeline"), {
      onSeek: (seconds) => this.seek(seconds),
      onPoint: (seconds) => this.showValues(seconds ?? this.audio.currentTime),
      onToggle: () => (this.audio.paused ? this.play() : this.audio.pause()),
    });
    this.threshold = DEFAULT_THRESHOLD;
    at("threshold").addEventListener("input", () => this.setThreshold(Number(at("threshold").value)));
    this.audio.addEventListener("play", () => this.follow());
    for (const event of ["seeking", "timeupdate", "pause"]) this.audio.addEventListener(event, () => this.move());
    at("save-wav").onclick = () => save(`${stem(this.sound.name)}.wav`, wav(this.sound.samples, this.sound.sampleRate));
    at("zoom-in").onclick = () => this.timeline.zoom(1 / 2);
    at("zoom-out").onclick = () => this.timeline.zoom(2);
    at("timeline").addEventListener("viewchange", () => (at("zoom-out").disabled = this.timeline.isWhole));
  }

  /** Sets the model, whose scores follow. */
  setModel(model) {
    this.model = model;
    this.scores = this.track = undefined;
    const ofFrames = model.kind === "frames";
    at("threshold-hint").textContent = ofFrames ? "Speech starts at this probability." : "Below this probability the label is unknown.";
    const thresholds = Object.values(model.keywords ?? {});
    this.setThreshold(thresholds.length > 0 ? Math.min(...thresholds) : DEFAULT_THRESHOLD);
  }

  /** Shows a sound; its scores follow. `windows` has the scores of windows while it was recorded. */
  show(sound, windows) {
    Object.assign(this, { sound, scores: undefined, track: windows, stopAt: undefined });
    at("sound").hidden = false;
    at("player").hidden = false;
    at("events").hidden = true;
    at("sound-name").textContent = sound.name;
    at("sound-facts").textContent = `${clock(sound.seconds)}, ${sound.sampleRate.toLocaleString("en")} Hz`;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(wav(sound.samples, sound.sampleRate));
    this.audio.src = this.url;
    this.timeline.show(sound);
    at("zoom-out").disabled = true;
    this.showHertz(sound);
    this.showScores();
    this.showValues(0);
  }

  /** Shows a recording that is being made; `refresh` draws what it has. */
  showLive(live) {
    this.audio.pause();
    Object.assign(this, { scores: undefined, track: live.track, sound: live.sound });
    at("sound").hidden = false;
    at("player").hidden = true;
    at("result").hidden = true;
    at("sound-name").textContent = "Microphone";
    at("events").replaceChildren();
    at("events").hidden = false;
    this.timeline.show(this.sound, { isLive: true });
    this.showHertz(live);
  }

  /** Draws the last seconds of a recording that is being made. */
  refresh(live, seconds) {
    this.sound = live.sound;
    at("sound-facts").textContent = clock(live.seconds);
    const to = Math.max(seconds, live.seconds);
    const { timeline } = this;
    Object.assign(timeline, { sound: this.sound, view: { from: to - seconds, to } });
    this.showScores();
    const last = live.track.frames - 1;
    at("readout").textContent = last >= 0 ? this.values(last) : "";
  }

  /** Shows scores: `scores` of a recording, or of its frames. */
  setScores(scores, track) {
    this.scores = scores;
    if (track) this.track = track;
    this.showScores();
    this.showValues(this.audio.currentTime);
  }

  setThreshold(threshold) {
    this.threshold = threshold;
    at("threshold").value = threshold;
    at("threshold-value").textContent = threshold.toFixed(2);
    if (this.sound) this.showScores();
  }

  /** Adds an event of a recording that is being made, the last one first. */
  addEvent(text) {
    at("events").prepend(element("p", {}, text));
    while (at("events").childElementCount > MAX_EVENTS) at("events").lastChild.remove();
  }

  showHertz({ sampleRate }) {
    at("hertz").textContent = `0 to ${(Math.min(8000, sampleRate / 2) / 1000).toLocaleString("en")} kHz`;
  }

  /* Everything that depends on scores and threshold. */
  showScores() {
    const { model, track, threshold, sound, scores, timeline } = this;
    const hasTrack = track?.frames > 0;
    at("scores-plot").hidden = at("legend").hidden = !hasTrack && !timeline.isLive;
    const shown = hasTrack ? shownLabels(model, track) : [];
    const segments = hasTrack ? segmentsOf(model, track, threshold, sound.seconds) : [];
    this.segments = segments;
    this.showLegend(shown, track);
    timeline.set({ track, shown, threshold, segments });
    at("threshold-row").hidden = !scores && !hasTrack && !timeline.isLive;
    at("result-body").hidden = !scores && !(hasTrack && !timeline.isLive);
    if (!at("result-body").hidden) this.showResult(hasTrack);
  }

  showResult(hasTrack) {
    const { model, threshold, sound, scores, segments } = this;
    const facts = { file: sound.name, model: model.name, threshold, seconds: sound.seconds };
    if (model.kind === "frames") {
      showSpeech(at("tiles"), segments, sound.seconds);
      at("labels").replaceChildren();
    } else if (scores) {
      showLabels(at("tiles"), at("labels"), scores, facts);
    }
    const ofFrames = model.kind === "frames";
    const emptyText = ofFrames ? "No speech reaches the threshold; move it to the left." : "No label of a window reaches the threshold; move it to the left.";
    const title = ofFrames ? "Segments" : "Labels while it was recorded";
    if (hasTrack) showSegments(at("segments"), segments, facts, { title, emptyText, onPlay: (segment) => this.playSegment(segment) });
    else at("segments").replaceChildren();
  }

  showLegend(shown, track) {
    const key = shown.join();
    if (this.legend === key && this.legendOf === this.model) return;
    Object.assign(this, { legend: key, legendOf: this.model });
    const entry = (label, number) => element("li", {}, element("span", { className: `line series-${number + 1}` }), track.labels[label]);
    at("legend").replaceChildren(...shown.map(entry));
  }

  /* The scores of a frame as text. */
  values(frame) {
    const { model, track } = this;
    if (model.kind === "frames" && track.labels.length === 2) return `${track.labels[1]} ${speechAt(track, frame).toFixed(2)}`;
    const best = [...track.labels.keys()].sort((a, b) => track.at(frame, b) - track.at(frame, a)).slice(0, 3);
    return best.map((label) => `${track.labels[label]} ${track.at(frame, label).toFixed(2)}`).join(", ");
  }

  showValues(seconds) {
    if (!this.sound) return;
    const frame = this.track?.frameAt(seconds);
    const text = frame === undefined ? clock(seconds) : `${clock(seconds)}: ${this.values(frame)}`;
    at("readout").textContent = text;
    at("timeline").setAttribute("aria-valuetext", text);
  }

  seek(seconds) {
    this.stopAt = undefined;
    this.audio.currentTime = seconds;
    this.showValues(seconds);
  }

  play() {
    this.audio.play().catch((error) => showMessage(at("input-message"), `The browser does not play the recording (${error.message}); save it as WAV.`));
  }

  playSegment({ start, end }) {
    this.audio.currentTime = start;
    this.stopAt = end;
    this.play();
  }

  move() {
    const { currentTime } = this.audio;
    if (this.stopAt !== undefined && currentTime >= this.stopAt) {
      this.stopAt = undefined;
      this.audio.pause();
    }
    this.timeline.moveTo(currentTime, !this.audio.paused);
    this.showValues(currentTime);
  }

  follow() {
    this.move();
    if (!this.audio.paused) requestAnimationFrame(() => this.follow());
  }
}

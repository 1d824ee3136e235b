/* The page: models, recordings, and what happens between them. `engine.js` computes. */

import * as engine from "./engine.js";
import { at, clock, showMessage } from "./dom.js";
import { LiveRecording } from "./live.js";
import { showModels } from "./models.js";
import { missingMicrophone } from "./recorder.js";
import { bestLabel } from "./result.js";
import { decode } from "./sound.js";
import { Track } from "./track.js";
import { SoundView } from "./view.js";

const LIVE_SECONDS = 10;
const LIVE_FRAME_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 500 : 66;

const view = new SoundView();
let model, live;
/* Number of the last task: the results of earlier ones are dropped. */
let turn = 0;

const say = (text) => (at("status").textContent = text);

async function start() {
  showMessage(at("models-message"));
  try {
    const models = await engine.models();
    at("access").hidden = true;
    showModels(models, changeModel);
    at("record").disabled = Boolean(missingMicrophone());
    at("choose").disabled = false;
    if (missingMicrophone()) showMessage(at("input-message"), missingMicrophone());
  } catch (error) {
    const needsToken = error.code === "unauthorized" && engine.authorize;
    at("access").hidden = !needsToken;
    if (!needsToken) showMessage(at("models-message"), error.message, { name: "Try again", run: start });
    else if (at("token").value) showMessage(at("models-message"), "The server does not accept the token; correct it.");
  }
}

function changeModel(chosen) {
  model = chosen;
  view.setModel(model);
  if (view.sound) classify();
}

/* Computes the scores of the sound that is shown. */
async function classify() {
  const current = ++turn;
  const { sound } = view;
  at("result").hidden = false;
  at("busy").hidden = false;
  showMessage(at("result-message"));
  say("The model computes.");
  try {
    const scores = await engine.classify(model, sound.samples, sound.sampleRate);
    if (current !== turn) return;
    view.setScores(scores, model.kind === "frames" ? new Track(scores.labels, scores) : undefined);
    say(summary(scores));
  } catch (error) {
    if (current !== turn) return;
    say("");
    showMessage(at("result-message"), error.message, { name: "Try again", run: classify });
  }
  at("busy").hidden = true;
}

function summary(scores) {
  if (model.kind === "frames") return `${view.segments.length} segments.`;
  const { label, probability } = bestLabel(scores, view.threshold);
  return `Label ${label}, probability ${probability.toFixed(2)}.`;
}

async function openFile(file) {
  if (!file || live || !model) return;
  const current = ++turn;
  showMessage(at("input-message"));
  say("The file is read.");
  try {
    const sound = await decode(file);
    if (current !== turn) return;
    view.show(sound);
    await classify();
  } catch (error) {
    if (current !== turn) return;
    say("");
    showMessage(at("input-message"), error.message);
  }
}

/* Recording */

const showRecording = (isOn) => {
  document.body.classList.toggle("recording", isOn);
  at("record-name").textContent = isOn ? "Stop" : "Record";
  at("models").disabled = at("choose").disabled = isOn;
};

async function startLive() {
  turn++;
  showMessage(at("input-message"));
  let isDrawn = true;
  const draw = () => {
    isDrawn = true;
    if (live) view.refresh(live, LIVE_SECONDS);
  };
  const recording = new LiveRecording(engine, model, { threshold: model.kind === "frames" ? view.threshold : undefined }, {
    update: () => {
      if (!isDrawn || live !== recording) return;
      isDrawn = false;
      setTimeout(() => requestAnimationFrame(draw), LIVE_FRAME_MS);
    },
    note: (text) => view.addEvent(text),
    scoresLost: (error) => showMessage(at("input-message"), `${error.message} The recording continues.`),
    full: (text) => {
      if (live !== recording) return;
      stopLive();
      showMessage(at("input-message"), text);
    },
  });
  try {
    await recording.start();
    live = recording;
    showRecording(true);
    view.showLive(live);
    say("Recording.");
    if (model.streams === false) showMessage(at("input-message"), "This model has no live scores, because it needs later sound; they follow after the recording.");
  } catch (error) {
    showMessage(at("input-message"), error.message);
  }
}

async function stopLive() {
  const recording = live;
  live = undefined;
  const sound = await recording.stop();
  showRecording(false);
  say(`Recorded ${clock(sound.seconds)}.`);
  if (sound.samples.length === 0) return showMessage(at("input-message"), "The microphone sent no sound; check that it is on, then try again.");
  view.show(sound, model.kind === "clips" && recording.track.frames > 0 ? recording.track : undefined);
  await classify();
}

/* The button keeps its focus while the microphone starts and stops, so it is not disabled. */
let isChanging = false;
at("record").onclick = async () => {
  if (isChanging) return;
  isChanging = true;
  await (live ? stopLive() : startLive());
  isChanging = false;
};
at("choose").onclick = () => at("file").click();
at("file").onchange = () => {
  openFile(at("file").files[0]);
  /* The same file can be chosen again. */
  at("file").value = "";
};
at("access").onsubmit = (event) => {
  event.preventDefault();
  engine.authorize(at("token").value.trim());
  start();
};

const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dragging"));
addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  document.body.classList.remove("dragging");
  openFile(event.dataTransfer.files[0]);
});
/* A recording that is being made is not lost by a slip. */
addEventListener("beforeunload", (event) => live && event.preventDefault());

at("privacy").textContent = engine.privacy ?? "";
start();

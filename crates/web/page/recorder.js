/* The microphone. */

/* The models know unprocessed sound, and gain control would change it while it is recorded. */
const CONSTRAINTS = { audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false } };

const FAULTS = {
  NotAllowedError: "The browser does not allow the microphone; allow it in the settings of this page, or choose a file.",
  NotFoundError: "There is no microphone; connect one, or choose a file.",
  NotReadableError: "The microphone is used by another program or does not work; close the other program, or choose a file.",
};

/** Returns the reason why there is no microphone in this browser, or undefined. */
export function missingMicrophone() {
  if (!window.isSecureContext) return "The browser allows a microphone only on https or localhost; open the page there, or choose a file.";
  if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) {
    return "This browser cannot record; use a current one, or choose a file.";
  }
  return undefined;
}

/**
 * Starts the microphone. `onSamples` receives mono samples; `onLost` is called if the device is disconnected. Returns the sample rate and
 * `stop`, which resolves after the last samples. Rejects with a fact and advice.
 */
export async function startRecording({ onSamples, onLost }) {
  const missing = missingMicrophone();
  if (missing) throw new Error(missing);
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
  } catch (error) {
    throw new Error(FAULTS[error.name] ?? `The microphone cannot be used (${error.message}); choose a file.`);
  }
  const context = new AudioContext();
  const end = async () => {
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
  };
  try {
    await context.resume();
    await context.audioWorklet.addModule(new URL("capture-worklet.js", import.meta.url));
  } catch (error) {
    await end();
    throw new Error(`The browser cannot record (${error.message}); reload the page, or choose a file.`);
  }
  const capture = new AudioWorkletNode(context, "capture", { channelCount: 1, channelCountMode: "explicit" });
  let finished;
  const last = new Promise((resolve) => (finished = resolve));
  capture.port.onmessage = ({ data }) => (data === null ? finished() : data.length > 0 && onSamples(data));
  stream.getAudioTracks()[0].addEventListener("ended", onLost);
  /* A node is computed only if it leads to an output; this one is silent. */
  context.createMediaStreamSource(stream).connect(capture).connect(context.destination);
  const stop = async () => {
    capture.port.postMessage("stop");
    await Promise.race([last, new Promise((resolve) => setTimeout(resolve, 500))]);
    await end();
  };
  return { sampleRate: context.sampleRate, stop };
}

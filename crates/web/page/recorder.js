/* The microphone. */

/* The models know unprocessed sound, and gain control would change it while it is recorded. */
const CONSTRAINTS = { audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false } };

const FAULTS = {
  NotAllowedError: "The browser does not allow the microphone; allow it in the settings of this page, or choose a file.",
  NotFoundError: "No microphone was found; connect one, or choose a file.",
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

/* Creates the node that sends the samples. */
async function captureNode(context, onMessage) {
  await context.audioWorklet.addModule(new URL("capture-worklet.js", import.meta.url));
  const node = new AudioWorkletNode(context, "capture", { channelCount: 1, channelCountMode: "explicit" });
  node.port.onmessage = ({ data }) => onMessage(data);
  return node;
}

/**
 * Starts the microphone. `onSamples` receives mono samples; `onLost` is called if the device is disconnected. `createNode` makes another
 * node than the one that only sends samples, whose other messages `onEvent` receives. Returns the sample rate and `stop`, which resolves
 * after the last samples. Rejects with a fact and advice.
 */
export async function startRecording({ onSamples, onLost, onEvent, createNode = captureNode }) {
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
  let finished, capture;
  const last = new Promise((resolve) => (finished = resolve));
  const onMessage = (data) => {
    if (data === null) finished();
    else if (data instanceof Float32Array) data.length > 0 && onSamples(data);
    else onEvent?.(data);
  };
  try {
    await context.resume();
    capture = await createNode(context, onMessage);
  } catch (error) {
    await end();
    throw new Error(`The browser cannot record (${error.message}); reload the page, or choose a file.`);
  }
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

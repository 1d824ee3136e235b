"""Models as ONNX files in ONNX Runtime, with their front ends, against the models: probabilities and time per clip.

    python crates/python/benches/onnx.py FOLDER MODEL...

FOLDER has recordings at the sample rate of the models, each a WAV file; MODEL is a run folder, a model file or a built-in model. One
thread; times are medians over the clips.
"""

import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime

import stapes


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.to_onnx(features=True), options, providers=["CPUExecutionProvider"])


def timed(function, *arguments):
    start = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - start


def compare(name, files):
    model = stapes.Model.load(name)
    run = session(model)
    largest, others, times = 0.0, 0, {"stapes": [], "ONNX Runtime": []}
    for file in files:
        samples, rate = stapes.load(file, sr=None)
        if rate != model.sample_rate:
            sys.exit(f"{file}: {rate} Hz, but {name} reads {model.sample_rate} Hz")
        expected, seconds = timed(model.probabilities, samples, rate)
        times["stapes"].append(seconds)
        inputs = {"samples": samples[None], "lengths": np.array([len(samples)])}
        outputs, seconds = timed(run.run, ["probabilities"], inputs)
        times["ONNX Runtime"].append(seconds)
        got = outputs[0][0]
        largest = max(largest, float(np.abs(expected - got).max()))
        others += int((expected.argmax(axis=-1) != got.argmax(axis=-1)).sum())
    ours, theirs = (1e3 * statistics.median(seconds) for seconds in times.values())
    print(f"{name}: {len(files)} clips, largest difference {largest:.1e}, other classes {others}")
    print(f"  stapes {ours:.3f} ms per clip, ONNX Runtime {theirs:.3f} ms: {theirs / ours:.1f}x")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    files = sorted(Path(sys.argv[1]).rglob("*.wav"))
    if not files:
        sys.exit(f"{sys.argv[1]}: has no WAV files")
    warnings.simplefilter("ignore")
    for name in sys.argv[2:]:
        compare(name, files)


if __name__ == "__main__":
    main()

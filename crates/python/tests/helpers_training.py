"""Small data sets, and programs that are interrupted."""

import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np


def ragged_task(examples=60, width=3, seed=0):
    """Returns sequences [T, width] of 5 to 9 frames and two classes, whose means differ."""
    rng = np.random.default_rng(seed)
    y = np.arange(examples) % 2
    X = [rng.normal(2 * label - 1, 0.5, (5 + n % 5, width)) for n, label in enumerate(y)]
    return X, y


def tones(examples=24, rate=8000, seed=0):
    """Returns clips of about a third of a second: low tones, class 0, and high tones, class 1."""
    rng = np.random.default_rng(seed)
    y = np.arange(examples) % 2
    clips = []
    for n, label in enumerate(y):
        time_s = np.arange(int(rate * (0.3 + 0.02 * (n % 4)))) / rate
        frequency = (300 if label == 0 else 1500) * rng.uniform(0.9, 1.1)
        clip = 0.3 * np.sin(2 * np.pi * frequency * time_s) + rng.normal(0, 0.01, len(time_s))
        clips.append(clip.astype(np.float32))
    return clips, y


def write_wav(path, samples, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", "NONE"))
        file.writeframes((np.asarray(samples) * 32767).astype("<i2").tobytes())


def write_tones(folder, examples=24, rate=8000):
    """Writes the clips of `tones` as low/SPEAKER_N.wav and high/SPEAKER_N.wav, by six speakers."""
    for n, (clip, label) in enumerate(zip(*tones(examples, rate))):
        path = Path(folder) / ("high" if label else "low") / f"speaker{n // 2 % 6}_{n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, clip, rate)
    return Path(folder)


def recipe(epochs=1):
    """Returns a recipe for the data of `write_tones`, as a dict."""
    return {
        "title": "Tones",
        "data": {"folders": {"speaker": "before _", "split": "by-speaker"}},
        "features": {"preset": "log-mel", "sample_rate_hz": 8000},
        "model": {"recurrent": {"cell": "gru", "hidden_size": 8}},
        "train": {"batch_size": 8, "epochs": epochs, "learning_rate": 0.01},
    }


RECIPE_TOML = """
title = "Tones"
[data.folders]
speaker = "before _"
split = "by-speaker"
[features]
preset = "log-mel"
sample_rate_hz = 8000
[model.recurrent]
cell = "gru"
hidden_size = 8
[train]
batch_size = 8
epochs = 1
learning_rate = 0.01
"""


def run_python(program, *arguments, cwd=None):
    """Runs a program in another interpreter and returns its exit code and texts."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def command_line(*arguments, cwd=None):
    """Runs `python -m stapes` and returns its exit code and texts."""
    done = subprocess.run(
        [sys.executable, "-m", "stapes", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def interrupt(program, *arguments, cwd=None):
    """Runs a program, sends it SIGINT after its first line, and returns its exit code, the rest of its lines and stderr.

    The program prints a line when its training has begun.
    """
    # A process in the background of a shell inherits that it ignores SIGINT.
    listen = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", listen + program, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    first = process.stdout.readline()
    time.sleep(0.3)
    if first:
        process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err

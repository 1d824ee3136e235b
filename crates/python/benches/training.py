"""Times training from arrays, from the command line and in PyTorch, on the same frames in one run.

    python crates/python/benches/training.py [EPOCHS] [THREADS]

S is four LSTM layers of 64 units and the last state, G four bidirectional GRU layers of 64 units and all states; 600 clips of
32 frames with 20 coefficients, batches of 20. Every figure is a median over rounds that alternate between the sides. Needs torch.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else 1
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(THREADS)

import numpy as np
import torch

import stapes

FEATURES = {"sample_rate_hz": 16000, "fixed_length_samples": 16000, "front_end": {"librosa-mfcc": {"n_mfcc": 20}}}
MODELS = {
    "S": {"cell": "lstm", "hidden_size": 64, "num_layers": 4, "head": "last"},
    "G": {"cell": "gru", "hidden_size": 64, "num_layers": 4, "head": "concatenate", "bidirectional": True},
}
ROUNDS = 5
BATCH = 20


def write_clips(folder, clips, labels):
    """Writes the clips as 16-bit WAV files in class folders."""
    for number, (clip, label) in enumerate(zip(clips, labels)):
        path = folder / f"class{label}" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes((clip * 32767).astype("<i2").tobytes())


class Peer(torch.nn.Module):
    """The same network in PyTorch."""

    def __init__(self, name):
        super().__init__()
        self.name = name
        if name == "S":
            self.rnn = torch.nn.LSTM(20, 64, 4, batch_first=True)
            self.fc = torch.nn.Linear(64, 3)
        else:
            self.rnn = torch.nn.GRU(20, 64, 4, batch_first=True, bidirectional=True)
            self.fc = torch.nn.Linear(32 * 128, 3)

    def forward(self, frames):
        states, _ = self.rnn(frames)
        return self.fc(states[:, -1] if self.name == "S" else states.flatten(1))


def torch_rate(name, frames, labels, epochs):
    """Examples per second of a plain loop with Adam."""
    torch.set_num_threads(THREADS)
    model, loss_of = Peer(name), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    started = time.perf_counter()
    for _ in range(epochs):
        order = torch.randperm(len(frames))
        for batch in order.split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            loss_of(model(frames[batch]), labels[batch]).backward()
            optimizer.step()
    return epochs * len(frames) / (time.perf_counter() - started)


def array_rate(name, clips, labels, epochs):
    """Examples per second of the training from arrays, without the features, as run.json has it."""
    classifier = stapes.Classifier(
        model={"recurrent": MODELS[name]},
        sample_rate=16000,
        features=FEATURES,
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=1e-3,
        max_grad_norm=None,
        validation_fraction=0,
    ).fit(clips, labels)
    return epochs * len(clips) / classifier.history_[-1]["seconds"]


def command_line_rate(name, folder, epochs):
    """Examples per second of the same training by the command line."""
    split = {"split": "random", "validation_fraction": 0.0, "test_fraction": 0.01}
    content = {
        "data": {"folders": split},
        "features": {**FEATURES, "normalization": "per-coefficient"},
        "model": {"recurrent": MODELS[name]},
        "train": {"batch_size": BATCH, "epochs": epochs, "learning_rate": 1e-3},
    }
    return stapes_train(content, folder, folder / name)["examples_per_second"]


def stapes_train(content, folder, out):
    """Runs the command line on a recipe, and returns the record of the run."""
    lines = []
    for section, keys in content.items():
        lines.append(f"{section} = {inline(keys)}")
    path = out.with_suffix(".toml")
    path.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "stapes", "train", path, "--data", folder / "clips", "--out", out, "--force", "-q"]
    subprocess.run([*map(str, command), "--threads", str(THREADS)], check=True, stdout=subprocess.DEVNULL)
    return json.loads((out / "run.json").read_text())


def inline(value):
    """A value as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = {inline(inner)}' for key, inner in value.items()) + " }"
    return json.dumps(value)


def main():
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    stapes.set_num_threads(THREADS)
    rng = np.random.default_rng(1)
    clips = [rng.normal(0, 0.1, 16000).clip(-1, 1).astype(np.float32) for _ in range(600)]
    labels = np.arange(600) % 3
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_clips(folder / "clips", clips, labels)
        for name in MODELS:
            toolkit = stapes.features.librosa.mfcc(y=clips, sr=16000, n_mfcc=20)
            frames = torch.from_numpy(np.stack([one.T for one in toolkit]))
            rates = []
            for _ in range(ROUNDS):
                rates.append(
                    (
                        array_rate(name, clips, labels, epochs),
                        command_line_rate(name, folder, epochs),
                        torch_rate(name, frames, torch.from_numpy(labels), max(1, epochs // 5)),
                    )
                )
            arrays, line, peer = (statistics.median(side) for side in zip(*rates))
            to_line = statistics.median(one[0] / one[1] for one in rates)
            to_torch = statistics.median(one[0] / one[2] for one in rates)
            print(
                f"{name}: {arrays:.0f} examples per second from arrays, {line:.0f} from the command line ({to_line:.2f}x), "
                f"{peer:.0f} in PyTorch ({to_torch:.2f}x)",
                flush=True,
            )


main()

#!/usr/bin/env python3
"""Training steps, inference and streaming of recurrent models: stapes compared with PyTorch and ONNX Runtime in one run.

  pip install torch numpy onnx onnxruntime
  python benches/peers/recurrent.py --threads 1 --rounds 5 --seconds 2

The libraries alternate, so that other load on the machine affects all equally. Printed are the medians over the rounds
of each library's median time in ms, and the ratio of the peer's time to stapes' time (above 1: stapes is faster).

  S  4-layer LSTM 20 -> 64, 32 frames, batch 20, last state; S-tanh, S-relu, S-gru: the same with these cells
  G  4-layer bidirectional GRU 20 -> 64, 32 frames, batch 20, all states concatenated
  M  2-layer bidirectional LSTM 40 -> 128, 98 frames, batch 64, mean over frames
  V  LSTM 20 -> 256, 300 frames, batch 51, one decision per frame
"""
import argparse
import io
import os
import statistics
import sys

import step_bench
from step_bench import timed


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--configs", default="S,G,M,V")
    parser.add_argument("--modes", default="train,infer,stream")
    parser.add_argument("--avx2", action="store_true", help="limit all libraries to AVX2, as on a processor without AVX-512")
    parser.add_argument("--by-hand", action="store_true", help="also time cells written in Python with two Linear layers each")
    return parser.parse_args()


ARGUMENTS = arguments()
# Set before the libraries start their thread pools.
os.environ["OMP_NUM_THREADS"] = str(ARGUMENTS.threads)
if ARGUMENTS.avx2:
    os.environ.update(
        STAPES_INSTRUCTIONS="avx2",
        ATEN_CPU_CAPABILITY="avx2",
        MKL_ENABLE_INSTRUCTIONS="AVX2",
        ONEDNN_MAX_CPU_ISA="AVX2",
    )

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn as nn  # noqa: E402

torch.set_num_threads(ARGUMENTS.threads)


class ByHand(nn.Module):
    """Stacked cells of two Linear layers each, in a Python loop over layers and frames."""

    def __init__(self, kind, inputs, hidden_size, num_layers, bidirectional):
        super().__init__()
        self.kind, self.hidden_size = kind, hidden_size
        gates = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}[kind]
        self.directions = 2 if bidirectional else 1

        def cell(width):
            return nn.ModuleList([nn.Linear(width, gates * hidden_size), nn.Linear(hidden_size, gates * hidden_size)])

        widths = [inputs] + [hidden_size * self.directions] * (num_layers - 1)
        self.cells = nn.ModuleList(
            nn.ModuleList(cell(width) for _ in range(self.directions)) for width in widths
        )

    def step(self, cell, x, state):
        input_linear, state_linear = cell
        a, u = input_linear(x), state_linear(state[0])
        if self.kind == "lstm":
            i, f, g, o = (a + u).chunk(4, 1)
            c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
            return torch.sigmoid(o) * torch.tanh(c), c
        if self.kind != "gru":
            return ((torch.tanh if self.kind == "rnn_tanh" else torch.relu)(a + u),)
        (ar, az, an), (ur, uz, un) = a.chunk(3, 1), u.chunk(3, 1)
        z = torch.sigmoid(az + uz)
        n = torch.tanh(an + torch.sigmoid(ar + ur) * un)
        return ((1 - z) * n + z * state[0],)

    def forward(self, x):
        frames = list(x.unbind(1))
        for layer in self.cells:
            outputs = []
            for direction, cell in enumerate(layer):
                zero = x.new_zeros(x.shape[0], self.hidden_size)
                state, out = (zero, zero), []
                for frame in frames if direction == 0 else reversed(frames):
                    state = self.step(cell, frame, state)
                    out.append(state[0])
                outputs.append(out if direction == 0 else out[::-1])
            frames = [torch.cat(parts, 1) if len(parts) > 1 else parts[0] for parts in zip(*outputs)]
        return torch.stack(frames, 1), None


S = dict(inputs=20, hidden_size=64, num_layers=4, bidirectional=False, frames=32, batch=20, outputs=3, head="last")
CONFIGS = {
    "S": dict(kind="lstm", **S),
    "S-tanh": dict(kind="rnn_tanh", **S),
    "S-relu": dict(kind="rnn_relu", **S),
    "S-gru": dict(kind="gru", **S),
    "G": dict(kind="gru", inputs=20, hidden_size=64, num_layers=4, bidirectional=True, frames=32, batch=20, outputs=3, head="concatenate"),
    "M": dict(kind="lstm", inputs=40, hidden_size=128, num_layers=2, bidirectional=True, frames=98, batch=64, outputs=12, head="mean"),
    "V": dict(kind="lstm", inputs=20, hidden_size=256, num_layers=1, bidirectional=False, frames=300, batch=51, outputs=1, head="per_frame"),
}


class Model(nn.Module):
    def __init__(
        self, kind, inputs, hidden_size, num_layers, bidirectional, frames, batch, outputs, head, by_hand=False
    ):
        super().__init__()
        self.head = head
        if by_hand:
            self.rnn = ByHand(kind, inputs, hidden_size, num_layers, bidirectional)
        else:
            layer = {"lstm": nn.LSTM, "gru": nn.GRU}.get(kind, nn.RNN)
            options = {"nonlinearity": kind.removeprefix("rnn_")} if layer is nn.RNN else {}
            self.rnn = layer(
                inputs, hidden_size, num_layers, batch_first=True, bidirectional=bidirectional, **options
            )
        width = hidden_size * (2 if bidirectional else 1) * (frames if head == "concatenate" else 1)
        self.fc = nn.Linear(width, outputs)

    def forward(self, x):
        states = self.rnn(x)[0]
        if self.head == "last":
            states = states[:, -1]
        elif self.head == "mean":
            states = states.mean(1)
        elif self.head == "concatenate":
            states = states.flatten(1)
        scores = self.fc(states)
        return scores.squeeze(-1) if self.head == "per_frame" else scores


def torch_train(config, by_hand):
    torch.manual_seed(0)
    model = Model(**config, by_hand=by_hand)
    x = torch.randn(config["batch"], config["frames"], config["inputs"])
    if config["head"] == "per_frame":
        y = torch.randint(0, 2, (config["batch"], config["frames"])).float()
        loss_function = nn.functional.binary_cross_entropy_with_logits
    else:
        y = torch.randint(0, config["outputs"], (config["batch"],))
        loss_function = nn.functional.cross_entropy
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


class Step(nn.Module):
    """One frame of V with the state of the LSTM."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, h, c):
        y, (h, c) = self.model.rnn(x, (h, c))
        return torch.sigmoid(self.model.fc(y)), h, c


def torch_infer(config, mode):
    torch.manual_seed(0)
    model = Model(**config).eval()
    if mode == "infer":
        return model, (torch.randn(1, config["frames"], config["inputs"]),)
    zero = torch.zeros(1, 1, config["hidden_size"])
    return Step(model).eval(), (torch.randn(1, 1, config["inputs"]), zero, zero)


def onnx_infer(model, inputs):
    import onnxruntime

    file = io.BytesIO()
    names = ["x", "h", "c"][: len(inputs)]
    torch.onnx.export(model, inputs, file, dynamo=False, opset_version=17, input_names=names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = ARGUMENTS.threads, 1
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    feed = {name: np.asarray(value) for name, value in zip(names, inputs)}
    return lambda: session.run(None, feed)


def run_stapes(name, mode):
    return step_bench.run(name, mode, ARGUMENTS.threads, ARGUMENTS.seconds)["median"]


def libraries(name, mode):
    config = CONFIGS[name]
    found = {"stapes": lambda: run_stapes(name, mode)}
    if mode == "train":
        step = torch_train(config, False)
        found["PyTorch"] = lambda: timed(step, ARGUMENTS.seconds)
        if ARGUMENTS.by_hand:
            by_hand = torch_train(config, True)
            found["PyTorch, cells by hand"] = lambda: timed(by_hand, ARGUMENTS.seconds)
        return found
    model, inputs = torch_infer(config, mode)

    def once():
        with torch.inference_mode():
            model(*inputs)

    session = onnx_infer(model, inputs)
    found["PyTorch"] = lambda: timed(once, ARGUMENTS.seconds)
    found["ONNX Runtime"] = lambda: timed(session, ARGUMENTS.seconds)
    return found


def main():
    step_bench.binary()
    print(f"torch {torch.__version__}, {ARGUMENTS.threads} threads, {ARGUMENTS.rounds} rounds of {ARGUMENTS.seconds} s")
    for mode in ARGUMENTS.modes.split(","):
        for name in ARGUMENTS.configs.split(","):
            if mode == "stream" and name != "V" or mode == "infer" and name == "V":
                continue
            measures = libraries(name, mode)
            times = {library: [] for library in measures}
            for _ in range(ARGUMENTS.rounds):
                for library, measure in measures.items():
                    times[library].append(measure())
            own = statistics.median(times["stapes"])
            for library, values in times.items():
                median = statistics.median(values)
                ratio = "" if library == "stapes" else f"{median / own:8.2f} x"
                print(f"{name} {mode:6} {library:24} {median:10.4f} ms {ratio}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

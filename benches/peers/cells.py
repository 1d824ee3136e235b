"""The published models of row 1 of RESULTS.md, trained with PyTorch on librosa's MFCC.

    python benches/peers/cells.py SPEECH_COMMANDS [SEEDS]

Settings of recipes/results/cells.toml: three words, 20 x 32 features without normalization, batches of 20, 452 steps of Adam,
validation every 20 steps, test of the checkpoint with the best validation accuracy. Prints median (min to max) over the seeds.
"""

import copy
import pathlib
import statistics
import sys

import librosa
import numpy as np
import torch

WORDS = ["bed", "cat", "happy"]
# Name, module, bidirectional, hidden size, number of layers, learning rate.
CELLS = [
    ("tanh, 3 x 32", "RNN tanh", False, 32, 3, 3e-3),
    ("relu, 3 x 32", "RNN relu", False, 32, 3, 3e-3),
    ("GRU, 3 x 32", "GRU", False, 32, 3, 3e-3),
    ("LSTM, 3 x 32", "LSTM", False, 32, 3, 3e-3),
    ("Bi-tanh, 3 x 32", "RNN tanh", True, 32, 3, 3e-3),
    ("Bi-relu, 3 x 32", "RNN relu", True, 32, 3, 3e-3),
    ("BiGRU, 3 x 32", "GRU", True, 32, 3, 3e-3),
    ("BiLSTM, 3 x 32", "LSTM", True, 32, 3, 3e-3),
    ("LSTM, 4 x 64", "LSTM", False, 64, 4, 1e-3),
    ("BiGRU, 4 x 64", "GRU", True, 64, 4, 1e-3),
]


def features(path):
    samples, rate = librosa.load(path, sr=None, mono=True)
    samples = np.pad(samples[:16000] * 32768, (0, max(0, 16000 - len(samples))))
    return librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=20).T.astype(np.float32)


def subsets(folder):
    lists = {name: set((folder / f"{name}_list.txt").read_text().split()) for name in ["validation", "testing"]}
    found = {"train": [], "validation": [], "testing": []}
    for label, word in enumerate(WORDS):
        for path in sorted((folder / word).glob("*.wav")):
            name = f"{word}/{path.name}"
            subset = next((subset for subset, names in lists.items() if name in names), "train")
            found[subset].append((features(path), label))
    stack = lambda rows: (torch.from_numpy(np.stack([x for x, _ in rows])), torch.tensor([y for _, y in rows]))
    return {subset: stack(rows) for subset, rows in found.items()}


class Net(torch.nn.Module):
    def __init__(self, cell, bidirectional, hidden_size, num_layers):
        super().__init__()
        options = dict(batch_first=True, bidirectional=bidirectional)
        if cell.startswith("RNN"):
            options["nonlinearity"] = cell.split()[1]
        self.recurrent = getattr(torch.nn, cell.split()[0])(20, hidden_size, num_layers, **options)
        self.directions = 2 if bidirectional else 1
        self.linear = torch.nn.Linear(hidden_size * self.directions, len(WORDS))

    def forward(self, x):
        state = self.recurrent(x)[1]
        state = state[0] if isinstance(state, tuple) else state
        return self.linear(torch.cat(list(state[-self.directions :]), dim=1))


def accuracy(net, subset):
    with torch.no_grad():
        return (net(subset[0]).argmax(1) == subset[1]).float().mean().item()


def train(data, cell, bidirectional, hidden_size, num_layers, rate, seed):
    torch.manual_seed(seed)
    net = Net(cell, bidirectional, hidden_size, num_layers)
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    x, y = data["train"]
    best, best_weights, step = -1.0, None, 0
    while step < 452:
        for batch in torch.randperm(len(y)).split(20):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
            step += 1
            if step % 20 == 0 or step == 452:
                validation = accuracy(net, data["validation"])
                if validation > best:
                    best, best_weights = validation, copy.deepcopy(net.state_dict())
            if step == 452:
                break
    net.load_state_dict(best_weights)
    return best, accuracy(net, data["testing"])


def main():
    torch.set_num_threads(1)
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    data = subsets(pathlib.Path(sys.argv[1]))
    print({subset: len(labels) for subset, (_, labels) in data.items()})
    for name, *cell in CELLS:
        runs = [train(data, *cell, seed) for seed in range(1, seeds + 1)]
        spread = lambda values: (
            f"{100 * statistics.median(values):.1f} ({100 * min(values):.1f} to {100 * max(values):.1f})"
        )
        validation, test = zip(*runs)
        print(f"{name:<16} validation {spread(validation)}   test {spread(test)}", flush=True)


main()

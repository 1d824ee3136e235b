#!/usr/bin/env python3
"""A training step of keyword models: stapes compared with PyTorch in one run.

  pip install torch numpy
  python benches/peers/keyword_models.py --threads 1,2 --batches 32,100 --rounds 5 --seconds 1

The libraries alternate, so that other load on the machine affects both equally. Printed are examples per second of both
(medians over the rounds of each round's median step), their ratio (above 1: stapes is faster), and the
multiply-accumulates of stapes' step as a fraction of the peak of the cores, which each round measures.

  DS  DS-CNN, small: 10 MFCC, 50 frames
  TC  TC-ResNet8: 40 MFCC, 101 frames
  BC  BC-ResNet-1: 40 log-mel values, 101 frames

Clips have one second, models three classes; the optimizer is AdamW.
"""
import argparse
import statistics
import sys

import step_bench
import torch
import torch.nn as nn
import torch.nn.functional as F


def convolution(inputs, outputs, kernel, stride=(1, 1), dilation=(1, 1), groups=1, bias=False):
    """A convolution with the padding of stride 1, and an extra zero at the end of an even window."""
    reach = [(size - 1) * step for size, step in zip(kernel, dilation)]
    layer = nn.Conv2d(inputs, outputs, kernel, stride, [size // 2 for size in reach], dilation, groups, bias)
    if any(size % 2 for size in reach):
        return nn.Sequential(nn.ZeroPad2d((0, reach[1] % 2, 0, reach[0] % 2)), layer)
    return layer


def block(*arguments, **options):
    layer = convolution(*arguments, **options)
    return [layer, nn.BatchNorm2d(arguments[1]), nn.ReLU()]


class DsCnn(nn.Module):
    frames, features = 50, 10

    def __init__(self, classes):
        super().__init__()
        layers = block(1, 64, (4, 10), (2, 2), bias=True)
        for _ in range(4):
            layers += block(64, 64, (3, 3), groups=64, bias=True) + block(64, 64, (1, 1), bias=True)
        self.layers = nn.Sequential(*layers)
        self.scores = nn.Linear(64, classes)

    def forward(self, x):
        return self.scores(self.layers(x.unsqueeze(1)).mean((2, 3)))


class TimeBlock(nn.Module):
    """Two convolutions over 9 frames, the first with stride 2, beside a convolution of single frames."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = nn.Conv1d(inputs, outputs, 9, 2, 4, bias=False)
        self.first_norm = nn.BatchNorm1d(outputs)
        self.second = nn.Conv1d(outputs, outputs, 9, 1, 4, bias=False)
        self.second_norm = nn.BatchNorm1d(outputs)
        self.down = nn.Conv1d(inputs, outputs, 1, 2, bias=False)
        self.down_norm = nn.BatchNorm1d(outputs)

    def forward(self, x):
        y = F.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return F.relu(y + F.relu(self.down_norm(self.down(x))))


class TcResnet(nn.Module):
    frames, features = 101, 40

    def __init__(self, classes):
        super().__init__()
        self.first = nn.Conv1d(40, 16, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm1d(16)
        self.blocks = nn.Sequential(TimeBlock(16, 24), TimeBlock(24, 32), TimeBlock(32, 48))
        self.scores = nn.Linear(48, classes, bias=False)

    def forward(self, x):
        y = self.blocks(F.relu(self.norm(self.first(x))))
        return self.scores(F.dropout(y.mean(2), 0.5))


class Broadcast(nn.Module):
    """A broadcasted residual block."""

    def __init__(self, inputs, channels, stride, dilation):
        super().__init__()
        self.changes = inputs != channels
        self.change = nn.Sequential(*block(inputs, channels, (1, 1))) if self.changes else nn.Identity()
        self.features = convolution(channels, channels, (3, 1), (stride, 1), groups=channels)
        self.band_norm = nn.BatchNorm2d(5 * channels)
        self.time = convolution(channels, channels, (1, 3), dilation=(1, dilation), groups=channels)
        self.time_norm = nn.BatchNorm2d(channels)
        self.mix = convolution(channels, channels, (1, 1))

    def forward(self, x):
        y = self.features(self.change(x))
        batch, channels, height, width = y.shape
        bands = y.reshape(batch, 5 * channels, height // 5, width)
        y = self.band_norm(bands).reshape(batch, channels, height, width)
        z = F.silu(self.time_norm(self.time(y.mean(2, keepdim=True))))
        z = F.dropout2d(self.mix(z), 0.1)
        return F.relu(y + z if self.changes else y + z + x)


class BcResnet(nn.Module):
    frames, features = 101, 40

    def __init__(self, classes):
        super().__init__()
        layers, inputs = block(1, 16, (5, 5), (2, 1)), 16
        for stage, (channels, blocks) in enumerate(((8, 2), (12, 2), (16, 4), (20, 4))):
            for at in range(blocks):
                stride = 2 if at == 0 and stage in (1, 2) else 1
                layers.append(Broadcast(inputs, channels, stride, 1 << stage))
                inputs = channels
        layers.append(nn.Conv2d(20, 20, (5, 5), padding=(0, 2), groups=20, bias=False))
        layers += block(20, 32, (1, 1))
        self.layers = nn.Sequential(*layers)
        self.scores = nn.Linear(32, classes)

    def forward(self, x):
        return self.scores(self.layers(x.unsqueeze(1)).mean((2, 3)))


MODELS = {"DS": DsCnn, "TC": TcResnet, "BC": BcResnet}


def torch_step(name, batch):
    torch.manual_seed(0)
    model = MODELS[name](3).train()
    x = torch.randn(batch, model.features, model.frames)
    y = torch.arange(batch) % 3
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--batches", default="32,100")
    parser.add_argument("--models", default="DS,TC,BC")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    arguments = parser.parse_args()
    step_bench.binary()
    print(f"torch {torch.__version__}, {arguments.rounds} rounds of {arguments.seconds} s")
    print("model threads batch   stapes  PyTorch  ratio  of the peak", flush=True)
    for threads in map(int, arguments.threads.split(",")):
        torch.set_num_threads(threads)
        for batch in map(int, arguments.batches.split(",")):
            for name in arguments.models.split(","):
                step = torch_step(name, batch)
                own, peer = [], []
                for _ in range(arguments.rounds):
                    own.append(step_bench.run(name, "train", threads, arguments.seconds, f"--batch={batch}"))
                    peer.append(batch / step_bench.timed(step, arguments.seconds) * 1e3)
                rate, fraction = (
                    statistics.median(result[key] for result in own)
                    for key in ("examples_per_second", "fraction_of_peak")
                )
                other = statistics.median(peer)
                print(
                    f"{name:5} {threads:7} {batch:5} {rate:8.0f} {other:8.0f} {rate / other:6.2f} {100 * fraction:10.1f} %",
                    flush=True,
                )


if __name__ == "__main__":
    sys.exit(main())

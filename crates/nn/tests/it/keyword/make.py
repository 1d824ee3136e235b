"""Records the results of PyTorch for the keyword spotting models on a batch of unequal lengths.

    python make.py          # writes recorded.json beside this file

A batch is a list of images [C, H, W] whose width is the length of the sequence. Convolutions process one image at a
time, batch normalization all positions of all images, and there is no padding. For equal lengths the results must
equal those of torch.nn's modules on one tensor; `check_equal_lengths` checks that before anything is written.
"""

import json
import math
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def uniform(number, count):
    """Returns `count` numbers in [-1, 1): a hash of the number of the tensor and of the index."""
    x = torch.arange(count, dtype=torch.int64) + number * 1_000_003
    mask = 0xFFFFFFFF
    x = x & mask
    x = (x ^ (x >> 16)) * 0x7FEB352D & mask
    x = (x ^ (x >> 15)) * 0x846CA68B & mask
    x = x ^ (x >> 16)
    return x.to(torch.float64) / 2**31 - 1


class Norm(nn.BatchNorm2d):
    """Batch normalization over all positions of a list of images [C, H, W], in bands of rows."""

    def __init__(self, channels, bands=1):
        super().__init__(channels * bands)
        self.bands = bands

    def forward(self, images):
        flat = [image.reshape(self.num_features, -1) for image in images]
        positions = torch.cat(flat, dim=1)[None, :, :, None]
        normed = super().forward(positions)[0, :, :, 0]
        parts = normed.split([part.shape[1] for part in flat], dim=1)
        return [part.reshape(image.shape) for part, image in zip(parts, images)]


def relu(images):
    return [F.relu(image) for image in images]


def same(kernel, dilation=(1, 1)):
    """Padding that keeps the size: left, right, top, bottom."""
    total = [(k - 1) * d for k, d in zip(kernel, dilation)]
    return [total[1] // 2, total[1] - total[1] // 2, total[0] // 2, total[0] - total[0] // 2]


def conv(inputs, outputs, kernel, stride=(1, 1), dilation=(1, 1), groups=1, bias=True, padding=None):
    padding = same(kernel, dilation) if padding is None else padding
    module = nn.Conv2d(inputs, outputs, kernel, stride, dilation=dilation, groups=groups, bias=bias)
    module.register_forward_pre_hook(lambda _, args: (F.pad(args[0], padding),))
    return module


class Net(nn.Module):
    def add(self, name, module):
        self.add_module(name.replace(".", "|"), module)
        return module

    def part(self, name):
        return self._modules[name.replace(".", "|")]

    def convolve(self, name, images):
        module = self.part(name)
        return [module(image[None])[0] for image in images]

    def names(self):
        return {name.replace("|", "."): value for name, value in self.named_parameters()}


class DsCnn(Net):
    def __init__(self, features, classes, size):
        super().__init__()
        channels, blocks, strides = {
            "small": (64, 4, ((2, 2), (1, 1))),
            "medium": (172, 4, ((1, 2), (2, 2))),
            "large": (276, 5, ((1, 2), (2, 2))),
        }[size]
        self.blocks = blocks
        self.add("conv", conv(1, channels, (4, 10), strides[0]))
        self.add("norm", Norm(channels))
        for b in range(blocks):
            stride = strides[1] if b == 0 else (1, 1)
            self.add(f"blocks.{b}.depthwise", conv(channels, channels, (3, 3), stride, groups=channels))
            self.add(f"blocks.{b}.depthwise_norm", Norm(channels))
            self.add(f"blocks.{b}.pointwise", conv(channels, channels, (1, 1)))
            self.add(f"blocks.{b}.pointwise_norm", Norm(channels))
        self.add("fc", nn.Linear(channels, classes))

    def forward(self, frames):
        x = [one.T[None] for one in frames]
        x = relu(self.part("norm")(self.convolve("conv", x)))
        for b in range(self.blocks):
            for part in ("depthwise", "pointwise"):
                x = self.convolve(f"blocks.{b}.{part}", x)
                x = relu(self.part(f"blocks.{b}.{part}_norm")(x))
        return self.part("fc")(torch.stack([image.mean((1, 2)) for image in x]))


class TcResnet(Net):
    def __init__(self, features, classes, channels):
        super().__init__()
        self.channels = channels
        self.add("conv", conv(features, channels[0], (1, 3), bias=False))
        self.add("norm", Norm(channels[0]))
        for b, (inputs, outputs) in enumerate(zip(channels, channels[1:])):
            stride = (1, 1) if inputs == outputs else (1, 2)
            if inputs != outputs:
                self.add(f"blocks.{b}.down", conv(inputs, outputs, (1, 1), stride, bias=False))
                self.add(f"blocks.{b}.down_norm", Norm(outputs))
            self.add(f"blocks.{b}.conv1", conv(inputs, outputs, (1, 9), stride, bias=False))
            self.add(f"blocks.{b}.norm1", Norm(outputs))
            self.add(f"blocks.{b}.conv2", conv(outputs, outputs, (1, 9), bias=False))
            self.add(f"blocks.{b}.norm2", Norm(outputs))
        self.add("fc", nn.Linear(channels[-1], classes, bias=False))

    def forward(self, frames):
        x = [one.T[:, None] for one in frames]
        x = relu(self.part("norm")(self.convolve("conv", x)))
        for b, (inputs, outputs) in enumerate(zip(self.channels, self.channels[1:])):
            shortcut = x
            if inputs != outputs:
                shortcut = self.convolve(f"blocks.{b}.down", x)
                shortcut = relu(self.part(f"blocks.{b}.down_norm")(shortcut))
            y = relu(self.part(f"blocks.{b}.norm1")(self.convolve(f"blocks.{b}.conv1", x)))
            y = self.part(f"blocks.{b}.norm2")(self.convolve(f"blocks.{b}.conv2", y))
            x = [F.relu(a + c) for a, c in zip(y, shortcut)]
        return self.part("fc")(torch.stack([image.mean((1, 2)) for image in x]))


class BcResnet(Net):
    def __init__(self, features, classes, tau):
        super().__init__()
        base = int(8 * tau)
        stages = [base, base * 3 // 2, base * 2, base * 5 // 2]
        self.add("cnn_head.0", conv(1, base * 2, (5, 5), (2, 1), bias=False))
        self.add("cnn_head.1", Norm(base * 2))
        inputs, self.plan = base * 2, []
        for s, (outputs, blocks) in enumerate(zip(stages, [2, 2, 4, 4])):
            for b in range(blocks):
                name = f"BCBlocks.{s}.{b}"
                changes = inputs != outputs
                if changes:
                    self.add(f"{name}.f2.0.block.0", conv(inputs, outputs, (1, 1), bias=False))
                    self.add(f"{name}.f2.0.block.1", Norm(outputs))
                stride = (2, 1) if b == 0 and s in (1, 2) else (1, 1)
                f2 = f"{name}.f2.{int(changes)}.block"
                self.add(f"{f2}.0", conv(outputs, outputs, (3, 1), stride, groups=outputs, bias=False))
                self.add(f"{f2}.1.ssnorm", Norm(outputs, 5))
                dilation = (1, 2**s)
                self.add(
                    f"{name}.f1.0.block.0",
                    conv(outputs, outputs, (1, 3), dilation=dilation, groups=outputs, bias=False),
                )
                self.add(f"{name}.f1.0.block.1", Norm(outputs))
                self.add(f"{name}.f1.1", conv(outputs, outputs, (1, 1), bias=False))
                self.plan.append((name, f2, changes))
                inputs = outputs
        last = stages[-1]
        self.add("classifier.0", conv(last, last, (5, 5), groups=last, bias=False, padding=[2, 2, 0, 0]))
        self.add("classifier.1", conv(last, base * 4, (1, 1), bias=False))
        self.add("classifier.2", Norm(base * 4))
        self.add("classifier.5", nn.Linear(base * 4, classes))

    def forward(self, frames):
        x = [one.T[None] for one in frames]
        x = relu(self.part("cnn_head.1")(self.convolve("cnn_head.0", x)))
        for name, f2, changes in self.plan:
            start = x
            if changes:
                x = relu(self.part(f"{name}.f2.0.block.1")(self.convolve(f"{name}.f2.0.block.0", x)))
            two = self.part(f"{f2}.1.ssnorm")(self.convolve(f"{f2}.0", x))
            one = [image.mean(1, keepdim=True) for image in two]
            one = self.part(f"{name}.f1.0.block.1")(self.convolve(f"{name}.f1.0.block.0", one))
            one = self.convolve(f"{name}.f1.1", [F.silu(image) for image in one])
            x = [a + b + (0 if changes else c) for a, b, c in zip(two, one, start)]
            x = relu(x)
        x = self.convolve("classifier.1", self.convolve("classifier.0", x))
        x = relu(self.part("classifier.2")(x))
        return self.part("classifier.5")(torch.stack([image.mean((1, 2)) for image in x]))


class Crnn(Net):
    def __init__(self, features, classes, filters, stride, hidden_size, fc_size):
        super().__init__()
        self.add("conv", conv(1, filters, (4, 10), (stride, 2), padding=[9, 0, 0, 0]))
        rows = (features - 4) // stride + 1
        self.add("gru", nn.GRU(filters * rows, hidden_size, num_layers=2, batch_first=True))
        self.add("hidden", nn.Linear(hidden_size, fc_size))
        self.add("fc", nn.Linear(fc_size, classes))

    def forward(self, frames):
        x = relu(self.convolve("conv", [one.T[None] for one in frames]))
        last = [self.part("gru")(image.flatten(0, 1).T[None])[0][0, -1] for image in x]
        return self.part("fc")(F.relu(self.part("hidden")(torch.stack(last))))


class AttentionRnn(Net):
    def __init__(self, features, classes, filters, hidden_size):
        super().__init__()
        self.add("conv1", conv(1, filters, (1, 5)))
        self.add("norm1", Norm(filters))
        self.add("conv2", conv(filters, 1, (1, 5)))
        self.add("norm2", Norm(1))
        self.add("lstm", nn.LSTM(features, hidden_size, num_layers=2, bidirectional=True, batch_first=True))
        self.add("query", nn.Linear(2 * hidden_size, 2 * hidden_size))
        self.add("fc1", nn.Linear(2 * hidden_size, 64))
        self.add("fc2", nn.Linear(64, 32))
        self.add("fc3", nn.Linear(32, classes))

    def forward(self, frames):
        x = [one.T[None] for one in frames]
        for n in "12":
            x = self.part(f"norm{n}")(relu(self.convolve(f"conv{n}", x)))
        vectors = []
        for image in x:
            states = self.part("lstm")(image[0].T[None])[0][0]
            query = self.part("query")(states[len(states) // 2])
            vectors.append(torch.softmax(states @ query, 0) @ states)
        x = F.relu(self.part("fc1")(torch.stack(vectors)))
        return self.part("fc3")(self.part("fc2")(x))


def fill(net):
    """Sets all parameters by a formula, in the order of their names."""
    norms = {name.replace("|", ".") for name, module in net.named_modules() if isinstance(module, Norm)}
    for number, (name, value) in enumerate(sorted(net.names().items())):
        drawn = uniform(number, value.numel()).reshape(value.shape)
        holder = name.rsplit(".", 1)[0]
        with torch.no_grad():
            if value.dim() > 1:
                value.copy_(drawn * math.sqrt(3 / value[0].numel()))
            else:
                value.copy_(0.2 * drawn + (1 if holder in norms and name.endswith("weight") else 0))


CASES = [
    ("ds-cnn", "size = 'small'", 10, 12, lambda f, k: DsCnn(f, k, "small")),
    ("ds-cnn", "size = 'medium'", 10, 3, lambda f, k: DsCnn(f, k, "medium")),
    ("ds-cnn", "size = 'large'", 10, 12, lambda f, k: DsCnn(f, k, "large")),
    ("tc-resnet", "", 40, 12, lambda f, k: TcResnet(f, k, [16, 24, 32, 48])),
    ("tc-resnet", "channels = [6, 6, 9, 9]", 7, 4, lambda f, k: TcResnet(f, k, [6, 6, 9, 9])),
    ("bc-resnet", "width = 1", 40, 12, lambda f, k: BcResnet(f, k, 1)),
    ("bc-resnet", "width = 1.5", 40, 12, lambda f, k: BcResnet(f, k, 1.5)),
    ("bc-resnet", "width = 2", 40, 12, lambda f, k: BcResnet(f, k, 2)),
    ("bc-resnet", "width = 3", 40, 12, lambda f, k: BcResnet(f, k, 3)),
    ("bc-resnet", "width = 6", 40, 12, lambda f, k: BcResnet(f, k, 6)),
    ("bc-resnet", "width = 8", 40, 12, lambda f, k: BcResnet(f, k, 8)),
    ("crnn", "", 10, 12, lambda f, k: Crnn(f, k, 48, 2, 60, 84)),
    ("crnn", "filters = 7\nfeature_stride = 1\nhidden_size = 5\nfc_size = 6", 9, 3, lambda f, k: Crnn(f, k, 7, 1, 5, 6)),
    ("attention-rnn", "", 80, 36, lambda f, k: AttentionRnn(f, k, 10, 64)),
    ("attention-rnn", "filters = 3\nhidden_size = 4", 6, 3, lambda f, k: AttentionRnn(f, k, 3, 4)),
]

LENGTHS = [17, 26, 9, 30]


def batch(features, lengths):
    values = uniform(1000, sum(lengths) * features) * 1.5
    return [part.reshape(-1, features) for part in values.split([length * features for length in lengths])]


def trained(features, classes, build, dtype):
    """Returns a network with the gradients of one batch, in this precision."""
    net = build(features, classes)
    fill(net)
    net.to(dtype)
    frames = [one.to(dtype) for one in batch(features, LENGTHS)]
    logits = net(frames)
    loss = F.cross_entropy(logits, torch.arange(len(LENGTHS)) ** 2 % classes)
    loss.backward()
    return net, logits, loss


def check_kinks(double, single):
    """Checks that no value is so close to the kink of a ReLU that rounding to single precision changes its sign."""
    single = single.names()
    for name, value in double.names().items():
        if value.grad.norm() > 1e-9:
            off = (single[name].grad.double() - value.grad).abs().max() / value.grad.abs().max()
            assert off < 1e-4, f"{name}: {off}; take other LENGTHS"


def record(model, settings, features, classes, build):
    net, logits, loss = trained(features, classes, build, torch.float64)
    check_kinks(net, trained(features, classes, build, torch.float32)[0])
    net.eval()
    with torch.no_grad():
        logits_eval = net(batch(features, LENGTHS))
    gradients = {
        name: {
            "shape": squeezed(name, list(value.shape), net),
            "l2": value.grad.norm().item(),
            "largest": value.grad.abs().max().item(),
            "first": value.grad.flatten()[:6].tolist(),
        }
        for name, value in sorted(net.names().items())
    }
    return {
        "model": model,
        "settings": settings,
        "features": features,
        "classes": classes,
        "lengths": LENGTHS,
        "parameters": sum(value.numel() for value in net.parameters()),
        "logits": logits.flatten().tolist(),
        "loss": loss.item(),
        "logits_eval": logits_eval.flatten().tolist(),
        "gradients": gradients,
    }


def squeezed(name, shape, net):
    """Removes the axis of the rows from the weight of a one-dimensional convolution."""
    return shape[:2] + shape[3:] if len(shape) == 4 and isinstance(net, TcResnet) else shape


def check_equal_lengths():
    """Checks that lists of equal lengths give the result of one tensor, for convolution and normalization in bands."""
    x = uniform(1, 3 * 4 * 10 * 6).reshape(3, 4, 10, 6)
    listed_norm, plain = Norm(4, 5), nn.BatchNorm2d(20)
    listed = torch.stack(listed_norm(list(x)))
    tensor = plain(x.reshape(3, 20, 2, 6)).reshape(x.shape)
    assert torch.allclose(listed, tensor, atol=1e-12)
    assert torch.allclose(listed_norm.running_var, plain.running_var, atol=1e-12)
    both = conv(4, 8, (3, 5), (2, 1), groups=2)
    listed = torch.stack([both(image[None])[0] for image in x])
    assert torch.allclose(listed, both(x), atol=1e-12)


def rounded(value):
    """Rounds numbers to ten digits."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return float(f"{value:.9e}") if isinstance(value, float) else value


if __name__ == "__main__":
    check_equal_lengths()
    cases = [record(*case) for case in CASES]
    for case in cases:
        print(case["model"], case["settings"].replace("\n", ", "), case["parameters"], case["loss"])
    lines = ",\n".join(json.dumps(rounded(case), separators=(",", ":")) for case in cases)
    Path(__file__).with_name("recorded.json").write_text(f"[\n{lines}\n]\n")

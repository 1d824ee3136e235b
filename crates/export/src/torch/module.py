"""DOCUMENTATION
"""

# imports
import torch
import torch.nn.functional as F
from torch import nn

LABELS = []
# constants
FEATURES = 0  # values per frame


# features


class Filters(nn.Module):
    """Convolution along the values of each frame, maximum over windows, ReLU or ln(ReLU + floor)."""

    def __init__(self, filters, window):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(filters, 1, window))
        self.bias = nn.Parameter(torch.zeros(filters))

    def forward(self, frames, pool, floor):
        batch, length, features = frames.shape
        filtered = F.conv1d(frames.reshape(batch * length, 1, features), self.weight, self.bias)
        pooled = F.max_pool1d(filtered, pool or filtered.shape[-1]).relu()
        pooled = pooled if floor is None else (pooled + floor).log()
        return pooled.reshape(batch, length, -1)


def add(model, path, module):
    """Adds a module under a name with dots."""
    *parents, name = path.split(".")
    for parent in parents:
        if parent not in model._modules:
            model.add_module(parent, nn.Module())
        model = model._modules[parent]
    model.add_module(name, module)


def attend(frames, query):
    """Mean of the frames, weighted by their products with the query."""
    weights = (frames * query[:, None]).sum(dim=-1, keepdim=True).softmax(dim=1)
    return (frames * weights).sum(dim=1)


def both(ahead, back, frames):
    """Outputs of two recurrent layers, of which the second reads the frames backwards."""
    return torch.cat([ahead(frames)[0], back(frames.flip(1))[0].flip(1)], dim=-1)


def in_bands(norm, image, bands):
    """Batch normalization with statistics of its own for each band of rows."""
    batch, channels, height, width = image.shape
    return norm(image.reshape(batch, channels * bands, height // bands, width)).reshape(image.shape)


class Model(nn.Module):
    """Frames [B, T, F] from the front end -> probabilities SHAPE.

    All sequences of a batch have the same length; with `lengths` they are cut to these, and frame-level results are a list.
    """

    def __init__(self):
        super().__init__()
        # Mean and scale of each value over the training frames.
        self.features = nn.Module()
        self.features.register_buffer("mean", torch.zeros(FEATURES))
        self.features.register_buffer("scale", torch.ones(FEATURES))
        # modules

    def forward(self, frames, lengths=None):
        if lengths is not None:
            rows = [self(frames[at : at + 1, :length])[0] for at, length in enumerate(lengths)]
            return torch.stack(rows) if rows[0].dim() == 1 else rows
        return self.probabilities(self.scores(frames))

    def scores(self, frames):
        """Scores before the softmax or the sigmoid."""
        # normalization
        x0 = (frames - self.features.mean) / self.features.scale
        # layers
        return SCORES

    def probabilities(self, scores):
        return PROBABILITIES


def load_parameters(model, tensors):
    """Sets the parameters from tensors with the names of the model file."""
    state = model.state_dict()
    for name, tensor in tensors.items():
        # "forward" and "backward" are methods of modules.
        name = name.replace(".forward.", ".ahead.").replace(".backward.", ".back.")
        state[name] = torch.as_tensor(tensor).reshape(state[name].shape)
    model.load_state_dict(state)
    return model.eval()


def load(path):
    """Returns the module with the parameters of a model file."""
    from safetensors.torch import load_file

    return load_parameters(Model(), load_file(path))

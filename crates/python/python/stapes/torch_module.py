"""Models as PyTorch modules."""

from __future__ import annotations

from typing import Any


def module_of(model: Any) -> Any:
    """The network of a model as a ``torch.nn.Module`` with the same parameters.

    ``module(frames)`` takes frames from the front end, [B, T, F] (``model.features``), normalizes them as the model does, and
    returns probabilities: [B, K], or [B, T, K] for a frame-level model.
    """
    source: dict[str, Any] = {"__name__": "stapes_torch_module"}
    exec(compile(model._native.torch_module(), "<stapes model>", "exec"), source)
    tensors = model.parameters
    normalizer = model._native.normalizer()
    if normalizer is not None:
        tensors["features.mean"], tensors["features.scale"] = normalizer
    return source["load_parameters"](source["Model"](), tensors)

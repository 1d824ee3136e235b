"""Arrays of real numbers, checked once for all toolkits; tensors of PyTorch, without importing it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def is_tensor(value: Any) -> bool:
    """Returns true for a tensor of PyTorch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def real(value: Any, name: str) -> np.ndarray:
    """Returns an array, or a tensor, of real numbers of any type; refuses other types instead of converting them."""
    if is_tensor(value):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} is an array of the type {array.dtype}; expected real numbers")
    return array


def floats(value: Any, name: str) -> np.ndarray:
    """Returns real numbers as a contiguous array: f32 and narrower floats as f32, everything else as f64."""
    array = real(value, name)
    flags, dtype = array.flags, array.dtype
    if dtype.char in "fd" and dtype.isnative and flags.c_contiguous and flags.aligned:
        return array
    is_narrow = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    return np.require(array, np.float32 if is_narrow else np.float64, ["C", "A"])


def singles(value: Any, name: str) -> np.ndarray:
    """Returns real numbers as f32, copied only if needed."""
    return np.asarray(real(value, name), np.float32)


def like(value: Any, array: np.ndarray) -> Any:
    """Returns the array, as a tensor if ``value`` is one."""
    return sys.modules["torch"].from_numpy(np.ascontiguousarray(array)) if is_tensor(value) else array

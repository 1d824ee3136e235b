"""Tensors of PyTorch, without importing it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def to_array(value: Any, dtype: Any) -> np.ndarray:
    """Returns the values of an array or a tensor, copied only if needed."""
    if is_tensor(value):
        value = value.detach().cpu().numpy()
    return np.asarray(value, dtype)


def like(value: Any, array: np.ndarray) -> Any:
    """Returns the array, as a tensor if ``value`` is one."""
    return sys.modules["torch"].from_numpy(np.ascontiguousarray(array)) if is_tensor(value) else array

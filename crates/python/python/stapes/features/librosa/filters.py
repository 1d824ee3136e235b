"""librosa.filters: mel filter banks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._native import mel_filters
from .._settings import named_error, to_json, whole

__all__ = ["mel"]


def mel(
    *,
    sr: float,
    n_fft: int,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: Any = "slaney",
    dtype: Any = np.float32,
) -> np.ndarray:
    """Weights of mel bands, librosa.filters.mel.

    Shapes: -> [n_mels, 1 + n_fft / 2]. Units: sr, fmin and fmax in Hz.
    """
    check_dtype(dtype)
    settings = {"n_fft": n_fft, "n_mels": n_mels, "fmin": fmin, "fmax": fmax, "htk": htk, "norm": norm_name(norm)}
    try:
        return mel_filters(whole(sr, "sr", least=1), to_json(settings))
    except ValueError as error:
        raise named_error(error, settings) from None


def norm_name(norm: Any) -> Any:
    """Returns the norm of the triangles in the words of a recipe."""
    if norm is None:
        return "none"
    if isinstance(norm, (int, float, np.number)):
        return "inf" if norm == np.inf else norm
    if not isinstance(norm, str):
        raise ValueError(f"norm = {norm!r}: must be 'slaney', None, numpy.inf or a number above 0")
    return norm


def check_dtype(dtype: Any) -> None:
    """Refuses another type of the weights than librosa's default."""
    if np.dtype(dtype) != np.float32:
        raise ValueError(f"dtype = {np.dtype(dtype)}: only float32, librosa's default, is supported")

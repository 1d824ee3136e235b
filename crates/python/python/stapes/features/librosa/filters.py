"""librosa.filters: mel filter banks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._native import mel_filters
from .._extractors import to_json, whole


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
    settings = {"n_fft": n_fft, "n_mels": n_mels, "fmin": fmin, "fmax": fmax, "htk": htk, "norm": norm_name(norm)}
    return mel_filters(whole(sr, "sr"), to_json(settings)).astype(dtype, copy=False)


def norm_name(norm: Any) -> Any:
    """Returns the norm of the triangles in the words of a recipe."""
    if norm is None:
        return "none"
    return "inf" if norm == np.inf else norm

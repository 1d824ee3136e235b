from __future__ import annotations

import os
from typing import Any

import numpy as np

from . import _native


def load(
    path: str | os.PathLike[str],
    *,
    sr: float | None = None,
    mono: bool = True,
    offset: float = 0.0,
    duration: float | None = None,
    dtype: Any = np.float32,
) -> tuple[np.ndarray, int]:
    """Reads a recording of any format that ``stapes formats`` lists, as librosa.load does.

    Returns the samples, in [-1, 1], and their rate. Unlike librosa, the rate is the recording's own unless ``sr`` is given.

    Shapes: [L], or [channels, L] with ``mono=False`` and more than one channel. Units: sr in Hz, offset and duration in s.
    """
    rate = None if sr is None else int(sr)
    if mono:
        samples, rate = _native.load(path, rate, None)
    else:
        channels = [_native.load(path, rate, channel) for channel in range(_native.channels(path))]
        samples, rate = np.stack([samples for samples, _ in channels]), channels[0][1]
        samples = samples[0] if len(channels) == 1 else samples
    start = round(offset * rate)
    end = None if duration is None else start + round(duration * rate)
    return samples[..., start:end].astype(dtype, copy=False), rate


def load_like_librosa(
    path: str | os.PathLike[str],
    *,
    sr: float | None = 22050,
    mono: bool = True,
    offset: float = 0.0,
    duration: float | None = None,
    dtype: Any = np.float32,
) -> tuple[np.ndarray, int]:
    """Reads a recording, resampled to 22,050 Hz unless ``sr`` says otherwise, as librosa.load does.

    The resampler is not librosa's: values differ by its design, frames and times do not. Use ``sr=None`` for equal samples.
    """
    return load(path, sr=sr, mono=mono, offset=offset, duration=duration, dtype=dtype)

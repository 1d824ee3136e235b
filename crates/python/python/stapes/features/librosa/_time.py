from __future__ import annotations

from typing import Any

import numpy as np


def frames_to_samples(frames: Any, *, hop_length: int = 512, n_fft: int | None = None) -> Any:
    """Returns the sample at which each frame starts, or is centered if ``n_fft`` is None."""
    offset = 0 if n_fft is None else int(n_fft // 2)
    return (np.asanyarray(frames) * hop_length + offset).astype(int)


def frames_to_time(frames: Any, *, sr: float = 22050, hop_length: int = 512, n_fft: int | None = None) -> Any:
    """Returns the time of each frame in s."""
    return frames_to_samples(frames, hop_length=hop_length, n_fft=n_fft) / sr

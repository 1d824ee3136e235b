from __future__ import annotations

from typing import Any, Callable

import numpy as np

from ..._native import decibels
from .._extractors import ABSENT, build, extractor

# librosa's way of leaving out the `ref` of a function is a number.
Clips = "np.ndarray | list[np.ndarray]"


def as_clip(y: Any) -> np.ndarray:
    """Checks samples as librosa.util.valid_audio does."""
    if not isinstance(y, np.ndarray):
        raise ValueError("Audio data must be of type numpy.ndarray, or a list of such clips")
    if not np.issubdtype(y.dtype, np.floating):
        raise ValueError(f"Audio data must be floating-point, not {y.dtype}; divide 16-bit samples by 32768")
    if y.ndim == 0:
        raise ValueError(f"Audio data must be at least one-dimensional, given y.shape={y.shape}")
    return y


def is_clips(y: Any) -> bool:
    """Returns true for a list of clips."""
    return isinstance(y, (list, tuple)) and len(y) > 0 and all(isinstance(clip, np.ndarray) for clip in y)


def features(name: str, sr: float, y: Any, settings: dict[str, Any]) -> Any:
    """Computes the features of samples [..., L] -> [..., F, T], or of each of a list of clips."""
    try:
        toolkit = extractor(name, sr, **settings)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        # A setting that cannot be a key, such as an array for `window`, is refused with its name.
        toolkit = build(name, sr, {key: _named(key, value) for key, value in settings.items()})
    if is_clips(y):
        if any(as_clip(clip).ndim != 1 for clip in y):
            return [_channels(toolkit, clip) for clip in y]
        return [clip.T for clip in toolkit.extract_many(list(y))]
    y = as_clip(y)
    return toolkit.extract(y).T if y.ndim == 1 else _channels(toolkit, y)


def _channels(toolkit: Any, y: np.ndarray) -> np.ndarray:
    if y.size == 0:
        raise ValueError(f"Audio data has no samples, given y.shape={y.shape}")
    clips = toolkit.extract_many(list(y.reshape(-1, y.shape[-1])))
    stacked = np.stack(clips).swapaxes(1, 2)
    return stacked.reshape(y.shape[:-1] + stacked.shape[1:])


def _named(key: str, value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.ndim > 0:
        raise ValueError(f"{key}: arrays are not supported; give a name, such as 'hann'")
    return value


def window_name(window: Any) -> Any:
    """Returns the name of a window."""
    if not isinstance(window, str):
        raise ValueError(f"window = {window!r}: must be 'hann', 'hamming', 'blackman' or 'boxcar'")
    return window


def stft(
    y: Any,
    *,
    n_fft: int = 2048,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: str = "hann",
    center: bool = True,
    dtype: Any = None,
    pad_mode: str = "constant",
) -> np.ndarray:
    """Short-time Fourier transform, librosa.stft.

    Shapes: y [..., L] -> complex [..., 1 + n_fft / 2, T].
    """
    toolkit = extractor(
        "librosa-stft",
        1,
        n_fft=n_fft,
        hop_length=hop_length,
        win_length=win_length,
        window=window_name(window),
        center=center,
        pad_mode=pad_mode,
    )
    y = as_clip(y)
    rows = [toolkit.spectra(row).T for row in y.reshape(-1, y.shape[-1])]
    spectra = rows[0] if y.ndim == 1 else np.stack(rows).reshape(y.shape[:-1] + rows[0].shape)
    return spectra if dtype is None else spectra.astype(dtype)


def power_to_db(
    S: Any, *, ref: float | Callable[[np.ndarray], Any] = 1.0, amin: float = 1e-10, top_db: float | None = 80.0
) -> np.ndarray:
    """Converts powers to decibels, librosa.power_to_db.

    ``ref`` is a power or a function of the powers, such as ``np.max``. Shapes: any.
    """
    powers = np.asarray(S)
    if np.issubdtype(powers.dtype, np.complexfloating):
        powers = np.abs(powers)
    if not np.issubdtype(powers.dtype, np.floating):
        powers = powers.astype(np.float64)
    powers = np.require(powers, np.float32 if powers.dtype.itemsize <= 4 else np.float64, "CA")
    if powers.size == 0:
        return powers
    reference = float(np.abs(ref(powers) if callable(ref) else ref))
    return decibels(powers, reference, float(amin), None if top_db is None else float(top_db))


def amplitude_to_db(
    S: Any, *, ref: float | Callable[[np.ndarray], Any] = 1.0, amin: float = 1e-5, top_db: float | None = 80.0
) -> np.ndarray:
    """Converts amplitudes to decibels, librosa.amplitude_to_db. Shapes: any."""
    magnitude = np.abs(np.asarray(S))
    reference = float(np.abs(ref(magnitude) if callable(ref) else ref))
    return power_to_db(np.square(magnitude), ref=reference**2, amin=amin**2, top_db=top_db)


def spectrum_settings(n_fft: Any, hop_length: Any, win_length: Any, window: Any, center: Any, pad_mode: Any) -> dict:
    """Settings of a spectrum, with the name of the window checked."""
    settings = {
        "n_fft": n_fft,
        "hop_length": hop_length,
        "win_length": win_length,
        "window": window_name(window),
        "center": center,
        "pad_mode": pad_mode,
    }
    return {key: value for key, value in settings.items() if value is not ABSENT}

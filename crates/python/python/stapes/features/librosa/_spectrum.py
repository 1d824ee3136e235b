from __future__ import annotations

from typing import Any

import numpy as np

from ..._native import Extractor
from .._extractors import build, cached


def as_clip(y: Any) -> np.ndarray:
    """Checks samples as librosa.util.valid_audio does."""
    if not isinstance(y, np.ndarray):
        raise ValueError("Audio data must be of type numpy.ndarray, or a list of such clips")
    if y.dtype.kind != "f":
        raise ValueError(f"Audio data must be floating-point, not {y.dtype}; divide 16-bit samples by 32768")
    if y.ndim == 0:
        raise ValueError(f"Audio data must be at least one-dimensional, given y.shape={y.shape}")
    return y


def is_clips(y: Any) -> bool:
    """Returns true for a list of clips."""
    return isinstance(y, (list, tuple)) and len(y) > 0 and all(isinstance(clip, np.ndarray) for clip in y)


def features(toolkit: Extractor, y: Any) -> Any:
    """Computes the features of samples [..., L] -> [..., F, T], or of each of a list of clips."""
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


def spectrum_settings(n_fft: Any, hop_length: Any, win_length: Any, window: Any, center: Any, pad_mode: Any) -> dict:
    """Settings of a spectrum, with the window and the padding checked."""
    if not isinstance(window, str):
        raise ValueError(f"window = {window!r}: must be 'hann', 'hamming', 'blackman' or 'boxcar'")
    if not isinstance(pad_mode, str):
        raise ValueError(f"pad_mode = {pad_mode!r}: must be 'constant' or 'reflect'")
    return {
        "n_fft": n_fft,
        "hop_length": _quarter(n_fft if win_length is None else win_length) if hop_length is None else hop_length,
        "win_length": win_length,
        "window": window,
        "center": center,
        "pad_mode": pad_mode,
    }


def _quarter(length: Any) -> Any:
    return length // 4 if isinstance(length, (int, np.integer)) else None


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
) -> Any:
    """Short-time Fourier transform, librosa.stft.

    Shapes: y [..., L] -> complex [..., 1 + n_fft / 2, T].
    """
    toolkit = _stft(n_fft, hop_length, win_length, window, center, pad_mode)
    dtype = None if dtype is None else np.dtype(dtype)
    if dtype is not None and dtype.kind != "c":
        raise ValueError(f"dtype = {dtype}: must be complex64 or complex128")
    if is_clips(y):
        return [_spectra(toolkit, as_clip(clip), dtype) for clip in y]
    return _spectra(toolkit, as_clip(y), dtype)


@cached
def _stft(*spectrum: Any) -> Extractor:
    return build("librosa-stft", 1, spectrum_settings(*spectrum))


def _spectra(toolkit: Any, y: np.ndarray, dtype: np.dtype | None) -> np.ndarray:
    if y.size == 0 and y.ndim > 1:
        raise ValueError(f"Audio data has no samples, given y.shape={y.shape}")
    if dtype is not None and dtype.itemsize > 8:
        y = y.astype(np.float64, copy=False)
    rows = [toolkit.spectra(row).T for row in y.reshape(-1, y.shape[-1])] if y.ndim > 1 else [toolkit.spectra(y).T]
    spectra = rows[0] if y.ndim == 1 else np.stack(rows).reshape(y.shape[:-1] + rows[0].shape)
    return spectra if dtype is None else spectra.astype(dtype, copy=False)

"""librosa.feature: mel spectrograms, cepstral coefficients, deltas."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._native import cepstra as native_cepstra
from ..._native import delta as native_delta
from ..._native import Extractor
from .._arrays import floats
from .._extractors import build, cached
from .._settings import to_json, whole
from ._spectrum import features, spectrum_settings
from .filters import check_dtype, mel, norm_name

__all__ = ["delta", "melspectrogram", "mfcc"]


def melspectrogram(
    *,
    y: Any = None,
    sr: float = 22050,
    S: Any = None,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: str = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    power: float = 2.0,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: Any = "slaney",
    dtype: Any = np.float32,
) -> Any:
    """Mel spectrogram, librosa.feature.melspectrogram.

    Shapes: y [..., L] -> [..., n_mels, T]; or S [..., 1 + n_fft / 2, T] -> [..., n_mels, T].
    Units: sr, fmin and fmax in Hz; powers.
    """
    if S is not None:
        spectrogram = floats(S, "S")
        if spectrogram.ndim < 2:
            raise ValueError(f"S has the shape {spectrogram.shape}; expected [..., 1 + n_fft / 2, T]")
        if n_fft is None or whole(n_fft, "n_fft") // 2 + 1 != spectrogram.shape[-2]:
            n_fft = 2 * (spectrogram.shape[-2] - 1)
        weights = mel(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk, norm=norm, dtype=dtype)
        return weights @ spectrogram
    if y is None:
        raise ValueError("Either y or S must be given")
    spectrum = n_fft, hop_length, win_length, window, center, pad_mode
    return features(_mel(sr, dtype, power, n_mels, fmin, fmax, htk, norm, *spectrum), y)


@cached
def _mel(sr: Any, dtype: Any, power: Any, n_mels: Any, fmin: Any, fmax: Any, htk: Any, norm: Any, *spectrum: Any) -> Extractor:
    check_dtype(dtype)
    settings = spectrum_settings(*spectrum)
    settings.update(power=power, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk, norm=norm_name(norm))
    return build("librosa-mel", sr, settings)


def mfcc(
    *,
    y: Any = None,
    sr: float = 22050,
    S: Any = None,
    n_mfcc: int = 20,
    dct_type: int = 2,
    norm: str | None = "ortho",
    lifter: float = 0,
    mel_norm: Any = "slaney",
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: str = "hann",
    center: bool = True,
    pad_mode: str = "constant",
    power: float = 2.0,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    dtype: Any = np.float32,
) -> Any:
    """Mel-frequency cepstral coefficients, librosa.feature.mfcc.

    Shapes: y [..., L] -> [..., n_mfcc, T]; or S, a log-mel spectrogram in dB, [..., n_mels, T] -> [..., n_mfcc, T].
    Units: sr, fmin and fmax in Hz.
    """
    if S is not None:
        return _mfcc_of_decibels(floats(S, "S"), _cepstra(n_mfcc, dct_type, norm, lifter))
    if y is None:
        raise ValueError("Either y or S must be given")
    mel_settings = power, n_mels, fmin, fmax, htk, mel_norm
    spectrum = n_fft, hop_length, win_length, window, center, pad_mode
    return features(_mfcc(sr, dtype, n_mfcc, dct_type, norm, lifter, *mel_settings, *spectrum), y)


@cached
def _mfcc(
    sr: Any,
    dtype: Any,
    n_mfcc: Any,
    dct_type: Any,
    norm: Any,
    lifter: Any,
    power: Any,
    n_mels: Any,
    fmin: Any,
    fmax: Any,
    htk: Any,
    mel_norm: Any,
    *spectrum: Any,
) -> Extractor:
    check_dtype(dtype)
    settings = spectrum_settings(*spectrum)
    settings.update(power=power, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk, mel_norm=norm_name(mel_norm))
    return build("librosa-mfcc", sr, {**settings, **_cepstra(n_mfcc, dct_type, norm, lifter)})


def _cepstra(n_mfcc: Any, dct_type: Any, norm: Any, lifter: Any) -> dict[str, Any]:
    """Settings of the cosine transform."""
    if dct_type != 2:
        raise ValueError(f"dct_type = {dct_type}: only 2, librosa's default, is supported")
    if norm not in ("ortho", None):
        raise ValueError(f"norm = {norm!r}: must be 'ortho' or None")
    return {"n_mfcc": n_mfcc, "norm": "none" if norm is None else norm, "lifter": lifter}


def _mfcc_of_decibels(S: np.ndarray, cepstra: dict[str, Any]) -> np.ndarray:
    if S.ndim < 2:
        raise ValueError(f"S has the shape {S.shape}; expected [..., n_mels, T]")
    settings = to_json(cepstra)
    frames = S.swapaxes(-2, -1)
    flat = np.ascontiguousarray(frames.reshape(frames[..., 0].size, frames.shape[-1]))
    rows = native_cepstra(flat, settings)
    return rows.reshape(frames.shape[:-1] + rows.shape[-1:]).swapaxes(-2, -1)


def delta(
    data: Any, *, width: int = 9, order: int = 1, axis: int = -1, mode: str = "interp", cval: float = 0.0
) -> np.ndarray:
    """Deltas by a Savitzky-Golay filter along an axis, librosa.feature.delta.

    Shapes: any; the axis must have at least ``width`` frames with mode "interp".
    """
    if mode == "constant" and cval != 0:
        raise ValueError(f"cval = {cval}: only 0 is supported")
    array = floats(data, "data")
    array = array if array.ndim else array.reshape(1)
    if array.size == 0:
        raise ValueError(f"data has the shape {array.shape}, without values")
    frames = array.swapaxes(axis, 0)
    flat = np.ascontiguousarray(frames.reshape(frames.shape[0], -1))
    filtered = native_delta(flat, whole(order, "order"), whole(width, "width"), mode)
    return filtered.reshape(frames.shape).swapaxes(axis, 0)

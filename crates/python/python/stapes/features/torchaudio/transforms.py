"""torchaudio.transforms: mel spectrograms, decibels, cepstral coefficients, deltas."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._native import decibels, regression_delta
from .._arrays import like, singles
from .._extractors import build
from .._settings import whole

__all__ = ["MFCC", "AmplitudeToDB", "ComputeDeltas", "MelSpectrogram"]

_WINDOWS = {"hann_window": "hann", "hamming_window": "hamming", "blackman_window": "blackman"}


def _mel_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings of mel bands from torchaudio's arguments."""
    settings = dict(options)
    if settings.pop("wkwargs", None):
        raise ValueError("wkwargs: arguments of the window are not supported")
    if settings.pop("onesided", None) is False:
        raise ValueError("onesided = False: a real signal needs one side only")
    if (function := settings.pop("window_fn", None)) is not None:
        name = getattr(function, "__name__", str(function))
        if name not in _WINDOWS:
            raise ValueError(f"window_fn = {name}: must be one of {', '.join(_WINDOWS)}")
        settings["window"] = _WINDOWS[name]
    if settings.get("norm", "none") is None:
        settings["norm"] = "none"
    if settings.get("power", 2.0) is None:
        raise ValueError("power = None: mel bands need a power")
    return settings


class _Transform:
    def _apply(self, toolkit: Any, waveform: Any) -> Any:
        if isinstance(waveform, (list, tuple)):
            clips = toolkit.extract_many([singles(clip, "waveform").reshape(-1) for clip in waveform])
            return [like(clip, frames.T) for clip, frames in zip(waveform, clips)]
        array = singles(waveform, "waveform")
        if array.ndim == 1:
            return like(waveform, toolkit.extract(array).T)
        if array.ndim == 0 or array.size == 0:
            raise ValueError(f"the waveform has the shape {array.shape}; expected [..., L] with at least one sample")
        rows = np.stack(toolkit.extract_many(list(array.reshape(-1, array.shape[-1])))).swapaxes(1, 2)
        return like(waveform, rows.reshape(array.shape[:-1] + rows.shape[1:]))

    def __call__(self, waveform: Any) -> Any:
        raise NotImplementedError

    def forward(self, waveform: Any) -> Any:
        """Same as a call."""
        return self(waveform)


class MelSpectrogram(_Transform):
    """Mel spectrogram, torchaudio.transforms.MelSpectrogram.

    Shapes: [..., L] -> [..., n_mels, T]. Units: frequencies in Hz.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        n_fft: int = 400,
        win_length: int | None = None,
        hop_length: int | None = None,
        f_min: float = 0.0,
        f_max: float | None = None,
        pad: int = 0,
        n_mels: int = 128,
        window_fn: Any = None,
        power: float = 2.0,
        normalized: bool | str = False,
        wkwargs: dict | None = None,
        center: bool = True,
        pad_mode: str = "reflect",
        onesided: bool | None = None,
        norm: str | None = None,
        mel_scale: str = "htk",
    ) -> None:
        options = dict(locals())
        for name in ("self", "sample_rate"):
            del options[name]
        self._toolkit = build("torchaudio-mel", sample_rate, _mel_settings(options))

    def __call__(self, waveform: Any) -> Any:
        return self._apply(self._toolkit, waveform)


class MFCC(_Transform):
    """Mel-frequency cepstral coefficients, torchaudio.transforms.MFCC.

    The floor of 80 dB is that of each clip, also in a batch.

    Shapes: [..., L] -> [..., n_mfcc, T]. Units: sample_rate in Hz.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        n_mfcc: int = 40,
        dct_type: int = 2,
        norm: str | None = "ortho",
        log_mels: bool = False,
        melkwargs: dict[str, Any] | None = None,
    ) -> None:
        if dct_type != 2:
            raise ValueError(f"DCT type not supported: {dct_type}")
        self._toolkit = _mfcc(sample_rate, n_mfcc, "none" if norm is None else norm, log_mels, melkwargs or {})

    def __call__(self, waveform: Any) -> Any:
        return self._apply(self._toolkit, waveform)


def _mfcc(sample_rate: int, n_mfcc: int, norm: str, log_mels: bool, melkwargs: dict[str, Any]) -> Any:
    settings = {"n_mfcc": n_mfcc, "norm": norm, "log_mels": log_mels, "melkwargs": _mel_settings(melkwargs)}
    return build("torchaudio-mfcc", sample_rate, settings)


class AmplitudeToDB(_Transform):
    """Powers or magnitudes in decibels, torchaudio.transforms.AmplitudeToDB. Shapes: any."""

    def __init__(self, stype: str = "power", top_db: float | None = None) -> None:
        if stype not in ("power", "magnitude"):
            raise ValueError(f"stype = {stype!r}: must be 'power' or 'magnitude'")
        self._factor = 1.0 if stype == "power" else 2.0
        self._top_db = top_db

    def __call__(self, x: Any) -> Any:
        powers = np.require(singles(x, "x"), np.float32, ["C", "A"])
        if powers.size == 0:
            return like(x, powers)
        top_db = None if self._top_db is None else self._top_db / self._factor
        # As in torchaudio, the peak is that of all channels of an item of a batch.
        items = [powers] if powers.ndim <= 3 else powers.reshape((-1,) + powers.shape[-3:])
        converted = np.stack([decibels(item, 1.0, 1e-10, top_db) for item in items]).reshape(powers.shape)
        return like(x, converted if self._factor == 1.0 else converted * np.float32(self._factor))


class ComputeDeltas(_Transform):
    """Slopes over neighboring frames, torchaudio.transforms.ComputeDeltas. Shapes: [..., F, T] -> [..., F, T]."""

    def __init__(self, win_length: int = 5, mode: str = "replicate") -> None:
        if mode != "replicate":
            raise ValueError(f"mode = {mode!r}: only 'replicate' is supported")
        self._win_length = whole(win_length, "win_length")

    def __call__(self, specgram: Any) -> Any:
        array = singles(specgram, "specgram")
        frames = np.moveaxis(array, -1, 0)
        flat = np.require(frames.reshape(frames.shape[0], -1), np.float32, ["C", "A"])
        slopes = regression_delta(flat, self._win_length).reshape(frames.shape)
        return like(specgram, np.ascontiguousarray(np.moveaxis(slopes, 0, -1)))

"""The functions of torchaudio.compliance.kaldi."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..._native import Extractor
from .._arrays import like, singles
from .._settings import named_error, to_json, whole


#: kaldi-native-fbank's names, which the native functions use, of torchaudio's arguments.
_FRAME = {
    "frame_shift": "frame_shift_ms",
    "frame_length": "frame_length_ms",
    "dither": "dither",
    "preemphasis_coefficient": "preemph_coeff",
    "remove_dc_offset": "remove_dc_offset",
    "window_type": "window_type",
    "round_to_power_of_two": "round_to_power_of_two",
    "blackman_coeff": "blackman_coeff",
    "snip_edges": "snip_edges",
}
_MEL = {"num_mel_bins": "num_bins", "low_freq": "low_freq", "high_freq": "high_freq"}


# Typed, because 23.0 and True equal 23 and 1 but are refused.
@lru_cache(maxsize=256, typed=True)
def _cached(name: str, sample_frequency: float, **options: Any) -> Extractor:
    return _build(name, sample_frequency, options)


def _build(name: str, sample_frequency: Any, options: dict[str, Any]) -> Extractor:
    rate = whole(sample_frequency, "sample_frequency", least=1)
    settings = {
        "dialect": "torchaudio",
        "cmvn": "mean" if options.pop("subtract_mean") else "none",
        "frame_opts": {name: options.pop(argument) for argument, name in _FRAME.items()},
        "mel_opts": {name: options.pop(argument) for argument, name in _MEL.items()},
        **options,
    }
    try:
        return Extractor(name, rate, to_json(settings))
    except ValueError as error:
        raise _with_argument(named_error(error, settings)) from None


def _with_argument(error: ValueError) -> ValueError:
    """Returns an error about a setting with torchaudio's name of it."""
    setting, equals, rule = str(error).partition(" = ")
    key = setting.rpartition(".")[2]
    arguments = {name: argument for argument, name in {**_FRAME, **_MEL}.items()}
    return ValueError(f"{arguments[key]} = {rule}") if equals and key in arguments else error


def _features(name: str, waveform: Any, options: dict[str, Any]) -> Any:
    if options.pop("vtln_warp") != 1.0:
        raise ValueError("vtln_warp: only 1 is supported")
    del options["vtln_low"], options["vtln_high"]
    channel, min_duration, rate = (options.pop(key) for key in ("channel", "min_duration", "sample_frequency"))
    try:
        toolkit = _cached(name, rate, **options)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        toolkit = _build(name, rate, options)
    if isinstance(waveform, (list, tuple)):
        frames = toolkit.extract_many([_channel(clip, channel) for clip in waveform])
        return [like(clip, one) for clip, one in zip(waveform, frames)]
    samples = _channel(waveform, channel)
    if len(samples) < min_duration * rate:
        return like(waveform, np.empty(0, np.float32))
    return like(waveform, toolkit.extract(samples))


def _channel(waveform: Any, channel: int) -> np.ndarray:
    """Returns the samples of a channel of [channels, L], or of [L]."""
    array = singles(waveform, "waveform")
    if array.ndim == 1:
        return array
    if array.ndim != 2:
        raise ValueError(f"waveform has the shape {array.shape}; expected [channels, L]")
    channel = max(channel, 0)
    if channel >= array.shape[0]:
        raise ValueError(f"Invalid channel {channel} for size {array.shape[0]}")
    return array[channel]


def fbank(
    waveform: Any,
    blackman_coeff: float = 0.42,
    channel: int = -1,
    dither: float = 0.0,
    energy_floor: float = 1.0,
    frame_length: float = 25.0,
    frame_shift: float = 10.0,
    high_freq: float = 0.0,
    htk_compat: bool = False,
    low_freq: float = 20.0,
    min_duration: float = 0.0,
    num_mel_bins: int = 23,
    preemphasis_coefficient: float = 0.97,
    raw_energy: bool = True,
    remove_dc_offset: bool = True,
    round_to_power_of_two: bool = True,
    sample_frequency: float = 16000.0,
    snip_edges: bool = True,
    subtract_mean: bool = False,
    use_energy: bool = False,
    use_log_fbank: bool = True,
    use_power: bool = True,
    vtln_high: float = -500.0,
    vtln_low: float = 100.0,
    vtln_warp: float = 1.0,
    window_type: str = "povey",
) -> Any:
    """Log mel energies, torchaudio.compliance.kaldi.fbank.

    Shapes: [channels, L] or [L] -> [T, num_mel_bins]. Units: lengths in ms, frequencies in Hz.
    """
    options = dict(locals())
    waveform = options.pop("waveform")
    return _features("kaldi-fbank", waveform, options)


def mfcc(
    waveform: Any,
    blackman_coeff: float = 0.42,
    cepstral_lifter: float = 22.0,
    channel: int = -1,
    dither: float = 0.0,
    energy_floor: float = 1.0,
    frame_length: float = 25.0,
    frame_shift: float = 10.0,
    high_freq: float = 0.0,
    htk_compat: bool = False,
    low_freq: float = 20.0,
    num_ceps: int = 13,
    min_duration: float = 0.0,
    num_mel_bins: int = 23,
    preemphasis_coefficient: float = 0.97,
    raw_energy: bool = True,
    remove_dc_offset: bool = True,
    round_to_power_of_two: bool = True,
    sample_frequency: float = 16000.0,
    snip_edges: bool = True,
    subtract_mean: bool = False,
    use_energy: bool = False,
    vtln_high: float = -500.0,
    vtln_low: float = 100.0,
    vtln_warp: float = 1.0,
    window_type: str = "povey",
) -> Any:
    """Mel-frequency cepstral coefficients, torchaudio.compliance.kaldi.mfcc.

    Shapes: [channels, L] or [L] -> [T, num_ceps]. Units: lengths in ms, frequencies in Hz.
    """
    options = dict(locals())
    waveform = options.pop("waveform")
    return _features("kaldi-mfcc", waveform, options)

"""The functions of torchaudio.compliance.kaldi."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np

from ..._native import Extractor
from .._extractors import whole
from .._tensors import like, to_array


@lru_cache(maxsize=256)
def _extractor(name: str, sample_frequency: float, frame: tuple, mel: tuple, rest: tuple) -> Extractor:
    settings = {"dialect": "torchaudio", "frame_opts": dict(frame), "mel_opts": dict(mel), **dict(rest)}
    return Extractor(name, whole(sample_frequency, "sample_frequency"), json.dumps(settings))


def _features(name: str, waveform: Any, options: dict[str, Any], rest: dict[str, Any]) -> Any:
    if options["vtln_warp"] != 1.0:
        raise ValueError(f"vtln_warp = {options['vtln_warp']}: only 1 is supported")
    frame = (
        ("frame_shift_ms", options["frame_shift"]),
        ("frame_length_ms", options["frame_length"]),
        ("dither", options["dither"]),
        ("preemph_coeff", options["preemphasis_coefficient"]),
        ("remove_dc_offset", options["remove_dc_offset"]),
        ("window_type", options["window_type"]),
        ("round_to_power_of_two", options["round_to_power_of_two"]),
        ("blackman_coeff", options["blackman_coeff"]),
        ("snip_edges", options["snip_edges"]),
    )
    mel = (
        ("num_bins", options["num_mel_bins"]),
        ("low_freq", options["low_freq"]),
        ("high_freq", options["high_freq"]),
    )
    rest.update(
        use_energy=options["use_energy"],
        energy_floor=options["energy_floor"],
        raw_energy=options["raw_energy"],
        htk_compat=options["htk_compat"],
        cmvn="mean" if options["subtract_mean"] else "none",
    )
    toolkit = _extractor(name, options["sample_frequency"], frame, mel, tuple(rest.items()))
    if isinstance(waveform, (list, tuple)):
        frames = toolkit.extract_many([_channel(clip, options["channel"]) for clip in waveform])
        return [like(clip, one) for clip, one in zip(waveform, frames)]
    samples = _channel(waveform, options["channel"])
    if len(samples) < options["min_duration"] * options["sample_frequency"]:
        return like(waveform, np.empty(0, np.float32))
    return like(waveform, toolkit.extract(samples))


def _channel(waveform: Any, channel: int) -> np.ndarray:
    """Returns the samples of a channel of [channels, L], or of [L]."""
    array = to_array(waveform, np.float32)
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
    rest = {"use_log_fbank": use_log_fbank, "use_power": use_power}
    return _features("kaldi-fbank", waveform, options, rest)


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
    rest = {"num_ceps": num_ceps, "cepstral_lifter": cepstral_lifter}
    return _features("kaldi-mfcc", waveform, options, rest)

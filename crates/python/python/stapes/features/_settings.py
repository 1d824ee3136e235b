"""Settings of front ends: checks of their types, and JSON."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np

from .._settings import whole

_WHOLE = frozenset(
    "hop_length n_fft n_mels n_mfcc nfft nfilt num_bins num_ceps numcep order pad win_length width".split()
)
_OPTIONAL = frozenset("f_max fmax highfreq hop_length win_length".split())
_FLAGS = frozenset(
    "appendEnergy center htk htk_compat log_mels raw_energy remove_dc_offset round_to_power_of_two snip_edges "
    "use_energy use_log_fbank use_log_floor use_power".split()
)
_NUMBERS = frozenset(
    "blackman_coeff cepstral_lifter ceplifter dither energy_floor eps f_max f_min fmax fmin frame_length_ms "
    "frame_shift_ms high_freq highfreq lifter low_freq lowfreq power preemph preemph_coeff winlen winstep".split()
)


def to_json(settings: dict[str, Any]) -> str:
    """Checks the types of settings, which may be nested, and returns them as JSON."""
    return json.dumps(_checked(settings))


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _checked(value) if isinstance(value, dict) else _checked_value(key, value)
        for key, value in settings.items()
    }


def _checked_value(key: str, value: Any) -> Any:
    """Returns a value as JSON's; raises an error that names the setting if its type is wrong."""
    if isinstance(value, np.generic) or isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    is_word = isinstance(value, str) and key not in _NUMBERS | _FLAGS and (key not in _WHOLE or value == "auto")
    if key == "normalized":
        if value in (True, False, "window", "frame_length"):
            return value
        raise ValueError(f"{key} = {value!r}: must be True, False, 'window' or 'frame_length'")
    if is_word or value is None and key in _OPTIONAL:
        return value
    if key in _FLAGS:
        if isinstance(value, (bool, int)):
            return bool(value)
        raise ValueError(f"{key} = {value!r}: must be True or False")
    if key in _WHOLE:
        if isinstance(value, int) and not isinstance(value, bool):
            return whole(value, key)
        raise ValueError(f"{key} = {value!r}: must be a whole number, as an int")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf:
        return float(value)
    raise ValueError(f"{key} = {value!r}: must be a finite number" + ("" if key in _NUMBERS else " or a word"))


def named_error(error: ValueError, settings: dict[str, Any]) -> ValueError:
    """Returns an error about an unknown word with the name of its setting."""
    text = re.sub(r" at line \d+ column \d+$", "", str(error))
    match = re.match(r"unknown variant `(.*?)`, expected (.*)", text) or re.match(r'"(.*?)": must be (.*)', text)
    if match is None:
        return ValueError(text)
    flat = dict(settings)
    for value in settings.values():
        flat.update(value if isinstance(value, dict) else {})
    keys = [key for key, value in flat.items() if value == match[1]]
    rule = match[2].replace("`", "'").replace('"', "'")
    return ValueError(f"{keys[0]} = {match[1]!r}: must be {rule}") if keys else ValueError(text)

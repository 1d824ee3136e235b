"""Settings as JSON, for the native functions."""

from __future__ import annotations

import json
import math
import numbers
import os
from typing import Any

import numpy as np

#: Largest whole number of most native functions.
MAX_WHOLE = 2**32 - 1

_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def settings_json(settings: dict[str, Any]) -> str:
    """Returns settings as JSON, without keys whose value is None. Numbers and arrays of NumPy and paths are allowed."""
    return json.dumps(_plain(settings, ""), ensure_ascii=False)


def _plain(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        inner = {str(name): _plain(one, f"{key}.{name}" if key else str(name)) for name, one in value.items()}
        return {name: one for name, one in inner.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(one, key) for one in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist(), key)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key} = {value}: must be a finite number")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{key} is {value!r}; expected a number, text, a list or a dict")


def from_json(text: str) -> Any:
    """Reads JSON of the native functions, in which numbers that are not finite are text."""
    return json.loads(text, object_hook=_numbers)


def _numbers(content: dict[str, Any]) -> dict[str, Any]:
    return {key: _NUMBERS.get(one, one) if isinstance(one, str) else one for key, one in content.items()}


def whole(number: Any, name: str, least: int = 0, most: int = MAX_WHOLE) -> int:
    """Returns a number that must be whole and within the limits, as an int."""
    is_number = isinstance(number, numbers.Real) or np.ndim(number) == 0 and np.asarray(number).dtype.kind in "iuf"
    if not is_number or not math.isfinite(number) or int(number) != number or number < least:
        raise ValueError(f"{name} = {number!r}: must be a whole number of at least {least}")
    if number > most:
        raise ValueError(f"{name} = {number!r}: must be within {least}..={most}")
    return int(number)

"""Settings as JSON, for the native functions."""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np

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


def whole(number: Any, name: str, least: int) -> int:
    """Returns a number that must be whole, as an int."""
    is_number = hasattr(number, "__index__") or isinstance(number, (float, np.floating)) and float(number).is_integer()
    if not is_number or not least <= int(number) < 2**63:
        raise ValueError(f"{name} = {number!r}: must be a whole number of at least {least}")
    return int(number)

"""Extractors, which are built once for each set of settings."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from .._native import Extractor


def _plain(value: Any) -> Any:
    """Makes numbers of NumPy JSON's."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not ABSENT}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    item = getattr(value, "item", None)
    return item() if item is not None else value


class _Absent:
    """Marks a setting that is left to its default."""


ABSENT = _Absent()


@lru_cache(maxsize=256)
def extractor(name: str, sample_rate: int, **settings: Any) -> Extractor:
    """Returns the extractor with these settings; those that are ``ABSENT`` have their defaults."""
    return build(name, sample_rate, settings)


def build(name: str, sample_rate: int, settings: dict[str, Any]) -> Extractor:
    return Extractor(name, whole(sample_rate, "the sample rate"), to_json(settings))


def to_json(settings: dict[str, Any]) -> str:
    return json.dumps(_plain(settings))


def whole(number: Any, name: str) -> int:
    """Returns a number that must be whole, as an int."""
    rounded = int(number)
    if rounded != number or rounded < 0:
        raise ValueError(f"{name} is {number}; it must be a whole number")
    return rounded

"""Extractors, which are built once for each set of settings."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from .._native import Extractor
from ._settings import named_error, to_json, whole


#: Each toolkit's name of the sample rate.
_RATES = {"librosa": "sr", "psf": "samplerate", "torchaudio": "sample_rate"}


def extractor(name: str, sample_rate: Any, **settings: Any) -> Extractor:
    """Returns the extractor with these settings."""
    try:
        return _cached(name, sample_rate, **settings)
    except TypeError as error:
        # A value that cannot be a key, such as an array, is read anew, or refused with its name.
        if "unhashable" not in str(error):
            raise
        return build(name, sample_rate, settings)


# Typed, because 512.0 and True equal 512 and 1 but are refused.
@lru_cache(maxsize=256, typed=True)
def _cached(name: str, sample_rate: Any, **settings: Any) -> Extractor:
    return build(name, sample_rate, settings)


def build(name: str, sample_rate: Any, settings: dict[str, Any]) -> Extractor:
    """Builds the extractor with these settings."""
    rate = whole(sample_rate, _RATES[name.partition("-")[0]], least=1)
    text = to_json(settings)
    try:
        return Extractor(name, rate, text)
    except ValueError as error:
        raise named_error(error, settings) from None

"""Extractors, which are built once for each set of settings."""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import Any, Callable

from .._native import Extractor
from ._settings import named_error, to_json, whole


#: Each toolkit's name of the sample rate.
_RATES = {"librosa": "sr", "psf": "samplerate", "torchaudio": "sample_rate"}


def cached(builder: Callable[..., Extractor]) -> Callable[..., Extractor]:
    """Keeps the extractors of a function that builds one from settings, given by position.

    The function also checks the settings: they are checked once, and a call with known settings is a look-up.
    """
    # Typed, because 512.0 and True equal 512 and 1 but are refused.
    kept = lru_cache(maxsize=256, typed=True)(builder)

    @wraps(builder)
    def find(*settings: Any) -> Extractor:
        try:
            return kept(*settings)
        except TypeError as error:
            # A value that cannot be a key, such as an array, is read anew, or refused with its name.
            if "unhashable" not in str(error):
                raise
            return builder(*settings)

    return find


def build(name: str, sample_rate: Any, settings: dict[str, Any]) -> Extractor:
    """Builds the extractor with these settings."""
    rate = whole(sample_rate, _RATES[name.partition("-")[0]], least=1)
    text = to_json(settings)
    try:
        return Extractor(name, rate, text)
    except ValueError as error:
        raise named_error(error, settings) from None

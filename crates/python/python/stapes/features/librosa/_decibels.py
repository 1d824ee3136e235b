from __future__ import annotations

from typing import Any, Callable

import numpy as np

from ..._native import decibels
from .._arrays import floats


def power_to_db(
    S: Any, *, ref: float | Callable[[np.ndarray], Any] = 1.0, amin: float = 1e-10, top_db: float | None = 80.0
) -> Any:
    """Converts powers to decibels, librosa.power_to_db.

    ``ref`` is a power or a function of the powers, such as ``np.max``. With more than two axes, ``top_db`` and a function
    ``ref`` apply to each channel [F, T] by itself, as in librosa 1.0. Shapes: any.
    """
    floor, limit = _settings(amin, top_db)

    def convert(powers: np.ndarray) -> Any:
        return decibels(powers, _reference(ref, powers), floor, limit)

    return _by_channel(convert, _magnitudes(S))


def amplitude_to_db(
    S: Any, *, ref: float | Callable[[np.ndarray], Any] = 1.0, amin: float = 1e-5, top_db: float | None = 80.0
) -> Any:
    """Converts amplitudes to decibels, librosa.amplitude_to_db. Shapes: any. See :func:`power_to_db`."""
    floor, limit = _settings(amin, top_db)

    def convert(magnitude: np.ndarray) -> Any:
        powers = np.asarray(np.square(magnitude))
        return decibels(powers, _reference(ref, magnitude) ** 2, floor**2, limit)

    return _by_channel(convert, np.asarray(np.abs(_magnitudes(S))))


def _settings(amin: Any, top_db: Any) -> tuple[float, float | None]:
    try:
        return float(amin), None if top_db is None else float(top_db)
    except (TypeError, ValueError):
        raise ValueError(f"amin = {amin!r}, top_db = {top_db!r}: must be numbers, or top_db None") from None


def _magnitudes(S: Any) -> np.ndarray:
    array = np.asarray(S)
    return floats(np.abs(array) if array.dtype.kind == "c" else array, "S")


def _reference(ref: Any, powers: np.ndarray) -> float:
    # As in librosa, the sign of a number is ignored, and that of a function's result is not.
    value = np.asarray(ref(powers) if callable(ref) else np.abs(ref))
    if value.size != 1 or value.dtype.kind not in "fiub":
        raise ValueError("ref must be a number, or a function that returns one, such as numpy.max")
    return max(0.0, float(value.item()))


def _by_channel(convert: Callable[[np.ndarray], Any], array: np.ndarray) -> Any:
    """Converts an array, or each of its channels [F, T] if it has more than two axes."""
    if array.size == 0:
        return array
    if array.ndim <= 2:
        return convert(array)[()]
    channels = array.reshape((-1,) + array.shape[-2:])
    return np.stack([convert(channel) for channel in channels]).reshape(array.shape)

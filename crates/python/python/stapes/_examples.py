"""Examples and classes as arrays, with scikit-learn's messages."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ._progress import warn
from ._settings import whole
from .model import as_frames, as_samples


def sequences_of(X: Any, clips: bool, estimator: str, name: str = "X") -> list[np.ndarray]:
    """Returns examples as float32 arrays: frames [T, F], all with the same F; or clips [L]."""
    examples = _list_of_examples(X, clips)
    if len(examples) == 0:
        raise ValueError(f"Found array with 0 sample(s) while a minimum of 1 is required by {estimator}.")
    sequences = [_sequence(one, clips, f"{name}[{index}]") for index, one in enumerate(examples)]
    widths = [1 if clips else one.shape[1] for one in sequences]
    for index, width in enumerate(widths):
        if width != widths[0]:
            raise ValueError(
                f"{name}[{index}] has {width} values per frame and {name}[0] has {widths[0]}; all sequences need the same number"
            )
    return sequences


def _list_of_examples(X: Any, clips: bool) -> Any:
    """Returns a list of arrays, or an array whose first axis is that of the examples."""
    if hasattr(X, "toarray"):
        raise TypeError("Sparse data was passed, but dense data is required; use X.toarray()")
    if not isinstance(X, (list, tuple)):
        array = np.asarray(X)
        is_list = array.dtype == object and array.ndim == 1 and all(np.ndim(one) > 0 for one in array)
        return list(array) if is_list else _dense(array, clips)
    if any(np.isscalar(one) or one is None for one in X):
        raise ValueError("Expected 2D array, got 1D array instead; give a list of sequences")
    if not clips and X and all(isinstance(one, (list, tuple)) and all(map(np.isscalar, one)) for one in X):
        # Nested lists of numbers are an array [N, F], as everywhere in scikit-learn.
        if len({len(one) for one in X}) > 1:
            raise ValueError("X is a list of lists of different lengths; give each sequence as an array, [T] or [T, F]")
        return _dense(np.asarray(X), clips)
    return X


def _dense(array: np.ndarray, clips: bool) -> np.ndarray:
    array = _numeric(array)
    if array.ndim not in ((2,) if clips else (2, 3)):
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead; Reshape your data, or give a list of sequences"
            + ("" if clips else " or an array [N, T, F]")
        )
    if array.ndim == 2 and array.shape[1] == 0:
        raise ValueError(f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required.")
    return array[:, None, :] if array.ndim == 2 and not clips else array


def _sequence(one: Any, clips: bool, name: str) -> np.ndarray:
    """Returns one example as a float32 array, after checks of its shape and values."""
    array = _numeric(np.asarray(one))
    array = as_samples(array) if clips else as_frames(array)
    if array.ndim != (1 if clips else 2):
        expected = "samples [L]" if clips else "frames [T, F]"
        raise ValueError(f"{name} has the shape {list(array.shape)}; expected {expected}")
    if array.size == 0:
        empty = "samples" if clips else "frames" if len(array) == 0 else "values per frame"
        raise ValueError(f"{name} has no {empty}; remove the example")
    with np.errstate(over="ignore"):
        array = np.require(array, np.float32, ["C", "A"])
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN, infinity or a value too large for dtype('float32')")
    return array


def _numeric(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{array}\n")
    if array.dtype.kind in "OUS":
        try:
            return array.astype(np.float64)
        except TypeError as error:
            raise TypeError(f"argument must be a string or a real number, or a list of sequences: {error}") from error
    return array


def labels_of(y: Any, examples: int, name: str = "y") -> np.ndarray:
    """Returns the classes of the examples, [N]."""
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        text = "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples,)."
        warn(text, _sklearn_exception("DataConversionWarning", UserWarning))
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"{name} should be a 1d array, got an array of shape {labels.shape} instead.")
    if len(labels) != examples:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: [{examples}, {len(labels)}]")
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            raise ValueError(f"Input {name} contains NaN, infinity or a value too large.")
        if (labels != np.floor(labels)).any():
            raise ValueError("Unknown label type: continuous. Classes are names or whole numbers.")
    if labels.dtype == object:
        _check_objects(labels, name)
    return labels


def _check_objects(labels: np.ndarray, name: str) -> None:
    for index, label in enumerate(labels):
        if label is None or type(label).__name__ in ("NAType", "NaTType") or (isinstance(label, float) and label != label):
            raise ValueError(f"{name}[{index}] is {label}; each example needs a class, so remove it or name its class")
    types = sorted({type(label).__name__ for label in labels})
    if len(types) > 1:
        raise ValueError(f"{name} has classes of different types, {' and '.join(types)}; use one type, such as str")


def seed_of(random_state: Any) -> int:
    """Returns the seed of None, a whole number or a generator of NumPy."""
    if random_state is None:
        return int(np.random.randint(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return whole(random_state, "random_state", most=2**63 - 1)


class _NotFitted(ValueError, AttributeError):
    """Error of an estimator that was not trained."""


def not_fitted(estimator: str) -> Exception:
    text = f"This {estimator} instance is not fitted yet. Call 'fit' before using this estimator."
    return _sklearn_exception("NotFittedError", _NotFitted)(text)


def _sklearn_exception(name: str, otherwise: Any) -> Any:
    """Returns scikit-learn's class if it is loaded."""
    return getattr(sys.modules.get("sklearn.exceptions"), name, otherwise)

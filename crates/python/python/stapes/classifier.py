"""Training on arrays, with scikit-learn's methods."""

from __future__ import annotations

import inspect
import json
import os
import sys
import warnings
from typing import Any, Callable

import numpy as np

from . import _native
from ._progress import Progress, without_none
from .features._extractors import to_json
from .model import Model, as_frames, as_samples


class Classifier:
    """Recurrent classifier of sequences: frames [T, F], or clips if there is a ``sample_rate``.

    X is a list of arrays, which may differ in length: frames [T, F], or vectors [T] of one value per frame; with
    ``sample_rate``, clips [L] in [-1, 1], from which ``features`` are computed. An array [N, T, F] holds N sequences of equal
    length, and [N, F] N sequences of one frame. y has one class per sequence, of any type.

    It follows scikit-learn's protocol (clone, pickle, cross_val_score, GridSearchCV) and does not need scikit-learn.

    Args:
        cell: ``"lstm"``, ``"gru"``, ``"rnn_tanh"`` or ``"rnn_relu"``.
        hidden_size: units per layer and direction.
        num_layers: number of layers.
        bidirectional: also reads the sequence backwards.
        head: how the states become scores: ``"last"``, ``"mean"``, ``"max"``, ``"attention"``, ``"vote"``.
        dropout: between layers; ``head_dropout``: before the scores.
        model: settings of another network, as the section ``[model]`` of a recipe, in place of those above.
        sample_rate: rate of the clips in Hz; None for frames.
        features: front end of clips: a preset (``"log-mel"``, ``"kaldi-mfcc-39"``, …) or a dict like ``[features]``.
        normalization: ``"per-coefficient"``, ``"per-utterance"``, ``"per-utterance-mean"`` or ``"none"``.
        epochs, batch_size, learning_rate, optimizer, weight_decay, max_grad_norm, patience: the training.
        train: further settings of the section ``[train]`` of a recipe.
        validation_fraction: part of the examples that chooses the best epoch and stops the training, if
            ``validation_data`` is not given; 0 for none.
        random_state: seed; the same seed gives the same model, bit for bit.

    Attributes after fit: ``model_``, a :class:`Model`; ``classes_``; ``history_``, the learning curves; ``n_features_in_``.

    >>> import numpy, stapes
    >>> rng = numpy.random.default_rng(1)
    >>> y = numpy.arange(60) % 2
    >>> X = [numpy.cumsum(rng.normal(0.5 - label, 0.1, 8 + n % 5)) for n, label in enumerate(y)]
    >>> stapes.Classifier(cell="gru", hidden_size=8, learning_rate=0.01).fit(X, y).score(X, y)
    1.0
    """

    _estimator_type = "classifier"

    def __init__(
        self,
        cell: str = "gru",
        hidden_size: int = 64,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        head: str = "last",
        dropout: float = 0.0,
        head_dropout: float = 0.0,
        model: dict[str, Any] | None = None,
        sample_rate: int | None = None,
        features: str | dict[str, Any] = "log-mel",
        normalization: str = "per-coefficient",
        epochs: int = 50,
        batch_size: int = 32,
        learning_rate: float = 0.003,
        optimizer: str = "adam",
        weight_decay: float = 0.0,
        max_grad_norm: float | None = 5.0,
        patience: int | None = None,
        train: dict[str, Any] | None = None,
        validation_fraction: float = 0.1,
        random_state: Any = 1,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.head = head
        self.dropout = dropout
        self.head_dropout = head_dropout
        self.model = model
        self.sample_rate = sample_rate
        self.features = features
        self.normalization = normalization
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.patience = patience
        self.train = train
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        groups: Any = None,
        validation_data: tuple[Any, Any] | None = None,
        callback: Callable[[dict[str, Any]], None] | None = None,
    ) -> Classifier:
        """Trains a model.

        Args:
            X, y: examples and their classes.
            groups: group of each example, such as its speaker; validation then has whole groups.
            validation_data: (X, y) of other examples that choose the best epoch.
            callback: called with each event, a dict; by default progress is shown in a notebook.

        Ctrl-C ends the training and keeps the best model so far.
        """
        sequences = self._sequences(X, y is None)
        labels = _labels(y, len(sequences))
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}; a classifier needs at least two classes")
        validation = None
        if validation_data is not None:
            validation = self._validation(*validation_data)
        if groups is not None and len(groups) != len(sequences):
            raise ValueError(f"there are {len(sequences)} examples and {len(groups)} groups")
        with Progress(callback) as progress:
            native, result, interrupted = _native.fit(
                sequences, numbers.tolist(), validation, self._settings(groups, len(sequences)), progress.report
            )
        if interrupted:
            warnings.warn("the training was interrupted; the model is the best so far", stacklevel=2)
        result = json.loads(result)
        self.model_ = Model(native)
        self.history_ = result["history"]
        self.n_features_in_ = native.width if self.sample_rate is None else 1
        self.n_iter_ = max(1, int(np.ceil(self.history_[-1]["epoch"]))) if self.history_ else 1
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, [N, K], in the order of ``classes_``."""
        self._check_fitted()
        sequences = self._sequences(X)
        if self.sample_rate is None:
            width = sequences[0].shape[1]
            if width != self.n_features_in_:
                raise ValueError(
                    f"X has {width} features, but {type(self).__name__} is expecting {self.n_features_in_} features as input"
                )
        rows = self.model_.probabilities_of(sequences, self.sample_rate)
        if self.model_.frame_level:
            raise ValueError("the model predicts a class per frame; use model_.probabilities_of")
        return np.asarray(rows, np.float64)

    def predict(self, X: Any) -> np.ndarray:
        """Classes, [N]."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy."""
        return float(np.average(self.predict(X) == np.asarray(y), weights=sample_weight))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the model file, for :meth:`Model.load`, the command line and Rust."""
        self._check_fitted()
        self.model_.save(path)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Classifier:
        """Sets arguments of the constructor."""
        names = self._names()
        for name, value in params.items():
            if name not in names:
                raise ValueError(f"Invalid parameter {name!r} for estimator {self!r}. Valid parameters are: {names!r}.")
            setattr(self, name, value)
        return self

    @classmethod
    def _names(cls) -> list[str]:
        return sorted(name for name in inspect.signature(cls.__init__).parameters if name != "self")

    def _settings(self, groups: Any, examples: int) -> str:
        """Settings of the native training."""
        recurrent = {
            "cell": self.cell,
            "hidden_size": self.hidden_size,
            "num_layers": self.num_layers,
            "bidirectional": self.bidirectional,
            "head": self.head,
            "dropout": self.dropout,
            "head_dropout": self.head_dropout,
        }
        training = {
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "optimizer": self.optimizer,
            "weight_decay": self.weight_decay,
            "max_grad_norm": self.max_grad_norm,
            "patience": self.patience,
            **(self.train or {}),
        }
        settings = {
            "model": {"recurrent": recurrent} if self.model is None else self.model,
            "train": training,
            "features": None,
            "preset": None,
            "sample_rate": 0,
            "normalization": self.normalization,
            "seed": _seed(self.random_state),
            "classes": [str(name) for name in self.classes_.tolist()],
            "validation_fraction": float(self.validation_fraction) if examples >= 10 else 0.0,
            "groups": None if groups is None else [str(group) for group in groups],
        }
        if self.sample_rate is not None:
            settings["sample_rate"] = int(self.sample_rate)
            settings["preset" if isinstance(self.features, str) else "features"] = self.features
        if not 0 <= settings["validation_fraction"] <= 1:
            raise ValueError(f"validation_fraction = {self.validation_fraction}: must be in 0..=1")
        return to_json(without_none(settings))

    def _validation(self, X: Any, y: Any) -> tuple[list[np.ndarray], list[int]]:
        sequences = self._sequences(X)
        labels = _labels(y, len(sequences))
        unknown = sorted(set(labels.tolist()) - set(self.classes_.tolist()))
        if unknown:
            raise ValueError(f"validation_data has classes that the training data lacks: {unknown}")
        return sequences, np.searchsorted(self.classes_, labels).tolist()

    def _sequences(self, X: Any, y_is_missing: bool = False) -> list[np.ndarray]:
        """Examples as arrays: frames [T, F], or clips [L]."""
        if y_is_missing:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        if hasattr(X, "toarray"):
            raise TypeError("Sparse data was passed, but dense data is required; use X.toarray()")
        if not isinstance(X, (list, tuple)):
            X = _dense(X)
        else:
            X = [_numeric(np.asarray(one)) for one in X]
            if X and all(one.ndim == 0 for one in X):
                raise ValueError("Expected 2D array, got 1D array instead; give a list of sequences")
        if len(X) == 0:
            raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required by Classifier.")
        if isinstance(X, np.ndarray) and X.ndim == 2 and self.sample_rate is None:
            if X.shape[1] == 0:
                raise ValueError(f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required.")
            X = X[:, None, :]
        to_array = as_frames if self.sample_rate is None else as_samples
        sequences = [np.require(to_array(one), np.float32, "CA") for one in X]
        for index, one in enumerate(sequences):
            if not np.isfinite(one).all():
                raise ValueError(f"X contains NaN, infinity or a value too large for dtype('float32'), in example {index}")
        return sequences

    def _check_fitted(self) -> None:
        if not hasattr(self, "model_"):
            text = f"This {type(self).__name__} instance is not fitted yet. Call 'fit' before using this estimator."
            raise _not_fitted_error()(text)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(three_d_array=True),
            non_deterministic=False,
        )

    def __repr__(self) -> str:
        defaults = {name: one.default for name, one in inspect.signature(type(self).__init__).parameters.items()}
        changed = [f"{name}={value!r}" for name, value in self.get_params().items() if value is not defaults[name]]
        return f"{type(self).__name__}({', '.join(changed)})"


class _NotFitted(ValueError, AttributeError):
    """Error of an estimator that was not trained."""


def _not_fitted_error() -> type[Exception]:
    """scikit-learn's error if it is loaded."""
    exceptions = sys.modules.get("sklearn.exceptions")
    return _NotFitted if exceptions is None else exceptions.NotFittedError


def _dense(X: Any) -> np.ndarray:
    array = _numeric(np.asarray(X))
    if array.ndim not in (2, 3):
        kind = "1D" if array.ndim == 1 else f"{array.ndim}D"
        raise ValueError(
            f"Expected 2D array, got {kind} array instead; Reshape your data, or give a list of sequences or an array [N, T, F]"
        )
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


def _labels(y: Any, examples: int) -> np.ndarray:
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples,).",
            _conversion_warning(),
            stacklevel=3,
        )
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {labels.shape} instead.")
    if len(labels) != examples:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: [{examples}, {len(labels)}]")
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            raise ValueError("Input y contains NaN, infinity or a value too large.")
        if (labels != np.floor(labels)).any():
            raise ValueError("Unknown label type: continuous. Classes are names or whole numbers.")
    return labels


def _conversion_warning() -> type[Warning]:
    exceptions = sys.modules.get("sklearn.exceptions")
    return UserWarning if exceptions is None else exceptions.DataConversionWarning


def _seed(random_state: Any) -> int:
    """Seed of None, a number or a generator of NumPy."""
    if random_state is None:
        return int(np.random.randint(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return int(random_state)

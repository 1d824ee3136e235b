"""Training on arrays, with scikit-learn's methods."""

from __future__ import annotations

import inspect
import os
import re
from typing import Any, Callable

import numpy as np

from . import _native
from ._examples import labels_of, not_fitted, seed_of, sequences_of
from ._progress import Progress, divergence, warn
from ._settings import from_json, settings_json, whole
from .model import Model

#: Parameters that are keys of [model.recurrent], and of [train].
_RECURRENT = ("cell", "hidden_size", "num_layers", "bidirectional", "head", "dropout", "head_dropout")
_TRAIN = ("batch_size", "epochs", "learning_rate", "optimizer", "weight_decay", "max_grad_norm", "patience")


class Classifier:
    """Recurrent classifier of sequences: frames [T, F], or clips if there is a ``sample_rate``.

    X is a list of arrays, which may differ in length: frames [T, F], or vectors [T] of one value per frame; with
    ``sample_rate``, clips [L] in [-1, 1], from which ``features`` are computed. An array [N, T, F] holds N sequences of equal
    length, and [N, F], or a list of lists of numbers, N sequences of one frame. y has one class per sequence, of any type.

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
        features: front end of clips: a preset (``"log-mel"``, ``"kaldi-mfcc-39"``, …) or a dict like ``[features]``, whose
            ``sample_rate_hz`` is ``sample_rate`` by default.
        normalization: ``"per-coefficient"``, ``"per-utterance"``, ``"per-utterance-mean"`` or ``"none"``.
        epochs, batch_size, learning_rate, optimizer, weight_decay, max_grad_norm, patience: the training.
        train: further settings of the section ``[train]`` of a recipe.
        validation_fraction: part of the examples that chooses the best epoch and stops the training, if
            ``validation_data`` is not given; 0 for none. Fewer than 10 examples are all used for training.
        random_state: seed; the same seed gives the same model, bit for bit.

    Attributes after fit: ``model_``, a :class:`Model`; ``classes_``; ``history_``, the learning curves, a list
    of dicts; ``n_features_in_``, the number of values per frame (1 for clips); ``n_iter_``, the number of epochs.

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
            validation_data: (X, y) of other examples that choose the best epoch; then ``validation_fraction`` and
                ``groups`` are not used.
            callback: called with each event, a dict; by default progress is shown in a notebook. Its exceptions end the
                training and are raised; ``KeyboardInterrupt`` ends it like Ctrl-C.

        Ctrl-C ends the training and keeps the best model so far, with a warning.
        """
        if y is None:
            raise ValueError(f"This {self._name} estimator requires y to be passed, but the target y is None.")
        sequences = sequences_of(X, self.sample_rate is not None, self._name)
        labels = labels_of(y, len(sequences))
        classes, numbers = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y has one class, {classes.tolist()[0]!r}; a classifier needs at least two classes")
        validation = None if validation_data is None else self._validation(validation_data, sequences, classes)
        if groups is not None and len(groups) != len(sequences):
            raise ValueError(f"groups has {len(groups)} values and X has {len(sequences)} examples; give one per example")
        with Progress(callback) as progress:
            try:
                settings = self._settings(groups, len(sequences), classes)
                native, result, interrupted = _native.fit(
                    sequences, numbers.tolist(), validation, settings, progress.report
                )
            except ValueError as error:
                raise self._in_terms_of_parameters(error) from None
        content = from_json(result)
        warning = divergence(content["diverged_loss"])
        if interrupted:
            warning = "the training was interrupted; the model is the best so far"
        if warning is not None:
            warn(warning)
        self.classes_ = classes
        self.model_ = Model(native)
        self.history_ = content["history"]
        self.n_features_in_ = native.width if self.sample_rate is None else 1
        self.n_iter_ = max(1, int(np.ceil(self.history_[-1]["epoch"]))) if self.history_ else 1
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, [N, K], in the order of ``classes_``."""
        self._check_fitted()
        sequences = sequences_of(X, self.sample_rate is not None, self._name)
        self._check_width(sequences, self.n_features_in_, "X")
        return np.asarray(self.model_.probabilities_of(sequences, self.sample_rate), np.float64)

    def predict(self, X: Any) -> np.ndarray:
        """Classes, [N]."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy."""
        predicted = self.predict(X)
        return float(np.average(predicted == labels_of(y, len(predicted)), weights=sample_weight))

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

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _settings(self, groups: Any, examples: int, classes: np.ndarray) -> str:
        """Settings of the native training."""
        if isinstance(self.validation_fraction, str) or not 0 <= self.validation_fraction < 1:
            raise ValueError(f"validation_fraction = {self.validation_fraction!r}: must be at least 0 and below 1")
        for name in ("model", "train"):
            if not isinstance(getattr(self, name), (dict, type(None))):
                raise ValueError(f"{name} = {getattr(self, name)!r}: must be a dict or None")
        recurrent = {name: getattr(self, name) for name in _RECURRENT}
        settings = {
            "model": {"recurrent": recurrent} if self.model is None else self.model,
            "train": {**{name: getattr(self, name) for name in _TRAIN}, **(self.train or {})},
            "input": {"normalization": self.normalization},
            "seed": seed_of(self.random_state),
            "classes": [str(name) for name in classes.tolist()],
            "validation_fraction": float(self.validation_fraction) if examples >= 10 else 0.0,
            "groups": None if groups is None else [str(group) for group in groups],
            **self._front_end(),
        }
        return settings_json(settings)

    def _front_end(self) -> dict[str, Any]:
        """Settings of the front end of clips."""
        if self.sample_rate is None:
            return {"sample_rate": 0}
        rate = whole(self.sample_rate, "sample_rate", 1)
        if isinstance(self.features, str):
            return {"sample_rate": rate, "preset": self.features}
        if not isinstance(self.features, dict):
            raise ValueError(f"features = {self.features!r}: must be the name of a preset, or a dict")
        if "normalization" in self.features:
            raise ValueError("features has the key normalization; set the parameter normalization in its place")
        return {"sample_rate": rate, "features": {"sample_rate_hz": rate, **self.features}}

    def _validation(
        self, data: Any, sequences: list[np.ndarray], classes: np.ndarray
    ) -> tuple[list[np.ndarray], list[int]]:
        """Examples of ``validation_data`` with the indices of their classes."""
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise ValueError("validation_data must be (X, y), the examples and their classes")
        examples = sequences_of(data[0], self.sample_rate is not None, self._name, "validation_data[0]")
        if self.sample_rate is None:
            self._check_width(examples, sequences[0].shape[1], "validation_data[0]")
        labels = labels_of(data[1], len(examples), "validation_data[1]")
        unknown = set(labels.tolist()) - set(classes.tolist())
        if unknown:
            names = ", ".join(sorted(map(repr, unknown)))
            raise ValueError(f"validation_data has classes that y lacks: {names}; remove these examples")
        return examples, np.searchsorted(classes, labels).tolist()

    def _check_width(self, sequences: list[np.ndarray], expected: int, name: str) -> None:
        width = expected if self.sample_rate is not None else sequences[0].shape[1]
        if width != expected:
            raise ValueError(
                f"{name} has {width} features, but {self._name} is expecting {expected} features as input"
            )

    def _in_terms_of_parameters(self, error: ValueError) -> ValueError:
        """The error with the name of a parameter in place of a recipe's key, if the parameter is its cause."""
        found = re.match(r"(model|train|input)\.(?:recurrent\.)?(\w+)", str(error))
        if found is None or found[2] not in self._names():
            return error
        if found[1] == "model" and self.model is not None or found[1] == "train" and found[2] in (self.train or {}):
            return error
        return type(error)(found[2] + str(error)[found.end() :])

    def _check_fitted(self) -> None:
        if not hasattr(self, "model_"):
            raise not_fitted(self._name)

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
        changed = [f"{name}={value!r}" for name, value in self.get_params().items() if repr(value) != repr(defaults[name])]
        return f"{self._name}({', '.join(changed)})"

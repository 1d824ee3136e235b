"""Trained models."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Iterable, NamedTuple

import numpy as np

from . import _native
from ._progress import warn
from ._settings import settings_json, whole


@dataclass(frozen=True)
class Prediction:
    """Class of a recording, or of a sequence of frames.

    ``probabilities`` are those of all labels, [K], in the order of ``Model.labels``.
    """

    label: str
    index: int
    probability: float
    probabilities: np.ndarray = field(compare=False, repr=False)


class Segment(NamedTuple):
    """Part of a recording with one label; times in s."""

    start: float
    end: float
    label: str


class Model:
    """Trained model: front end, normalization, network and labels.

    One model may be used by several threads at once.

    >>> import numpy, stapes
    >>> model = stapes.Model.load("digits")
    >>> model.predict(numpy.zeros(8000, numpy.float32), 8000).label in model.labels
    True
    """

    def __init__(self, native: _native.Model) -> None:
        self._native = native

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Reads a run or its folder, a model file (.safetensors), or a built-in model: ``"vad"`` or ``"digits"``."""
        return cls(_native.Model.load(os.fspath(path)))

    @classmethod
    def untrained(cls, recipe: Any, *, set: dict[str, Any] | None = None, seed: int = 1) -> Model:
        """Returns the model of a recipe with initial parameters, to measure it or to try an export before a training.

        ``recipe`` is a path, the name of a built-in recipe, or a dict; ``set`` overrides keys, such as ``{"model.recurrent.hidden_size": 32}``.
        """
        source = {"keys": recipe} if isinstance(recipe, dict) else {"file": os.fspath(recipe)}
        return cls(_native.Model.untrained(settings_json(source), settings_json(set or {}), whole(seed, "seed", 0)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the model file, which the command line and Rust read too."""
        self._native.save(os.fspath(path))

    @property
    def labels(self) -> list[str]:
        """Labels, in the order of the probabilities."""
        return self._native.labels

    @property
    def sample_rate(self) -> int | None:
        """Sample rate of the front end in Hz; other rates are resampled. None if the model reads frames."""
        return self._native.sample_rate

    @property
    def frame_level(self) -> bool:
        """True if the model predicts a class for each frame."""
        return self._native.frame_level

    @property
    def config(self) -> dict[str, Any]:
        """Settings of the input and of the network, as in a recipe."""
        return json.loads(self._native.config())

    @property
    def recipe(self) -> str:
        """Recipe of the training as TOML; empty for a model trained on arrays."""
        return self._native.recipe

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Copies of the parameters under their PyTorch names."""
        return self._native.parameters()

    def probabilities(self, audio: Any, sr: int | None = None) -> np.ndarray:
        """Probabilities of the labels of one recording, or of frames.

        ``audio`` is a path, samples [L] in [-1, 1] at ``sr`` Hz, or frames [T, F] for a model that reads frames.

        Shapes: [K], or [T, K] for a frame-level model.
        """
        return self._classify(audio, sr)[0]

    def predict(self, audio: Any, sr: int | None = None) -> Any:
        """Class of one recording, or of each of a list of recordings of the same rate.

        ``audio`` is as for :meth:`probabilities`, or a list. A list of arrays, or of paths, is classified in
        parallel. A frame-level model returns segments; see :meth:`segments`.
        """
        if isinstance(audio, (list, tuple)):
            return self._predict_many(list(audio), sr)
        if self.frame_level:
            return self.segments(audio, sr)
        return self._prediction(self._classify(audio, sr)[0])

    def segments(self, audio: Any, sr: int | None = None) -> list[Segment]:
        """Segments of a recording with the most probable label of each frame, for a frame-level model."""
        return self._segments(*self._classify(audio, sr))

    def _segments(self, probabilities: np.ndarray, seconds: float) -> list[Segment]:
        labels = self.labels
        return [Segment(start, end, labels[label]) for start, end, label in self._native.segments(probabilities, seconds)]

    def features(self, audio: Any, sr: int) -> np.ndarray:
        """Frames of samples [L] at ``sr`` Hz from the front end, before normalization. Shapes: -> [T, F], f32."""
        return self._native.features(as_samples(audio), self._rate(sr))

    def to_torch(self, folder: str | os.PathLike[str] | None = None) -> Any:
        """The network as a ``torch.nn.Module`` with the same parameters; see ``stapes.torch_module``.

        With ``folder``, the files ``model.py`` and ``model.safetensors`` are written there instead: the network, and the features
        as calls of the toolkit that they equal, without stapes. ``python model.py FILE.wav`` prints the probabilities.
        """
        if folder is not None:
            files = self._native.torch_files()
            os.makedirs(folder, exist_ok=True)
            for name, content in files:
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(content)
            return None
        from .torch_module import module_of

        return module_of(self)

    def to_onnx(self, path: Any = None, *, features: bool = False, streaming: bool = False) -> bytes:
        """The model as an ONNX file, which is also written to ``path`` if given.

        For clips its inputs are ``frames`` [B, T, F] from the front end, or with ``features`` ``samples`` [B, L], and ``lengths``
        [B], whole numbers of 64 bits; its output is ``probabilities``. With ``streaming`` it reads one frame, or one hop of
        samples, and has its states as inputs and outputs, which begin as zeros.
        """
        content = self._native.onnx(features, streaming)
        if path is not None:
            with open(path, "wb") as file:
                file.write(content)
        return content

    def _classify(self, audio: Any, sr: int | None) -> tuple[np.ndarray, float]:
        """Probabilities of one input, and its duration in s."""
        if isinstance(audio, (str, os.PathLike)):
            return self._classify_files([audio])[0]
        if self.sample_rate is None:
            return self._native.classify_frames(as_frames(audio)), 0.0
        samples = as_samples(audio)
        return self._native.classify_samples(samples, self._rate(sr)), len(samples) / self._rate(sr)

    def _classify_files(self, paths: list[Any]) -> list[tuple[np.ndarray, float]]:
        """Probabilities of sound files, and their durations in s, computed in parallel."""
        paths = [os.fspath(path) for path in paths]
        found = self._native.classify_files(paths)
        for path, (_, seconds, is_cut) in zip(paths, found):
            if is_cut:
                warn(f"{path}: the model reads the first {seconds:g} s only; classify windows of longer recordings")
        return [(probabilities, seconds) for probabilities, seconds, _ in found]

    def _rate(self, sr: int | None) -> int:
        if sr is None:
            raise ValueError(f"sr is missing: give the sample rate of the samples in Hz, such as sr={self.sample_rate}")
        return whole(sr, "sr", 1)

    def _predict_many(self, inputs: list[Any], sr: int | None) -> list[Any]:
        is_path = [isinstance(one, (str, os.PathLike)) for one in inputs]
        if all(is_path):
            found = self._classify_files(inputs)
            return [self._segments(*one) if self.frame_level else self._prediction(one[0]) for one in found]
        if any(is_path):
            return [self.predict(one, sr) for one in inputs]
        if any(one is None or np.isscalar(one) for one in inputs):
            raise ValueError("audio is a list of numbers; give an array, or a list of arrays or paths")
        rows = self.probabilities_of(inputs, sr)
        if not self.frame_level:
            return [self._prediction(row) for row in rows]
        if self.sample_rate is None:
            raise ValueError("the model reads frames, whose times are unknown; use probabilities_of")
        return [self._segments(row, len(one) / self._rate(sr)) for one, row in zip(inputs, rows)]

    def probabilities_of(self, inputs: Iterable[Any], sr: int | None = None) -> list[np.ndarray]:
        """Probabilities of each of several arrays, computed in parallel."""
        if self.sample_rate is None:
            return self._native.classify_many([as_frames(one) for one in inputs], None)
        return self._native.classify_many([as_samples(one) for one in inputs], self._rate(sr))

    def _prediction(self, probabilities: np.ndarray) -> Prediction:
        index = int(probabilities.argmax())
        return Prediction(self.labels[index], index, float(probabilities[index]), probabilities)

    def __reduce__(self) -> tuple[Any, ...]:
        return _of_bytes, (self._native.to_bytes(),)

    def __repr__(self) -> str:
        (network,) = self.config["model"]
        reads = f"{self.sample_rate} Hz" if self.sample_rate else f"frames of {self._native.width} values"
        return f"stapes.Model({network}, {reads}, labels={self.labels})"


def _of_bytes(data: bytes) -> Model:
    return Model(_native.Model.from_bytes(data))


def as_samples(audio: Any) -> np.ndarray:
    """Returns samples [L] as floats; integers are refused, because their scale is unknown."""
    if audio is None:
        raise ValueError("audio is None; give samples [L] in [-1, 1]")
    samples = np.asarray(audio)
    if samples.dtype.kind in "iu":
        raise ValueError(f"samples are {samples.dtype}; divide 16-bit samples by 32768, so that they are in [-1, 1]")
    return samples


def as_frames(array: Any) -> np.ndarray:
    """Returns frames [T, F]; a vector is T frames of one value."""
    frames = np.asarray(array)
    return frames[:, None] if frames.ndim == 1 else frames

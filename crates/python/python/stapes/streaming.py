"""Streams: samples in chunks of any size, and speech in recordings of any length."""

from __future__ import annotations

import json
import math
from collections import deque
from typing import Any

import numpy as np

from . import _native
from .model import Model, as_samples


class FeatureStream:
    """Front end on a stream: frames of samples as they arrive, equal to those of the whole recording.

    ``source`` is a :class:`Model`, whose normalization is applied, or a dict like the section ``[features]`` of a recipe.
    """

    def __init__(self, source: Model | dict[str, Any]) -> None:
        if isinstance(source, Model):
            self._native = _native.FeatureStream.of_model(source._native)
        else:
            self._native = _native.FeatureStream.of_settings(json.dumps(source))

    @property
    def width(self) -> int:
        """Number of values per frame."""
        return self._native.width

    def push(self, samples: Any) -> np.ndarray:
        """Processes samples [L] at the front end's rate; returns the frames that they complete, [T, F]."""
        return self._native.push(as_samples(samples))

    def finish(self) -> np.ndarray:
        """Ends the recording and returns the remaining frames, [T, F]; the next samples are those of another recording."""
        return self._native.finish()


class StreamClassifier:
    """Model on a stream: probabilities after each step, equal to those of the whole recording, bit for bit.

    The model must be causal: no bidirectional layer, and a front end and normalization that need no later samples.
    """

    def __init__(self, model: Model) -> None:
        self._native = _native.StreamClassifier(model._native)
        self.labels = model.labels

    def push(self, samples: Any) -> np.ndarray:
        """Processes samples [L] at the model's rate; returns the probabilities of each step that they complete, [N, K]."""
        return self._native.push(as_samples(samples))

    def finish(self) -> np.ndarray:
        """Ends the recording and returns the remaining probabilities, [N, K]."""
        return self._native.finish()


def _to_json(options: dict[str, Any]) -> str:
    """Options as JSON; what is not a number is refused by name."""
    for name, value in options.items():
        if not (value is None or isinstance(value, (int, float, np.number)) and math.isfinite(value)):
            raise ValueError(f"{name} = {value!r}: must be a number")
    return json.dumps(options)


def _vad() -> Model:
    return Model.load("vad")


class VADIterator:
    """Speech on a stream, with the interface of silero-vad's class of the same name.

    A call takes a chunk of samples [L] in [-1, 1] at ``sampling_rate``, which must be the model's, and returns
    ``{"start": sample}``, ``{"end": sample}`` or None. If several events become certain at once, the later ones are returned
    by the next calls.

    >>> import numpy, stapes
    >>> iterator = stapes.VADIterator()
    >>> iterator(numpy.zeros(512, numpy.float32)) is None
    True
    """

    def __init__(
        self,
        model: Model | None = None,
        threshold: float = 0.5,
        sampling_rate: int = 16000,
        min_silence_duration_ms: float = 100,
        speech_pad_ms: float = 30,
    ) -> None:
        self._model = _vad() if model is None else model
        if sampling_rate != self._model.sample_rate:
            raise ValueError(f"sampling_rate is {sampling_rate}; the model's is {self._model.sample_rate}")
        options = {
            "threshold": threshold,
            "min_silence_duration_ms": min_silence_duration_ms,
            "speech_pad_ms": speech_pad_ms,
            # A start is reported with the first frame of speech, as silero-vad does.
            "min_speech_duration_ms": 0,
        }
        self._options = _to_json(options)
        self._rate = sampling_rate
        self.reset_states()

    def reset_states(self) -> None:
        """Starts another recording."""
        self._stream = _native.SpeechStream(self._model._native, self._options)
        self._events: deque[tuple[bool, float]] = deque()
        #: Speech probabilities of the frames of the last chunk.
        self.probabilities = np.empty(0, np.float32)

    def __call__(self, x: Any, return_seconds: bool = False, time_resolution: int = 1) -> dict[str, float] | None:
        events, probabilities = self._stream.push(as_samples(x))
        self.probabilities = np.asarray(probabilities, np.float32)
        self._events.extend(events)
        if not self._events:
            return None
        is_start, seconds = self._events.popleft()
        time = round(seconds, time_resolution) if return_seconds else round(seconds * self._rate)
        return {"start" if is_start else "end": time}


def get_speech_timestamps(
    audio: Any,
    model: Model | None = None,
    threshold: float = 0.5,
    sampling_rate: int = 16000,
    min_speech_duration_ms: float = 250,
    max_speech_duration_s: float = math.inf,
    min_silence_duration_ms: float = 100,
    speech_pad_ms: float = 30,
    return_seconds: bool = False,
    time_resolution: int = 1,
    neg_threshold: float | None = None,
    min_silence_at_max_speech: float = 98,
    use_max_poss_sil_at_max_speech: bool = True,
) -> list[dict[str, float]]:
    """Speech of a recording, with silero-vad's names, defaults and algorithm.

    ``audio`` is samples [L] in [-1, 1] at ``sampling_rate`` Hz, which may differ from the model's, or a path. ``model`` is a
    frame-level model whose first class is the background; the built-in ``vad`` if none is given.

    Returns dicts with ``start`` and ``end``, in samples, or in s with ``return_seconds``.
    """
    model = _vad() if model is None else model
    options = {
        "threshold": threshold,
        "neg_threshold": neg_threshold,
        "min_speech_duration_ms": min_speech_duration_ms,
        # JSON has no infinity.
        "max_speech_duration_s": None if max_speech_duration_s == math.inf else max_speech_duration_s,
        "min_silence_duration_ms": min_silence_duration_ms,
        "speech_pad_ms": speech_pad_ms,
        "min_silence_at_max_speech": min_silence_at_max_speech,
        "use_max_poss_sil_at_max_speech": use_max_poss_sil_at_max_speech,
    }
    probabilities, seconds = model._classify(audio, sampling_rate)
    if not model.frame_level:
        raise ValueError("the model predicts one class per recording; speech segments need a frame-level model")
    segments = model._native.speech(probabilities, seconds, _to_json(options))
    if return_seconds:
        return [{"start": round(start, time_resolution), "end": round(end, time_resolution)} for start, end in segments]
    return [{"start": round(start * sampling_rate), "end": round(end * sampling_rate)} for start, end in segments]

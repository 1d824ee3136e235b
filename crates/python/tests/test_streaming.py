"""Streams against whole recordings, and silero-vad's interface."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest
from conftest import clip

import stapes
import stapes.features.kaldi as kaldi
import stapes.features.librosa as librosa

RATE = 16_000


@pytest.fixture(scope="module")
def vad() -> stapes.Model:
    return stapes.Model.load("vad")


@pytest.fixture(scope="module")
def speech(digits: Path) -> np.ndarray:
    """Spoken digits with silence of 0.4 to 1.2 s, with faint noise, before, between and after them."""
    random, parts = np.random.default_rng(4), []
    for path in sorted(digits.glob("*_[05].wav"))[::12]:
        samples, _ = stapes.load(path, sr=RATE)
        parts += [np.zeros(random.integers(6400, 19200), np.float32), samples]
    joined = np.concatenate([*parts, np.zeros(RATE, np.float32)])
    return joined + random.normal(size=len(joined)).astype(np.float32) * np.float32(1e-4)


def chunks(samples: np.ndarray, seed: int, longest: int = 4000) -> Iterator[np.ndarray]:
    """Cuts samples into chunks of random sizes, some of which are empty."""
    random, start = np.random.default_rng(seed), 0
    while start < len(samples):
        end = start + int(random.choice([0, 1, random.integers(2, longest), 160, 512]))
        yield samples[start:end]
        start = end


def joined(stream: Any, parts: Iterator[np.ndarray]) -> np.ndarray:
    return np.concatenate([*[stream.push(part) for part in parts], stream.finish()])


@pytest.mark.parametrize("length", [512, 513, 16000, 50_003])
@pytest.mark.parametrize("seed", range(4))
def test_probabilities_of_a_stream_equal_those_of_the_whole(vad: stapes.Model, length: int, seed: int) -> None:
    samples = clip("gap", length, seed, "float32")
    stream = stapes.StreamClassifier(vad)
    expected = vad.probabilities(samples, RATE)
    np.testing.assert_array_equal(joined(stream, chunks(samples, seed)), expected)
    # The stream begins anew.
    np.testing.assert_array_equal(joined(stream, chunks(samples, seed + 100)), expected)


@pytest.mark.parametrize("length", [0, 1, 511])
def test_a_recording_without_a_frame_is_an_error_for_both(vad: stapes.Model, length: int) -> None:
    samples, stream = clip("noise", length, 0, "float32"), stapes.StreamClassifier(vad)
    with pytest.raises(ValueError, match=f"{length} samples are too few"):
        vad.probabilities(samples, RATE)
    with pytest.raises(ValueError, match=f"{length} samples are too few"):
        joined(stream, chunks(samples, 0))
    # The next recording is not affected.
    longer = clip("noise", 9000, 1, "float32")
    np.testing.assert_array_equal(joined(stream, chunks(longer, 0)), vad.probabilities(longer, RATE))


def test_probabilities_of_speech_equal_those_of_the_whole(vad: stapes.Model, speech: np.ndarray) -> None:
    expected = vad.probabilities(speech, RATE)
    assert expected[:, 1].max() > 0.9 and expected[:, 1].min() < 0.1
    np.testing.assert_array_equal(joined(stapes.StreamClassifier(vad), chunks(speech, 1)), expected)


@pytest.mark.parametrize("seed", range(4))
def test_frames_of_a_stream_equal_those_of_the_whole(vad: stapes.Model, seed: int) -> None:
    samples = clip("tones", 30_011, seed, "float32")
    whole, cut = stapes.FeatureStream(vad), stapes.FeatureStream(vad)
    expected = np.concatenate([whole.push(samples), whole.finish()])
    assert expected.shape == (*vad.features(samples, RATE).shape[:1], cut.width)
    np.testing.assert_array_equal(joined(cut, chunks(samples, seed)), expected)


def test_frames_of_settings_equal_the_toolkits() -> None:
    samples = clip("noise", 20_000, 5, "float32")
    mel = {"n_fft": 512, "hop_length": 160, "n_mels": 40, "center": False}
    settings = {"sample_rate_hz": RATE, "scale": "unit", "front_end": {"librosa-mel-db": {**mel, "top_db": "none"}}}
    expected = librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=RATE, **mel), top_db=None).T
    np.testing.assert_array_equal(joined(stapes.FeatureStream(settings), chunks(samples, 6)), expected)
    settings["front_end"] = {"kaldi-fbank": {"mel_opts": {"num_bins": 40}, "dialect": "torchaudio"}}
    expected = kaldi.fbank(samples[None], num_mel_bins=40)
    np.testing.assert_array_equal(joined(stapes.FeatureStream(settings), chunks(samples, 7)), expected)


def test_settings_that_need_the_whole_clip_are_refused() -> None:
    with pytest.raises(ValueError, match="center = true needs the whole clip"):
        stapes.FeatureStream({"sample_rate_hz": RATE, "front_end": {"librosa-mel-db": {}}})


def events(iterator: stapes.VADIterator, parts: Iterator[np.ndarray]) -> list[tuple[str, float]]:
    """Returns all events, as (kind, sample); those that became certain at once are returned by later calls."""
    found = [event for part in parts if (event := iterator(part)) is not None]
    while (event := iterator(np.zeros(0, np.float32))) is not None:
        found.append(event)
    assert all(len(event) == 1 for event in found)
    return [item for event in found for item in event.items()]


@pytest.mark.parametrize("options", [{}, {"min_silence_duration_ms": 400}, {"threshold": 0.7, "speech_pad_ms": 0}], ids=str)
@pytest.mark.parametrize("seed", [1, 2])
def test_events_equal_the_timestamps_of_the_whole(
    vad: stapes.Model, speech: np.ndarray, options: dict[str, Any], seed: int
) -> None:
    expected = stapes.get_speech_timestamps(speech, vad, min_speech_duration_ms=0, **options)
    assert len(expected) >= 5
    iterator = stapes.VADIterator(vad, **options)
    got = events(iterator, chunks(speech, seed))
    assert got == [item for segment in expected for item in (("start", segment["start"]), ("end", segment["end"]))]
    iterator.reset_states()
    assert events(iterator, chunks(speech, seed, 512)) == got


def test_timestamps_contain_the_spoken_digits(speech: np.ndarray, vad: stapes.Model) -> None:
    found = stapes.get_speech_timestamps(speech, vad)
    loud = np.abs(speech) > 0.05
    inside = np.zeros(len(speech), bool)
    for segment in found:
        inside[segment["start"] : segment["end"]] = True
    assert inside[loud].mean() > 0.95 and inside.mean() < 0.6
    seconds = stapes.get_speech_timestamps(speech, vad, return_seconds=True, time_resolution=3)
    assert seconds == [{key: round(value / RATE, 3) for key, value in segment.items()} for segment in found]


def test_times_of_events_may_be_in_seconds(vad: stapes.Model, speech: np.ndarray) -> None:
    expected = stapes.get_speech_timestamps(speech, vad, min_speech_duration_ms=0)
    iterator = stapes.VADIterator(vad)
    calls = [iterator(part, return_seconds=True, time_resolution=2) for part in np.split(speech, range(512, len(speech), 512))]
    starts = [event["start"] for event in calls if event and "start" in event]
    assert starts == [round(segment["start"] / RATE, 2) for segment in expected]


#: Arguments and defaults of silero-vad 6; the others draw, report progress, or choose silero's window.
SILERO = {
    "threshold": 0.5,
    "sampling_rate": 16000,
    "min_speech_duration_ms": 250,
    "max_speech_duration_s": float("inf"),
    "min_silence_duration_ms": 100,
    "speech_pad_ms": 30,
    "return_seconds": False,
    "time_resolution": 1,
    "neg_threshold": None,
    "min_silence_at_max_speech": 98,
    "use_max_poss_sil_at_max_speech": True,
}


def defaults(function: Any) -> dict[str, Any]:
    return {name: argument.default for name, argument in inspect.signature(function).parameters.items()}


def test_options_are_those_of_silero_vad() -> None:
    own = defaults(stapes.get_speech_timestamps)
    assert list(own)[:2] == ["audio", "model"]
    assert {name: value for name, value in own.items() if name not in ("audio", "model")} == SILERO
    iterator = {"threshold": 0.5, "sampling_rate": 16000, "min_silence_duration_ms": 100, "speech_pad_ms": 30}
    assert {name: value for name, value in defaults(stapes.VADIterator).items() if name != "model"} == iterator


def test_options_are_those_of_the_installed_silero_vad() -> None:
    pytest.importorskip("torch")
    silero = pytest.importorskip("silero_vad")
    theirs = defaults(silero.get_speech_timestamps)
    assert {name: theirs[name] for name in SILERO} == SILERO


@pytest.mark.parametrize(
    "option",
    [
        {"threshold": np.nan},
        {"threshold": 2},
        {"min_silence_duration_ms": "x"},
        {"min_silence_duration_ms": -1},
        {"speech_pad_ms": np.nan},
        {"sampling_rate": 0},
    ],
    ids=str,
)
def test_impossible_options_are_refused(vad: stapes.Model, option: dict[str, Any]) -> None:
    name = "sr = 0|sampling_rate is 0" if "sampling_rate" in option else next(iter(option))
    with pytest.raises(ValueError, match=name):
        stapes.get_speech_timestamps(clip("noise", 8000, 0, "float32"), vad, **option)
    with pytest.raises(ValueError, match=name):
        stapes.VADIterator(vad, **option)


def test_streams_of_one_model_are_independent(vad: stapes.Model) -> None:
    first, second = clip("tones", 9000, 1, "float32"), clip("noise", 9000, 2, "float32")
    streams = [stapes.StreamClassifier(vad), stapes.StreamClassifier(vad)]
    parts: list[list[np.ndarray]] = [[], []]
    for start in range(0, 9000, 700):
        for stream, part, samples in zip(streams, parts, (first, second)):
            part.append(stream.push(samples[start : start + 700]))
    for stream, part, samples in zip(streams, parts, (first, second)):
        np.testing.assert_array_equal(np.concatenate([*part, stream.finish()]), vad.probabilities(samples, RATE))


def test_bidirectional_models_cannot_be_streamed() -> None:
    with pytest.raises(ValueError):
        stapes.StreamClassifier(stapes.Model.load("digits"))

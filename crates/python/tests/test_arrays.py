"""Arrays of every type, layout and value: the result is that of the plain array, or a Python exception."""

from __future__ import annotations

import doctest
import gc
import importlib
import pkgutil
import sys
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from conftest import clip

import stapes
import stapes.features.kaldi as kaldi
import stapes.features.librosa as librosa
import stapes.features.psf as psf
import stapes.features.torchaudio as torchaudio

CALLS = 10_000
EXCEPTIONS = (ValueError, TypeError, IndexError, FileNotFoundError)


def online(waveform: Any) -> np.ndarray:
    stream = kaldi.OnlineFbank(kaldi.FbankOptions(kaldi.FrameExtractionOptions(samp_freq=8000)))
    stream.accept_waveform(8000, waveform)
    stream.input_finished()
    return np.array([stream.get_frame(frame) for frame in range(stream.num_frames_ready)])


def stream(samples: Any) -> np.ndarray:
    features = stapes.FeatureStream(SETTINGS)
    return np.concatenate([features.push(samples), features.finish()])


SETTINGS = {"sample_rate_hz": 8000, "front_end": {"kaldi-fbank": {}}}
DIGITS = stapes.Model.load("digits")
MFCC, MELS, DECIBELS = torchaudio.MFCC(8000, 13), torchaudio.MelSpectrogram(8000, n_mels=40), torchaudio.AmplitudeToDB(top_db=80)

#: Functions and the shape of their argument.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "librosa.mfcc": (lambda y: librosa.feature.mfcc(y=y, sr=8000, n_fft=256, n_mels=20), (900,)),
    "librosa.mfcc of channels": (lambda y: librosa.feature.mfcc(y=y, sr=8000, n_fft=256, n_mels=20), (2, 500)),
    "librosa.mfcc of S": (lambda S: librosa.feature.mfcc(S=S), (20, 9)),
    "librosa.melspectrogram": (lambda y: librosa.feature.melspectrogram(y=y, sr=8000, n_fft=256, n_mels=20), (900,)),
    "librosa.melspectrogram of S": (lambda S: librosa.feature.melspectrogram(S=S, sr=8000, n_mels=20), (65, 5)),
    "librosa.stft": (lambda y: librosa.stft(y, n_fft=128), (700,)),
    "librosa.power_to_db": (lambda S: librosa.power_to_db(S, ref=np.max), (20, 9)),
    "librosa.amplitude_to_db": (librosa.amplitude_to_db, (2, 20, 9)),
    "librosa.delta": (librosa.feature.delta, (6, 20)),
    "psf.mfcc": (lambda signal: psf.mfcc(signal, 8000, nfft=256), (900,)),
    "psf.fbank": (lambda signal: psf.fbank(signal, 8000, nfft=256)[0], (900,)),
    "psf.logfbank": (lambda signal: psf.logfbank(signal, 8000, nfft=256), (900,)),
    "psf.delta": (lambda feat: psf.delta(feat, 2), (20, 6)),
    "kaldi.mfcc": (lambda waveform: kaldi.mfcc(waveform, sample_frequency=8000), (900,)),
    "kaldi.fbank": (lambda waveform: kaldi.fbank(waveform, sample_frequency=8000), (2, 900)),
    "kaldi.OnlineFbank": (online, (900,)),
    "torchaudio.MFCC": (MFCC, (900,)),
    "torchaudio.MelSpectrogram": (MELS, (2, 700)),
    "torchaudio.AmplitudeToDB": (DECIBELS, (20, 9)),
    "torchaudio.ComputeDeltas": (torchaudio.ComputeDeltas(), (6, 20)),
    "FeatureStream": (stream, (900,)),
    "Model.probabilities": (lambda audio: DIGITS.probabilities(audio, 8000), (900,)),
}

#: Types of arrays; those of real numbers first.
TYPES = ["f8", "f4", "f2", "g", "i2", "i4", "i8", "u1", "?", "c8", "c16", "O", "U8", "M8[s]", "V4"]
FAULTS = ["none"] * 6 + ["nan", "inf", "huge", "tiny", "empty", "no axes", "another axis", "one value", "negative"]
LAYOUTS = ["plain", "read-only", "strided", "reversed", "Fortran", "unaligned", "big-endian"]
LAYOUTS += ["masked", "subclass", "list", "None"]


class Subclass(np.ndarray):
    """Subclass without methods of its own."""


def values(random: np.random.Generator, shape: tuple[int, ...], fault: str) -> np.ndarray:
    """Makes numbers of a shape with a fault."""
    made = random.normal(size=shape) * random.choice([0.1, 1.0, 100.0])
    if fault == "empty":
        return made[..., :0] if random.random() < 0.5 else made[:0]
    if fault == "no axes":
        return made.reshape(-1)[0]
    if fault == "another axis":
        return made[None] if random.random() < 0.5 else made[0]
    if fault == "one value":
        return made.reshape(-1)[:1].reshape((1,) * made.ndim)
    if fault == "negative":
        return -np.abs(made)
    replacement = {"nan": np.nan, "inf": random.choice([np.inf, -np.inf]), "huge": 1e300, "tiny": 5e-324}.get(fault)
    if replacement is not None:
        made.reshape(-1)[random.integers(made.size)] = replacement
    return made


def typed(array: np.ndarray, dtype: str) -> np.ndarray:
    """Returns an array of the type, plain: contiguous, aligned and of native byte order."""
    if dtype in ("M8[s]", "V4"):
        return np.zeros(array.shape, dtype)
    return np.ascontiguousarray(array.astype(dtype)).reshape(array.shape)


def laid_out(plain: np.ndarray, layout: str) -> Any:
    """Returns the same values in another layout."""
    if layout == "read-only":
        copy = plain.copy()
        copy.setflags(write=False)
        return copy
    if layout == "strided" and plain.ndim:
        return np.repeat(plain, 2, axis=-1)[..., ::2]
    if layout == "reversed" and plain.ndim:
        return plain[..., ::-1].copy()[..., ::-1]
    if layout == "Fortran":
        return np.asfortranarray(plain).reshape(plain.shape, order="A") if plain.ndim else plain
    if layout == "unaligned" and not plain.dtype.hasobject:
        buffer = np.frombuffer(bytearray(b"\0" + plain.tobytes()), np.uint8)[1:]
        return buffer.view(plain.dtype).reshape(plain.shape)
    if layout == "big-endian" and plain.dtype.kind in "fiucMU":
        return plain.astype(plain.dtype.newbyteorder(">"))
    if layout == "masked":
        return np.ma.masked_array(plain)
    if layout == "subclass":
        return plain.view(Subclass)
    return plain


def outcome(function: Callable[[Any], Any], argument: Any, description: str) -> Any:
    """Returns the array, or the type of the exception; another end of the call is a failure."""
    try:
        result = function(argument)
    except EXCEPTIONS as error:
        assert str(error), f"{description}: an exception without a message"
        return type(error)
    except BaseException as error:  # a panic of Rust is a BaseException
        pytest.fail(f"{description}: {type(error).__name__}: {error}")
    if isinstance(result, list):
        # Of a list of clips.
        assert all(isinstance(one, np.ndarray) for one in result), description
        return result
    assert isinstance(result, (np.ndarray, np.floating)), description
    return np.asarray(result)


@pytest.mark.filterwarnings("ignore")
def test_every_array_gives_the_result_of_the_plain_one_or_an_exception() -> None:
    random = np.random.default_rng(20)
    returned = {name: 0 for name in FUNCTIONS}
    for index in range(CALLS):
        name = list(FUNCTIONS)[index % len(FUNCTIONS)]
        function, shape = FUNCTIONS[name]
        fault, layout = random.choice(FAULTS), random.choice(LAYOUTS)
        dtype = random.choice(TYPES) if random.random() < 0.6 else random.choice(["f8", "f4"])
        plain = typed(values(random, shape, fault), dtype)
        description = f"call {index}: {name}, {dtype}, {fault}, {layout}"
        if layout in ("list", "None"):
            outcome(function, plain.tolist() if layout == "list" else None, description)
            continue
        argument = laid_out(plain, layout)
        before = np.array(argument, copy=True, subok=False)
        got, expected = outcome(function, argument, description), outcome(function, plain, description)
        assert np.array(argument, subok=False).tobytes() == before.tobytes(), f"{description}: the argument changed"
        if isinstance(expected, type):
            assert got is expected, description
        else:
            returned[name] += 1
            assert isinstance(got, np.ndarray) and got.dtype == expected.dtype, description
            np.testing.assert_array_equal(got, expected, err_msg=description)
    # A function that refuses everything would pass the comparisons.
    few = {name: count for name, count in returned.items() if count < CALLS / len(FUNCTIONS) / 8}
    assert not few, f"calls that returned an array: {few}"


def features_modules() -> list[str]:
    names = [module.name for module in pkgutil.walk_packages(stapes.features.__path__, "stapes.features.")]
    assert "stapes.features.librosa.feature" in names
    return ["stapes.features", *names]


@pytest.mark.parametrize("name", features_modules())
def test_examples_of_the_documentation_run(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_the_modules_have_examples() -> None:
    found = [doctest.DocTestFinder().find(importlib.import_module(name)) for name in features_modules()]
    assert sum(bool(test.examples) for tests in found for test in tests) >= 4


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.filterwarnings("ignore")
def test_calls_do_not_leak_memory() -> None:
    plain = clip("noise", 16_000, 0)
    faulty = plain.copy()
    faulty[-1] = np.nan
    # Copied by the functions, read in place, refused.
    arguments = [plain.astype(">f8"), plain.astype(np.float32), np.repeat(plain, 2)[::2], faulty]
    spectrogram = np.abs(plain).reshape(100, 160)
    functions: list[Callable[[Any], Any]] = [
        lambda y: librosa.feature.mfcc(y=y, sr=16000),
        lambda y: librosa.stft(y),
        lambda y: psf.mfcc(y, 16000),
        lambda y: kaldi.fbank(y),
        lambda y: librosa.feature.mfcc(y=[y, y], sr=16000),
        lambda y: librosa.power_to_db(y.reshape(spectrogram.shape)),
        lambda y: librosa.feature.delta(y.reshape(spectrogram.shape)),
    ]

    def calls(count: int) -> None:
        for index in range(count):
            outcome(functions[index % len(functions)], arguments[index // 7 % len(arguments)], "leak")
        gc.collect()

    calls(200)
    before = resident_bytes()
    calls(2000)
    grown = resident_bytes() - before
    # A leak of one array per call would be 2000 arrays.
    assert grown < 100 * plain.nbytes, f"{grown} bytes, {grown / plain.nbytes} arrays"

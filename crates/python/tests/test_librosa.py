"""librosa's functions against the installed librosa."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import clip
from hypothesis import assume, given
from hypothesis import strategies as st

import stapes.features.librosa as ours

librosa = pytest.importorskip("librosa")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

MEL = ("n_fft", "n_mels", "htk", "fmin", "fmax", "norm")
KINDS = st.sampled_from(["noise", "tones", "gap", "zeros"])
TYPES = st.sampled_from(["float32", "float64"])


@st.composite
def spectra(draw: Any) -> dict[str, Any]:
    """Settings of a spectrum."""
    n_fft = draw(st.integers(2, 700) | st.sampled_from([256, 400, 512, 1024, 2048]))
    settings: dict[str, Any] = {"n_fft": n_fft}
    if draw(st.booleans()):
        settings["win_length"] = draw(st.integers(max(2, n_fft // 3), n_fft))
    settings["hop_length"] = draw(st.integers(max(1, n_fft // 8), 2 * n_fft))
    settings["window"] = draw(st.sampled_from(["hann", "hamming", "blackman", "boxcar"]))
    settings["center"] = draw(st.booleans())
    settings["pad_mode"] = draw(st.sampled_from(["constant", "reflect"]))
    return settings


@st.composite
def mels(draw: Any, sr: int) -> dict[str, Any]:
    """Settings of mel bands, without their norm."""
    settings = draw(spectra())
    settings["n_mels"] = draw(st.integers(1, 140))
    settings["htk"] = draw(st.booleans())
    # Not on a bin of the transform, where rounding errors decide whether a band contains the bin.
    settings["fmin"] = draw(st.integers(0, sr // 8).map(lambda hz: hz and hz + 0.371))
    if draw(st.booleans()):
        settings["fmax"] = draw(st.integers(sr // 4, sr // 2 - 1)) + 0.371
    settings["power"] = draw(st.sampled_from([1.0, 2.0, 1, 2, 1.5]))
    return settings


NORMS = st.sampled_from(["slaney", None, np.inf, 1, 2])


@st.composite
def signals(draw: Any, settings: dict[str, Any]) -> np.ndarray:
    """A clip that is long enough for the settings, and often not longer."""
    n_fft = settings["n_fft"]
    shortest = 1 if settings["center"] else n_fft
    length = draw(st.integers(shortest, shortest + n_fft) | st.integers(max(shortest, 2000), 6000))
    return clip(draw(KINDS), length, draw(st.integers(0, 99)), draw(TYPES))


def power_tolerance(expected: np.ndarray) -> float:
    """f32 results are rounded at each step; f64 ones have the rounding of the sums only."""
    largest = float(np.max(np.abs(expected), initial=0.0))
    return (1e-6 if expected.dtype.itemsize in (4, 8) and expected.real.dtype == np.float32 else 1e-12) * largest + 1e-300


def decibel_tolerance(expected: np.ndarray, f32: float) -> float:
    return f32 if expected.dtype == np.float32 else 1e-9


def own_tolerance(expected: np.ndarray, double: np.ndarray, f32: float) -> float:
    """Returns 1e-9 for f64, and for f32 the tolerance, or more where librosa's f32 is itself farther from its f64, ``double``.

    It is with many empty bands, without the norm, with long lifters, and at the ends of deltas.
    """
    if expected.dtype == np.float64:
        return 1e-9 * max(1.0, float(np.max(np.abs(expected))) / 1131)
    return max(f32, 3 * float(np.max(np.abs(expected - double))))


def padded(function: Any, y: np.ndarray, settings: dict[str, Any]) -> np.ndarray:
    """Computes librosa's result.

    With hop_length >= n_fft / 2, librosa 0.10 to 1.0 mirrors only the last samples of the clip, which may be fewer than are
    needed, instead of the clip. Its result for the clip that NumPy mirrors is that of the definition, and of librosa 0.9.
    """
    half = settings["n_fft"] // 2
    hop = settings.get("hop_length", settings.get("win_length", settings["n_fft"]) // 4)
    if settings["center"] and settings["pad_mode"] == "reflect" and hop >= half:
        return function(np.pad(y, half, mode="reflect"), settings | {"center": False})
    return function(y, settings)


def has_faint_filter(sr: int, settings: dict[str, Any]) -> bool:
    """Returns true if a filter has rounding errors as its largest weight, which a norm or a logarithm would enlarge."""
    used = {key: settings[key] for key in ("n_fft", "n_mels", "htk", "fmin", "fmax") if key in settings}
    largest = librosa.filters.mel(sr=sr, norm=None, **used).max(axis=1)
    return bool(np.any((largest > 0) & (largest < 1e-3)))


@given(st.data())
def test_stft_equals_librosa(measure: Any, data: Any) -> None:
    settings = data.draw(spectra())
    if data.draw(st.booleans()):
        del settings["hop_length"]
        assume(settings.get("win_length", settings["n_fft"]) >= 4)
    y = data.draw(signals(settings))
    expected = padded(lambda y, settings: librosa.stft(y, **settings), y, settings)
    measure.close(f"stft {expected.dtype}", ours.stft(y, **settings), expected, power_tolerance(expected))


@given(st.data())
def test_melspectrogram_equals_librosa(measure: Any, data: Any) -> None:
    sr = data.draw(st.sampled_from([8000, 16000, 22050, 44100, 11025]))
    settings = data.draw(mels(sr)) | {"norm": data.draw(NORMS)}
    assume(not has_faint_filter(sr, settings))
    y = data.draw(signals(settings))
    expected = padded(lambda y, settings: librosa.feature.melspectrogram(y=y, sr=sr, **settings), y, settings)
    got = ours.feature.melspectrogram(y=y, sr=sr, **settings)
    # Energies may be far below the spectrum's peak, whose rounding errors they have.
    weights = librosa.filters.mel(sr=sr, **{key: settings[key] for key in MEL if key in settings})
    powers = {key: value for key, value in settings.items() if key not in (*MEL, "power") or key == "n_fft"}
    peak = np.max(np.abs(librosa.stft(y, **powers))) ** settings["power"]
    largest = expected.dtype.type(max(expected.max(), peak * weights.max()) or 1)
    allowed = power_tolerance(np.ones(1, got.dtype))
    measure.close(f"melspectrogram {expected.dtype}, of the largest", got / largest, expected / largest, allowed)


@given(st.data())
def test_mfcc_equals_librosa(measure: Any, data: Any) -> None:
    sr = data.draw(st.sampled_from([8000, 16000, 22050, 44100]))
    settings = data.draw(mels(sr)) | {"mel_norm": data.draw(NORMS), "n_mfcc": data.draw(st.integers(1, 150))}
    settings["norm"] = data.draw(st.sampled_from(["ortho", "ortho", None]))
    settings["lifter"] = data.draw(st.sampled_from([0, 0, 22, 40, 7.5]))
    if settings["lifter"]:
        # librosa's lifter has n_mfcc values, and does not fit fewer rows.
        settings["n_mfcc"] = min(settings["n_mfcc"], settings["n_mels"])
    assume(not has_faint_filter(sr, settings))
    y = data.draw(signals(settings))
    expected = padded(lambda y, settings: librosa.feature.mfcc(y=y, sr=sr, **settings), y, settings)
    got = ours.feature.mfcc(y=y, sr=sr, **settings)
    wide = y.astype(np.float64)
    double = padded(lambda y, settings: librosa.feature.mfcc(y=y, sr=sr, **settings), wide, settings)
    tolerance = own_tolerance(expected, double, 5e-4)
    measure.close(f"mfcc {expected.dtype}, norm {settings['norm']}", got, expected, tolerance)


@given(st.data())
def test_decibels_equal_librosa(measure: Any, data: Any) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 999)))
    shape = data.draw(st.sampled_from([(40, 7), (1, 1), (5,), (128, 32), ()]))
    # librosa's results for one f32 number have the type f64, by NumPy's rules for scalars.
    dtype = data.draw(TYPES) if shape else "float64"
    values = np.asarray(10 ** random.uniform(-14, 6, shape), dtype)
    values = np.where(random.uniform(size=shape) < 0.1, values.dtype.type(0), values)
    kind = data.draw(st.sampled_from(["plain", "plain", "integers", "complex", "negative"]))
    if kind != "plain":
        values = {"integers": np.rint(values % 1000).astype(int), "complex": values * 1j, "negative": -values}[kind]
    reference = [1.0, 0.5, 100.0, -3.0, 0.0, np.max, np.median, np.mean]
    settings = {"ref": data.draw(st.sampled_from(reference)), "top_db": data.draw(st.sampled_from([80.0, None, 20, 0]))}
    if data.draw(st.booleans()):
        settings["amin"] = data.draw(st.sampled_from([1e-10, 1e-5, 1e-20, 0.1]))
    for name in ("power_to_db", "amplitude_to_db"):
        expected = getattr(librosa, name)(values.copy(), **settings)
        got = getattr(ours, name)(values, **settings)
        assert isinstance(got, np.ndarray) == isinstance(expected, np.ndarray)
        measure.close(f"{name} {expected.dtype}", got, expected, decibel_tolerance(expected, 1e-4))


@given(st.data())
def test_delta_equals_librosa(measure: Any, data: Any) -> None:
    order = data.draw(st.sampled_from([1, 1, 2]))
    width = 2 * data.draw(st.integers(max(1, (order + 1) // 2), 8)) + 1
    assume(width > order)
    mode = data.draw(st.sampled_from(["interp", "nearest", "mirror", "constant", "wrap"]))
    frames = data.draw(st.integers(width if mode == "interp" else 1, 40))
    shapes = [(-1, (13, frames)), (0, (frames, 5)), (-1, (2, 4, frames)), (1, (3, frames, 2)), (0, (frames,))]
    axis, shape = data.draw(st.sampled_from(shapes))
    random = np.random.default_rng(data.draw(st.integers(0, 999)))
    values = random.normal(size=shape) * 100
    values = values.astype(data.draw(st.sampled_from(["float32", "float64", "int32"])))
    expected = librosa.feature.delta(values, width=width, order=order, axis=axis, mode=mode)
    got = ours.feature.delta(values, width=width, order=order, axis=axis, mode=mode)
    double = librosa.feature.delta(values.astype(np.float64), width=width, order=order, axis=axis, mode=mode)
    measure.close(f"delta {expected.dtype}", got, expected, own_tolerance(expected, double, 3e-4))


@given(st.data())
def test_mel_filters_equal_librosa(measure: Any, data: Any) -> None:
    sr = data.draw(st.sampled_from([8000, 16000, 22050, 44100, 48000]))
    settings = data.draw(mels(sr))
    assume(not has_faint_filter(sr, settings))
    settings = {key: settings[key] for key in MEL if key in settings}
    settings["norm"] = data.draw(NORMS)
    expected = librosa.filters.mel(sr=sr, **settings)
    # Equal up to one rounding of the largest weight.
    measure.close("filters.mel", ours.filters.mel(sr=sr, **settings), expected, 1.2e-7 * float(expected.max()) + 1e-30)


@given(st.data())
def test_functions_of_spectrograms_equal_librosa(measure: Any, data: Any) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 999)))
    bins, frames, channels = data.draw(st.integers(3, 300)), data.draw(st.integers(1, 20)), data.draw(st.sampled_from([(), (2,)]))
    dtype = data.draw(TYPES)
    S = random.uniform(size=(*channels, bins, frames)).astype(dtype)
    settings = {"sr": 16000, "n_mels": data.draw(st.integers(1, 60)), "norm": data.draw(NORMS)}
    expected = librosa.feature.melspectrogram(S=S, **settings)
    got = ours.feature.melspectrogram(S=S, **settings)
    measure.close(f"melspectrogram of S {dtype}", got, expected, 10 * power_tolerance(expected))
    D = (random.normal(size=(*channels, bins, frames)) * 30).astype(dtype)
    settings = {"n_mfcc": data.draw(st.integers(1, bins)), "lifter": data.draw(st.sampled_from([0, 22]))}
    settings["norm"] = data.draw(st.sampled_from(["ortho", None]))
    expected = librosa.feature.mfcc(S=D, **settings)
    tolerance = own_tolerance(expected, librosa.feature.mfcc(S=D.astype(np.float64), **settings), 5e-4)
    measure.close(f"mfcc of S {dtype}, norm {settings['norm']}", ours.feature.mfcc(S=D, **settings), expected, tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_channels_equal_librosa_of_each_channel(measure: Any, dtype: str) -> None:
    y = np.stack([clip(kind, 5000, seed, dtype) for seed, kind in enumerate(["noise", "tones", "gap", "zeros"])])
    y = (y * np.array([[1], [1e-3], [1], [1]])).astype(dtype).reshape(2, 2, 5000)
    each = lambda function: np.stack([function(row) for row in y.reshape(4, -1)])
    for name, function in {
        "stft": lambda toolkit, y: toolkit.stft(y, n_fft=512),
        "melspectrogram": lambda toolkit, y: toolkit.feature.melspectrogram(y=y, n_fft=512, n_mels=40),
        "mfcc": lambda toolkit, y: toolkit.feature.mfcc(y=y, n_fft=512, n_mels=40),
        "power_to_db": lambda toolkit, y: toolkit.power_to_db(toolkit.feature.melspectrogram(y=y, n_mels=40), ref=np.max),
    }.items():
        expected = each(lambda row: function(librosa, row))
        expected = expected.reshape(2, 2, *expected.shape[1:])
        tolerance = decibel_tolerance(expected, 5e-4) if name in ("mfcc", "power_to_db") else power_tolerance(expected)
        measure.close(f"{name} of channels", function(ours, y), expected, tolerance)
        if not librosa.__version__.startswith("0."):
            measure.close(f"{name} of channels at once", function(ours, y), function(librosa, y), tolerance)


def test_types_of_stft_equal_librosa() -> None:
    y = clip("noise", 3000, 0, "float32")
    for dtype in (np.complex64, np.complex128):
        expected = librosa.stft(y, dtype=dtype)
        got = ours.stft(y, dtype=dtype)
        assert got.dtype == expected.dtype
        assert np.abs(got - expected).max() <= (1e-6 if dtype == np.complex64 else 1e-12) * np.abs(expected).max()


def test_a_notebook_runs_unchanged(tmp_path: Any) -> None:
    def notebook(librosa: Any) -> list[np.ndarray]:
        y = clip("tones", 16000, 3, "float32")
        sr = 16000
        mfccs = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13)
        features = np.concatenate([mfccs, librosa.feature.delta(mfccs), librosa.feature.delta(mfccs, order=2)])
        means = np.mean(librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40).T, axis=0)
        S = librosa.feature.melspectrogram(y=y, sr=sr, n_mels=128, fmax=8000)
        D = librosa.stft(y, n_fft=512, hop_length=160)
        times = librosa.frames_to_time(np.arange(mfccs.shape[1]), sr=sr, hop_length=512)
        log_mel = librosa.feature.mfcc(S=librosa.power_to_db(S), n_mfcc=13)
        decibels = [librosa.power_to_db(S, ref=np.max), librosa.amplitude_to_db(np.abs(D), ref=np.max)]
        return [features, means, *decibels, times, log_mel]

    for got, expected in zip(notebook(ours), notebook(librosa)):
        assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
        assert np.abs(got - expected).max() < 1e-3


@pytest.mark.parametrize(
    "setting",
    [
        {"n_fft": 512.5}, {"hop_length": 0}, {"hop_length": -1}, {"win_length": 4096}, {"window": "kaiser"},
        {"window": ("kaiser", 4.0)}, {"window": np.ones(2048)}, {"pad_mode": "edge"}, {"power": 0}, {"power": None},
        {"n_mels": 0}, {"fmin": -1.0}, {"fmin": np.nan}, {"fmax": 1e6}, {"htk": "no"}, {"center": None}, {"n_mfcc": 0},
        {"n_mfcc": "20"}, {"lifter": -1}, {"norm": "forward"}, {"mel_norm": "area"}, {"dct_type": 3}, {"dtype": np.float64},
        {"sr": 0}, {"sr": np.inf}, {"sr": 22050.5},
    ],
    ids=str,
)
def test_unsupported_values_are_refused_by_name(setting: dict[str, Any]) -> None:
    (name,) = setting
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        ours.feature.mfcc(y=clip("noise", 4000, 0), **setting)

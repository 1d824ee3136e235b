"""python_speech_features' functions against the installed toolkit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import clip
from hypothesis import given
from hypothesis import strategies as st

import stapes.features.psf as ours

psf = pytest.importorskip("python_speech_features")


@st.composite
def settings(draw: Any) -> dict[str, Any]:
    """Settings of fbank."""
    rate = draw(st.sampled_from([8000, 16000, 22050, 11025, 44100]))
    chosen: dict[str, Any] = {"samplerate": rate}
    if draw(st.booleans()):
        chosen["winlen"] = draw(st.integers(1, 60)) / 1000
        chosen["winstep"] = draw(st.integers(1, 40)) / 1000
    chosen["nfft"] = draw(st.sampled_from([256, 512, 1024, 2048, 400, 333]))
    chosen["nfilt"] = draw(st.integers(1, 60))
    chosen["lowfreq"] = draw(st.integers(0, 1000))
    if draw(st.booleans()):
        chosen["highfreq"] = draw(st.integers(2000, rate // 2))
    chosen["preemph"] = draw(st.sampled_from([0.97, 0, 0.95, 0.5]))
    return chosen


WINDOWS = st.sampled_from([None, np.hamming, np.hanning, np.blackman, np.bartlett, lambda length: np.ones((length,))])
SIGNALS = st.builds(
    clip,
    st.sampled_from(["noise", "tones", "gap", "zeros"]),
    st.integers(1, 900) | st.integers(2000, 9000),
    st.integers(0, 99),
    st.sampled_from(["float64", "float64", "int16", "float32"]),
)


def tolerance(signal: np.ndarray, scale: float = 1.0) -> float:
    """The toolkit filters f32 signals in f32, and everything else in f64; here all signals are filtered in f64.

    Where a band is far below the others, the rounding errors of the filter are a larger part of its energy.
    """
    return (1e-3 if signal.dtype == np.float32 else 1e-9) * scale


@given(st.data())
def test_mfcc_equals_python_speech_features(measure: Any, data: Any) -> None:
    chosen, signal = data.draw(settings()), data.draw(SIGNALS)
    chosen["numcep"] = data.draw(st.integers(1, 40))
    chosen["ceplifter"] = data.draw(st.sampled_from([22, 0, -1, 40, 10.5]))
    chosen["appendEnergy"] = data.draw(st.booleans())
    if (window := data.draw(WINDOWS)) is not None:
        chosen["winfunc"] = window
    expected, got = psf.mfcc(signal, **chosen), ours.mfcc(signal, **chosen)
    lifted = max(1.0, 1 + chosen["ceplifter"] / 2)
    measure.close(f"mfcc of {signal.dtype}", got, expected, tolerance(signal, lifted if signal.dtype == np.float32 else 1))


@given(st.data())
def test_fbank_equals_python_speech_features(measure: Any, data: Any) -> None:
    chosen, signal = data.draw(settings()), data.draw(SIGNALS)
    if (window := data.draw(WINDOWS)) is not None:
        chosen["winfunc"] = window
    for name, got, expected in zip(["energies", "total"], ours.fbank(signal, **chosen), psf.fbank(signal, **chosen)):
        largest = float(np.max(expected))
        allowed = (1e-6 if signal.dtype == np.float32 else 1e-12) * largest
        measure.close(f"fbank, {name}, of {signal.dtype}, of the largest", got / largest, expected / largest, allowed / largest)


@given(st.data())
def test_logfbank_equals_python_speech_features(measure: Any, data: Any) -> None:
    chosen, signal = data.draw(settings()), data.draw(SIGNALS)
    expected, got = psf.logfbank(signal, **chosen), ours.logfbank(signal, **chosen)
    measure.close(f"logfbank of {signal.dtype}", got, expected, tolerance(signal))


@given(st.integers(1, 40), st.integers(1, 20), st.integers(1, 9), st.integers(0, 999), st.sampled_from(["float64", "float32"]))
def test_delta_equals_python_speech_features(measure: Any, frames: int, width: int, reach: int, seed: int, dtype: str) -> None:
    features = (np.random.default_rng(seed).normal(size=(frames, width)) * 30).astype(dtype)
    expected, got = psf.delta(features, reach), ours.delta(features, reach)
    measure.close(f"delta of {dtype}", got, expected, 1e-9 if dtype == "float64" else 1e-4)


def test_the_usual_calls_equal_python_speech_features(measure: Any) -> None:
    rate, signal = 16000, clip("tones", 16000, 1, "int16")
    expected, got = psf.mfcc(signal, rate), ours.mfcc(signal, rate)
    measure.close("mfcc(signal, rate)", got, expected, 1e-9)
    measure.close("delta(mfcc, 2)", ours.delta(got, 2), psf.delta(expected, 2), 1e-9)
    measure.close("logfbank(signal, rate)", ours.logfbank(signal, rate), psf.logfbank(signal, rate), 1e-9)
    expected = psf.mfcc(signal, rate, 0.025, 0.01, 20, nfft=1200, appendEnergy=True)
    got = ours.mfcc(signal, rate, 0.025, 0.01, 20, nfft=1200, appendEnergy=True)
    measure.close("mfcc(signal, rate, 0.025, 0.01, 20)", got, expected, 1e-9)


@pytest.mark.parametrize(
    "setting",
    [
        {"nfft": 0}, {"nfft": 512.0}, {"nfilt": -1}, {"numcep": 0}, {"winlen": 0}, {"winstep": np.nan}, {"lowfreq": -1},
        {"highfreq": 9000}, {"preemph": np.inf}, {"ceplifter": "22"}, {"samplerate": 0.5}, {"winfunc": np.kaiser},
        {"winfunc": lambda length: np.arange(length)},
    ],
    ids=str,
)
def test_unsupported_values_are_refused_by_name(setting: dict[str, Any]) -> None:
    (name,) = setting
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        ours.mfcc(clip("noise", 4000, 0), **setting)

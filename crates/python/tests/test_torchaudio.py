"""torchaudio's transforms: rules of the interface, and values where torchaudio is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import clip
from hypothesis import given
from hypothesis import strategies as st

import stapes.features.torchaudio as ours
import stapes.features.torchaudio.compliance.kaldi as kaldi
import stapes.features.torchaudio.transforms as T

CALLS = {
    "MelSpectrogram": {"sample_rate": 16000, "n_fft": 512, "hop_length": 160, "n_mels": 40},
    "MFCC": {"sample_rate": 16000, "n_mfcc": 13, "melkwargs": {"n_fft": 512, "hop_length": 160, "n_mels": 40}},
}


def waveform(*shape: int) -> np.ndarray:
    return clip("noise", int(np.prod(shape)), 3, "float32").reshape(shape)


@pytest.mark.parametrize("name", CALLS)
def test_batches_equal_single_clips(name: str) -> None:
    transform = getattr(T, name)(**CALLS[name])
    batch = waveform(3, 2, 4000) * np.float32([[[1]], [[1e-3]], [[0.1]]])
    expected = np.stack([np.stack([transform(clip) for clip in item]) for item in batch])
    got = transform(batch)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(transform.forward(batch), expected)
    for one, row in zip(transform(list(batch[:, 0])), expected[:, 0]):
        np.testing.assert_array_equal(one, row)


def test_decibels_have_the_peak_of_each_item() -> None:
    powers = 10 ** np.random.default_rng(0).uniform(-12, 2, (2, 1, 5, 4)).astype(np.float32)
    powers[1] *= np.float32(1e-3)
    got = T.AmplitudeToDB("power", top_db=60)(powers)
    for item, row in zip(powers, got):
        plain = 10 * np.log10(np.maximum(item, 1e-10))
        np.testing.assert_allclose(row, np.maximum(plain, plain.max() - 60), atol=1e-4)
    magnitude = T.AmplitudeToDB("magnitude", top_db=60)(np.sqrt(powers[0]))
    np.testing.assert_allclose(magnitude, got[0], atol=1e-4)


def test_deltas_are_slopes_of_neighboring_frames() -> None:
    features = np.random.default_rng(1).normal(size=(2, 3, 11)).astype(np.float32)
    padded = np.pad(features, ((0, 0), (0, 0), (2, 2)), mode="edge")
    expected = sum(k * padded[..., 2 + k : 13 + k] for k in range(-2, 3)) / 10
    np.testing.assert_allclose(T.ComputeDeltas()(features), expected, atol=1e-6)


@pytest.mark.parametrize(
    "setting",
    [
        {"n_fft": 0}, {"n_mels": 40.0}, {"f_max": 9000.0}, {"f_min": -1.0}, {"power": None}, {"normalized": "peak"},
        {"pad_mode": "edge"}, {"norm": "area"}, {"mel_scale": "bark"}, {"wkwargs": {"beta": 1}}, {"onesided": False},
        {"window_fn": np.kaiser}, {"center": "no"}, {"pad": -1},
    ],
    ids=str,
)
def test_unsupported_values_are_refused_by_name(setting: dict[str, Any]) -> None:
    (name,) = setting
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        T.MelSpectrogram(**setting)
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        T.MFCC(melkwargs=setting)


def test_too_short_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="samples are too few"):
        ours.MFCC()(waveform(200))
    with pytest.raises(ValueError, match="samples are too few"):
        kaldi.fbank(waveform(1, 100))


def toolkits() -> tuple[Any, Any]:
    """Returns torch and torchaudio; without them the test is skipped."""
    return pytest.importorskip("torch"), pytest.importorskip("torchaudio")


@pytest.mark.parametrize("name", CALLS)
def test_transforms_equal_torchaudio(measure: Any, name: str) -> None:
    torch, torchaudio = toolkits()
    tensor = torch.from_numpy(waveform(16000))
    got = getattr(T, name)(**CALLS[name])(tensor)
    assert isinstance(got, torch.Tensor)
    expected = getattr(torchaudio.transforms, name)(**CALLS[name])(tensor).numpy()
    tolerance = 3e-3 if name == "MFCC" else 3e-6 * float(expected.max())
    measure.close(name, got.numpy(), expected, tolerance)


SIGNALS = st.builds(
    clip,
    st.sampled_from(["noise", "tones", "gap"]),
    st.integers(1100, 9000),
    st.integers(0, 99),
    st.just("float32"),
)


@st.composite
def mel_settings(draw: Any) -> dict[str, Any]:
    n_fft = draw(st.sampled_from([256, 400, 401, 512, 1024]))
    chosen = {
        "n_fft": n_fft,
        "win_length": draw(st.none() | st.integers(n_fft // 2, n_fft)),
        "hop_length": draw(st.none() | st.integers(n_fft // 8, n_fft)),
        "f_min": draw(st.sampled_from([0.0, 20.0, 133.0])),
        "f_max": draw(st.sampled_from([None, 3700.0])),
        "pad": draw(st.sampled_from([0, 0, 50])),
        "n_mels": draw(st.integers(1, 80)),
        "power": draw(st.sampled_from([1.0, 2.0])),
        "normalized": draw(st.sampled_from([False, True, "window", "frame_length"])),
        "center": draw(st.booleans()),
        "pad_mode": draw(st.sampled_from(["reflect", "constant"])),
        "norm": draw(st.sampled_from([None, "slaney"])),
        "mel_scale": draw(st.sampled_from(["htk", "slaney"])),
    }
    window = draw(st.sampled_from([None, "hann_window", "hamming_window", "blackman_window"]))
    return chosen if window is None else {**chosen, "window_fn": getattr(toolkits()[0], window)}


# Few bins and many bands leave bands empty, of which torchaudio warns.
@pytest.mark.filterwarnings("ignore:At least one mel filterbank has all zero values")
@given(st.data())
def test_mel_spectrograms_of_any_settings_equal_torchaudio(measure: Any, data: Any) -> None:
    torch, torchaudio = toolkits()
    settings = {"sample_rate": data.draw(st.sampled_from([8000, 16000, 22050])), **data.draw(mel_settings())}
    tensor = torch.from_numpy(data.draw(SIGNALS))
    transform = torchaudio.transforms.MelSpectrogram(**settings)
    expected = transform(tensor).numpy()
    got = T.MelSpectrogram(**settings)(tensor).numpy()
    # torchaudio's f32 transform has noise relative to the largest bin, which may be outside of the bands; its weights are
    # differences of f32 frequencies.
    spectrum = transform.spectrogram(tensor).max() * transform.mel_scale.fb.max()
    largest = max(float(expected.max()), float(spectrum), 1e-30)
    measure.close("MelSpectrogram of any settings, relative", got / largest, expected / largest, 1e-5)


@pytest.mark.filterwarnings("ignore:At least one mel filterbank has all zero values")
@given(st.data())
def test_mfcc_of_any_settings_equals_torchaudio(measure: Any, data: Any) -> None:
    torch, torchaudio = toolkits()
    # The floor of 80 dB is above torchaudio's noise for powers only.
    mel = {**data.draw(mel_settings()), "power": 2.0}
    settings = {
        "sample_rate": data.draw(st.sampled_from([8000, 16000, 22050])),
        "n_mfcc": data.draw(st.integers(1, mel["n_mels"])),
        "norm": data.draw(st.sampled_from(["ortho", "ortho", None])),
        "log_mels": data.draw(st.booleans()),
    }
    tensor = torch.from_numpy(data.draw(SIGNALS))
    expected = torchaudio.transforms.MFCC(melkwargs=mel, **settings)(tensor).numpy()
    got = T.MFCC(melkwargs=mel, **settings)(tensor).numpy()
    # Without a norm the coefficients are larger by this factor.
    scale = np.float32(1 if settings["norm"] else np.sqrt(2 * mel["n_mels"]))
    measure.close("MFCC of any settings", got / scale, expected / scale, 3e-3)


@st.composite
def kaldi_settings(draw: Any) -> dict[str, Any]:
    names = ("htk_compat", "raw_energy", "remove_dc_offset", "snip_edges", "subtract_mean", "use_energy")
    return {
        **{name: draw(st.booleans()) for name in names},
        "sample_frequency": draw(st.sampled_from([8000.0, 16000.0])),
        "frame_length": draw(st.sampled_from([25.0, 20.0, 32.0])),
        "frame_shift": draw(st.sampled_from([10.0, 8.0, 12.5])),
        "window_type": draw(st.sampled_from(["povey", "hanning", "hamming", "rectangular", "blackman"])),
        "preemphasis_coefficient": draw(st.sampled_from([0.97, 0.0, 0.5])),
        "energy_floor": draw(st.sampled_from([0.0, 1.0])),
        "low_freq": draw(st.sampled_from([20.0, 0.0, 133.0])),
        "high_freq": draw(st.sampled_from([0.0, -200.0, 3700.0])),
        "num_mel_bins": draw(st.integers(4, 30)),
        "round_to_power_of_two": draw(st.booleans()),
    }


def both_of_kaldi(data: Any, name: str, settings: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    torch, torchaudio = toolkits()
    scale = data.draw(st.sampled_from([1, 32768]))
    tensor = torch.from_numpy(data.draw(SIGNALS) * np.float32(scale))[None]
    expected = getattr(torchaudio.compliance.kaldi, name)(tensor, **settings)
    return getattr(kaldi, name)(tensor, **settings).numpy(), expected.numpy()


@given(st.data())
def test_kaldi_fbank_of_any_settings_equals_torchaudio(measure: Any, data: Any) -> None:
    settings = {**data.draw(kaldi_settings()), "use_power": data.draw(st.booleans()), "subtract_mean": False}
    got, expected = both_of_kaldi(data, "fbank", settings)
    bands = np.delete(expected, -1 if settings["htk_compat"] else 0, axis=1) if settings["use_energy"] else expected
    peak = bands.max(axis=1, keepdims=True, initial=-np.inf)
    # Bands far below the largest of their frame have the noise of torchaudio's f32 transform.
    amplitudes = 0.5 if settings["use_power"] else 1.0
    allowed = 1e-4 + 1e-5 * np.exp(amplitudes * (peak - np.minimum(expected, peak)))
    if settings["window_type"] == "blackman":
        # The first and last of its f32 weights are differences of nearly equal numbers; a frame may have samples only there.
        allowed = allowed + 5e-3
    measure.close("kaldi.fbank of any settings", got, expected, allowed)


@given(st.data())
def test_kaldi_mfcc_of_any_settings_equals_torchaudio(measure: Any, data: Any) -> None:
    settings = data.draw(kaldi_settings())
    settings["num_ceps"] = data.draw(st.integers(1, settings["num_mel_bins"]))
    settings["cepstral_lifter"] = data.draw(st.sampled_from([22.0, 0.0, 12.0]))
    got, expected = both_of_kaldi(data, "mfcc", settings)
    measure.close("kaldi.mfcc of any settings", got, expected, 5e-3)


@pytest.mark.parametrize("name", ["fbank", "mfcc"])
@pytest.mark.parametrize(
    "options", [{}, {"use_energy": True, "snip_edges": False}, {"subtract_mean": True, "htk_compat": True}], ids=str
)
def test_compliance_equals_torchaudio(measure: Any, name: str, options: dict[str, Any]) -> None:
    torch, torchaudio = toolkits()
    tensor = torch.from_numpy(waveform(1, 16000))
    got = getattr(kaldi, name)(tensor, **options)
    expected = getattr(torchaudio.compliance.kaldi, name)(tensor, **options)
    measure.close(f"kaldi.{name}", got.numpy(), expected.numpy(), 5e-3)

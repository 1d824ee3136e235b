"""torchaudio's transforms: rules of the interface, and values where torchaudio is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import clip

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


@pytest.mark.parametrize("name", CALLS)
def test_transforms_equal_torchaudio(measure: Any, name: str) -> None:
    torch, torchaudio = pytest.importorskip("torch"), pytest.importorskip("torchaudio")
    tensor = torch.from_numpy(waveform(16000))
    got = getattr(T, name)(**CALLS[name])(tensor)
    assert isinstance(got, torch.Tensor)
    expected = getattr(torchaudio.transforms, name)(**CALLS[name])(tensor).numpy()
    tolerance = 3e-3 if name == "MFCC" else 3e-6 * float(expected.max())
    measure.close(name, got.numpy(), expected, tolerance)


@pytest.mark.parametrize("name", ["fbank", "mfcc"])
@pytest.mark.parametrize(
    "options", [{}, {"use_energy": True, "snip_edges": False}, {"subtract_mean": True, "htk_compat": True}], ids=str
)
def test_compliance_equals_torchaudio(measure: Any, name: str, options: dict[str, Any]) -> None:
    torch, torchaudio = pytest.importorskip("torch"), pytest.importorskip("torchaudio")
    tensor = torch.from_numpy(waveform(1, 16000))
    got = getattr(kaldi, name)(tensor, **options)
    expected = getattr(torchaudio.compliance.kaldi, name)(tensor, **options)
    measure.close(f"kaldi.{name}", got.numpy(), expected.numpy(), 5e-3)

"""Recorded results of all toolkits, each through the Python function of the same name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from conftest import read_wav

import stapes.features.kaldi as kaldi
import stapes.features.librosa as librosa
import stapes.features.psf as psf
import stapes.features.torchaudio as torchaudio

Case = dict[str, Any]
Parameters = dict[str, Any]


def samples(folder: Path, case: Case) -> np.ndarray:
    """Returns the recording in the type, scale and length of the toolkit's input."""
    recorded, _ = read_wav(folder / case["input"])
    signal = recorded.astype(case["input_dtype"]) / (32768 if case["scale"] == "unit" else 1)
    if case["fix"] is not None:
        signal = np.concatenate([signal, np.zeros(case["fix"], signal.dtype)])[: case["fix"]]
    return signal.astype(case["input_dtype"])


def take(parameters: Parameters, *names: str) -> Parameters:
    """Removes parameters of another function and returns them."""
    return {name: parameters.pop(name) for name in names if name in parameters}


def librosa_mel_db(y: np.ndarray, sr: int, parameters: Parameters) -> np.ndarray:
    scale = take(parameters, "ref", "top_db", "amin")
    scale = scale | {"ref": np.max} if scale.get("ref") == "max" else scale
    return librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr, **parameters), **scale)


def librosa_delta(y: np.ndarray, sr: int, parameters: Parameters) -> np.ndarray:
    settings = take(parameters, "width", "order", "mode")
    return librosa.feature.delta(librosa.feature.mfcc(y=y, sr=sr, **parameters), **settings)


def psf_features(function: Callable[..., Any]) -> Callable[[np.ndarray, int, Parameters], Any]:
    def compute(y: np.ndarray, sr: int, parameters: Parameters) -> Any:
        if "winfunc" in parameters:
            parameters["winfunc"] = getattr(np, parameters["winfunc"])
        return function(y, samplerate=sr, **parameters)

    return compute


def psf_delta(y: np.ndarray, sr: int, parameters: Parameters) -> np.ndarray:
    reach, order = parameters.pop("N"), parameters.pop("order")
    features = psf_features(psf.mfcc)(y, sr, parameters)
    for _ in range(order):
        features = psf.delta(features, reach)
    return features


def knf(kind: str) -> Callable[[np.ndarray, int, Parameters], np.ndarray]:
    def compute(y: np.ndarray, sr: int, parameters: Parameters) -> np.ndarray:
        if {"deltas", "cmvn"} & set(parameters):
            pytest.skip("kaldi-native-fbank's deltas and utterance normalization have no Python function")
        options = getattr(kaldi, f"{kind}Options")()
        for path, value in {"frame_opts.samp_freq": sr, **parameters}.items():
            *parents, name = path.split(".")
            setattr(getattr(options, parents[0]) if parents else options, name, value)
        online = getattr(kaldi, f"Online{kind}")(options)
        online.accept_waveform(sr, y)
        online.input_finished()
        frames = [online.get_frame(frame) for frame in range(online.num_frames_ready)]
        return np.array(frames, np.float32).reshape(len(frames), online.dim)

    return compute


def torchaudio_mel_db(y: np.ndarray, sr: int, parameters: Parameters) -> np.ndarray:
    scale = {"top_db": 80.0, **take(parameters, "top_db")}
    return torchaudio.AmplitudeToDB("power", **scale)(torchaudio.MelSpectrogram(sample_rate=sr, **parameters)(y))


def torchaudio_deltas(y: np.ndarray, sr: int, parameters: Parameters) -> np.ndarray:
    length = parameters.pop("win_length_delta", 5)
    return torchaudio.ComputeDeltas(length)(torchaudio.MFCC(sample_rate=sr, **parameters)(y))


FUNCTIONS: dict[str, Callable[[np.ndarray, int, Parameters], Any]] = {
    "librosa_mfcc": lambda y, sr, parameters: librosa.feature.mfcc(y=y, sr=sr, **parameters),
    "librosa_mel": lambda y, sr, parameters: librosa.feature.melspectrogram(y=y, sr=sr, **parameters),
    "librosa_meldb": librosa_mel_db,
    "librosa_stft_mag": lambda y, sr, parameters: np.abs(librosa.stft(y, **parameters)),
    "librosa_delta": librosa_delta,
    "psf_mfcc": psf_features(psf.mfcc),
    "psf_logfbank": psf_features(psf.logfbank),
    "psf_fbank": lambda y, sr, parameters: psf_features(psf.fbank)(y, sr, parameters)[0],
    "psf_delta": psf_delta,
    "kaldi_mfcc": knf("Mfcc"),
    "kaldi_fbank": knf("Fbank"),
    "ta_kaldi_mfcc": lambda y, sr, parameters: kaldi.mfcc(y[None], sample_frequency=sr, **parameters),
    "ta_kaldi_fbank": lambda y, sr, parameters: kaldi.fbank(y[None], sample_frequency=sr, **parameters),
    "ta_mfcc": lambda y, sr, parameters: torchaudio.MFCC(sample_rate=sr, **parameters)(y),
    "ta_meldb": torchaudio_mel_db,
    "ta_deltas": torchaudio_deltas,
}


def tolerance(kind: str, expected: np.ndarray) -> Any:
    """Returns the tolerances of the toolkits' recorded results; those of spectra are relative to the largest value."""
    largest = float(np.max(np.abs(expected), initial=0.0))
    if kind in ("kaldi_fbank", "ta_kaldi_fbank"):
        return 1e-4 + 1e-5 * np.exp((expected.max(axis=1, keepdims=True, initial=-np.inf) - expected) / 2)
    if kind in ("librosa_mel", "librosa_stft_mag", "psf_fbank"):
        return (1e-6 if expected.dtype == np.float32 else 1e-12) * largest
    if expected.dtype == np.float64:
        return 1e-9
    # For orthonormal coefficients of 128 bands, which reach 1131.
    single = {"librosa_mfcc": 5e-4 * max(1.0, largest / 1131), "librosa_meldb": 1e-4, "librosa_delta": 3e-4}
    return {**single, "kaldi_mfcc": 5e-3, "ta_kaldi_mfcc": 5e-3, "ta_meldb": 5e-3}.get(kind, 3e-3)


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_recorded_results_are_reproduced(golden: Path, measure: Any, kind: str) -> None:
    manifest = json.loads((golden / "manifest.json").read_text())
    assert set(manifest["kinds"]) <= set(FUNCTIONS), "the manifest has a kind without a test"
    cases = [case for case in manifest["cases"] if case["kind"] == kind]
    skipped = 0
    for case in cases:
        parameters = json.loads(json.dumps(case["params"]))
        try:
            got = FUNCTIONS[kind](samples(golden, case), case["sr"], parameters)
        except pytest.skip.Exception:
            skipped += 1
            continue
        expected = np.load(golden / case["output"])
        measure.close(f"{kind} {expected.dtype}", got, expected, tolerance(kind, expected))
    assert skipped < len(cases), "no case of the kind was compared"

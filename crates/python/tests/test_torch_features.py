"""Files for PyTorch with the features of their toolkit, against the model itself."""

import importlib.util
import subprocess
import sys
import wave

import numpy as np
import pytest
from conftest import clip
from helpers_models import trained, trained_frame_level
from helpers_training import write_wav

import stapes

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

RATE = 8000
MODULES = {
    "librosa": "librosa",
    "psf": "python_speech_features",
    "kaldi": "kaldi_native_fbank",
    "torchaudio": "torchaudio",
    "compliance": "torchaudio",
    "waveform": "numpy",
}
COMPLIANCE = {"dialect": "torchaudio"}
MEL = {"n_mels": 40, "n_fft": 256, "hop_length": 80}
FRONT_ENDS = {
    "librosa mfcc": {"librosa-mfcc": {}},
    "librosa mfcc, none": {"librosa-mfcc": {**MEL, "n_mfcc": 13, "norm": "none", "mel_norm": "none", "top_db": "none"}},
    "librosa mfcc, lifter": {"librosa-mfcc": {**MEL, "n_fft": 200, "pad_mode": "reflect", "lifter": 22.0, "htk": True}},
    "librosa mfcc, more than bands": {"librosa-mfcc": {**MEL, "n_mfcc": 60}},
    "librosa dB": {"librosa-mel-db": {**MEL, "ref": "max", "power": 1.0, "window": "hamming"}},
    "librosa dB, band": {"librosa-mel-db": {**MEL, "fmin": 100.0, "fmax": 3000.0, "center": False, "window": "rectangular"}},
    "librosa dB, norm": {"librosa-mel-db": {**MEL, "norm": 2.0, "win_length": 200, "amin": 1e-5, "top_db": 50.0, "ref": 0.5}},
    "librosa dB, inf": {"librosa-mel-db": {**MEL, "norm": "inf", "window": "blackman", "power": 1.5}},
    "psf mfcc": {"psf-mfcc": {}},
    "psf mfcc, deltas": {"psf-mfcc": {"deltas": 2, "N": 3, "winfunc": "hamming", "nfft": "auto", "numcep": 20}},
    "psf mfcc, c0": {"psf-mfcc": {"appendEnergy": False, "ceplifter": 0.0, "preemph": 0.0, "winlen": 0.032, "winstep": 0.016}},
    "psf logfbank": {"psf-logfbank": {"highfreq": 3500.0, "lowfreq": 64.0, "nfilt": 20}},
    "psf logfbank, window": {"psf-logfbank": {"winfunc": "hanning"}},
    "psf logfbank, blackman": {"psf-logfbank": {"winfunc": "blackman", "deltas": 1}},
    "psf fbank": {"psf-fbank": {"winfunc": "bartlett", "nfft": 256}},
    "kaldi mfcc": {"kaldi-mfcc": {"deltas": 2, "cmvn": "meanvar"}},
    "kaldi mfcc, c0": {"kaldi-mfcc": {"use_energy": False, "htk_compat": True, "cepstral_lifter": 0.0, "num_ceps": 10}},
    "kaldi mfcc, floor": {"kaldi-mfcc": {"energy_floor": 1.0, "raw_energy": False, "cmvn": "mean"}},
    "kaldi fbank": {"kaldi-fbank": {"mel_opts": {"num_bins": 30, "low_freq": 60.0, "high_freq": -300.0}}},
    "kaldi fbank, mirrored": {"kaldi-fbank": {"use_energy": True, "frame_opts": {"snip_edges": False, "window_type": "hann"}}},
    "kaldi fbank, offset": {"kaldi-fbank": {"use_log_floor": False, "eps": 1e-3, "use_power": False}},
    "kaldi fbank, frames": {
        "kaldi-fbank": {
            "frame_opts": {
                "frame_length_ms": 20.0,
                "frame_shift_ms": 12.5,
                "preemph_coeff": 0.5,
                "remove_dc_offset": False,
                "window_type": "blackman",
                "blackman_coeff": 0.4,
                "round_to_power_of_two": False,
            }
        }
    },
    "compliance mfcc": {"kaldi-mfcc": {**COMPLIANCE, "deltas": 1, "cmvn": "mean"}},
    "compliance mfcc, energy": {"kaldi-mfcc": {**COMPLIANCE, "use_energy": True, "htk_compat": True, "raw_energy": False}},
    "compliance fbank": {"kaldi-fbank": {**COMPLIANCE, "use_energy": True, "mel_opts": {"num_bins": 30}}},
    "compliance fbank, frames": {
        "kaldi-fbank": {**COMPLIANCE, "use_power": False, "frame_opts": {"snip_edges": False, "window_type": "blackman"}}
    },
    "torchaudio mfcc": {"torchaudio-mfcc": {"n_mfcc": 13, "melkwargs": {"n_mels": 40, "n_fft": 256, "pad": 30}}},
    "torchaudio mfcc, floor": {"torchaudio-mfcc": {"top_db": 40.0, "norm": "none", "melkwargs": {"n_mels": 40}}},
    "torchaudio mfcc, ln": {
        "torchaudio-mfcc": {"log_mels": True, "melkwargs": {"n_mels": 30, "window": "hamming", "normalized": True}}
        | {"n_mfcc": 30}
    },
    "torchaudio dB": {"torchaudio-mel-db": {"n_mels": 40, "center": False, "top_db": 60.0, "window": "blackman"}},
    "torchaudio dB, slaney": {
        "torchaudio-mel-db": {
            "n_mels": 30,
            "win_length": 200,
            "hop_length": 80,
            "norm": "slaney",
            "mel_scale": "slaney",
            "window": "rectangular",
            "normalized": "frame_length",
            "pad_mode": "constant",
            "power": 1.0,
            "f_min": 50.0,
            "f_max": 3500.0,
        }
    },
    "waveform": {"waveform": {"frame_length": 80, "hop_length": 40}},
}
INTERP = {"deltas": {"order": 2}}
SPLICED = {"deltas": {"width": 5, "mode": "mirror"}, "stacking": {"left": 2, "right": 1, "every": 3}}
PROCESSING = {
    "interp": (INTERP, "per-coefficient"),
    "mirror": (SPLICED, "per-utterance"),
    "nearest": ({"deltas": {"mode": "nearest", "width": 7}}, "per-utterance-mean"),
    "constant": ({"deltas": {"mode": "constant", "order": 2}}, "cmvn"),
    "wrap": ({"deltas": {"mode": "wrap", "order": 2}}, "cmvn-mean"),
    "psf": ({"deltas": {"kind": "psf", "order": 2}}, "none"),
    "kaldi": ({"deltas": {"kind": "kaldi", "order": 2, "width": 7}, "stacking": {"right": 3}}, "per-coefficient"),
    "fixed length": ({"fixed_length_samples": 6000, "scale": "int16"}, "per-coefficient"),
}
NETWORK = {"recurrent": {"cell": "gru", "hidden_size": 6, "head": "mean"}}


def clips(count):
    """Clips of several lengths, with a tone, with silence inside, and at the end."""
    return [clip(["noise", "tones", "gap"][n % 3], 9000 - 500 * n, n, "float32") for n in range(count)]


def trained_on_clips(front_end, normalization="per-coefficient", **settings):
    features = {"front_end": front_end, "sample_rate_hz": RATE, **settings}
    return trained(NETWORK, clips(12), sample_rate=RATE, features=features, normalization=normalization)


def imported(model, folder):
    """The module of the generated file, without stapes."""
    model.to_torch(folder)
    spec = importlib.util.spec_from_file_location("exported", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert "stapes" not in vars(module)
    return module


def feature_tolerance(name, expected):
    """Differences of the toolkit's own rounding, as in the tests of the front ends."""
    if name in ("psf fbank",):
        return 1e-6 * np.abs(expected).max()
    if "fbank" in name and not name.startswith("psf"):
        # Bands far below the largest of their frame have the noise of Kaldi's own f32 transform.
        return 1e-4 + 1e-5 * np.exp((expected.max(axis=1, keepdims=True) - expected) / 2)
    tolerances = {"librosa": 5e-4, "psf": 1e-4, "kaldi": 5e-3, "compliance": 5e-3, "torchaudio": 5e-3, "waveform": 0}
    return tolerances[name.split()[0]]


def check(model, folder, recordings, tolerance):
    module = imported(model, folder)
    network = module.load(folder / "model.safetensors")
    for samples in recordings:
        got, expected = module.features(samples), model.features(samples, RATE)
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        allowed = tolerance(expected)
        assert np.all(np.abs(got - expected) <= allowed), np.abs(got - expected).max()
        np.testing.assert_array_equal(module.features(torch.from_numpy(samples)), got)
        with torch.no_grad():
            probabilities = network(torch.from_numpy(got)[None])[0].numpy()
        np.testing.assert_allclose(probabilities, model.probabilities(samples, RATE), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_file_has_the_features_of_its_toolkit(name, tmp_path):
    pytest.importorskip(MODULES[name.split()[0]])
    scale = "int16" if name.startswith(("psf", "kaldi", "compliance")) else "unit"
    model = trained_on_clips(FRONT_ENDS[name], scale=scale)
    check(model, tmp_path, clips(6), lambda expected: feature_tolerance(name, expected))


@pytest.mark.parametrize("name", PROCESSING)
def test_a_file_processes_the_frames_as_the_model(name, tmp_path):
    settings, normalization = PROCESSING[name]
    model = trained_on_clips({"waveform": {"frame_length": 200, "hop_length": 80}}, normalization, **settings)
    check(model, tmp_path, clips(6), lambda expected: 1e-5 * np.abs(expected).max())


def test_a_constant_value_is_not_divided_by_its_deviation(tmp_path):
    samples = np.full(4000, 0.1, np.float32)
    samples[::3] = 0
    front_end = {"waveform": {"frame_length": 3, "hop_length": 3}}
    for normalization in ("per-utterance", "per-utterance-mean"):
        model = trained_on_clips(front_end, normalization)
        check(model, tmp_path, [samples], lambda expected: 1e-6)


@pytest.mark.parametrize("normalization", ["none", "per-utterance", "per-utterance-mean", "cmvn", "cmvn-mean"])
def test_a_module_normalizes_frames_without_a_front_end(normalization):
    rng = np.random.default_rng(1)
    X = [rng.normal(3, 2, size=(30, 4)).astype(np.float32) for _ in range(12)]
    if normalization.startswith("per-utterance"):
        X[0][:, 1] = 0.1
    model = trained(NETWORK, X, normalization=normalization)
    for frames in X[:3]:
        with torch.no_grad():
            probabilities = model.to_torch()(torch.from_numpy(frames[None]))[0].numpy()
        np.testing.assert_allclose(probabilities, model._native.classify_frames(frames), rtol=0, atol=1e-5)


def run(module, monkeypatch, capsys, *arguments):
    """Runs the command line within this process, and returns its lines and its error."""
    monkeypatch.setattr(sys, "argv", ["model.py", *map(str, arguments)])
    error = ""
    try:
        module.main()
    except SystemExit as exit:
        error = str(exit)
    return capsys.readouterr().out.splitlines(), error


def test_the_command_line_prints_the_most_probable_label_first(tmp_path, monkeypatch, capsys):
    pytest.importorskip("librosa")
    model = trained_on_clips({"librosa-mfcc": MEL})
    module = imported(model, tmp_path)
    samples = clips(2)[1]
    write_wav(tmp_path / "one.wav", samples)
    lines, error = run(module, monkeypatch, capsys, tmp_path / "one.wav")
    assert not error
    expected = model.probabilities(tmp_path / "one.wav")
    order = np.argsort(-expected)
    assert [line.split(maxsplit=1)[1] for line in lines] == [model.labels[index] for index in order]
    np.testing.assert_allclose([float(line.split()[0]) for line in lines], expected[order], rtol=0, atol=2e-4)
    write_wav(tmp_path / "other.wav", samples, 16000)
    lines, error = run(module, monkeypatch, capsys, tmp_path / "other.wav")
    assert not lines
    assert "other.wav has 16000 Hz, but the model reads 8000 Hz; resample it first" in error
    assert run(module, monkeypatch, capsys) == ([], "usage: python model.py FILE.wav")


def test_the_file_runs_as_a_program(tmp_path):
    trained_on_clips({"waveform": {"frame_length": 80, "hop_length": 40}}).to_torch(tmp_path)
    write_wav(tmp_path / "one.wav", clips(1)[0])
    command = [sys.executable, "model.py", "one.wav"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert sorted(line.split()[1] for line in done.stdout.splitlines()) == ["0", "1", "2"]


@pytest.mark.parametrize("head", ["per_frame", "per_frame_binary"])
def test_the_command_line_prints_the_segments_of_a_frame_level_model(head, tmp_path, monkeypatch, capsys):
    pytest.importorskip("librosa")
    (tmp_path / "data").mkdir()
    model, recordings = trained_frame_level({"cell": "lstm", "hidden_size": 6, "head": head}, tmp_path / "data")
    check(model, tmp_path, recordings[:3], lambda expected: 5e-4)
    module = imported(model, tmp_path)
    for number in range(9):
        path = tmp_path / "data" / f"{number}.wav"
        lines, error = run(module, monkeypatch, capsys, path)
        assert not error
        assert lines == [f"{one.start:.3f} s to {one.end:.3f} s  {one.label}" for one in model.segments(path)]


def test_segments_are_those_of_the_model(tmp_path):
    model, _ = trained_frame_level({"cell": "lstm", "hidden_size": 6, "head": "per_frame"}, tmp_path)
    module = imported(model, tmp_path / "files")
    rng = np.random.default_rng(1)
    for frames in (1, 2, 7, 30):
        for seconds in (0.004, 0.0151, 0.12, 0.5):
            probabilities = rng.dirichlet([1, 1], frames).astype(np.float32)
            got = module.segments(torch.from_numpy(probabilities), seconds)
            expected = model._native.segments(probabilities, seconds)
            assert [label for _, _, label in got] == [model.labels[label] for _, _, label in expected]
            np.testing.assert_allclose([one[:2] for one in got], [one[:2] for one in expected], atol=1e-9)


def test_the_built_in_models_are_files(tmp_path):
    pytest.importorskip("librosa")
    for name in ("vad", "digits"):
        model = stapes.Model.load(name)
        module = imported(model, tmp_path / name)
        network = module.load(tmp_path / name / "model.safetensors")
        samples = clip("tones", 2 * model.sample_rate, 1, "float32")
        with torch.no_grad():
            probabilities = network(torch.from_numpy(module.features(samples))[None])[0].numpy()
        np.testing.assert_allclose(probabilities, model.probabilities(samples, model.sample_rate), rtol=0, atol=1e-4)


def test_a_file_of_frames_has_no_features(tmp_path):
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(9, 4)).astype(np.float32) for _ in range(12)]
    module = imported(trained(NETWORK, X), tmp_path)
    assert not hasattr(module, "features") and not hasattr(module, "main")
    assert "has no front end" in module.__doc__


def test_recordings_are_read_without_soundfile(tmp_path, monkeypatch):
    module = imported(trained_on_clips({"waveform": {"frame_length": 80, "hop_length": 40}}), tmp_path)
    samples = clips(1)[0]
    with wave.open(str(tmp_path / "stereo.wav"), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", "NONE"))
        file.writeframes((np.stack([samples, 0 * samples], axis=1) * 32767).astype("<i2").tobytes())
    monkeypatch.setitem(sys.modules, "soundfile", None)
    got, rate = module.read_wav(str(tmp_path / "stereo.wav"))
    assert rate == RATE
    np.testing.assert_allclose(got, samples / 2, rtol=0, atol=1e-4)
    module.features(got)


def test_samples_of_whole_numbers_are_refused(tmp_path):
    module = imported(trained_on_clips({"waveform": {"frame_length": 80, "hop_length": 40}}), tmp_path)
    with pytest.raises(ValueError, match="not int16"):
        module.features(np.zeros(8000, np.int16))


def test_a_file_has_labels_with_any_text(tmp_path):
    labels = ["SHAPE", 'quoted "LABELS"', "# modules", "größer"]
    X = clips(12)
    y = [labels[n % 4] for n in range(12)]
    settings = {"epochs": 1, "batch_size": 6, "validation_fraction": 0, "sample_rate": RATE}
    features = {"front_end": {"waveform": {"frame_length": 80, "hop_length": 40}}, "sample_rate_hz": RATE}
    model = stapes.Classifier(model=NETWORK, features=features, **settings).fit(X, y).model_
    assert imported(model, tmp_path).LABELS == model.labels
    assert sorted(model.labels) == sorted(labels)


@pytest.mark.parametrize(
    "settings, named",
    [({"use_log_floor": False}, "use_log_floor = false"), ({"eps": 1e-5}, "eps = 1e-5")],
    ids=str,
)
def test_a_setting_that_the_toolkit_lacks_is_refused(settings, named, tmp_path):
    model = trained_on_clips({"kaldi-fbank": {**COMPLIANCE, **settings}}, scale="int16")
    with pytest.raises(ValueError, match=rf"torchaudio.compliance.kaldi has no setting {named}"):
        model.to_torch(tmp_path / "files")
    assert not (tmp_path / "files").exists()
    model.to_torch()

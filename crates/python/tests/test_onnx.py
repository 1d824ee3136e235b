"""Models as ONNX files in ONNX Runtime, against the model itself."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers_models import CLIP_MODELS, FRAME_MODELS, MFCC, trained, trained_frame_level
from helpers_training import command_line

import stapes

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

OTHER_CELLS = {
    f"gru_reset_before {head}": {"recurrent": {"cell": "gru_reset_before", "hidden_size": 5, "num_layers": 2, "head": head}}
    for head in ("last", "attention")
}
PER_FRAME = {
    f"{head} {bidirectional}": {
        "recurrent": {"cell": "lstm", "hidden_size": 6, "head": head, "bidirectional": bidirectional}
    }
    for head in ("per_frame", "per_frame_binary")
    for bidirectional in (False, True)
}
FRONT_ENDS = {
    "librosa-mfcc": {"librosa-mfcc": {"n_mfcc": 13, "n_fft": 256, "hop_length": 80}},
    "librosa reflect": {"librosa-mfcc": {"n_mels": 40, "n_fft": 200, "hop_length": 80, "pad_mode": "reflect", "lifter": 22}},
    "librosa-mel-db": {"librosa-mel-db": {"n_mels": 40, "n_fft": 200, "hop_length": 80, "ref": "max", "power": 1.0}},
    "psf-mfcc": {"psf-mfcc": {"deltas": 2}},
    "psf-logfbank": {"psf-logfbank": {"winfunc": "hamming"}},
    "kaldi-mfcc": {"kaldi-mfcc": {"deltas": 2, "cmvn": "meanvar"}},
    "kaldi mirrored": {"kaldi-fbank": {"use_energy": True, "frame_opts": {"snip_edges": False}}},
    "torchaudio-mfcc": {"torchaudio-mfcc": {"n_mfcc": 13, "melkwargs": {"n_mels": 40, "n_fft": 256, "pad": 30}}},
    "torchaudio-mel-db": {"torchaudio-mel-db": {"n_mels": 40, "center": False}},
    "waveform": {"waveform": {"frame_length": 80, "hop_length": 40}},
}
STREAM_FRONT_ENDS = {
    "librosa": {"librosa-mfcc": {"n_mfcc": 13, "n_fft": 256, "hop_length": 80, "center": False, "top_db": "none"}},
    "psf": {"psf-mfcc": {}},
    "kaldi": {"kaldi-fbank": {"mel_opts": {"num_bins": 20}}},
    "torchaudio": {"torchaudio-mel-db": {"n_mels": 20, "n_fft": 200, "center": False}},
    "short frames": {"waveform": {"frame_length": 60, "hop_length": 80}},
}
CAUSAL = {
    "lstm last": {"recurrent": {"cell": "lstm", "hidden_size": 6, "num_layers": 2, "head": "last"}},
    "gru last": {"recurrent": {"cell": "gru", "hidden_size": 6, "head": "last"}},
    "gru mean": {"recurrent": {"cell": "gru", "hidden_size": 6, "head": "mean"}},
    "rnn max": {"recurrent": {"cell": "rnn_tanh", "hidden_size": 6, "head": "max"}},
    "gru vote": {"recurrent": {"cell": "gru", "hidden_size": 6, "head": "vote"}},
    "crnn": {"crnn": {}},
}


def session(content):
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def clips(rng, count, longest=9000):
    """Noise of several lengths; the second clip is a tone with little noise, of which most bands are constant below `top_db`."""
    noise = [rng.normal(0, 0.1, longest - 700 * n).astype(np.float32) for n in range(count)]
    noise[1] = 0.01 * noise[1] + 0.3 * np.sin(np.arange(len(noise[1])) * 0.1, dtype=np.float32)
    return noise


def padded(sequences, filling):
    """The sequences as one array with `filling` after them, and their lengths."""
    longest = max(map(len, sequences)) + 5
    rows = [np.concatenate([one, np.full((longest - len(one), *one.shape[1:]), filling, one.dtype)]) for one in sequences]
    return np.stack(rows), np.array([len(one) for one in sequences], dtype=np.int64)


def check_batches(run, name, sequences, expected, tolerance, fillings=(0.0, 7.0, np.nan)):
    """Results are the model's, alone, and in a batch with anything after the sequences."""
    labels = expected[0].shape[-1]
    for filling in fillings:
        for batch in (sequences[:1], sequences):
            values, lengths = padded(batch, filling)
            outputs = run.run(None, {name: values, "lengths": lengths})
            for at, (wanted, got) in enumerate(zip(expected, outputs[0], strict=False)):
                if wanted.ndim == 2:
                    assert outputs[1][at] == len(wanted)
                    assert not got[len(wanted) :].any()
                    got = got[: len(wanted)]
                assert got.shape[-1] == labels
                np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", {**FRAME_MODELS, **OTHER_CELLS})
def test_a_file_computes_the_probabilities_of_its_model(name):
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(30 + 7 * n % 20, 40)).astype(np.float32) for n in range(14)]
    model = trained({**FRAME_MODELS, **OTHER_CELLS}[name], X)
    expected = [model._native.classify_frames(one) for one in X[:7]]
    check_batches(session(model.to_onnx()), "frames", X[:7], expected, 1e-5)


@pytest.mark.parametrize("name", PER_FRAME)
def test_a_frame_level_file_has_probabilities_up_to_the_lengths(name, tmp_path):
    model, recordings = trained_frame_level(PER_FRAME[name]["recurrent"], tmp_path)
    frames = [model.features(one, 8000) for one in recordings[:7]]
    expected = [model._native.classify_frames(one) for one in frames]
    check_batches(session(model.to_onnx()), "frames", frames, expected, 1e-5)
    expected = [model.probabilities(one, 8000) for one in recordings[:7]]
    check_batches(session(model.to_onnx(features=True)), "samples", recordings[:7], expected, 1e-4)


@pytest.mark.parametrize("name", CLIP_MODELS)
def test_a_file_of_clips_of_fixed_length_has_its_front_end(name):
    config, features = CLIP_MODELS[name]
    rng = np.random.default_rng(1)
    X = clips(rng, 12)
    model = trained(config, X, sample_rate=8000, features=features)
    expected = [model.probabilities(clip, 8000) for clip in X[:7]]
    check_batches(session(model.to_onnx(features=True)), "samples", X[:7], expected, 1e-4)
    frames = [model.features(clip, 8000) for clip in X[:3]]
    run = session(model.to_onnx())
    outputs = run.run(None, {"frames": np.stack(frames), "lengths": np.array([len(one) for one in frames])})
    np.testing.assert_allclose(outputs[0], expected[:3], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_file_has_the_front_end_of_its_model(name):
    features = {"front_end": FRONT_ENDS[name], "sample_rate_hz": 8000}
    features["scale"] = "int16" if name.startswith(("psf", "kaldi")) else "unit"
    if name == "psf-logfbank":
        features |= {"deltas": {"width": 5}, "stacking": {"left": 2, "right": 1, "every": 3}}
    if name == "torchaudio-mel-db":
        features["deltas"] = {"mode": "mirror", "order": 2}
    rng = np.random.default_rng(1)
    X = clips(rng, 12)
    X[2][3000:] = 0
    normalization = "per-utterance" if name.startswith(("torchaudio", "waveform")) else "per-coefficient"
    network = {"recurrent": {"cell": "gru", "hidden_size": 6, "head": "mean"}}
    model = trained(network, X, sample_rate=8000, features=features, normalization=normalization)
    expected = [model.probabilities(clip, 8000) for clip in X[:7]]
    check_batches(session(model.to_onnx(features=True)), "samples", X[:7], expected, 1e-4)


def run_stream(run, name, steps):
    """Returns the probabilities of the steps that have an output."""
    inputs = [one for one in run.get_inputs() if one.name != name]
    states = {one.name: np.zeros([1, *one.shape[1:]], np.float32) for one in inputs}
    names = [one.name for one in run.get_outputs()]
    results = []
    for step in steps:
        outputs = dict(zip(names, run.run(None, {name: step[None], **states}), strict=True))
        states = {one: outputs[f"{one}_next"] for one in states}
        if outputs.get("has_output", [True])[0]:
            results.append(outputs["probabilities"][0])
    return np.stack(results)


@pytest.mark.parametrize("name", CAUSAL)
def test_a_stream_of_frames_equals_the_whole(name):
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(40, 40)).astype(np.float32) for _ in range(12)]
    model = trained(CAUSAL[name], X)
    run = session(model.to_onnx(streaming=True))
    frames = rng.normal(size=(1000, 40)).astype(np.float32)
    for count in (1, 2, 300, 1000):
        expected = model._native.classify_frames(frames[:count])
        np.testing.assert_allclose(run_stream(run, "frame", frames[:count])[-1], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("head", ["per_frame", "per_frame_binary"])
def test_a_stream_of_a_frame_level_model_equals_the_whole(head, tmp_path):
    model, recordings = trained_frame_level({"cell": "lstm", "hidden_size": 6, "num_layers": 2, "head": head}, tmp_path)
    frames = model.features(np.concatenate(recordings), 8000)[:1000]
    got = run_stream(session(model.to_onnx(streaming=True)), "frame", frames)
    np.testing.assert_allclose(got, model._native.classify_frames(frames), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", STREAM_FRONT_ENDS)
def test_a_stream_of_samples_equals_the_whole(name):
    features = {"front_end": STREAM_FRONT_ENDS[name], "sample_rate_hz": 8000}
    features["scale"] = "int16" if name in ("psf", "kaldi") else "unit"
    rng = np.random.default_rng(1)
    X = clips(rng, 12)
    model = trained({"recurrent": {"cell": "gru", "hidden_size": 6, "head": "vote"}}, X, sample_rate=8000, features=features)
    run = session(model.to_onnx(features=True, streaming=True))
    hop = next(one for one in run.get_inputs() if one.name == "samples").shape[1]
    hops = rng.normal(0, 0.1, (100, hop)).astype(np.float32)
    frames = model.features(hops.reshape(-1), 8000)
    got = run_stream(run, "samples", hops)
    for count in (1, 2, len(got)):
        expected = model._native.classify_frames(frames[:count])
        np.testing.assert_allclose(got[count - 1], expected, rtol=0, atol=1e-4)


def test_a_file_names_its_labels_rate_and_front_end(tmp_path):
    model = stapes.Model.load("digits")
    path = tmp_path / "digits.onnx"
    assert model.to_onnx(path, features=True) == path.read_bytes()
    run = session(path.read_bytes())
    metadata = run.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["labels"]) == model.labels
    assert json.loads(metadata["sample_rate_hz"]) == model.sample_rate
    assert json.loads(metadata["features"])["sample_rate_hz"] == model.sample_rate
    assert onnx.load_from_string(path.read_bytes()).opset_import[0].version == 11


def test_the_built_in_models_run_with_their_front_ends():
    rng = np.random.default_rng(1)
    for name in ("vad", "digits"):
        model = stapes.Model.load(name)
        X = clips(rng, 4, 2 * model.sample_rate)
        expected = [model.probabilities(one, model.sample_rate) for one in X]
        check_batches(session(model.to_onnx(features=True)), "samples", X, expected, 1e-4, fillings=(0.0,))


def test_what_a_stream_cannot_run_is_refused():
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(9, 4)).astype(np.float32) for _ in range(12)]
    model = trained({"recurrent": {"cell": "gru", "hidden_size": 5, "bidirectional": True}}, X)
    with pytest.raises(ValueError, match="needs future frames"):
        model.to_onnx(streaming=True)
    with pytest.raises(ValueError, match="no front end"):
        model.to_onnx(features=True)
    causal = {"recurrent": {"cell": "gru", "hidden_size": 5}}
    centered = trained(causal, clips(rng, 12), sample_rate=8000, features=MFCC)
    with pytest.raises(ValueError, match="center"):
        centered.to_onnx(features=True, streaming=True)


RECIPES = sorted(path.stem for path in (Path(__file__).parents[2] / "stapes" / "recipes").glob("*.toml"))


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_model_of_every_recipe_is_a_file(recipe):
    rng = np.random.default_rng(1)
    model = stapes.Model.untrained(recipe)
    if model.sample_rate is None:
        frames = [rng.normal(size=(60 - 7 * n, model._native.width)).astype(np.float32) for n in range(7)]
    else:
        X = clips(rng, 7, model.sample_rate)
        expected = [model.probabilities(one, model.sample_rate) for one in X]
        check_batches(session(model.to_onnx(features=True)), "samples", X, expected, 1e-4, fillings=(0.0,))
        frames = [model.features(one, model.sample_rate) for one in X]
    expected = [model._native.classify_frames(one) for one in frames]
    run = session(model.to_onnx())
    if isinstance(run.get_inputs()[0].shape[1], int):
        outputs = run.run(None, {"frames": np.stack(frames), "lengths": np.full(7, len(frames[0]))})
        np.testing.assert_allclose(outputs[0], expected, rtol=0, atol=1e-5)
    else:
        check_batches(run, "frames", frames, expected, 1e-5, fillings=(0.0,))


def test_the_examples_of_the_manual_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stapes.Model.load("digits").to_onnx("digits.onnx", features=True)
    stapes.Model.load("vad").to_onnx("vad.onnx", features=True, streaming=True)
    page = (Path(__file__).parents[3] / "docs" / "export.md").read_text()
    examples = [block.split("```")[0] for block in page.split("```python\n")[1:]]
    names = {}
    for example in examples[:2]:
        exec(example, names)
    assert names["probabilities"].shape == (1, 10)
    assert names["speech"] < 0.5


def test_the_settings_for_triton_are_read_by_its_client(tmp_path):
    text_format = pytest.importorskip("google.protobuf.text_format")
    messages = pytest.importorskip("tritonclient.grpc").model_config_pb2
    for model, flags in (("digits", []), ("vad", ["--streaming"])):
        code, _, errors = command_line("export", model, "--to", "triton", "--with-features", *flags, "--out", "repository", cwd=tmp_path)
        assert code == 0, errors
        text = (tmp_path / "repository" / model / "config.pbtxt").read_text()
        config = text_format.Parse(text, messages.ModelConfig())
        run = session((tmp_path / "repository" / model / "1" / "model.onnx").read_bytes())
        states = config.sequence_batching.state
        inputs = [one.name for one in config.input] + [one.input_name for one in states]
        outputs = [one.name for one in config.output] + [one.output_name for one in states]
        assert inputs == [one.name for one in run.get_inputs()]
        assert sorted(outputs) == sorted(one.name for one in run.get_outputs())
        axes = {one.name: one.shape[1:] for one in run.get_inputs()}
        assert all(list(state.dims) == axes[state.input_name] for state in states)
        assert len(states) == (4 if flags else 0)

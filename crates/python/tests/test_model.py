"""Trained models on recordings and frames."""

import pickle
import threading

import numpy as np
import pytest
import stapes
from helpers_training import ragged_task, run_python, tones, write_wav

DIGITS = stapes.Model.load("digits")
VAD = stapes.Model.load("vad")
X, Y = ragged_task()


@pytest.fixture(scope="module")
def of_frames():
    return stapes.Classifier(hidden_size=8, epochs=8, learning_rate=0.02, batch_size=8).fit(X, Y).model_


def clips():
    return [0.5 * clip for clip in tones(12)[0]]


def loud_and_quiet(rate=16000):
    """Returns 1 s of silence, 1 s of a voice-like sound, and 1 s of silence."""
    time = np.arange(rate) / rate
    voice = sum(np.sin(2 * np.pi * 120 * n * time) / n for n in range(1, 25)) * (1 + np.sin(2 * np.pi * 4 * time))
    return np.concatenate([np.zeros(rate), 0.1 * voice, np.zeros(rate)]).astype(np.float32)


def test_a_path_and_its_samples_have_equal_probabilities(tmp_path):
    write_wav(tmp_path / "clip.wav", clips()[1])
    samples, rate = stapes.load(tmp_path / "clip.wav")
    expected = DIGITS.probabilities(samples, rate)
    assert np.array_equal(DIGITS.probabilities(tmp_path / "clip.wav"), expected)
    assert np.array_equal(DIGITS.probabilities(str(tmp_path / "clip.wav")), expected)
    assert DIGITS.predict(tmp_path / "clip.wav") == DIGITS.predict(samples, rate)
    assert np.array_equal(VAD.probabilities(tmp_path / "clip.wav"), VAD.probabilities(samples, rate))
    assert VAD.segments(tmp_path / "clip.wav") == VAD.segments(samples, rate)


def test_a_prediction_has_the_most_probable_label():
    prediction = DIGITS.predict(clips()[0], 8000)
    assert prediction.probabilities.shape == (10,) and prediction.probabilities.dtype == np.float32
    assert prediction.index == prediction.probabilities.argmax()
    assert prediction.label == DIGITS.labels[prediction.index]
    assert prediction.probability == pytest.approx(prediction.probabilities.max())
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert repr(prediction).startswith("Prediction(label=") and "array" not in repr(prediction)


def test_a_list_is_classified_like_its_elements(tmp_path):
    for model in (DIGITS, VAD):
        single = [model.probabilities(clip, 8000) for clip in clips()]
        together = model.probabilities_of(clips(), 8000)
        assert all(np.array_equal(a, b) for a, b in zip(single, together))
        assert model.predict(clips(), 8000) == [model.predict(clip, 8000) for clip in clips()]
    write_wav(tmp_path / "clip.wav", clips()[1])
    assert [one.label for one in DIGITS.predict([tmp_path / "clip.wav", str(tmp_path / "clip.wav")])] == [
        DIGITS.predict(tmp_path / "clip.wav").label
    ] * 2
    assert DIGITS.predict([], 8000) == []


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_does_not_change_probabilities(threads):
    expected = [DIGITS.probabilities(clip, 8000) for clip in clips()]
    try:
        stapes.set_num_threads(threads)
        assert stapes.num_threads() == threads
        assert all(np.array_equal(a, b) for a, b in zip(expected, DIGITS.probabilities_of(clips(), 8000)))
    finally:
        stapes.set_num_threads(0)


def test_one_model_is_used_by_several_threads_at_once():
    expected = [DIGITS.probabilities(clip, 8000) for clip in clips()]
    wrong = []

    def work():
        for _ in range(5):
            for clip, probabilities in zip(clips(), expected):
                if not np.array_equal(DIGITS.probabilities(clip, 8000), probabilities):
                    wrong.append(clip)

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert wrong == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_samples_may_have_any_float_type_and_layout(dtype):
    samples = clips()[0].astype(dtype)
    expected = DIGITS.probabilities(samples.astype(np.float32), 8000)
    assert np.array_equal(DIGITS.probabilities(samples, 8000), expected)
    assert np.array_equal(DIGITS.probabilities(np.repeat(samples, 2)[::2], 8000.0), expected)
    assert np.array_equal(DIGITS.probabilities(samples.astype(samples.dtype.newbyteorder()), 8000), expected)


def test_other_rates_are_resampled():
    samples = loud_and_quiet(16000)
    assert VAD.probabilities(samples, 16000).shape == VAD.probabilities(loud_and_quiet(48000), 48000).shape


def test_a_frame_level_model_has_segments():
    samples = loud_and_quiet()
    segments = VAD.segments(samples, 16000)
    assert VAD.frame_level and VAD.predict(samples, 16000) == segments
    assert segments[0].start == 0 and segments[-1].end == 3.0
    assert all(one.end == other.start and one.label != other.label for one, other in zip(segments, segments[1:]))
    best = VAD.probabilities(samples, 16000).argmax(axis=1)
    assert len(segments) == 1 + np.count_nonzero(np.diff(best))


def test_a_model_of_frames_takes_arrays(of_frames):
    assert of_frames.sample_rate is None and not of_frames.frame_level
    expected = of_frames.probabilities(X[0].astype("f4"))
    assert np.array_equal(of_frames.probabilities(X[0]), expected)
    assert np.array_equal(of_frames.probabilities(np.asfortranarray(X[0])), expected)
    assert [one.label for one in of_frames.predict(X)] == [str(label) for label in Y]
    assert repr(of_frames) == "stapes.Model(recurrent, frames of 3 values, labels=['0', '1'])"


def test_a_model_survives_pickle_and_a_file(tmp_path, of_frames):
    for model in (DIGITS, VAD, of_frames):
        model.save(tmp_path / "model.safetensors")
        for copy in (pickle.loads(pickle.dumps(model)), stapes.Model.load(tmp_path / "model.safetensors")):
            assert (copy.labels, copy.config, copy.recipe) == (model.labels, model.config, model.recipe)
            assert all(np.array_equal(copy.parameters[name], values) for name, values in model.parameters.items())
    assert np.array_equal(
        pickle.loads(pickle.dumps(DIGITS)).probabilities(clips()[0], 8000), DIGITS.probabilities(clips()[0], 8000)
    )


def test_parameters_have_the_shapes_of_pytorch(of_frames):
    shapes = {name: values.shape for name, values in of_frames.parameters.items()}
    assert shapes == {
        "rnn.weight_ih_l0": (24, 3),
        "rnn.weight_hh_l0": (24, 8),
        "rnn.bias_ih_l0": (24,),
        "rnn.bias_hh_l0": (24,),
        "fc.weight": (2, 8),
        "fc.bias": (2,),
    }
    copy = of_frames.parameters["fc.bias"]
    copy[:] = 9
    assert not np.array_equal(of_frames.parameters["fc.bias"], copy)


def test_the_front_end_of_a_model_gives_its_frames():
    frames = DIGITS.features(clips()[0], 8000)
    assert frames.shape == (1 + len(clips()[0]) // 80, 40) and frames.dtype == np.float32


SAMPLES = clips()[0]
FAULTS = {
    "no rate": (lambda: DIGITS.predict(SAMPLES), ValueError, "sr is missing.*sr=8000"),
    "no rate of a list": (lambda: DIGITS.predict([SAMPLES]), ValueError, "sr is missing"),
    "no samples": (lambda: DIGITS.predict(SAMPLES[:0], 8000), ValueError, "0 samples, too few"),
    "no samples in a list": (lambda: DIGITS.predict([SAMPLES, SAMPLES[:0]], 8000), ValueError, "example 1: the recording has 0 samples, too few"),
    "rate 0": (lambda: DIGITS.predict(SAMPLES, 0), ValueError, "sr = 0: must be a whole number of at least 1"),
    "a fraction as rate": (lambda: DIGITS.predict(SAMPLES, 8000.5), ValueError, "sr = 8000.5: must be a whole number"),
    "text as rate": (lambda: DIGITS.features(SAMPLES, "8000"), ValueError, "sr = '8000': must be a whole number"),
    "integers": (lambda: DIGITS.predict(SAMPLES.astype("i2"), 8000), ValueError, "divide 16-bit samples by 32768"),
    "two axes": (lambda: DIGITS.predict(SAMPLES[None], 8000), ValueError, r"shape \[1, \d+\]; expected one axis"),
    "NaN": (lambda: DIGITS.predict([SAMPLES, SAMPLES * np.nan], 8000), ValueError, "example 1: sample 0 is NaN"),
    "numbers": (lambda: DIGITS.predict([0.1, 0.2], 8000), ValueError, "list of numbers; give an array"),
    "None": (lambda: DIGITS.predict(None, 8000), ValueError, "audio is None"),
    "complex numbers": (lambda: DIGITS.predict(SAMPLES * 1j, 8000), ValueError, "complex64; expected real numbers"),
    "no file": (lambda: DIGITS.predict("absent.wav"), FileNotFoundError, "absent.wav: No such file or directory$"),
    "no model": (lambda: stapes.Model.load("absent"), FileNotFoundError, "absent: does not exist, and is not a built-in model"),
    "no folder": (lambda: DIGITS.save("absent/model.safetensors"), FileNotFoundError, "cannot write the model"),
    "segments of a recording": (lambda: DIGITS.segments(SAMPLES, 8000), ValueError, "one class per recording"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_an_exception_with_its_cause(name):
    function, kind, text = FAULTS[name]
    with pytest.raises(kind, match=text):
        function()


def test_paths_are_classified_in_parallel_with_the_results_of_single_ones(tmp_path):
    paths = []
    for n, clip in enumerate(clips()):
        paths.append(tmp_path / f"{n}.wav")
        write_wav(paths[-1], clip)
    paths = paths * 5
    expected = [DIGITS.predict(path) for path in paths]
    threads = stapes.num_threads()
    try:
        for count in (1, 2, 3):
            stapes.set_num_threads(count)
            found = DIGITS.predict(paths)
            assert found == expected
            assert all(np.array_equal(one.probabilities, other.probabilities) for one, other in zip(found, expected))
            assert VAD.predict(list(map(str, paths))) == [VAD.predict(path) for path in paths]
    finally:
        stapes.set_num_threads(threads)
    assert DIGITS.predict([paths[0], str(paths[1])]) == expected[:2]
    assert DIGITS.predict(()) == []


def test_the_fault_of_the_first_path_is_raised(tmp_path):
    write_wav(tmp_path / "good.wav", SAMPLES)
    (tmp_path / "text.wav").write_text("no recording")
    names = ["good.wav"] * 20 + ["text.wav", "absent.wav"] + ["good.wav"] * 20 + ["text.wav"]
    for order, kind in ((names, ValueError), (names[::-1], ValueError), (names[:20] + names[21:], FileNotFoundError)):
        for _ in range(5):
            with pytest.raises(kind, match="absent.wav" if kind is FileNotFoundError else "text.wav"):
                DIGITS.predict([tmp_path / name for name in order])


def test_memory_of_many_paths_is_that_of_the_recordings_in_work(tmp_path):
    write_wav(tmp_path / "long.wav", np.tile(SAMPLES, 120))
    program = """
import resource, sys
import stapes
stapes.set_num_threads(2)
model = stapes.Model.load("digits")
model.predict([sys.argv[1]] * 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model.predict([sys.argv[1]] * 200)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    code, out, err = run_python(program, tmp_path / "long.wav")
    # The samples of 200 recordings take 60 times as much; kB.
    assert code == 0 and int(out) < 20_000, (out, err)


def test_faults_of_frames_are_exceptions(of_frames, tmp_path):
    with pytest.raises(ValueError, match=r"frames \[T, 3\]"):
        of_frames.predict(X[0][:, :2])
    with pytest.raises(ValueError, match="no front end"):
        of_frames.features(SAMPLES, 8000)
    with pytest.raises(ValueError, match="example 1"):
        of_frames.predict([X[0], X[1][:, :2]])
    write_wav(tmp_path / "clip.wav", SAMPLES)
    with pytest.raises(ValueError):
        of_frames.predict(tmp_path / "clip.wav")


def test_a_file_that_is_no_recording_is_a_fault_of_the_data(tmp_path):
    (tmp_path / "text.wav").write_text("no recording")
    with pytest.raises(ValueError, match="text.wav"):
        DIGITS.predict(tmp_path / "text.wav")
    (tmp_path / "model.safetensors").write_bytes(b"no model")
    with pytest.raises(ValueError, match="model.safetensors"):
        stapes.Model.load(tmp_path / "model.safetensors")


def test_a_recording_that_is_cut_is_a_warning_about_the_line_of_the_caller(tmp_path):
    fixed = {"preset": "log-mel", "fixed_length_samples": 4000}
    clips_, y = tones()
    model = stapes.Classifier(hidden_size=4, epochs=1, sample_rate=8000, features=fixed).fit(clips_, y).model_
    write_wav(tmp_path / "long.wav", np.tile(clips_[0], 4))
    for function in (model.predict, model.probabilities, lambda path: model.predict([path])):
        with pytest.warns(UserWarning, match="long.wav: the model reads the first 0.5 s only") as warned:
            function(tmp_path / "long.wav")
        assert {one.filename for one in warned} == {__file__}

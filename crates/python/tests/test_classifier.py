"""Training on arrays."""

import pickle
import warnings

import numpy as np
import pytest
import stapes
from helpers_training import interrupt, ragged_task, tones

X, Y = ragged_task()
SMALL = {"hidden_size": 8, "epochs": 8, "learning_rate": 0.02, "batch_size": 8}


def classifier(**settings):
    return stapes.Classifier(**{**SMALL, **settings})


def same_parameters(a, b):
    a, b = a.model_.parameters, b.model_.parameters
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)


def test_a_classifier_learns_sequences_of_different_lengths():
    fitted = classifier().fit(X, Y)
    assert fitted.score(X, Y) == 1.0
    assert fitted.predict_proba(X).shape == (60, 2)
    assert np.allclose(fitted.predict_proba(X).sum(axis=1), 1)
    assert fitted.n_features_in_ == 3
    assert fitted.n_iter_ == 8
    assert fitted.history_[-1]["validation_accuracy"] == 1.0


def test_the_same_seed_gives_the_same_model_bit_for_bit():
    first = classifier(random_state=5, head_dropout=0.2).fit(X, Y)
    assert same_parameters(first, classifier(random_state=5, head_dropout=0.2).fit(X, Y))
    assert not same_parameters(first, classifier(random_state=6, head_dropout=0.2).fit(X, Y))


def test_the_number_of_threads_does_not_change_the_model():
    threads = stapes.num_threads()
    fitted = classifier().fit(X, Y)
    try:
        stapes.set_num_threads(1)
        assert same_parameters(fitted, classifier().fit(X, Y))
    finally:
        stapes.set_num_threads(0)
    assert stapes.num_threads() == threads


def test_a_generator_of_numpy_is_a_seed():
    def fit(random_state):
        return classifier(epochs=1, random_state=random_state).fit(X, Y)

    assert same_parameters(fit(np.random.RandomState(3)), fit(np.random.RandomState(3)))
    assert same_parameters(fit(np.random.default_rng(3)), fit(np.random.default_rng(3)))


def test_a_model_survives_pickle_and_a_file(tmp_path):
    fitted = classifier(epochs=1).fit(X, Y)
    restored = pickle.loads(pickle.dumps(fitted))
    assert repr(restored) == repr(fitted)
    assert np.array_equal(restored.predict_proba(X), fitted.predict_proba(X))
    fitted.save(tmp_path / "model.safetensors")
    model = stapes.Model.load(tmp_path / "model.safetensors")
    assert model.labels == ["0", "1"]
    assert np.array_equal(model.probabilities(X[0].astype("f4")), fitted.model_.probabilities(X[0].astype("f4")))


def test_arrays_and_lists_of_equal_sequences_are_equal_inputs():
    array = np.stack([one[:5] for one in X])
    fitted = classifier(epochs=1).fit(array, Y)
    assert same_parameters(fitted, classifier(epochs=1).fit(list(array), Y))
    objects = np.empty(len(X), object)
    objects[:] = X
    assert same_parameters(classifier(epochs=1).fit(X, Y), classifier(epochs=1).fit(objects, Y))
    table = array[:, 0]
    assert same_parameters(classifier(epochs=1).fit(table, Y), classifier(epochs=1).fit(table.tolist(), Y))


def test_vectors_are_sequences_of_one_value_per_frame():
    vectors = [one[:, 0] for one in X]
    fitted = classifier(epochs=1).fit(vectors, Y)
    assert fitted.n_features_in_ == 1
    assert same_parameters(fitted, classifier(epochs=1).fit([one[:, None] for one in vectors], Y))


@pytest.mark.parametrize(
    "names", [["no", "yes"], [False, True], [10, 20], np.array(["no", "yes"], object), np.array([b"n", b"y"])]
)
def test_classes_may_have_any_type(names):
    y = np.asarray(names)[Y]
    fitted = classifier().fit(X, y)
    predicted = fitted.predict(X)
    assert predicted.dtype == y.dtype
    assert np.array_equal(predicted, y)
    assert fitted.classes_.tolist() == list(names)


def test_groups_are_whole_in_validation():
    # Every class of the one group that validation has is wrong, so that its accuracy shows which group it is.
    groups = np.repeat(np.arange(6), 10)
    fitted = classifier(validation_fraction=0.15).fit(X, Y, groups=groups)
    held_out = set()
    for group in range(6):
        noise = Y.copy()
        noise[groups == group] = 1 - noise[groups == group]
        if classifier(validation_fraction=0.15).fit(X, noise, groups=groups).history_[-1]["validation_accuracy"] == 0.0:
            held_out.add(group)
    assert fitted.history_[-1]["validation_accuracy"] == 1.0
    assert len(held_out) == 1


def test_validation_data_chooses_the_model():
    other, classes = ragged_task(20, seed=1)
    fitted = classifier().fit(X, Y, validation_data=(other, classes))
    assert fitted.history_[-1]["validation_accuracy"] == 1.0
    wrong = classifier().fit(X, Y, validation_data=(other, 1 - classes))
    assert wrong.history_[-1]["validation_accuracy"] == 0.0
    with pytest.raises(ValueError, match="classes that y lacks: 7"):
        classifier().fit(X, Y, validation_data=(other, classes + 6 * (classes == 1)))
    with pytest.raises(ValueError, match=r"validation_data\[0\] has 2 features"):
        classifier().fit(X, Y, validation_data=([one[:, :2] for one in other], classes))
    with pytest.raises(ValueError, match=r"must be \(X, y\)"):
        classifier().fit(X, Y, validation_data=(other,))


@pytest.mark.parametrize(
    "features",
    [
        "log-mel",
        "kaldi-mfcc-39",
        {"preset": "log-mel", "front_end": {"librosa-mel-db": {"n_mels": 20}}},
        {"front_end": {"psf-mfcc": {"numcep": 10}}},
    ],
)
def test_clips_have_a_front_end(features):
    clips, y = tones()
    fitted = classifier(sample_rate=8000, features=features).fit(clips, y)
    assert fitted.score(clips, y) == 1.0
    assert fitted.model_.sample_rate == 8000
    assert fitted.model_.config["input"]["recordings"]["normalization"] == "per-coefficient"


def test_a_file_and_its_samples_have_the_same_class(tmp_path):
    from helpers_training import write_wav

    clips, y = tones()
    fitted = classifier(sample_rate=8000).fit(clips, y)
    write_wav(tmp_path / "high.wav", clips[1])
    assert fitted.model_.predict(tmp_path / "high.wav").label == str(fitted.predict(clips[1:2])[0]) == "1"


NAN = [*X[:-1], X[-1] * np.nan]
INPUTS = {
    "a value that is not finite": (NAN, Y, r"X\[59\] contains NaN"),
    "unequal widths": ([*X[:-1], X[-1][:, :2]], Y, r"X\[59\] has 2 values per frame and X\[0\] has 3"),
    "three axes": ([*X[:-1], X[-1][None]], Y, r"X\[59\] has the shape \[1, 9, 3\]; expected frames \[T, F\]"),
    "no frames": ([*X[:-1], X[-1][:0]], Y, r"X\[59\] has no frames; remove the example"),
    "one class": (X, [1] * 60, "y has one class, 1; a classifier needs at least two"),
    "too few classes": (X, Y[:-1], r"inconsistent numbers of samples: \[60, 59\]"),
    "no class": (X, np.array([None, *["a"] * 59], object), r"y\[0\] is None; each example needs a class"),
    "an unknown class": (X, np.array([*["a"] * 59, np.nan], object), r"y\[59\] is nan; each example needs"),
    "mixed classes": (X, np.array(["a", *[1] * 59], object), "classes of different types, int and str"),
    "fractions as classes": (X, Y + 0.5, "Unknown label type: continuous"),
    "no examples": ([], [], "0 sample"),
    "lists of different lengths": ([[1, 2], [3]], [0, 1], "lists of different lengths; give each sequence as an array"),
    "numbers": ([1, 2], [0, 1], "give a list of sequences"),
    "text": ([["a"], ["b"]], [0, 1], "could not convert string"),
}


@pytest.mark.parametrize("name", INPUTS)
def test_a_fault_of_the_examples_is_named(name):
    examples, y, text = INPUTS[name]
    with pytest.raises(ValueError, match=text):
        classifier().fit(examples, y)


def test_clips_that_do_not_fit_are_named():
    clips, y = tones()
    loud = [*clips[:-1], (clips[-1] * 32767).astype(np.int16)]
    with pytest.raises(ValueError, match="divide 16-bit samples by 32768"):
        classifier(sample_rate=8000).fit(loud, y)
    with pytest.raises(ValueError, match=r"X\[23\] has the shape \[1, \d+\]; expected samples \[L\]"):
        classifier(sample_rate=8000).fit([*clips[:-1], clips[-1][None]], y)
    with pytest.raises(ValueError, match="example 23"):
        classifier(sample_rate=8000, features="kaldi-mfcc-39").fit([*clips[:-1], clips[-1][:10]], y)


SETTINGS = {
    "cell": ("x", "cell: unknown variant `x`, expected one of `rnn_tanh`"),
    "hidden_size": (0, "hidden_size = 0: must be at least 1"),
    "num_layers": (1.5, "num_layers: invalid type: floating point `1.5`"),
    "bidirectional": ("yes", "bidirectional: invalid type: string"),
    "head": ("per_frame", "one class per frame"),
    "dropout": (0.5, "dropout = 0.5: acts between layers"),
    "head_dropout": (1.0, "head_dropout = 1: must be at least 0 and below 1"),
    "normalization": ("x", "normalization: unknown variant `x`"),
    "epochs": (0, "epochs = 0: must be at least 1"),
    "batch_size": ("many", "batch_size: invalid type: string"),
    "learning_rate": (float("nan"), "learning_rate = nan: must be a finite number"),
    "optimizer": ("adamm", "optimizer: unknown variant `adamm`, did you mean `adam`"),
    "weight_decay": (-1, "weight_decay = -1"),
    "max_grad_norm": (0, "max_grad_norm = 0"),
    "patience": (0, "patience = 0"),
    "model": ({"recurent": {}}, "model: unknown variant `recurent`, did you mean `recurrent`"),
    "train": ({"epoch": 3}, "train: unknown field `epoch`, did you mean `epochs`"),
    "validation_fraction": (1, "validation_fraction = 1: must be at least 0 and below 1"),
    "random_state": (-1, "random_state = -1: must be a whole number of at least 0"),
    "sample_rate": (0.5, "sample_rate = 0.5: must be a whole number of at least 1"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_an_error_names_the_parameter(name):
    value, text = SETTINGS[name]
    examples, y = tones() if name == "sample_rate" else (X, Y)
    with pytest.raises(ValueError) as error:
        classifier(**{name: value}).fit(examples, y)
    assert text in str(error.value)
    assert "line 1" not in str(error.value)


@pytest.mark.parametrize("features", ["log-mell", {"front_ends": {}}, None, {"normalization": "none"}])
def test_an_error_of_the_front_end_names_features(features):
    clips, y = tones()
    with pytest.raises(ValueError, match="^features"):
        classifier(sample_rate=8000, features=features).fit(clips, y)


def test_a_key_of_train_is_named_in_full():
    with pytest.raises(ValueError, match="^train.batch_size = 0"):
        classifier(train={"batch_size": 0}).fit(X, Y)


def test_settings_may_be_numbers_of_numpy():
    settings = {"hidden_size": np.int64(8), "learning_rate": np.float32(0.02), "bidirectional": np.bool_(True)}
    classifier(epochs=np.int32(1), **settings).fit(X, Y)


def test_the_callback_receives_every_validation():
    events = []
    fitted = classifier(epochs=3).fit(X, Y, callback=events.append)
    points = [event["point"] for event in events if event["event"] == "validation"]
    assert points == fitted.history_
    steps = [event for event in events if event["event"] == "step"]
    assert steps[-1]["step"] == steps[-1]["steps"]


def test_an_exception_of_the_callback_ends_the_training_and_is_raised():
    calls = []

    def fail(event):
        calls.append(event)
        raise ZeroDivisionError("of the callback")

    unfitted = classifier(epochs=100_000)
    with pytest.raises(ZeroDivisionError, match="of the callback"):
        unfitted.fit(X, Y, callback=fail)
    assert len(calls) == 1
    assert not hasattr(unfitted, "model_")
    assert classifier().fit(X, Y).score(X, Y) == 1.0


def test_a_callback_can_end_the_training_and_keep_the_model():
    def stop(event):
        if event["event"] == "validation":
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted; the model is the best so far"):
        fitted = classifier(epochs=100_000).fit(X, Y, callback=stop)
    assert fitted.predict(X).shape == (60,)
    assert fitted.history_[-1]["epoch"] < 100_000


def test_a_warning_names_the_line_of_the_caller():
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        classifier(learning_rate=1e9, epochs=20).fit(X, Y)
    assert [str(one.message)[:17] for one in found] == ["training diverged"]
    assert found[0].filename == __file__


def test_ctrl_c_keeps_what_the_training_has_reached_and_the_process():
    program = """
import warnings
from helpers_training import ragged_task
import stapes
X, y = ragged_task()
begun = []
def callback(event):
    if not begun:
        begun.append(print("begun", flush=True))
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    fitted = stapes.Classifier(hidden_size=8, epochs=1_000_000).fit(X, y, callback=CALLBACK)
print([str(one.message) for one in found], fitted.history_[-1]["epoch"] < 1_000_000, fitted.score(X, y) > 0.5)
print(stapes.Classifier(hidden_size=8, epochs=10, learning_rate=0.02).fit(X, y).score(X, y))
"""
    expected = "['the training was interrupted; the model is the best so far'] True True\n1.0\n"
    tests = __file__.rsplit("/", 1)[0]
    assert interrupt(program.replace("CALLBACK", "callback"), cwd=tests) == (0, expected, "")
    without = program.replace("    fitted", "    print('begun', flush=True)\n    fitted")
    assert interrupt(without.replace("CALLBACK", "None"), cwd=tests) == (0, expected, "")


# Frames that begin at every sample: the features take minutes.
SLOW_CLIPS = """
import numpy, re, sys
import stapes
clips = [numpy.random.default_rng(n).normal(0, 0.1, 4000).astype("f4") for n in range(3000)]
def interrupted(work):
    try:
        work()
    except KeyboardInterrupt as error:
        done, total = map(int, re.findall(r"[0-9]+", str(error)))
        print(str(error).replace(str(done), "N", 1), 0 < done < total // 2)
print("begun", flush=True)
"""


def test_ctrl_c_ends_the_computation_of_features_before_a_training():
    program = """
mel = {"front_end": {"librosa-mel-db": {"n_fft": 512, "hop_length": 1}}}
classifier = stapes.Classifier(sample_rate=16000, features=mel, epochs=1)
interrupted(lambda: classifier.fit(clips, numpy.arange(3000) % 2))
print(hasattr(classifier, "model_"))
"""
    expected = "while computing the features: stopped after N of 3000 examples True\nFalse\n"
    assert interrupt(SLOW_CLIPS + program) == (0, expected, "")


def test_ctrl_c_ends_the_features_of_a_list_of_clips():
    program = """
import stapes.features.librosa as librosa
interrupted(lambda: librosa.feature.mfcc(y=clips, sr=16000, n_fft=512, hop_length=1))
"""
    assert interrupt(SLOW_CLIPS + program) == (0, "after N of 3000 True\n", "")


def test_another_exception_of_a_signal_handler_is_raised():
    program = """
import signal
from helpers_training import ragged_task
import stapes
def handler(*_):
    raise TimeoutError("too long")
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.5)
X, y = ragged_task()
try:
    stapes.Classifier(epochs=1_000_000).fit(X, y)
except TimeoutError as error:
    print("raised", error)
"""
    from helpers_training import run_python

    assert run_python(program, cwd=__file__.rsplit("/", 1)[0]) == (0, "raised too long\n", "")


def test_an_untrained_classifier_cannot_predict():
    with pytest.raises((ValueError, AttributeError), match="not fitted yet"):
        stapes.Classifier().predict(X)
    with pytest.raises(ValueError, match="Invalid parameter 'hidden'"):
        stapes.Classifier().set_params(hidden=3)


def test_the_representation_has_the_changed_parameters():
    assert repr(stapes.Classifier(hidden_size=8, learning_rate=3e-3)) == "Classifier(hidden_size=8)"

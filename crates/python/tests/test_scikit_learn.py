"""scikit-learn's protocol, which the classifier follows without importing scikit-learn."""

import os
import pickle

import numpy as np
import pytest
import stapes
from helpers_training import ragged_task, run_python, tones

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone, is_classifier  # noqa: E402
from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.ensemble import VotingClassifier  # noqa: E402
from sklearn.model_selection import (  # noqa: E402
    GridSearchCV,
    GroupKFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    train_test_split,
)
from sklearn.pipeline import Pipeline, make_pipeline  # noqa: E402
from sklearn.preprocessing import FunctionTransformer, StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

#: Checks that fail, with the reason.
EXPECTED_FAILURES = {}

#: Checks that scikit-learn itself leaves out, with the reason.
EXPECTED_SKIPS = {
    "check_array_api_input": "scikit-learn runs it only if SCIPY_ARRAY_API is set before SciPy is imported",
}

X, Y = ragged_task()
SMALL = {"hidden_size": 8, "epochs": 8, "learning_rate": 0.02, "batch_size": 8}


def classifier(**settings):
    return stapes.Classifier(**{**SMALL, **settings})


def checks(estimator):
    """Returns the statuses of scikit-learn's checks, and the texts of those that do not pass."""
    results = check_estimator(
        estimator, on_fail=None, on_skip=None, expected_failed_checks=EXPECTED_FAILURES
    )
    return results, {one["check_name"]: f"{one['status']}: {one['exception']}" for one in results if one["status"] != "passed"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn_tanh"])
def test_scikit_learns_checks_pass_but_for_those_with_a_reason(cell):
    settings = {"hidden_size": 8, "epochs": 20, "learning_rate": 0.02, "batch_size": 16, "validation_fraction": 0.0}
    results, others = checks(stapes.Classifier(cell, **settings))
    assert len(results) > 50
    names = {status: {one["check_name"] for one in results if one["status"] == status} for status in ("failed", "xfail", "skipped")}
    assert names["failed"] == set(), others
    assert names["xfail"] == set(EXPECTED_FAILURES), others
    assert names["skipped"] == (set() if os.environ.get("SCIPY_ARRAY_API") == "1" else set(EXPECTED_SKIPS)), others


@pytest.mark.filterwarnings("ignore")
def test_the_checks_find_a_fault():
    class Faulty(stapes.Classifier):
        def predict(self, X):
            return super().predict(X)[:-1]

    _, others = checks(Faulty(hidden_size=4, epochs=1))
    assert "check_classifiers_train" in others


def test_the_package_does_not_import_scikit_learn():
    program = """
import sys
import numpy
import stapes
X = [numpy.full((n % 3 + 1, 2), n % 2, "f4") for n in range(20)]
y = numpy.arange(20) % 2
fitted = stapes.Classifier(hidden_size=4, epochs=1).fit(X, y)
fitted.predict(X), fitted.score(X, y), fitted.set_params(**fitted.get_params())
try:
    stapes.Classifier().predict(X)
except ValueError as error:
    print(error)
print([name for name in sys.modules if name.partition(".")[0] in ("sklearn", "scipy", "pandas", "torch")])
"""
    text = "This Classifier instance is not fitted yet. Call 'fit' before using this estimator.\n[]\n"
    assert run_python(program, cwd=__file__.rsplit("/", 1)[0]) == (0, text, "")


def test_parameters_are_those_of_the_constructor():
    first = classifier(cell="lstm", train={"schedule": "cosine"})
    assert stapes.Classifier(**first.get_params()).get_params() == first.get_params()
    assert first.set_params(hidden_size=3, epochs=2) is first
    assert (first.hidden_size, first.get_params()["epochs"]) == (3, 2)
    assert is_classifier(first)


def test_a_clone_is_untrained_and_has_the_same_parameters():
    fitted = classifier(features={"preset": "log-mel"}).fit(X, Y)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "model_")
    assert np.array_equal(copy.fit(X, Y).predict_proba(X), fitted.predict_proba(X))
    assert clone(pickle.loads(pickle.dumps(fitted))).get_params() == fitted.get_params()


def test_an_untrained_classifier_raises_scikit_learns_error():
    with pytest.raises(sklearn.exceptions.NotFittedError):
        classifier().predict(X)


def test_cross_validation_takes_a_list_of_ragged_arrays():
    assert cross_val_score(classifier(), X, Y, cv=3).tolist() == [1, 1, 1]
    predicted = cross_val_predict(classifier(), X, Y, cv=3, method="predict_proba")
    assert np.array_equal(predicted.argmax(axis=1), Y)
    scores = cross_validate(classifier(), X, Y, cv=3, scoring=["accuracy", "roc_auc", "neg_log_loss"], return_estimator=True)
    assert scores["test_roc_auc"].tolist() == [1, 1, 1]
    assert len(scores["estimator"]) == 3


def test_cross_validation_in_processes_gives_the_same_scores():
    # Labels that are partly wrong, so that the scores differ from 1.
    y = np.where(np.arange(60) % 7 == 0, 1 - Y, Y)
    alone = cross_val_score(classifier(epochs=2), X, y, cv=3, scoring="neg_log_loss")
    parallel = cross_val_score(classifier(epochs=2), X, y, cv=3, scoring="neg_log_loss", n_jobs=2)
    assert alone.tolist() == parallel.tolist()


def test_a_grid_search_keeps_groups_together():
    groups = np.repeat(np.arange(10), 6)
    search = GridSearchCV(
        classifier(), {"cell": ["gru", "rnn_tanh"], "hidden_size": [4, 8]}, cv=GroupKFold(3), error_score="raise"
    )
    search.fit(X, Y, groups=groups)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ == 1.0
    assert np.array_equal(search.predict(X), Y)
    assert isinstance(search.best_estimator_.model_, stapes.Model)


def test_a_random_search_samples_parameters():
    search = RandomizedSearchCV(classifier(), {"hidden_size": [4, 6, 8]}, n_iter=2, cv=2, random_state=1, error_score="raise")
    assert search.fit(X, Y).best_score_ == 1.0


def test_a_split_of_scikit_learn_keeps_the_list():
    train, test, y_train, y_test = train_test_split(X, Y, test_size=0.3, stratify=Y, random_state=1)
    assert isinstance(train, list)
    assert classifier().fit(train, y_train).score(test, y_test) == 1.0


def test_a_pipeline_can_prepare_ragged_arrays():
    def differences(sequences):
        return [np.diff(one, axis=0, prepend=0) for one in sequences]

    pipeline = make_pipeline(FunctionTransformer(differences), classifier(epochs=30))
    assert cross_val_score(pipeline, X, Y, cv=2).mean() > 0.9
    pipeline.set_params(classifier__hidden_size=4)
    assert pipeline.fit(X, Y).named_steps["classifier"].model_.config["model"]["recurrent"]["hidden_size"] == 4


def test_a_pipeline_of_vectors_has_frames_of_one():
    table = np.stack([one.mean(axis=0) for one in X])
    pipeline = Pipeline([("scaler", StandardScaler()), ("classifier", classifier())])
    assert pipeline.fit(table, Y).score(table, Y) == 1.0


def test_metaestimators_of_scikit_learn_train_the_classifier():
    vote = VotingClassifier([("a", classifier()), ("b", classifier(cell="lstm"))], voting="soft")
    array = np.stack([one[:5] for one in X])
    assert vote.fit(array, Y).score(array, Y) == 1.0
    calibrated = CalibratedClassifierCV(classifier(), cv=2)
    assert calibrated.fit(array[:, 0], Y).score(array[:, 0], Y) > 0.9


def test_the_score_is_that_of_scikit_learn():
    from sklearn.metrics import accuracy_score

    fitted = classifier().fit(X, Y)
    y = np.where(np.arange(60) % 7 == 0, 1 - Y, Y)
    weights = np.linspace(0, 1, 60)
    assert fitted.score(X, y, weights) == pytest.approx(accuracy_score(y, fitted.predict(X), sample_weight=weights))
    with pytest.warns(sklearn.exceptions.DataConversionWarning):
        assert fitted.score(X, y[:, None]) == fitted.score(X, y)


def test_series_and_frames_of_pandas_are_inputs():
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(X, index=range(100, 160))
    names = pandas.Series(np.array(["no", "yes"])[Y], index=range(100, 160))
    fitted = classifier().fit(series, names)
    assert fitted.predict(series).tolist() == names.tolist()
    assert cross_val_score(classifier(), series, names, cv=2).tolist() == [1, 1]
    categories = names.astype("category")
    assert classifier().fit(series, categories).classes_.tolist() == ["no", "yes"]


def test_a_grid_search_chooses_the_front_end_of_clips():
    clips, y = tones()
    search = GridSearchCV(
        classifier(sample_rate=8000), {"features": ["log-mel", "kaldi-mfcc-39"]}, cv=2, error_score="raise"
    )
    assert search.fit(clips, y).best_score_ == 1.0

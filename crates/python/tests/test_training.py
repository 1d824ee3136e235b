"""Training of recipes, and runs."""

import shutil
import sys
import types
import warnings

import numpy as np
import pytest
import stapes
from helpers_training import RECIPE_TOML, command_line, interrupt, recipe, write_tones


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    return stapes.train(recipe(epochs=20), data, tmp_path_factory.mktemp("runs") / "first")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def error_of_command_line(*arguments, cwd=None):
    code, _, err = command_line(*arguments, cwd=cwd)
    assert code == 2
    # The further lines of an error are indented.
    first, *others = ("\n" + err).partition("\nerror: ")[2].splitlines()
    return "\n".join([first, *(line[2:] for line in others)])


def test_a_run_has_its_results(run):
    assert run.test_accuracy == run.record["test_accuracy"] > 0.9
    assert run.labels == ["high", "low"]
    assert run.confusion.shape == (2, 2)
    assert np.trace(run.confusion) / run.confusion.sum() == pytest.approx(run.test_accuracy)
    assert run.record["command"] == "stapes.train"
    assert {"step", "epoch", "train_loss", "validation_accuracy"} <= run.history[-1].keys()
    assert all(isinstance(value, (int, float)) for point in run.history for value in point.values())
    assert "hidden_size = 8" in run.recipe
    assert run.model.labels == run.labels
    assert repr(run).startswith("stapes.Run(") and "test accuracy" in repr(run)


def test_a_run_is_shown_in_a_notebook_as_its_report(run):
    page = run._repr_html_()
    assert page.startswith("<iframe") and "&lt;" not in page[:200] and "Tones" in page
    assert page.count('srcdoc="') == 1


def test_a_run_is_read_again_from_its_folder(run):
    again = stapes.Run(str(run.folder))
    assert again.record == run.record
    assert again.history == run.history
    assert np.array_equal(again.confusion, run.confusion)


def test_a_run_without_learning_curves_is_read(run, tmp_path):
    copy = shutil.copytree(run.folder, tmp_path / "copy")
    (copy / "metrics.jsonl").unlink()
    assert stapes.Run(copy).history == []


def test_the_model_of_a_run_classifies_files(run, data):
    file = next((data / "low").iterdir())
    assert run.model.predict(file).label == "low"
    assert stapes.Model.load(run).predict(file).label == "low"


def test_a_dict_a_file_and_the_command_line_train_the_same_model(data, here):
    (here / "tones.toml").write_text(RECIPE_TOML)
    from_dict = stapes.train(recipe(), data)
    from_file = stapes.train("tones.toml", data)
    from_name = stapes.train(here / "tones", str(data))
    assert [one.folder.name for one in (from_dict, from_file, from_name)] == ["recipe", "tones", "tones-2"]
    code, _, err = command_line("train", "tones.toml", "--data", data, "--out", "runs/shell", cwd=here)
    assert code == 0, err
    expected = stapes.Run("runs/shell").model.parameters
    for run in (from_dict, from_file, from_name):
        found = run.model.parameters
        assert all(found[name].tobytes() == expected[name].tobytes() for name in expected)


def test_a_recipe_of_the_command_line_is_trained(data, here):
    code, _, err = command_line("new", "mine", "--data", data, cwd=here)
    assert code == 0, err
    run = stapes.train("mine", set={"train.epochs": 1})
    assert run.folder.name == "mine"
    assert run.labels == ["high", "low"]


def test_a_built_in_recipe_is_trained_by_its_name(here):
    run = stapes.train("quickstart", set={"train.epochs": 1, "model.recurrent.hidden_size": 8})
    assert str(run.folder) == "runs/quickstart"
    assert len(run.labels) == 9


def test_set_takes_values_of_every_type(data, here):
    values = {
        "title": 'quoted "ä" \\ 😀',
        "train.epochs": np.int64(2),
        "train.learning_rate": np.float32(0.02),
        "model.recurrent.bidirectional": True,
        "data.folders.classes": ["low", "high"],
        "train.schedule": {"step": {"every_epochs": 1, "factor": 0.5}},
    }
    run = stapes.train(recipe(), data, set=values)
    assert run.record["title"] == values["title"]
    assert run.labels == ["low", "high"]
    for line in ("epochs = 2", "learning_rate = 0.02", "bidirectional = true", "factor = 0.5"):
        assert line in run.recipe
    with pytest.raises(ValueError, match="train.epochs is None; leave the key out"):
        stapes.train(recipe(), data, set={"train.epochs": None})
    with pytest.raises(ValueError, match="set: train.epoch=1.*did you mean `epochs`"):
        stapes.train(recipe(), data, set={"train.epoch": 1})


def test_none_in_a_recipe_is_the_default(data, here):
    content = recipe()
    content["train"]["patience"] = None
    assert "patience" not in stapes.train(content, data).recipe


def test_an_existing_run_is_refused_replaced_or_resumed(data, here):
    first = stapes.train(recipe(), data, "run")
    with pytest.raises(ValueError, match='already exists; choose another out, or replace it with exists="replace"'):
        stapes.train(recipe(), data, "run")
    created = first.record["created_at"], (here / "run/model.safetensors").stat().st_mtime_ns
    resumed = stapes.train(recipe(), data, "run", exists="resume")
    assert (resumed.record["created_at"], (here / "run/model.safetensors").stat().st_mtime_ns) == created
    with pytest.raises(ValueError, match="different recipe.*exists=\"replace\""):
        stapes.train(recipe(epochs=2), data, "run", exists="resume")
    replaced = stapes.train(recipe(epochs=2), data, "run", exists="replace")
    assert replaced.record["steps"] == 2 * first.record["steps"]
    with pytest.raises(ValueError, match='exists = "keep": must be "error", "replace" or "resume"'):
        stapes.train(recipe(), data, "run", exists="keep")


def test_resume_without_a_folder_means_the_last_run(data, here):
    stapes.train(recipe(), data)
    last = stapes.train(recipe(epochs=2), data)
    assert last.folder.name == "recipe-2"
    assert stapes.train(recipe(epochs=2), data, exists="resume").folder == last.folder
    assert stapes.train(recipe(epochs=3), data, exists="replace").folder.name == "recipe"


def test_a_missing_recipe_or_run_is_not_found_with_the_text_of_the_command_line(data, here):
    for name in ("missing.toml", "folder/missing.toml", "quickstrt"):
        with pytest.raises(FileNotFoundError) as error:
            stapes.train(name, data)
        assert str(error.value) == error_of_command_line("train", name, "--data", data, cwd=here)
    assert "did you mean `quickstart`" in str(error.value)
    (here / "empty").mkdir()
    for name in ("empty", "missing"):
        with pytest.raises(FileNotFoundError) as error:
            stapes.Run(name)
        assert str(error.value) == error_of_command_line("eval", name, cwd=here)


def test_faults_of_the_data_have_the_text_of_the_command_line(data, here):
    (here / "tones.toml").write_text(RECIPE_TOML)
    (here / "one" / "low").mkdir(parents=True)
    (here / "broken").mkdir()
    faulty = write_tones(here / "faulty")
    (faulty / "low" / "speaker0_0.wav").write_bytes(b"RIFF")
    for folder in ("one", "faulty", "broken"):
        with pytest.raises(stapes.DataError) as error:
            stapes.train("tones.toml", folder)
        text = error_of_command_line("train", "tones.toml", "--data", folder, cwd=here)
        assert str(error.value) == text.replace("set --data", "set data")


def test_missing_folders_and_files_of_data_are_not_found_with_the_text_of_the_command_line(data, here):
    (here / "tones.toml").write_text(RECIPE_TOML)
    manifest = RECIPE_TOML.replace("[data.folders]\nspeaker = \"before _\"", "[data.manifest]\nfile = \"absent.csv\"")
    (here / "manifest.toml").write_text(manifest)
    (here / "noise.toml").write_text(RECIPE_TOML + '[augment.waveform.noise]\nfolder = "absent"\nsnr_db = [0.0, 5.0]\n')
    for name, folder in (("tones.toml", "absent"), ("manifest.toml", "absent"), ("manifest.toml", data), ("noise.toml", data)):
        with pytest.raises(FileNotFoundError) as error:
            stapes.train(name, folder)
        text = error_of_command_line("train", name, "--data", folder, cwd=here)
        assert str(error.value) == text.replace("correct --data", "correct data") and "absent" in text


def test_faults_of_a_recipe_have_the_text_of_the_command_line(data, here):
    for old, new in [("cell = \"gru\"", "cell = \"grru\""), ("epochs = 1", "epoch = 1"), ("hidden_size = 8", "hidden_size = 0")]:
        (here / "tones.toml").write_text(RECIPE_TOML.replace(old, new))
        with pytest.raises(ValueError) as error:
            stapes.train("tones.toml", data)
        assert str(error.value) == error_of_command_line("train", "tones.toml", "--data", data, cwd=here)
    content = recipe()
    content["train"]["epoch"] = 3
    with pytest.raises(ValueError, match="recipe: .*did you mean `epochs`"):
        stapes.train(content, data)
    with pytest.raises(ValueError, match="learning_rate = nan: must be a finite number"):
        stapes.train({**recipe(), "train": {"learning_rate": float("nan")}}, data)


def test_skipped_files_are_a_warning(here):
    data = write_tones(here / "data")
    (data / "low" / "speaker0_0.wav").write_bytes(b"RIFF")
    content = recipe()
    content["data"]["folders"]["max_unreadable_fraction"] = 0.5
    with pytest.warns(UserWarning, match="1 files were skipped; the first: .*speaker0_0.wav"):
        stapes.train(content, data)


def test_the_callback_receives_events_and_its_exception_is_raised(data, here):
    events = []
    run = stapes.train(recipe(epochs=2), data, callback=events.append)
    names = {event["event"] for event in events}
    assert {"loading", "step", "validation"} <= names
    assert [event["point"] for event in events if event["event"] == "validation"] == run.history

    def fail(event):
        raise LookupError(event["event"])

    with pytest.raises(LookupError):
        stapes.train(recipe(epochs=100_000), data, "failed", callback=fail)
    assert stapes.train(recipe(), data, "failed", exists="replace").record["stopped"] is False


def test_divergence_is_a_warning(data, here):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        stapes.train(recipe(epochs=30), data, set={"train.learning_rate": 1e8})
    assert any(str(one.message).startswith("training diverged: the loss rose to") for one in found)
    assert all(one.filename == __file__ for one in found)


PROGRAM = """
import sys, warnings
import stapes
from helpers_training import recipe
begun = []
def callback(event):
    if event["event"] == "validation" and not begun:
        begun.append(print("begun", flush=True))
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    run = stapes.train(recipe(epochs=1_000_000), sys.argv[1], sys.argv[2], callback=callback)
print([str(one.message)[:28] for one in found], run.record["stopped"], run.labels, len(run.history) > 0)
print(stapes.train(recipe(), sys.argv[1], sys.argv[2], exists="replace").record["stopped"])
"""


def test_ctrl_c_keeps_a_run_that_can_be_replaced_or_resumed(data, here):
    tests = __file__.rsplit("/", 1)[0]
    expected = "['the training was interrupted'] True ['high', 'low'] True\nFalse\n"
    assert interrupt(PROGRAM, data, here / "run", cwd=tests) == (0, expected, "")


def test_a_run_that_was_interrupted_is_resumed_bit_for_bit(data, here):
    whole = stapes.train(recipe(epochs=30), data, "whole")

    def stop(event):
        if event["event"] == "validation":
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match='exists="resume" continues it'):
        part = stapes.train(recipe(epochs=30), data, "part", callback=stop)
    assert part.record["stopped"] is True
    resumed = stapes.train(recipe(epochs=30), data, "part", exists="resume")
    expected = whole.model.parameters
    assert all(resumed.model.parameters[name].tobytes() == expected[name].tobytes() for name in expected)
    assert resumed.record["stopped"] is False


def test_an_interrupt_before_the_training_is_raised(data, here):
    def stop(event):
        if event["event"] == "loading":
            raise KeyboardInterrupt

    try:
        with pytest.warns(UserWarning, match="interrupted"):
            # The data is small: the training may have begun when the callback is called.
            stapes.train(recipe(), data, callback=stop)
    except KeyboardInterrupt as error:
        assert str(error) == "while loading the data"


def test_progress_is_shown_in_a_notebook_only(data, here, monkeypatch, capsys):
    shown = []

    class Bar:
        def __init__(self, total, unit):
            self.n, self.total = 0, total

        def update(self, steps):
            self.n += steps

        def set_description(self, text):
            shown.append(text)

        def close(self):
            shown.append((self.n, self.total))

    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Bar))
    stapes.train(recipe(), data)
    assert shown == []
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    stapes.train(recipe(epochs=2), data)
    assert shown[0].startswith("loss ")
    assert shown[-1][0] == shown[-1][1] > 0
    assert capsys.readouterr() == ("", "")

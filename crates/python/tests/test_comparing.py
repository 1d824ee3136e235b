"""Comparison of the configurations of a sweep, and of runs."""

import pytest
import stapes
from helpers_training import RECIPE_TOML, interrupt, write_tones

SWEEP = """
title = "Cells"
recipe = "tones.toml"
seeds = 2

[[axes]]
name = "cell"
key = "model.recurrent.cell"
values = ["gru", "lstm"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    write_tones(folder / "data")
    (folder / "tones.toml").write_text(RECIPE_TOML)
    (folder / "cells.toml").write_text(SWEEP)
    return folder


@pytest.fixture(scope="module")
def comparison(folder):
    return stapes.compare(folder / "cells.toml", folder / "data", folder / "runs")


def test_a_sweep_is_a_table_of_its_configurations(comparison):
    assert comparison.title == "Cells"
    assert len(comparison) == len(comparison.records) == 2
    assert [record["cell"] for record in comparison.records] == ["gru", "lstm"]
    for record in comparison.records:
        assert record["seeds"] == 2
        assert record["test_accuracy_low"] <= record["test_accuracy"] <= record["test_accuracy_high"]
        assert record["parameters"] > 0
    assert comparison.notes == []
    assert repr(comparison) == "stapes.Comparison('Cells', 2 candidates)"


def test_the_records_are_those_of_the_runs(comparison, folder):
    runs = [stapes.Run(folder / "runs" / "gru" / f"seed-{seed}") for seed in (1, 2)]
    record = comparison.records[0]
    assert {type(record[name]) for name in ("seeds", "parameters", "macs_per_second", "model_bytes")} == {int}
    assert {type(record[name]) for name in ("test_accuracy", "test_accuracy_low", "examples_per_second")} == {float}
    accuracies = sorted(run.test_accuracy for run in runs)
    assert (record["test_accuracy_low"], record["test_accuracy_high"]) == pytest.approx(tuple(accuracies))
    assert record["parameters"] == runs[0].record["parameters"]
    assert runs[0].record["command"] == "stapes.compare"


def test_the_table_is_a_data_frame_of_pandas(comparison):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(comparison.records)
    assert table.shape[0] == 2
    assert table["test_accuracy"].dtype.kind == "f"
    assert all(table[name].dtype.kind == "i" for name in ("seeds", "parameters", "model_bytes", "macs_per_second"))
    assert table.set_index("cell").loc["lstm", "parameters"] > table.set_index("cell").loc["gru", "parameters"]
    assert len(pandas.DataFrame(comparison)) == 2


def test_a_comparison_is_shown_in_a_notebook_as_its_report(comparison):
    page = comparison._repr_html_()
    assert page.startswith("<iframe") and page.count('srcdoc="') == 1
    assert "Cells" in comparison.html and "<table" in comparison.html


def test_complete_runs_are_not_trained_again(comparison, folder):
    model = folder / "runs" / "gru" / "seed-1" / "model.safetensors"
    written = model.stat().st_mtime_ns
    events = []
    again = stapes.compare(folder / "cells.toml", str(folder / "data"), folder / "runs", jobs=1, callback=events.append)
    assert again.records == comparison.records
    ended = [event for event in events if event["event"] == "run_ended"]
    assert [event["status"] for event in ended] == ["already_complete"] * 4
    assert [event["done"] for event in ended] == [1, 2, 3, 4]
    read = stapes.compare(folder / "cells.toml", folder / "data", folder / "runs", train=False)
    assert read.records == comparison.records
    assert model.stat().st_mtime_ns == written


def test_runs_are_compared_without_a_sweep(comparison, folder):
    runs = [folder / "runs" / "gru", str(folder / "runs" / "lstm" / "seed-1")]
    found = stapes.compare(runs)
    assert found.title == "Comparison"
    assert [record["seeds"] for record in found.records] == [2, 1]
    of_runs = stapes.compare([stapes.Run(folder / "runs" / "gru" / "seed-1"), folder / "runs" / "lstm"])
    assert [record["seeds"] for record in of_runs.records] == [1, 2]
    with pytest.raises(ValueError, match="no runs"):
        stapes.compare([])
    with pytest.raises(FileNotFoundError):
        stapes.compare([folder / "absent"])


def test_a_folder_of_runs_is_compared(comparison, folder):
    assert len(stapes.compare(folder / "runs")) == 2


def test_a_missing_run_is_a_note(comparison, folder, tmp_path):
    (folder / "three.toml").write_text(SWEEP.replace('"lstm"]', '"lstm", "rnn_tanh"]'))
    found = stapes.compare(folder / "three.toml", folder / "data", folder / "runs", train=False)
    assert [record["seeds"] for record in found.records] == [2, 2, 0]
    assert found.records[2]["cell"] == "rnn_tanh" and found.records[2].get("test_accuracy") is None


def test_a_run_that_fails_is_a_warning_and_the_others_are_compared(folder, tmp_path):
    (folder / "faulty.toml").write_text(SWEEP.replace("seeds = 2", "seeds = 1"))
    blocked = tmp_path / "runs" / "gru" / "seed-1"
    blocked.mkdir(parents=True)
    (blocked / "notes.txt").write_text("not a run")
    with pytest.warns(UserWarning, match="the run gru/seed-1 failed: .*not a run folder") as warned:
        found = stapes.compare(folder / "faulty.toml", folder / "data", tmp_path / "runs")
    assert [record["seeds"] for record in found.records] == [0, 1]
    assert warned[0].filename == __file__


def test_faults_of_a_sweep_are_named(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="absent.toml"):
        stapes.compare(folder / "absent.toml")
    (tmp_path / "wrong.toml").write_text("titel = 1\n")
    with pytest.raises(ValueError, match="titel"):
        stapes.compare(tmp_path / "wrong.toml")
    with pytest.raises(ValueError, match="jobs = 0: must be at least 1"):
        stapes.compare(folder / "cells.toml", jobs=0)
    with pytest.raises(FileNotFoundError, match="absent: this folder does not exist; correct data"):
        stapes.compare(folder / "cells.toml", folder / "absent", tmp_path / "runs")


def test_the_time_budget_of_a_sweep_is_kept(folder, tmp_path):
    (folder / "late.toml").write_text(SWEEP.replace("seeds = 2", "seeds = 2\nbudget_hours = 1e-9"))
    events = []
    try:
        stapes.compare(folder / "late.toml", folder / "data", tmp_path / "runs", callback=events.append)
    except (ValueError, OSError):
        pass
    assert [event for event in events if event["event"] == "run_ended"] == []


def test_ctrl_c_compares_the_runs_that_are_complete(comparison, folder):
    fast = '[[configurations]]\nname = "fast"\n'
    slow = '[[configurations]]\nname = "slow"\nset = ["train.epochs=1000000"]\n'
    head = SWEEP.replace("seeds = 2", "seeds = 1").partition("[[axes]]")[0]
    (folder / "slow.toml").write_text(head + fast + slow)
    program = """
import sys, warnings
import stapes
def callback(event):
    if event["event"] == "run_ended" and event["status"] == "trained":
        print("begun", flush=True)
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    compared = stapes.compare(*sys.argv[1:], callback=callback)
print([str(one.message) for one in found], [record["seeds"] for record in compared])
"""
    done = interrupt(program, folder / "slow.toml", folder / "data", folder / "slow")
    text = "['the comparison was interrupted; it has the runs that are complete'] [1, 0]\n"
    assert done == (0, text, "")

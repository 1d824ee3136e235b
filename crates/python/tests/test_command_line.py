"""The command line within the package."""

import json
import sys
from importlib.metadata import PackageNotFoundError, entry_points, version

import pytest
import stapes
from helpers_training import command_line, interrupt, run_python, write_tones


def test_help_names_the_commands_and_the_program():
    code, out, err = command_line("--help")
    assert (code, err) == (0, "")
    assert "Usage: stapes [OPTIONS] <COMMAND>" in out
    assert all(f"\n  {name} " in out for name in ("train", "compare", "predict", "models", "recipes"))


def test_the_version_is_that_of_the_package():
    assert command_line("--version") == (0, f"stapes {stapes.__version__}\n", "")


def test_the_models_are_those_that_the_package_loads():
    code, out, err = command_line("models")
    assert (code, err) == (0, "")
    names = [line.split()[0] for line in out.splitlines()]
    assert names == ["digits", "vad"]
    code, out, err = command_line("models", "--json")
    assert code == 0 and "Voice activity" in err
    for line in map(json.loads, out.splitlines()):
        assert stapes.Model.load(line["name"]).labels == line["labels"]


def test_exit_codes_are_those_of_the_program(tmp_path):
    assert command_line()[0] == 2
    code, out, err = command_line("modles")
    assert (code, out) == (2, "") and "a similar subcommand exists: 'models'" in err
    code, out, err = command_line("predict", "digits", "absent.wav", "--json", cwd=tmp_path)
    assert code == 2 and "absent.wav" in err
    assert any("absent.wav" in json.loads(line).get("error", "") for line in out.splitlines()), out


def test_some_failed_files_are_exit_code_1(tmp_path):
    data = write_tones(tmp_path)
    file = next((data / "low").iterdir())
    code, out, err = command_line("predict", "digits", file, "absent.wav", cwd=tmp_path)
    assert code == 1 and file.name in out and "absent.wav" in err


def test_the_command_line_and_the_package_predict_the_same(tmp_path):
    data = write_tones(tmp_path)
    file = next((data / "low").iterdir())
    code, out, _ = command_line("predict", "digits", file, "--json")
    assert code == 0
    assert stapes.Model.load("digits").predict(file).label in out


def test_the_function_of_the_console_script_returns_the_exit_code():
    program = """
import sys
from stapes._command_line import main
sys.argv = ["somewhere/stapes", *sys.argv[1:]]
code = main()
print("code", code)
"""
    code, out, err = run_python(program, "recipes")
    assert (code, err) == (0, "")
    assert out.startswith("arabic-digits") and out.endswith("code 0\n")
    code, out, err = run_python(program, "recipe")
    assert (code, out) == (0, "code 2\n")
    assert "Usage: stapes" in err


def test_each_call_in_a_process_has_its_own_arguments(tmp_path):
    program = """
import json, os, sys
from stapes._command_line import main
codes = []
def call(*arguments):
    sys.argv = ["stapes", *arguments]
    codes.append(main())
data, folder = sys.argv[1:]
call("--version")
call("models", "--json", "--quiet", "--threads", "1", "--color", "always")
call("recipes", "--jsn")
call("train", "quickstart", "--set", "train.epochs=1", "--out", os.path.join(folder, "first"), "--threads", "2", "--verbose")
call("train", "quickstart", "--set", "train.epochs=1", "--out", os.path.join(folder, "second"))
print(codes)
"""
    code, out, err = run_python(program, "data", tmp_path)
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == f"stapes {stapes.__version__}"
    assert [json.loads(line)["name"] for line in lines[1:3]] == ["digits", "vad"]
    assert lines[-1] == "[0, 0, 2, 0, 0]"
    # Options of one call do not change the next: no JSON, no quiet, no color; its own number of threads.
    assert "unexpected argument '--jsn'" in err and ", 2 threads" in err and "\x1b" not in out + err
    assert not any(line.startswith("{") for line in lines[3:])
    for name in ("first", "second"):
        command = stapes.Run(tmp_path / name).record["command"]
        assert command.startswith("stapes train quickstart") and f"{tmp_path}/{name}" in command


def test_the_installed_package_has_the_console_script():
    try:
        version("stapes")
    except PackageNotFoundError:
        pytest.skip("the package is imported from its folder and not installed")
    scripts = entry_points()
    scripts = scripts.select(group="console_scripts") if hasattr(scripts, "select") else scripts["console_scripts"]
    assert [one.value for one in scripts if one.name == "stapes"] == ["stapes._command_line:main"]


def test_ctrl_c_ends_a_training_of_the_command_line_with_its_result(tmp_path):
    program = """
import sys
from stapes._command_line import main
print("begun", flush=True)
sys.argv = ["stapes", "train", "quickstart", "--set", "train.epochs=100000", "--out", sys.argv[1], "--json"]
sys.exit(main())
"""
    code, out, _ = interrupt(program, tmp_path / "run")
    assert code == 1, out
    assert json.loads(out.splitlines()[-1])["stopped"] is True
    assert stapes.Run(tmp_path / "run").record["stopped"] is True


def test_the_module_runs_like_the_script():
    assert command_line("recipes") == run_python(
        "import sys; from stapes._command_line import main; sys.argv[:] = ['stapes', 'recipes']; sys.exit(main())"
    )
    assert sys.version_info >= (3, 9)

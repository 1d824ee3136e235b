"""Type hints: the stub of the native module, and mypy on the package."""

import ast
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import stapes
from stapes import _native

PACKAGE = Path(stapes.__file__).parent
STUB = ast.parse((PACKAGE / "_native.pyi").read_text(encoding="utf-8"))


def public(names):
    return {name for name in names if not name.startswith("_")}


def parameters(function):
    """Names of a function's parameters in the stub, without self and cls."""
    names = [one.arg for one in function.args.args]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def members(node):
    return {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}


CLASSES = {one.name: one for one in STUB.body if isinstance(one, ast.ClassDef)}


def test_the_stub_has_every_public_name():
    stubs = {*members(STUB), *CLASSES}
    assert public(stubs) == public(vars(_native))
    assert "__version__" in ast.unparse(STUB)


@pytest.mark.parametrize("name", sorted(public(members(STUB))))
def test_a_function_of_the_stub_has_the_parameters_of_the_module(name):
    assert parameters(members(STUB)[name]) == list(inspect.signature(getattr(_native, name)).parameters)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_class_of_the_stub_has_the_members_of_the_module(name):
    found, stubs = getattr(_native, name), members(CLASSES[name])
    assert public(stubs) == public(vars(found))
    for member, stub in stubs.items():
        decorators = {one.id for one in stub.decorator_list}
        if member == "__new__":
            assert parameters(stub) == list(inspect.signature(found).parameters)
        elif inspect.isgetsetdescriptor(vars(found)[member]):
            assert decorators == {"property"}, member
        else:
            is_static = isinstance(vars(found)[member], staticmethod)
            assert decorators == ({"staticmethod"} if is_static else set()), member
            expected = [one for one in inspect.signature(getattr(found, member)).parameters if one != "self"]
            assert parameters(stub) == expected, member
    assert ("__new__" in stubs) == (found.__text_signature__ is not None)


def test_every_name_of_the_stub_is_documented():
    for node in ast.walk(STUB):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
            assert ast.get_docstring(node), getattr(node, "name", "the module")


def test_every_public_name_of_the_package_is_documented_and_exported():
    for name in public(stapes.__all__):
        assert inspect.getdoc(getattr(stapes, name)), name
    assert (PACKAGE / "py.typed").exists()


def test_mypy_finds_no_fault(tmp_path):
    pytest.importorskip("mypy")
    # Beside the other packages of an environment it would check these too.
    shutil.copytree(PACKAGE, tmp_path / "stapes", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    command = [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--no-error-summary", "stapes"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.stderr == ""
    assert [line for line in done.stdout.splitlines() if ": error:" in line] == []

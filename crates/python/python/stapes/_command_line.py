"""The command line, which is the same program as the one that cargo builds."""

import os
import sys

from ._native import run


def main() -> int:
    """Runs the program with the arguments of the process and returns its exit code."""
    program = sys.argv[0]
    # With `python -m stapes` the name of the file is not the name of a program.
    if os.path.basename(program) in ("", "__main__.py", "-c"):
        program = "stapes"
    return run([program, *sys.argv[1:]])

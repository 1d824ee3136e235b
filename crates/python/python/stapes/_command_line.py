"""The command line, which is the same program as the one that cargo builds."""

import sys

from ._native import run


def main() -> int:
    return run([sys.argv[0] or "stapes", *sys.argv[1:]])

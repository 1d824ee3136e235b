"""Requests that schemathesis makes from the description of the interface."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

# Random bytes are not a recording, and a token is optional.
EXCLUDED = "positive_data_acceptance,ignored_auth"


def test_answers_are_as_described(server, tmp_path):
    """No 5xx, and neither a status, a type nor a field that the description lacks, for valid and invalid requests."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    command = [program, "run", f"{server.http}/openapi.json", "--checks", "all", "--exclude-checks", EXCLUDED]
    command += ["--max-examples", "30", "--seed", "1", "--continue-on-failure", "--no-color"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    # The description itself is not an operation that schemathesis tests.
    with urllib.request.urlopen(f"{server.http}/openapi.json") as answer:
        operations = sum(len(methods) for methods in json.load(answer)["paths"].values()) - 1
    assert f"Operations:       {operations} selected / {operations} total" in done.stdout, done.stdout[:2000]

"""A server with the built-in models, started as a user starts it."""

from __future__ import annotations

import os
import re
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import pytest


def workspace() -> Path:
    """Returns the root of the workspace."""
    return next(folder for folder in Path(__file__).resolve().parents if (folder / "Cargo.lock").exists())


@dataclass
class Server:
    """Addresses of a server."""

    http: str
    wyoming_port: int


@pytest.fixture(scope="session")
def server():
    """Starts `stapes serve vad digits` on free ports; the variable STAPES names the program."""
    program = os.environ.get("STAPES", str(workspace() / "target/debug/stapes"))
    command = [program, "serve", "vad", "digits", "--keyword", "seven=0.8", "--keyword", "one=0.8"]
    command += ["--addr", "127.0.0.1:0", "--wyoming", "127.0.0.1:0", "--log", "json", "-v"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    lines = []
    while not any(line.startswith("wyoming:") for line in lines):
        line = process.stderr.readline()
        assert line, "".join(lines)
        lines.append(line)
    log = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
    http = next(re.search(r"http://[\d.:]+", line) for line in lines if line.startswith("http://"))
    port = next(re.search(r":(\d+)$", line.strip()) for line in lines if line.startswith("wyoming:"))
    yield Server(http.group(), int(port.group(1)))
    assert process.poll() is None, "the server has ended"
    process.terminate()
    assert process.wait(timeout=30) == 0
    log.wait(timeout=30)


@pytest.fixture(scope="session")
def digits() -> Path:
    """Returns the recordings of FSDD; without them a test is skipped, or fails if fixtures are required."""
    folder = workspace() / os.environ.get("STAPES_DATA", "../shared/data") / "fsdd/recordings"
    if not folder.is_dir():
        text = "STAPES_DATA: folder fsdd/recordings is missing"
        pytest.fail(text) if os.environ.get("STAPES_REQUIRE_FIXTURES") else pytest.skip(text)
    return folder


def samples(path: Path) -> bytes:
    """Returns the samples of a recording of 8 kHz, with silence around them."""
    with wave.open(str(path), "rb") as file:
        assert (file.getsampwidth(), file.getnchannels(), file.getframerate()) == (2, 1, 8000)
        return bytes(16_000) + file.readframes(file.getnframes()) + bytes(32_000)

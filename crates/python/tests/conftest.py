"""Paths of recorded references and data, the profile of hypothesis, and comparisons."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# The same examples on each run, so that a failure does not depend on chance.
settings.register_profile(
    "stapes",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=200,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("stapes")


def workspace() -> Path:
    """Returns the root of the workspace."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "Cargo.lock").exists():
            return folder
    pytest.fail("no folder above the tests has a Cargo.lock")


def fixture_folder(variable: str, default: str, part: str) -> Path:
    """Returns a folder of references or data; without it the test is skipped, or fails if fixtures are required."""
    folder = workspace() / os.environ.get(variable, default) / part
    if not folder.is_dir():
        text = f"{variable}: folder {part} is missing"
        pytest.fail(text) if os.environ.get("STAPES_REQUIRE_FIXTURES") else pytest.skip(text)
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    return fixture_folder("STAPES_GOLDEN", "../shared/golden", "frontends")


@pytest.fixture(scope="session")
def digits() -> Path:
    return fixture_folder("STAPES_DATA", "../shared/data", "fsdd/recordings")


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    """Reads 16-bit samples with Python's own module, independent of the package."""
    with wave.open(str(path), "rb") as file:
        assert (file.getsampwidth(), file.getnchannels()) == (2, 1), path
        return np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()


def clip(kind: str, length: int, seed: int, dtype: str = "float64") -> np.ndarray:
    """Makes a signal in [-1, 1]: noise, tones in noise, silence in the middle, or zeros."""
    random = np.random.default_rng(seed)
    noise, time = random.normal(size=length) * 0.1, np.arange(length)
    if kind == "zeros":
        noise[:] = 0
    elif kind == "tones":
        noise = 0.01 * noise + 0.5 * np.sin(time * 0.3) + 0.2 * np.sin(time * 0.05)
    elif kind == "gap":
        noise[length // 3 : 2 * length // 3] = 0
    if dtype == "int16":
        return (noise * 32767).clip(-32768, 32767).astype(np.int16)
    return noise.astype(dtype)


class Measure:
    """Largest differences of a module's comparisons, for the report at the end of a run with -s."""

    def __init__(self) -> None:
        self.worst: dict[str, float] = {}
        self.cases: dict[str, int] = {}

    def close(self, name: str, got: np.ndarray, expected: np.ndarray, tolerance: np.ndarray | float) -> None:
        """Asserts equal types and shapes, and values within a tolerance."""
        got, expected = np.asarray(got), np.asarray(expected)
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape), name
        difference = np.abs(got.astype(np.result_type(got, np.float64)) - expected)
        self.worst[name] = max(self.worst.get(name, 0.0), float(np.max(difference, initial=0.0)))
        self.cases[name] = self.cases.get(name, 0) + 1
        # Also false for a NaN.
        within = difference <= tolerance
        allowed = np.broadcast_to(tolerance, got.shape)[~within]
        assert np.all(within), f"{name}: differences {difference[~within]}, tolerances {allowed}"


@pytest.fixture(scope="module")
def measure(request: pytest.FixtureRequest):
    measured = Measure()
    yield measured
    for name in sorted(measured.worst):
        cases, worst = measured.cases[name], measured.worst[name]
        print(f"\n{request.module.__name__} {name}: {cases} cases, largest difference {worst:.2g}", end="")

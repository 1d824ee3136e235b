"""The bench `step` of `stapes-train`, for comparisons with other libraries."""
import json
import os
import statistics
import subprocess
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BINARY = None


def binary():
    """Builds the benchmark `cargo bench -p stapes-train --bench step` and returns its path."""
    global BINARY
    if BINARY is None:
        command = ["cargo", "bench", "-p", "stapes-train", "--bench", "step", "--no-run", "--message-format=json"]
        lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
        built = [json.loads(line) for line in lines if line.startswith("{")]
        BINARY = [item["executable"] for item in built if item.get("executable") and item["target"]["name"] == "step"][-1]
    return BINARY


def run(name, mode, threads, seconds, *options):
    """Returns the results of a configuration, a dict."""
    command = [binary(), f"--threads={threads}", f"--seconds={seconds}", "--json", *options, name, mode]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def timed(work, seconds):
    """Returns the median time of `work` in ms."""
    for _ in range(2):
        work()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)

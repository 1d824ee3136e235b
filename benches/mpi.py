"""Training with two MPI processes of one thread each, compared with one process.

    cargo build --release -p stapes --features mpi
    python benches/mpi.py target/release/stapes recipes/speech-commands.toml DIR [ROUNDS] [STEPS]

The two alternate; each round is a run, and its speed is the `examples_per_second` that `train` reports (without loading and
validation). Prints every round, the medians and their ratio, and the largest relative difference between the losses.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

program, recipe, data = sys.argv[1:4]
rounds, steps = (int(argument) for argument in (sys.argv[4:] + ["5", "120"])[:2])
# Open MPI runs as root (in a container) only with these variables.
environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def train(processes, folder):
    command = [program, "train", recipe, "--data", data, "--out", folder, "--threads", "1", "--json"]
    command += ["--set", f"train.max_steps={steps}", "--set", f"train.validate_every_steps={steps}"]
    if processes > 1:
        command = ["mpirun", "--oversubscribe", "-n", str(processes)] + command
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    with open(os.path.join(folder, "metrics.jsonl")) as points:
        losses = [json.loads(line)[key] for line in points for key in ("train_loss", "validation_loss")]
    return json.loads(done.stdout.splitlines()[-1])["examples_per_second"], losses


speeds, losses = {1: [], 2: []}, {}
with tempfile.TemporaryDirectory() as scratch:
    for round_ in range(rounds):
        for processes in (1, 2):
            speed, losses[processes] = train(processes, os.path.join(scratch, f"{round_}-{processes}"))
            speeds[processes].append(speed)
            print(f"round {round_}, {processes} process(es): {speed:.0f} examples/s", flush=True)
medians = {processes: statistics.median(values) for processes, values in speeds.items()}
difference = max(abs(one / two - 1) for one, two in zip(losses[1], losses[2]))
print(f"medians {medians[1]:.0f} and {medians[2]:.0f}: {medians[2] / medians[1]:.2f} times as fast")
print(f"losses differ by at most {difference:.1e}")

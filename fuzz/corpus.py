"""Writes the first inputs of every fuzz target into corpus/TARGET/; inputs that once failed stay beside them.

All are made here, or start the synthetic recordings of crates/audio/tests/fixtures, which fuzzers read from there.
"""

import json
import pathlib
import shutil
import struct

HERE = pathlib.Path(__file__).parent
CORPUS = HERE / "corpus"


def write(target, name, content):
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def safetensors(metadata, tensors):
    """Tensors are (name, dtype, shape, bytes)."""
    header, data = {"__metadata__": metadata}, b""
    for name, dtype, shape, values in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def floats(count, value=0.125):
    return struct.pack(f"<{count}f", *[value + index % 5 / 16 for index in range(count)])


def wav(code, bits, channels, frames):
    size = bits // 8 * channels
    data = bytes(7 * index % 61 for index in range(frames * size))
    form = struct.pack("<HHIIHH", code, channels, 8000, 8000 * size, size, bits)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<I", 16) + form
        + b"data" + struct.pack("<I", len(data)) + data
    )


def model(features, settings, tensors):
    header = {
        "format": 2,
        "writer": "stapes 0.1.0",
        "input": features,
        "model": settings,
        "labels": ["no", "yes"],
        "features": 3,
        "recipe": "",
    }
    return safetensors({"stapes": json.dumps(header)}, tensors)


def recurrent(cell, gates):
    settings = {
        "recurrent": {
            "cell": cell, "hidden_size": 2, "num_layers": 1, "bidirectional": False, "bias": True, "dropout": 0.0,
            "initialization": "uniform", "head": "last", "head_dropout": 0.0,
        }
    }  # fmt: skip
    shapes = {
        "fc.bias": [2], "fc.weight": [2, 2], "rnn.bias_hh_l0": [2 * gates], "rnn.bias_ih_l0": [2 * gates],
        "rnn.weight_hh_l0": [2 * gates, 2], "rnn.weight_ih_l0": [2 * gates, 3],
    }  # fmt: skip
    tensors = []
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        tensors.append((name, "F32", shape, floats(count)))
    return settings, tensors


def audio():
    for code, bits, channels in [(1, 8, 1), (1, 16, 2), (1, 24, 1), (1, 32, 1), (3, 32, 2), (3, 64, 1)]:
        write("wav", f"{code}-{bits}-{channels}.wav", wav(code, bits, channels, 200))
    fixtures = HERE.parent / "crates/audio/tests/fixtures"
    for target, extension in [
        ("flac", "flac"), ("mp3", "mp3"), ("adts", "aac"), ("mp4", "m4a"), ("vorbis", "ogg"), ("opus", "opus"),
    ]:  # fmt: skip
        for path in fixtures.glob(f"*.{extension}"):
            write(target, f"start-of-{path.name}", path.read_bytes()[:1500])


def models():
    front_end = {"front_end": {"librosa-mel-db": {"n_fft": 256, "hop_length": 80, "win_length": 200, "n_mels": 3}}}
    recordings = {"recordings": {"sample_rate_hz": 16000, "scale": "unit", **front_end, "normalization": "none"}}
    for name, features in [("frames", {"frames": {"normalization": "none"}}), ("recordings", recordings)]:
        for cell, gates in [("gru", 3), ("lstm", 4)]:
            write("model", f"{name}-{cell}.safetensors", model(features, *recurrent(cell, gates)))


def checkpoints():
    point = {"step": 1, "epoch": 0.5, "seconds": 0.1, "train_loss": 1.0, "learning_rate": 0.001, "gradient_norm": 0.5}
    for name, points, best in [("none", [], None), ("one", [point], 0)]:
        progress = {
            "step": 3, "seconds": 0.01, "training_seconds": 0.004, "data_wait_seconds": 0.0, "examples_seen": 96,
            "first_loss": 2.0, "largest_loss": 2.5, "points": points, "best": best,
            "since": {"steps": 3, "loss": 6.6, "gradient_norm": 0.78},
        }  # fmt: skip
        origin = {"data_fingerprint": "d94288c7cff0e58f", "program": "stapes 0.1.0 with avx2"}
        header = {"format": 2, "origin": origin, "progress": progress}
        buffers = [(buffer, "F32", [4], floats(4)) for buffer in ("best", "optimizer.mean", "parameters")]
        write("checkpoint", f"{name}.safetensors", safetensors({"stapes.checkpoint": json.dumps(header)}, buffers))


def recipes():
    root = HERE.parent / "recipes"
    for name in ["quickstart", "fsdd-gru", "fsdd-wave-cnn", "speech-commands-crnn", "upc-vad-cdnn"]:
        shutil.copy(root / f"{name}.toml", CORPUS / "recipe")
    sweep = 'title = "s"\nrecipe = "recipe.toml"\nseeds = 2\n'
    axes = {
        "values": '[[axes]]\nname = "h"\nkey = "model.recurrent.hidden_size"\nvalues = [2, 3]\n',
        "range": '[[axes]]\nname = "l"\nkey = "train.learning_rate"\n'
        "range = { from = 1e-4, to = 1e-2, factor = 10.0 }\n",
        "choices": '[[axes]]\nname = "c"\nchoices = [{ name = "a", set = ["train.epochs=2"] }]\n',
        "between": '[search]\ntrials = 4\nrungs = 2\n[[axes]]\nname = "l"\nkey = "train.learning_rate"\n'
        'between = { low = 1e-4, high = 1e-2, scale = "log" }\n',
        "configurations": '[[configurations]]\nname = "gru"\nset = ["model.recurrent.cell=gru"]\n',
    }
    for name, text in axes.items():
        write("sweep", f"{name}.toml", sweep + text)


def manifests():
    rows = [("a.wav", "yes", "", "", "train", "x"), ("b.wav", "no", "0.5", "1.25", "test", "y")]
    header = ["path", "label", "start", "end", "split", "speaker"]
    for target, separator in [("manifest_csv", ","), ("manifest_tsv", "\t")]:
        write(target, "rows", "\n".join(separator.join(row) for row in [header, *rows]) + "\n")
        quoted = [f'"{cell}"' for cell in rows[0]]
        write(target, "quotes", separator.join(header) + "\r\n" + separator.join(quoted) + "\r\n")
    lines = [json.dumps({"path": "a.wav", "label": "yes", "start": 0.5, "split": None}), '{"path":"b","label":"no"}']
    write("manifest_jsonl", "rows", "\n".join(lines))
    (CORPUS / "manifest_parquet").mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE.parent / "crates/data/tests/fixtures/manifest.parquet", CORPUS / "manifest_parquet" / "rows")
    write("segments", "rows", "path,label,start,end\na.wav,s,0,0.3\na.wav,v,0.3,1\nb.wav,v,0,2\n")
    write("segments", "lab", "0.0\t0.5\tS\n0.5\t1.25\tV\n1.25\t2 S\n")


def runs():
    record = {
        "title": "t", "command": "stapes train r.toml", "created_at": "2026-01-01T00:00:00Z", "data_folder": None,
        "data_fingerprint": "d94288c7cff0e58f", "seconds": 1.5, "steps": 8, "best_step": 4, "seconds_to_best": 0.5,
        "stopped": False, "diverged_loss": "Infinity", "examples_per_second": 100.0, "validation_accuracy": 0.5,
        "operating_points": [
            {"name": "5 %", "threshold": "Infinity", "false_positive_rate": 0.0, "miss_rate": 1.0}
        ],
        "parameters": 10, "model_bytes": 2000, "versions": [["stapes", "0.1.0"], ["threads", "2"]],
    }  # fmt: skip
    write("run_record", "run.json", json.dumps(record, indent=1))
    for name, lengths in [("clips", None), ("frames", [2, 1])]:
        examples = ["a", "b"] if lengths else ["a", "b", "c"]
        header = {"format": 2, "classes": ["no", "yes"], "examples": examples, "groups": ["x"] + [None] * (len(examples) - 1)}
        tensors = [("labels", "I64", [3], struct.pack("<3q", 0, 1, 1)), ("probabilities", "F32", [3, 2], floats(6))]
        if lengths:
            tensors.append(("lengths", "I64", [2], struct.pack("<2q", *lengths)))
        write("predictions", name, safetensors({"stapes.predictions": json.dumps(header)}, tensors))


for folder in ["recipe", "sweep"]:
    (CORPUS / folder).mkdir(parents=True, exist_ok=True)
for make in [audio, models, checkpoints, recipes, manifests, runs]:
    make()

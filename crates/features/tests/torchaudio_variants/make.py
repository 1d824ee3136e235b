"""Records results of torchaudio with non-default settings.

    python3 make.py          (Python 3.11, torch and torchaudio 2.11.0)

reads the recordings of ../librosa_variants and writes into its folder results.safetensors and manifest.json, which
lists the call of each result. Run it again only to add cases; the recorded results do not change.
"""

import json
import pathlib
import wave

import numpy as np
import torch
import torchaudio
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
WINDOWS = dict(
    hamming=torch.hamming_window,
    blackman=torch.blackman_window,
    rectangular=lambda length: torch.ones(length),
)


def cases():
    """Kind, recording, rate, scale, fixed length, settings."""
    small = dict(n_fft=256, n_mels=20)
    for settings in (
        dict(power=1.0),
        dict(power=1.5),
        dict(power=3.0),
        dict(normalized=True),
        dict(normalized="window", win_length=201),
        dict(normalized="frame_length", win_length=200, power=1.0),
        dict(norm="slaney"),
        dict(mel_scale="slaney"),
        dict(norm="slaney", mel_scale="slaney", f_min=300.0, f_max=3100.0),
        dict(pad=37),
        dict(pad=300, center=False, hop_length=77),
        dict(pad=300, hop_length=33, pad_mode="constant"),
        dict(center=False),
        dict(center=False, hop_length=300),
        dict(pad_mode="constant", hop_length=1000),
        dict(win_length=101),
        dict(win_length=64, hop_length=50, window="hamming"),
        dict(window="blackman"),
        dict(window="rectangular", win_length=255),
        dict(n_fft=301, hop_length=64),
        dict(n_fft=255, win_length=200, center=False, mel_scale="slaney"),
        dict(n_mels=90),
    ):
        yield "ta_mel", "burst", 8000, "unit", None, small | settings
    yield "ta_mel", "noise", 22051, "int16", None, small
    yield "ta_mel", "noise", 11025, "unit", 700, dict(small, n_fft=301)
    yield "ta_mel", "few", 16000, "unit", None, dict(n_fft=64, n_mels=8)
    yield "ta_mel", "one", 16000, "unit", None, dict(n_fft=64, n_mels=8, pad_mode="constant")
    yield "ta_mel", "one", 16000, "unit", None, dict(n_fft=64, n_mels=8, pad=32)
    for top_db in (None, 0.0, 30.0):
        yield "ta_meldb", "burst", 8000, "unit", 1700, dict(small, top_db=top_db)
        yield "ta_meldb", "noise", 22050, "int16", None, dict(small, top_db=top_db, power=1.0)
    yield "ta_meldb", "silence", 8000, "unit", None, dict(small, top_db=80.0)
    for settings in (
        dict(norm=None),
        dict(log_mels=True),
        dict(log_mels=True, norm=None, n_mfcc=20),
        dict(n_mfcc=1),
        dict(n_mfcc=20, melkwargs=dict(mel_scale="slaney", norm="slaney", pad_mode="constant")),
        dict(melkwargs=dict(center=False, power=1.0, normalized=True)),
    ):
        melkwargs = small | settings.pop("melkwargs", {})
        settings = dict(n_mfcc=10) | settings | dict(melkwargs=melkwargs)
        yield "ta_mfcc", "burst", 8000, "unit", None, settings
        yield "ta_mfcc", "burst", 8000, "int16", 2500, settings
    mfcc = dict(n_mfcc=10, melkwargs=small)
    yield "ta_mfcc", "silence", 8000, "unit", None, mfcc
    yield "ta_mfcc", "silence", 8000, "unit", None, dict(mfcc, log_mels=True)
    for length in (3, 4, 9):
        yield "ta_deltas", "burst", 8000, "unit", None, dict(mfcc, win_length_delta=length)
    yield "ta_deltas", "noise", 22050, "unit", 200, dict(mfcc, win_length_delta=9)


def mel(sr, window=None, **settings):
    function = {} if window is None else dict(window_fn=WINDOWS[window])
    return torchaudio.transforms.MelSpectrogram(sample_rate=sr, **function, **settings)


def compute(kind, y, sr, settings):
    settings = dict(settings)
    if kind == "ta_mel":
        return mel(sr, **settings)(y)
    if kind == "ta_meldb":
        top_db = settings.pop("top_db")
        return torchaudio.transforms.AmplitudeToDB("power", top_db)(mel(sr, **settings)(y))
    length = settings.pop("win_length_delta", None)
    mfcc = torchaudio.transforms.MFCC(sample_rate=sr, **settings)(y)
    return mfcc if length is None else torchaudio.functional.compute_deltas(mfcc, length)


def record():
    listed, results = [], {}
    for number, (kind, name, rate, scale, fix, settings) in enumerate(cases()):
        path = f"../librosa_variants/{name}.wav"
        with wave.open(str(HERE / path)) as file:
            y = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
        y /= 32768 if scale == "unit" else 1
        if fix is not None:
            y = np.concatenate([y[:fix], np.zeros(max(0, fix - y.size), np.float32)])
        result = np.ascontiguousarray(compute(kind, torch.from_numpy(y), rate, settings).numpy())
        output = f"{number:02}_{kind}_{name}"
        results[output] = result
        case = dict(kind=kind, input=path, sr=rate, scale=scale, input_dtype="float32", fix=fix)
        case |= dict(params=settings, output=output, shape=list(result.shape), dtype=str(result.dtype))
        listed.append(case)
    peers = dict(torch=torch.__version__, torchaudio=torchaudio.__version__)
    lines = ",\n".join("    " + json.dumps(case) for case in listed)
    text = f'{{\n  "peers": {json.dumps(peers)},\n  "cases": [\n{lines}\n  ]\n}}\n'
    (HERE / "manifest.json").write_text(text)
    save_file(results, HERE / "results.safetensors")


if __name__ == "__main__":
    record()

"""Records results of librosa with non-default settings.

    python3 make.py          (Python 3.11, librosa 0.11.0, numpy 2.4.6, scipy 1.17.1)

writes into its folder: recordings (generated here, 16-bit WAV), results.safetensors, and manifest.json, which lists the
call of each result. Run it again only to add cases; the recorded results do not change.
"""

import json
import pathlib
import struct
import wave

import librosa
import numpy as np
import scipy

HERE = pathlib.Path(__file__).parent
F32, F64 = "float32", "float64"


def recordings():
    """A burst of tones and noise between silences; a few samples; one sample; silence."""
    random = np.random.default_rng(1)
    n = np.arange(1500)
    tones = np.sin(0.31 * n) + 0.5 * np.sin(0.9 * n + 1) + 0.2 * np.sin(2.2 * n)
    burst = 6000 * tones * np.exp(-(((n - 500) / 220) ** 2)) + 40 * random.standard_normal(n.size)
    burst[n > 1100] = 0
    return {
        "burst": (8000, burst),
        "noise": (22050, 3000 * random.standard_normal(1024)),
        "few": (16000, 9000 * random.standard_normal(37)),
        "one": (16000, np.array([-12345.0])),
        "silence": (8000, np.zeros(600)),
    }


def cases():
    """Kind, recording, type, scale, fixed length, settings."""
    small = dict(n_fft=256, hop_length=128)
    mfcc = dict(small, n_mels=26, n_mfcc=10)
    mel = dict(small, n_mels=20)
    for window in ("hamming", "blackman", "boxcar"):
        yield "librosa_stft_mag", "burst", F64, "unit", None, dict(small, window=window)
    for settings in (
        dict(n_fft=301, hop_length=100),
        dict(n_fft=256, win_length=101, hop_length=90, window="hamming"),
        dict(n_fft=255, win_length=200),
        dict(n_fft=256, center=False, hop_length=77),
        dict(n_fft=301, hop_length=64, center=False, win_length=300),
        dict(n_fft=512, hop_length=111, pad_mode="reflect"),
        dict(n_fft=64, hop_length=200),
    ):
        yield "librosa_stft_mag", "burst", F32, "int16", None, settings
        yield "librosa_stft_mag", "noise", F64, "unit", None, settings
    for name in ("few", "one"):
        for pad_mode in ("constant", "reflect"):
            yield "librosa_stft_mag", name, F64, "unit", None, dict(small, pad_mode=pad_mode)
    for settings in (
        dict(power=1.0),
        dict(power=1.5),
        dict(power=3.0, htk=True),
        dict(fmin=100.0, fmax=3300.0),
        dict(htk=True, norm=None),
        dict(norm=1),
        dict(norm=2, htk=True),
        dict(norm=np.inf, fmin=300.0),
        dict(n_mels=90),
    ):
        yield "librosa_mel", "burst", F32, "unit", None, mel | settings
        yield "librosa_mel", "noise", F64, "int16", None, mel | settings
    for settings in (
        dict(ref=0.5, top_db=None),
        dict(ref=-20.0, top_db=30.0),
        dict(ref="max", top_db=None, amin=1e-5),
        dict(ref="max", amin=1e-3),
        dict(amin=1e-20, top_db=None),
        dict(top_db=0.0),
        dict(power=1.0),
    ):
        yield "librosa_meldb", "burst", F32, "unit", None, mel | settings
        yield "librosa_meldb", "burst", F64, "int16", 1700, mel | settings
    for settings in (
        dict(norm=None),
        dict(lifter=22),
        dict(lifter=7.5, norm=None),
        dict(mel_norm=None, htk=True),
        dict(mel_norm=1, fmin=50.0, fmax=3900.0),
        dict(n_mels=23, n_mfcc=23),
        dict(n_mels=12, n_mfcc=15),
        dict(power=1.0, center=False),
        dict(pad_mode="reflect", win_length=200, window="hamming"),
        dict(n_fft=301, hop_length=101, win_length=256),
    ):
        yield "librosa_mfcc", "burst", F32, "int16", None, mfcc | settings
        yield "librosa_mfcc", "burst", F64, "unit", 1300, mfcc | settings
    for name in ("few", "one", "silence"):
        yield "librosa_mfcc", name, F64, "unit", None, mfcc
        yield "librosa_mfcc", name, F32, "unit", 400, dict(mfcc, pad_mode="reflect")
    for settings in (
        dict(order=1, width=5),
        dict(order=2, width=5, mode="mirror"),
        dict(order=1, mode="constant"),
        dict(order=2, mode="wrap"),
        dict(order=3, width=7, mode="nearest"),
        dict(order=4, width=11),
    ):
        yield "librosa_delta", "burst", F64, "int16", None, mfcc | settings
    yield "librosa_delta", "few", F64, "unit", None, dict(mfcc, mode="mirror")
    yield "librosa_delta", "few", F32, "unit", None, dict(mfcc, order=2, mode="wrap")


def compute(kind, y, sr, settings):
    settings = dict(settings)
    if kind == "librosa_stft_mag":
        return np.abs(librosa.stft(y, **settings))
    if kind == "librosa_mel":
        return librosa.feature.melspectrogram(y=y, sr=sr, **settings)
    if kind == "librosa_meldb":
        decibel = {key: settings.pop(key) for key in ("ref", "amin", "top_db") if key in settings}
        if decibel.get("ref") == "max":
            decibel["ref"] = np.max
        return librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr, **settings), **decibel)
    delta = {key: settings.pop(key) for key in ("order", "width", "mode") if key in settings}
    if kind == "librosa_mfcc":
        return librosa.feature.mfcc(y=y, sr=sr, **settings)
    return librosa.feature.delta(librosa.feature.mfcc(y=y, sr=sr, **settings), **delta)


def record(folder, recordings, cases):
    folder.mkdir(parents=True, exist_ok=True)
    samples = {}
    for name, (rate, values) in recordings.items():
        samples[name] = (rate, np.clip(np.round(values), -32768, 32767).astype("<i2"))
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", ""))
            file.writeframes(samples[name][1].tobytes())
    listed, results = [], {}
    for number, (kind, name, dtype, scale, fix, settings) in enumerate(cases):
        rate, values = samples[name]
        y = values.astype(dtype) / (32768 if scale == "unit" else 1)
        if fix is not None:
            y = np.concatenate([y[:fix], np.zeros(max(0, fix - y.size), dtype)])
        result = np.ascontiguousarray(compute(kind, y, rate, settings))
        output = f"{number:02}_{kind}_{name}"
        results[output] = result
        listed.append(
            dict(
                kind=kind,
                input=f"{name}.wav",
                sr=rate,
                scale=scale,
                input_dtype=dtype,
                fix=fix,
                params={key: "inf" if value == np.inf else value for key, value in settings.items()},
                output=output,
                shape=list(result.shape),
                dtype=str(result.dtype),
            )
        )
    peers = dict(librosa=librosa.__version__, numpy=np.__version__, scipy=scipy.__version__)
    lines = ",\n".join("    " + json.dumps(case) for case in listed)
    text = f'{{\n  "peers": {json.dumps(peers)},\n  "cases": [\n{lines}\n  ]\n}}\n'
    (folder / "manifest.json").write_text(text)
    (folder / "results.safetensors").write_bytes(safetensors(results))


def safetensors(arrays):
    header, data = {}, b""
    for name, array in arrays.items():
        span = [len(data), len(data) + array.nbytes]
        kind = "F32" if array.dtype == np.float32 else "F64"
        header[name] = dict(dtype=kind, shape=array.shape, data_offsets=span)
        data += array.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


if __name__ == "__main__":
    record(HERE, recordings(), cases())

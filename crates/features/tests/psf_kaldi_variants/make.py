"""Records results of python_speech_features and kaldi-native-fbank with non-default settings.

    python3 make.py          (Python 3.11, python_speech_features 0.6, kaldi-native-fbank 1.23.0, numpy 2.4.6)

writes into its folder results.safetensors, and manifest.json, which lists the call of each result. The recordings
are those of librosa_variants. Run it again only to add cases; the results do not change.
"""

import importlib.metadata
import json
import pathlib
import struct
import wave

import kaldi_native_fbank as knf
import numpy as np
import python_speech_features as psf

HERE = pathlib.Path(__file__).parent
F32, F64 = "float32", "float64"


def cases():
    """Kind, recording, type, scale, fixed length, settings."""
    for settings in (
        dict(winfunc="hamming"),
        dict(winfunc="hanning", nfft=256),
        dict(winfunc="blackman", appendEnergy=False),
        dict(winfunc="bartlett", ceplifter=0),
        dict(winlen=0.032, winstep=0.0123, nfft=300),
        dict(winlen=0.05, nfft=256),
        dict(winlen=0.01, winstep=0.02, nfft=101),
        dict(nfilt=40, numcep=20, lowfreq=133.3, highfreq=3700),
        dict(nfilt=15, numcep=30, preemph=0),
        dict(nfilt=80, numcep=13, ceplifter=7, preemph=0.5),
    ):
        yield "psf_mfcc", "burst", F64, "int16", None, settings
        yield "psf_mfcc", "noise", F64, "unit", 1500, dict(nfft=1024) | settings
    for name in ("few", "one", "silence"):
        yield "psf_mfcc", name, F64, "int16", None, {}
        yield "psf_logfbank", name, F64, "unit", None, dict(nfft=200)
    yield "psf_logfbank", "burst", F64, "unit", None, dict(nfilt=100, nfft=128, winlen=0.016)
    yield "psf_fbank", "burst", F64, "int16", 1700, dict(winfunc="hamming", nfilt=60)
    for order, reach in ((1, 1), (1, 5), (2, 1), (2, 3), (2, 9)):
        yield "psf_delta", "burst", F64, "int16", None, dict(N=reach, order=order)
        yield "psf_delta", "few", F64, "int16", None, dict(N=reach, order=order)
    frame, mel = "frame_opts.", "mel_opts."
    shared = (
        *({frame + "window_type": name} for name in "hanning hamming hann rectangular sine blackman".split()),
        {frame + "window_type": "blackman", frame + "blackman_coeff": 0.3},
        {frame + "remove_dc_offset": False, frame + "preemph_coeff": 0.0},
        {frame + "round_to_power_of_two": False, frame + "frame_length_ms": 40.0},
        {frame + "frame_length_ms": 31.7, frame + "frame_shift_ms": 7.3},
        {frame + "snip_edges": False, frame + "frame_shift_ms": 12.5},
        {frame + "snip_edges": False, frame + "frame_shift_ms": 40.0, frame + "frame_length_ms": 20.1},
        {mel + "num_bins": 30, mel + "low_freq": 100.0, mel + "high_freq": 3500.0},
        {mel + "low_freq": 0.0, mel + "high_freq": -300.0},
        {"use_energy": True, "raw_energy": False},
        {"use_energy": True, "htk_compat": True, "energy_floor": 1e7},
        {"use_energy": False, "htk_compat": True},
    )
    for settings in shared:
        for kind in ("kaldi_mfcc", "kaldi_fbank"):
            yield kind, "burst", F32, "int16", None, settings
        yield "kaldi_mfcc", "noise", F32, "unit", 1500, settings
    for settings in (
        {"num_ceps": 23, "cepstral_lifter": 0.0},
        {"num_ceps": 7, "cepstral_lifter": 10.0, "use_energy": False},
        {"deltas": 1},
        {"deltas": 2, "use_energy": False, "htk_compat": True},
        {"deltas": 1, "cmvn": "mean", frame + "snip_edges": False},
        {"deltas": 2, "cmvn": "meanvar"},
    ):
        yield "kaldi_mfcc", "burst", F32, "int16", None, settings
    for settings in (
        {"use_power": False},
        {"use_log_floor": False, "eps": 5.0},
        {"eps": 1e5},
        {"use_log_fbank": False},
    ):
        yield "kaldi_fbank", "burst", F32, "int16", None, settings
    for kind in ("kaldi_mfcc", "kaldi_fbank"):
        for name in ("few", "one", "silence"):
            yield kind, name, F32, "int16", None, {}
            yield kind, name, F32, "int16", None, {frame + "snip_edges": False, frame + "frame_shift_ms": 2.0}


def compute(kind, y, sr, settings):
    settings = dict(settings)
    if kind.startswith("kaldi"):
        return kaldi(kind, y, sr, settings)
    if "winfunc" in settings:
        settings["winfunc"] = getattr(np, settings["winfunc"])
    if kind == "psf_fbank":
        return psf.fbank(y, sr, **settings)[0]
    if kind == "psf_logfbank":
        return psf.logfbank(y, sr, **settings)
    order, reach = settings.pop("order", 0), settings.pop("N", 2)
    result = psf.mfcc(y, sr, **settings)
    for _ in range(order):
        result = psf.delta(result, reach)
    return result


def kaldi(kind, y, sr, settings):
    mfcc = kind == "kaldi_mfcc"
    options = knf.MfccOptions() if mfcc else knf.FbankOptions()
    options.frame_opts.samp_freq = sr
    options.frame_opts.dither = 0.0
    deltas, cmvn = settings.pop("deltas", 0), settings.pop("cmvn", None)
    for path, value in settings.items():
        *tables, key = path.split(".")
        target = getattr(options, tables[0]) if tables else options
        assert hasattr(target, key), path
        setattr(target, key, value)
    computer = knf.OnlineMfcc(options) if mfcc else knf.OnlineFbank(options)
    computer.accept_waveform(sr, y.tolist())
    computer.input_finished()
    frames = [computer.get_frame(t) for t in range(computer.num_frames_ready)]
    if not frames:
        return np.zeros((0, options.num_ceps if mfcc else options.mel_opts.num_bins), F32)
    result = np.stack(frames)
    if deltas:
        delta = knf.DeltaOptions()
        delta.order = deltas
        result = np.asarray(knf.compute_deltas(delta, result))
    if cmvn:
        cmvn_options = knf.CmvnOptions()
        cmvn_options.norm_vars = cmvn == "meanvar"
        result = np.asarray(knf.apply_cmvn(knf.compute_cmvn_stats(result), cmvn_options, result))
    return result


def record(folder, cases):
    listed, results = [], {}
    for number, (kind, name, dtype, scale, fix, settings) in enumerate(cases):
        path = folder.parent / "librosa_variants" / f"{name}.wav"
        with wave.open(str(path)) as file:
            rate, data = file.getframerate(), file.readframes(file.getnframes())
        y = np.frombuffer(data, "<i2").astype(dtype) / (32768 if scale == "unit" else 1)
        if fix is not None:
            y = np.concatenate([y[:fix], np.zeros(max(0, fix - y.size), dtype)])
        result = np.ascontiguousarray(compute(kind, y, rate, settings))
        output = f"{number:03}_{kind}_{name}"
        results[output] = result
        listed.append(
            dict(
                kind=kind,
                input=f"../librosa_variants/{name}.wav",
                sr=rate,
                scale=scale,
                input_dtype=dtype,
                fix=fix,
                params=settings,
                output=output,
                shape=list(result.shape),
                dtype=str(result.dtype),
            )
        )
    names = ("python_speech_features", "kaldi-native-fbank", "numpy")
    peers = {name: importlib.metadata.version(name) for name in names}
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
    record(HERE, cases())

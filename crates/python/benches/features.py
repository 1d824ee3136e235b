"""Times the features of the package and of the toolkits in one run: one second of audio, then 1,000 clips.

    python crates/python/benches/features.py [ROUNDS]

Every figure is a median over rounds that alternate between the two sides. Needs librosa, python_speech_features and
kaldi-native-fbank.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import statistics
import sys
import time

import numpy as np


def seconds(function, least=0.05):
    """Time of one call, from as many calls as take `least` seconds."""
    function()
    calls, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < least:
        function()
        calls += 1
    return elapsed / calls


def online(toolkit, samples):
    """kaldi-native-fbank's MFCC of a clip."""
    options = toolkit.MfccOptions()
    options.frame_opts.dither = 0
    stream = toolkit.OnlineMfcc(options)
    stream.accept_waveform(16000, samples)
    stream.input_finished()
    return np.stack([stream.get_frame(frame) for frame in range(stream.num_frames_ready)])


def pairs(signal):
    """Calls of both sides: name, package, toolkit."""
    import kaldi_native_fbank
    import librosa
    import python_speech_features

    import stapes.features.kaldi as kaldi
    import stapes.features.librosa as our_librosa
    import stapes.features.psf as psf

    scaled = signal * np.float32(32768)
    double = scaled.astype(np.float64)
    return [
        (
            "librosa.feature.mfcc",
            lambda: our_librosa.feature.mfcc(y=signal, sr=16000),
            lambda: librosa.feature.mfcc(y=signal, sr=16000),
        ),
        (
            "librosa.feature.melspectrogram",
            lambda: our_librosa.feature.melspectrogram(y=signal, sr=16000),
            lambda: librosa.feature.melspectrogram(y=signal, sr=16000),
        ),
        ("python_speech_features.mfcc", lambda: psf.mfcc(double), lambda: python_speech_features.mfcc(double)),
        (
            "kaldi-native-fbank OnlineMfcc",
            lambda: kaldi.mfcc(scaled, use_energy=True, energy_floor=0.0),
            lambda: online(kaldi_native_fbank, scaled),
        ),
        (
            "kaldi-native-fbank, same calls",
            lambda: online(kaldi, scaled),
            lambda: online(kaldi_native_fbank, scaled),
        ),
    ]


def main():
    import stapes
    import stapes.features.librosa as librosa
    from stapes._native import Extractor

    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    rng = np.random.default_rng(1)
    signal = rng.normal(0, 0.1, 16000).astype(np.float32)
    for name, ours, theirs in pairs(signal):
        times = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
        mine, other = (statistics.median(side) for side in zip(*times))
        ratio = statistics.median(other / mine for mine, other in times)
        print(f"{name:32} {1e6 * mine:8.0f} us  {1e6 * other:8.0f} us  {ratio:5.1f}x")

    native = Extractor("librosa-mfcc", 16000, "{}")
    tiny = np.zeros(1, np.float32)
    extra = [seconds(lambda: librosa.feature.mfcc(y=tiny, sr=16000)) - seconds(lambda: native.extract(tiny)) for _ in range(rounds)]
    print(f"call of a function beyond the native call: {1e6 * statistics.median(extra):.1f} us")
    empty = Extractor("psf-mfcc", 16000, '{"nfft": 1, "nfilt": 1, "numcep": 1, "winlen": 0.0000625, "winstep": 0.0000625}')
    print(f"native call of one sample: {1e6 * statistics.median(seconds(lambda: empty.extract(tiny)) for _ in range(rounds)):.1f} us")

    clips = [rng.normal(0, 0.1, 16000).astype(np.float32) for _ in range(1000)]
    ratios = []
    for _ in range(max(3, rounds // 3)):
        took = []
        for threads in (1, 2):
            stapes.set_num_threads(threads)
            took.append(seconds(lambda: librosa.feature.mfcc(y=clips, sr=16000), 0.3))
        ratios.append(took[0] / took[1])
    print(f"1,000 clips: {1000 / took[0]:.0f} a second on one thread, {statistics.median(ratios):.2f}x on two")


main()

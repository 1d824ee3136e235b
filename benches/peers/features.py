#!/usr/bin/env python3
"""Features of a folder of recordings: stapes beside librosa, torchaudio, kaldi-native-fbank and
python_speech_features, in one run.

  pip install numpy scipy librosa torch torchaudio kaldi-native-fbank python_speech_features
  python benches/peers/features.py FOLDER --clips 600 --rounds 3

The folder holds 16-bit WAV files at 8 kHz, such as the recordings of FSDD. Every side gets the same samples in
memory, on one thread, and the sides take turns round by round, so that whatever else the machine does hits all
alike. Printed are the medians over the rounds, the clips a second, and the ratio of the peer's time to stapes'
(above 1: stapes is faster); then stapes on two threads beside one.

  librosa    librosa.feature.mfcc, 20 of 128 bands, n_fft 2048, hop 512, nominal 16 kHz
  torchaudio torchaudio.transforms.MFCC of the same settings, batches of 100
  kaldi      kaldi_native_fbank.OnlineMfcc, 13 coefficients, 8 kHz, no dither
  kaldi-39   the same with deltas of order 1 and 2
  psf        python_speech_features.mfcc, its defaults, 8 kHz

librosa and torchaudio take clips of 16,000 samples: `padded` is the clip and zeros, `full` the clip again and again,
so that every frame must be computed. The others take the clips as they are.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

# Before the libraries start their pools.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
from scipy.io import wavfile  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
LENGTH = 16_000
BATCH = 100
CONFIGS = ["librosa-padded", "librosa-full", "torchaudio-padded", "torchaudio-full", "kaldi", "kaldi-39", "psf"]


def padded(samples):
    return np.pad(samples[:LENGTH], (0, max(0, LENGTH - len(samples))))


def full(samples):
    return np.resize(samples, LENGTH)


def of_librosa():
    import librosa

    def work(clips):
        for clip in clips:
            librosa.feature.mfcc(y=clip, sr=16_000, n_mfcc=20, n_fft=2048, hop_length=512)

    return work


def of_torchaudio():
    import torch
    import torchaudio

    torch.set_num_threads(1)
    mel = {"n_fft": 2048, "hop_length": 512, "n_mels": 128, "mel_scale": "slaney", "norm": "slaney", "pad_mode": "constant"}
    mfcc = torchaudio.transforms.MFCC(16_000, n_mfcc=20, melkwargs=mel)

    def work(clips):
        with torch.inference_mode():
            for first in range(0, len(clips), BATCH):
                # A channel of its own, as the floor counts from the loudest of the last three dimensions.
                mfcc(torch.from_numpy(np.stack(clips[first : first + BATCH]))[:, None])

    return work


def of_kaldi(deltas):
    import kaldi_native_fbank

    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.samp_freq = 8000
    options.frame_opts.dither = 0.0
    delta_options = kaldi_native_fbank.DeltaOptions()

    def work(clips):
        for clip in clips:
            online = kaldi_native_fbank.OnlineMfcc(options)
            online.accept_waveform(8000, clip.tolist())
            online.input_finished()
            frames = np.stack([online.get_frame(frame) for frame in range(online.num_frames_ready)])
            if deltas:
                kaldi_native_fbank.compute_deltas(delta_options, frames)

    return work


def of_psf():
    import python_speech_features

    def work(clips):
        for clip in clips:
            python_speech_features.mfcc(clip, 8000)

    return work


def prepared(config, clips):
    """The peer, its clips, and the name of stapes' side."""
    peer, _, kind = config.partition("-")
    if peer in ("librosa", "torchaudio"):
        work = of_librosa() if peer == "librosa" else of_torchaudio()
        fix = padded if kind == "padded" else full
        return work, [fix(clip) for clip in clips], f"{peer}-mfcc" + ("-full" if kind == "full" else "")
    if peer == "kaldi":
        return of_kaldi(kind == "39"), clips, "kaldi-mfcc" + ("-39" if kind == "39" else "")
    return of_psf(), clips, "psf-mfcc"


def built():
    """The example that stapes' side runs."""
    command = ["cargo", "build", "--release", "-p", "stapes-features", "--example", "clips_per_second"]
    lines = subprocess.run(
        [*command, "--message-format=json"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    items = [json.loads(line) for line in lines if line.startswith("{")]
    return [item["executable"] for item in items if item.get("executable")][-1]


def stapes(binary, name, folder, threads=1):
    command = [binary, name, folder, "--rounds", "3", "--threads", str(threads)]
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    return json.loads(line)["extract_s"]


def timed(work, clips):
    began = time.perf_counter()
    work(clips)
    return time.perf_counter() - began


def chosen(folder, count):
    """Files spread over the whole folder."""
    files = sorted(Path(folder).glob("*.wav"))
    if not files:
        sys.exit(f"{folder}: no WAV files")
    return files[:: max(1, len(files) // count)][:count]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--clips", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--configs", default=",".join(CONFIGS))
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    binary = built()
    files = chosen(options.folder, options.clips)
    clips = [wavfile.read(file)[1].astype(np.float32) for file in files]
    print(f"{len(clips)} clips, {options.rounds} rounds, one thread; medians")
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            os.symlink(file.resolve(), Path(folder) / file.name)
        for config in options.configs.split(","):
            work, own_clips, name = prepared(config, clips)
            work(own_clips[:BATCH])
            peer, own = [], []
            for _ in range(options.rounds):
                own.append(stapes(binary, name, folder))
                peer.append(timed(work, own_clips))
            ours, theirs = statistics.median(own), statistics.median(peer)
            print(
                f"{config:18} peer {len(clips) / theirs:8.0f} clips/s   stapes {len(clips) / ours:8.0f} clips/s   "
                f"{theirs / ours:6.1f} x",
                flush=True,
            )
        for name in ("librosa-mfcc-full", "librosa-mfcc", "kaldi-mfcc", "psf-mfcc"):
            one, two = [], []
            for _ in range(options.rounds):
                one.append(stapes(binary, name, folder))
                two.append(stapes(binary, name, folder, threads=2))
            one, two = statistics.median(one), statistics.median(two)
            print(f"{name:18} two threads {len(clips) / two:8.0f} clips/s   {one / two:6.2f} x one thread", flush=True)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Speed of feature extraction: stapes compared with librosa, torchaudio, kaldi-native-fbank and
python_speech_features in one run.

  pip install numpy scipy librosa torch torchaudio kaldi-native-fbank python_speech_features
  python benches/peers/features.py FOLDER --clips 600 --rounds 3

The folder contains 16-bit WAV files at 8 kHz, such as the recordings of FSDD. All libraries get the same samples in
memory, use one thread, and alternate, so that other load on the machine affects all equally. Printed are clips per
second (medians over the rounds) and the ratio of the peer's time to stapes' time (above 1: stapes is faster); then
stapes on two threads compared with one.

  librosa    librosa.feature.mfcc, 20 MFCC of 128 bands, n_fft 2048, hop 512, nominal 16 kHz
  torchaudio torchaudio.transforms.MFCC of the same settings, batches of 100
  kaldi      kaldi_native_fbank.OnlineMfcc, 13 coefficients, 8 kHz, no dither
  kaldi-39   the same with deltas of order 1 and 2
  psf        python_speech_features.mfcc, its defaults, 8 kHz

librosa and torchaudio get clips of 16,000 samples: `padded` is the clip with zeros, `full` the repeated clip, so that
every frame must be computed. The others get the clips unchanged.
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

# Set before the libraries start their thread pools.
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


def librosa_work():
    import librosa

    def work(clips):
        for clip in clips:
            librosa.feature.mfcc(y=clip, sr=16_000, n_mfcc=20, n_fft=2048, hop_length=512)

    return work


def torchaudio_work():
    import torch
    import torchaudio

    torch.set_num_threads(1)
    mel = {"n_fft": 2048, "hop_length": 512, "n_mels": 128, "mel_scale": "slaney", "norm": "slaney", "pad_mode": "constant"}
    mfcc = torchaudio.transforms.MFCC(16_000, n_mfcc=20, melkwargs=mel)

    def work(clips):
        with torch.inference_mode():
            for first in range(0, len(clips), BATCH):
                # One channel per clip, because top_db is relative to the maximum over the last three dimensions.
                mfcc(torch.from_numpy(np.stack(clips[first : first + BATCH]))[:, None])

    return work


def kaldi_work(deltas):
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


def psf_work():
    import python_speech_features

    def work(clips):
        for clip in clips:
            python_speech_features.mfcc(clip, 8000)

    return work


def prepare(config, clips):
    """Returns the peer, its clips, and the name of the stapes configuration."""
    peer, _, kind = config.partition("-")
    if peer in ("librosa", "torchaudio"):
        work = librosa_work() if peer == "librosa" else torchaudio_work()
        fix_length = padded if kind == "padded" else full
        return work, [fix_length(clip) for clip in clips], f"{peer}-mfcc" + ("-full" if kind == "full" else "")
    if peer == "kaldi":
        return kaldi_work(kind == "39"), clips, "kaldi-mfcc" + ("-39" if kind == "39" else "")
    return psf_work(), clips, "psf-mfcc"


def build():
    """Builds the example that measures stapes and returns its path."""
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


def choose(folder, count):
    """Returns files spread evenly over the folder."""
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
    binary = build()
    files = choose(options.folder, options.clips)
    clips = [wavfile.read(file)[1].astype(np.float32) for file in files]
    print(f"{len(clips)} clips, {options.rounds} rounds, one thread; medians")
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            os.symlink(file.resolve(), Path(folder) / file.name)
        for config in options.configs.split(","):
            work, peer_clips, name = prepare(config, clips)
            work(peer_clips[:BATCH])
            peer_times, stapes_times = [], []
            for _ in range(options.rounds):
                stapes_times.append(stapes(binary, name, folder))
                peer_times.append(timed(work, peer_clips))
            peer, own = statistics.median(peer_times), statistics.median(stapes_times)
            print(
                f"{config:18} peer {len(clips) / peer:8.0f} clips/s   stapes {len(clips) / own:8.0f} clips/s   "
                f"{peer / own:6.1f} x",
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

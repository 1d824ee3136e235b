"""Kaldi's features, under the names of kaldi-native-fbank and of torchaudio.compliance.kaldi.

``fbank`` and ``mfcc`` are torchaudio's functions; ``OnlineFbank`` and ``OnlineMfcc`` with ``FbankOptions`` and
``MfccOptions`` are kaldi-native-fbank's classes. Results are (frames, features) in f32.

Dither is random, and is therefore 0 here by default (kaldi-native-fbank: 0.00003); another value is refused.

>>> import numpy, stapes.features.kaldi as kaldi
>>> kaldi.fbank(numpy.zeros((1, 16000), numpy.float32), num_mel_bins=40).shape
(98, 40)
"""

from ._functions import fbank, mfcc
from ._online import FbankOptions, FrameExtractionOptions, MelBanksOptions, MfccOptions, OnlineFbank, OnlineMfcc

__all__ = [
    "FbankOptions",
    "FrameExtractionOptions",
    "MelBanksOptions",
    "MfccOptions",
    "OnlineFbank",
    "OnlineMfcc",
    "fbank",
    "mfcc",
]

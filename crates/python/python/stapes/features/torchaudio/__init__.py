"""torchaudio's features: the transforms, and compliance.kaldi.

A waveform is an array or a tensor [..., L]; the result is of the same kind, (..., features, frames), f32. torch is not needed.

>>> import numpy, stapes.features.torchaudio as torchaudio
>>> torchaudio.MFCC(sample_rate=16000, n_mfcc=13)(numpy.zeros(16000, numpy.float32)).shape
(13, 81)
"""

from . import compliance, transforms
from .transforms import MFCC, AmplitudeToDB, ComputeDeltas, MelSpectrogram

__all__ = ["MFCC", "AmplitudeToDB", "ComputeDeltas", "MelSpectrogram", "compliance", "transforms"]

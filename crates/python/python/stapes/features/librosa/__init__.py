"""librosa's features: the same names, defaults, shapes and values.

Results are (features, frames), in the type of the samples, equal to librosa 0.11 and 1.0 within rounding. Samples are
[..., L]; leading axes are channels, each computed by itself as in librosa 1.0. In place of an array ``y`` may be a list of
clips of any lengths, which are computed in parallel; the result is a list.

One difference remains: with ``pad_mode="reflect"`` and ``hop_length >= n_fft / 2``, librosa 0.10 to 1.0 computes the last
frames from a part of the clip. Here, as in librosa 0.9, they are those of the mirrored clip.

>>> import numpy, stapes.features.librosa as librosa
>>> tone = numpy.sin(numpy.arange(16000, dtype=numpy.float32) * 0.3)
>>> librosa.feature.mfcc(y=tone, sr=16000, n_mfcc=13).shape
(13, 32)
"""

from . import feature, filters
from ._decibels import amplitude_to_db, power_to_db
from ._spectrum import stft
from ._time import frames_to_samples, frames_to_time
from .feature import delta, melspectrogram, mfcc
from ..._load import load_like_librosa as load

__all__ = [
    "amplitude_to_db",
    "delta",
    "feature",
    "filters",
    "frames_to_samples",
    "frames_to_time",
    "load",
    "melspectrogram",
    "mfcc",
    "power_to_db",
    "stft",
]

"""Features, training, comparison and classifiers of small speech models, without torch or librosa.

>>> import stapes
>>> vad = stapes.Model.load("vad")
>>> vad.labels
['background', 'speech']

* ``stapes.features``: librosa, python_speech_features, Kaldi and torchaudio under their names;
* ``stapes.load``: recordings of every format;
* ``stapes.Model``: a trained model; ``stapes.StreamClassifier``, ``stapes.VADIterator``,
  ``stapes.get_speech_timestamps``: on streams and long recordings;
* ``stapes.Classifier``: training on arrays, with scikit-learn's methods;
* ``stapes.train``, ``stapes.compare``, ``stapes.Run``: recipes, sweeps and their runs.
"""

from . import features
from ._load import load
from ._native import DataError, __version__, num_threads, set_num_threads
from .classifier import Classifier
from .comparing import Comparison, compare
from .model import Model, Prediction, Segment
from .streaming import FeatureStream, StreamClassifier, VADIterator, get_speech_timestamps
from .training import Run, train

__all__ = [
    "Classifier",
    "Comparison",
    "DataError",
    "FeatureStream",
    "Model",
    "Prediction",
    "Run",
    "Segment",
    "StreamClassifier",
    "VADIterator",
    "__version__",
    "compare",
    "features",
    "get_speech_timestamps",
    "load",
    "num_threads",
    "set_num_threads",
    "train",
]

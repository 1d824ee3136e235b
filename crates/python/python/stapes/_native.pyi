"""The native module: every function is one of the Rust library's. The modules of the package have the interface for users.

Settings are JSON. Arrays are those of NumPy: samples [L] in [-1, 1], frames [T, F], probabilities [K] or [T, K].
"""

import os
from typing import Any, Callable, Optional, Sequence, Union

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[Any]
_Floats = npt.NDArray[np.float32]
_Path = Union[str, os.PathLike[str]]

__version__: str

class DataError(ValueError):
    """Error of a data set or a recording: what is wrong, in which file, and what to do."""

class Extractor:
    """Extractor of a toolkit's features, for any thread."""

    def __new__(cls, name: str, sample_rate: int, settings: str) -> Extractor:
        """Builds the tables of a front end, such as ``"librosa-mel"``, at ``sample_rate`` Hz from its settings."""
    @property
    def width(self) -> int:
        """F, the number of values per frame."""
    def frames_for(self, samples: int) -> int:
        """Returns T, the number of frames of a clip of L samples."""
    def extract(self, samples: _Array) -> _Array:
        """Returns the features of a clip. Shapes: [L] -> [T, F], float32 or float64 like the toolkit."""
    def extract_many(self, clips: Sequence[_Array]) -> list[_Array]:
        """Returns the features of clips, computed in parallel. Shapes: [L] each -> [T, F] each."""
    def spectra(self, samples: _Array) -> _Array:
        """Returns the spectra of a clip with their phases, complex. Shapes: [L] -> [T, bins]."""

class Model:
    """A trained model, for any thread."""

    @staticmethod
    def load(path: _Path) -> Model:
        """Reads a run folder, a model file, or a built-in model by its name."""
    @staticmethod
    def from_bytes(bytes: bytes) -> Model:
        """Reads the content of a model file."""
    def to_bytes(self) -> bytes:
        """Returns the content of the model file."""
    @staticmethod
    def untrained(recipe: str, set: str, seed: int) -> Model:
        """Returns the model of a recipe with initial parameters."""
    def save(self, path: _Path) -> None:
        """Writes the model file."""
    @property
    def labels(self) -> list[str]:
        """Labels, in the order of the probabilities."""
    @property
    def sample_rate(self) -> Optional[int]:
        """Sample rate of the front end in Hz; None if the model reads frames."""
    @property
    def width(self) -> int:
        """F, the number of values per frame."""
    @property
    def frame_level(self) -> bool:
        """True if the model predicts a class for each frame."""
    @property
    def recipe(self) -> str:
        """Recipe of the training as TOML; empty for a model trained on arrays."""
    def config(self) -> str:
        """Returns the input, the network and the labels as JSON."""
    def parameters(self) -> dict[str, _Floats]:
        """Returns copies of the parameters under their PyTorch names."""
    def onnx(self, features: bool, streaming: bool) -> bytes:
        """Returns the content of an ONNX file."""

    def torch_module(self) -> str:
        """Returns the text of a Python file with the network as a ``torch.nn.Module``."""
    def torch_files(self) -> list[tuple[str, bytes]]:
        """Returns the files for PyTorch with the features, as names with their contents."""
    def normalizer(self) -> Optional[tuple[_Floats, _Floats]]:
        """Returns the mean and the scale of each value over the training frames, if there are any. Shapes: -> [F], [F]."""
    def classify_files(self, paths: list[str]) -> list[tuple[_Floats, float, bool]]:
        """Returns for each recording its probabilities, its duration in s, and true if only its beginning was read."""
    def classify_samples(self, samples: _Array, sample_rate: int) -> _Floats:
        """Returns the probabilities of samples [L] at ``sample_rate`` Hz. Shapes: -> [K], or [T, K] if frame-level."""
    def classify_frames(self, array: _Array) -> _Floats:
        """Returns the probabilities of frames. Shapes: [T, F] -> [K], or [T, K] if frame-level."""
    def classify_many(self, arrays: Sequence[_Array], sample_rate: Optional[int]) -> list[_Floats]:
        """Returns the probabilities of each of several clips at ``sample_rate`` Hz, or of frames, computed in parallel."""
    def features(self, samples: _Array, sample_rate: int) -> _Floats:
        """Returns the frames of the front end before normalization. Shapes: [L] -> [T, F]. Units: Hz."""
    def segments(self, probabilities: _Array, seconds: float) -> list[tuple[float, float, int]]:
        """Returns segments, (start, end, class), from probabilities [T, K] of a recording of ``seconds``. Units: s."""
    def speech(self, probabilities: _Array, seconds: float, options: str) -> list[tuple[float, float]]:
        """Returns speech segments, (start, end), from probabilities [T, K] of a recording of ``seconds``. Units: s."""

class KaldiStream:
    """Kaldi's features on a stream, with all frames so far."""

    def __new__(cls, name: str, sample_rate: int, settings: str) -> KaldiStream:
        """Creates a stream of ``"kaldi-mfcc"`` or ``"kaldi-fbank"`` at ``sample_rate`` Hz."""
    @property
    def width(self) -> int:
        """F, the number of values per frame."""
    @property
    def frames(self) -> int:
        """Number of frames so far."""
    def frame(self, index: int) -> _Floats:
        """Returns a frame, [F]."""
    def push(self, samples: _Array) -> None:
        """Processes samples [L]."""
    def finish(self) -> None:
        """Ends the recording."""

class FeatureStream:
    """Front end on a stream."""

    @staticmethod
    def of_model(model: Model) -> FeatureStream:
        """Creates a stream with the front end and the normalization of a model."""
    @staticmethod
    def of_settings(settings: str) -> FeatureStream:
        """Creates a stream with the settings of a section ``[features]``."""
    @property
    def width(self) -> int:
        """F, the number of values per frame."""
    def push(self, samples: _Array) -> _Floats:
        """Processes samples and returns the frames that they complete. Shapes: [L] -> [T, F]."""
    def finish(self) -> _Floats:
        """Ends the recording and returns the remaining frames, [T, F]."""

class StreamClassifier:
    """Classifier on a stream."""

    def __new__(cls, model: Model) -> StreamClassifier:
        """Creates a stream for a causal model."""
    def push(self, samples: _Array) -> _Floats:
        """Processes samples and returns the probabilities after each step that they complete. Shapes: [L] -> [N, K]."""
    def finish(self) -> _Floats:
        """Ends the recording and returns the remaining probabilities, [N, K]."""

class SpeechStream:
    """Speech on a stream."""

    def __new__(cls, model: Model, options: str) -> SpeechStream:
        """Creates a stream for a frame-level model whose first class is the background."""
    def push(self, samples: _Array) -> tuple[list[tuple[bool, float]], list[float]]:
        """Processes samples [L]; returns certain starts and ends, (is start, time in s), and the speech probabilities."""
    def finish(self) -> list[tuple[bool, float]]:
        """Ends the recording and returns the remaining starts and ends, (is start, time in s)."""

def delta(frames: _Array, order: int, width: int, mode: str) -> _Array:
    """Returns librosa's deltas. Shapes: [T, F] -> [T, F]."""

def regression_delta(frames: _Array, win_length: int) -> _Array:
    """Returns the slopes of lines fitted to neighboring frames. Shapes: [T, F] -> [T, F]."""

def decibels(powers: _Array, reference: Optional[float], amin: float, top_db: Optional[float]) -> _Array:
    """Returns librosa's power_to_db of an array of any shape, in dB; the largest power is the reference if it is None."""

def cepstra(decibels: _Array, settings: str) -> _Array:
    """Returns librosa's cepstra of a log-mel spectrogram. Shapes: [T, M] -> [T, C]."""

def mel_filters(sample_rate: int, settings: str) -> _Floats:
    """Returns librosa's mel filter bank at ``sample_rate`` Hz, [M, n_fft / 2 + 1]."""

def load(path: _Path, sample_rate: Optional[int], channel: Optional[int]) -> tuple[_Floats, int]:
    """Reads a recording: its samples [L] at ``sample_rate`` Hz or its own rate, and the rate. Channel None is the mean."""

def channels(path: _Path) -> int:
    """Returns the number of channels of a recording."""

def num_threads() -> int:
    """Returns the number of threads of batches and of training."""

def set_num_threads(threads: int) -> None:
    """Sets the number of threads of batches and of training; 0 means one per core. It does not affect results."""

def run(arguments: Sequence[str]) -> int:
    """Runs the command line with these arguments, the program first, and returns its exit code."""

def read_run(folder: _Path) -> tuple[Model, str]:
    """Reads a run folder: its model, and the rest as JSON."""

def train(
    recipe: str,
    data: Optional[_Path],
    out: Optional[_Path],
    set: str,
    exists: str,
    callback: Callable[[str], object],
) -> tuple[str, bool]:
    """Trains a recipe, ``{"file": path}`` or ``{"keys": {...}}``; returns the run folder, and true after Ctrl-C.

    The callback is called with each event as JSON.
    """

def fit(
    examples: Sequence[_Array],
    labels: Sequence[int],
    validation: Optional[tuple[Sequence[_Array], Sequence[int]]],
    settings: str,
    callback: Callable[[str], object],
) -> tuple[Model, str, bool]:
    """Trains on frames [T, F], or clips [L]; returns the model, the learning curves as JSON, and true after Ctrl-C."""

def compare(
    sweep: Optional[_Path],
    runs: Sequence[_Path],
    data: Optional[_Path],
    out: Optional[_Path],
    jobs: Optional[int],
    train: bool,
    callback: Callable[[str], object],
) -> tuple[str, str, bool]:
    """Trains a sweep, or reads runs; returns the table as JSON, the report as HTML, and true after Ctrl-C."""

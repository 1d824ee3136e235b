"""python_speech_features: the same functions, defaults, shapes and values.

Results are (frames, features) in f64. Signals are [L] of any real type. In place of an array ``signal`` may be a list of clips,
which are computed in parallel; the result is a list.

>>> import numpy, stapes.features.psf as psf
>>> psf.mfcc(numpy.sin(numpy.arange(16000) * 0.3)).shape
(99, 13)
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from .._native import Extractor, regression_delta
from ._arrays import floats, real
from ._extractors import build, cached
from ._settings import whole

__all__ = ["delta", "fbank", "logfbank", "mfcc"]


def _ones(length: int) -> np.ndarray:
    return np.ones((length,))


_WINDOWS: dict[Any, str] = {
    _ones: "rectangular",
    np.ones: "rectangular",
    np.hamming: "hamming",
    np.hanning: "hanning",
    np.blackman: "blackman",
    np.bartlett: "bartlett",
}


def _window_name(winfunc: Callable[[int], np.ndarray]) -> str:
    try:
        return _WINDOWS[winfunc]
    except (KeyError, TypeError):
        pass
    # Another function, such as `lambda x: np.ones((x,))`, is recognized by its values.
    for window, name in _WINDOWS.items():
        try:
            if np.array_equal(np.asarray(winfunc(50)), window(50)):
                return name
        except TypeError:
            break
    raise ValueError("winfunc must return one of NumPy's windows: ones, hamming, hanning, blackman or bartlett")


@cached
def _extractor(
    name: str,
    winfunc: str,
    samplerate: Any,
    winlen: Any,
    winstep: Any,
    nfilt: Any,
    nfft: Any,
    lowfreq: Any,
    highfreq: Any,
    preemph: Any,
    *cepstra: Any,
) -> Extractor:
    """Builds an extractor; `cepstra` are numcep, ceplifter and appendEnergy of "psf-mfcc"."""
    settings = dict(winfunc=winfunc, winlen=winlen, winstep=winstep, nfilt=nfilt, lowfreq=lowfreq, preemph=preemph)
    settings.update(nfft="auto" if nfft is None else nfft, highfreq=None if highfreq == 0 else highfreq)
    settings.update(zip(("numcep", "ceplifter", "appendEnergy"), cepstra))
    return build(name, samplerate, settings)


def _features(toolkit: Extractor, signal: Any) -> Any:
    if isinstance(signal, (list, tuple)) and len(signal) > 0 and np.ndim(signal[0]) == 1:
        return toolkit.extract_many([_samples(clip) for clip in signal])
    return toolkit.extract(_samples(signal))


def _samples(signal: Any) -> np.ndarray:
    samples = real(signal, "signal")
    return samples if samples.dtype == np.float64 else samples.astype(np.float64)


def mfcc(
    signal: Any,
    samplerate: float = 16000,
    winlen: float = 0.025,
    winstep: float = 0.01,
    numcep: int = 13,
    nfilt: int = 26,
    nfft: int | None = 512,
    lowfreq: float = 0,
    highfreq: float | None = None,
    preemph: float = 0.97,
    ceplifter: float = 22,
    appendEnergy: bool = True,
    winfunc: Callable[[int], np.ndarray] = _ones,
) -> Any:
    """Mel-frequency cepstral coefficients, python_speech_features.mfcc.

    Shapes: [L] -> [T, numcep]. Units: winlen and winstep in s, lowfreq and highfreq in Hz.
    """
    energies = samplerate, winlen, winstep, nfilt, nfft, lowfreq, highfreq, preemph
    cepstra = numcep, ceplifter, bool(appendEnergy)
    return _features(_extractor("psf-mfcc", _window_name(winfunc), *energies, *cepstra), signal)


def fbank(
    signal: Any,
    samplerate: float = 16000,
    winlen: float = 0.025,
    winstep: float = 0.01,
    nfilt: int = 26,
    nfft: int | None = 512,
    lowfreq: float = 0,
    highfreq: float | None = None,
    preemph: float = 0.97,
    winfunc: Callable[[int], np.ndarray] = _ones,
) -> Any:
    """Mel energies and the total energy of each frame, python_speech_features.fbank.

    Shapes: [L] -> ([T, nfilt], [T]). Units: winlen and winstep in s, lowfreq and highfreq in Hz.
    """
    energies = samplerate, winlen, winstep, nfilt, nfft, lowfreq, highfreq, preemph
    both = _features(_extractor("psf-fbank", _window_name(winfunc), *energies), signal)
    if isinstance(both, list):
        return [(one[:, :-1], one[:, -1]) for one in both]
    return both[:, :-1], both[:, -1]


def logfbank(
    signal: Any,
    samplerate: float = 16000,
    winlen: float = 0.025,
    winstep: float = 0.01,
    nfilt: int = 26,
    nfft: int | None = 512,
    lowfreq: float = 0,
    highfreq: float | None = None,
    preemph: float = 0.97,
    winfunc: Callable[[int], np.ndarray] = _ones,
) -> Any:
    """Logarithms of mel energies, python_speech_features.logfbank.

    Shapes: [L] -> [T, nfilt]. Units: winlen and winstep in s, lowfreq and highfreq in Hz.
    """
    energies = samplerate, winlen, winstep, nfilt, nfft, lowfreq, highfreq, preemph
    return _features(_extractor("psf-logfbank", _window_name(winfunc), *energies), signal)


def delta(feat: Any, N: int) -> np.ndarray:
    """Slopes over 2 N + 1 frames, python_speech_features.delta. Shapes: [T, F] -> [T, F]."""
    if N < 1:
        raise ValueError("N must be an integer >= 1")
    return regression_delta(floats(feat, "feat"), 2 * whole(N, "N") + 1)

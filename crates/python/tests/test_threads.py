"""Functions in several threads and processes, and on lists of clips."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import numpy as np
import pytest
from conftest import clip

import stapes
import stapes.features.kaldi as kaldi
import stapes.features.librosa as librosa
import stapes.features.psf as psf
import stapes.features.torchaudio as torchaudio

CLIPS = [clip("noise", 2000 + 137 * n, n, "float32") for n in range(24)]

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "librosa.mfcc": lambda y: librosa.feature.mfcc(y=y, sr=8000, n_fft=512),
    "librosa.melspectrogram": lambda y: librosa.feature.melspectrogram(y=y, sr=8000, n_fft=512),
    "librosa.stft": lambda y: librosa.stft(y, n_fft=256),
    "psf.mfcc": lambda y: psf.mfcc(y, 8000),
    "psf.logfbank": lambda y: psf.logfbank(y, 8000),
    "kaldi.mfcc": lambda y: kaldi.mfcc(y, sample_frequency=8000),
    "kaldi.fbank": lambda y: kaldi.fbank(y, sample_frequency=8000),
    "torchaudio.MFCC": torchaudio.MFCC(sample_rate=8000),
    "torchaudio.MelSpectrogram": torchaudio.MelSpectrogram(sample_rate=8000, n_mels=40),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_eight_threads_compute_what_one_does(name: str) -> None:
    function = FUNCTIONS[name]
    expected = [function(y) for y in CLIPS]
    with ThreadPoolExecutor(8) as pool:
        for got, row in zip(pool.map(function, CLIPS * 4), expected * 4):
            np.testing.assert_array_equal(got, row)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_list_of_clips_equals_single_calls(name: str) -> None:
    function = FUNCTIONS[name]
    together = function(CLIPS)
    assert isinstance(together, list) and len(together) == len(CLIPS)
    for got, y in zip(together, CLIPS):
        expected = function(y)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


def test_threads_may_compute_batches_at_once() -> None:
    expected = librosa.feature.mfcc(y=CLIPS, sr=8000)
    with ThreadPoolExecutor(8) as pool:
        for together in pool.map(lambda _: librosa.feature.mfcc(y=CLIPS, sr=8000), range(16)):
            for got, row in zip(together, expected):
                np.testing.assert_array_equal(got, row)


def test_the_number_of_threads_does_not_change_results() -> None:
    expected, before = librosa.feature.mfcc(y=CLIPS, sr=8000), stapes.num_threads()
    try:
        for threads in (1, 3):
            stapes.set_num_threads(threads)
            assert stapes.num_threads() == threads
            for got, row in zip(librosa.feature.mfcc(y=CLIPS, sr=8000), expected):
                np.testing.assert_array_equal(got, row)
    finally:
        stapes.set_num_threads(before)


def test_a_batch_names_its_faulty_clip() -> None:
    faulty = CLIPS[:3] + [np.full(3000, np.nan, np.float32)]
    with pytest.raises(ValueError, match="clip 3: sample 0 is NaN"):
        librosa.feature.mfcc(y=faulty, sr=8000)


def _in_child(index: int) -> list[np.ndarray]:
    return [librosa.feature.mfcc(y=CLIPS[index], sr=8000), *librosa.feature.mfcc(y=CLIPS[:4], sr=8000)]


def _model_in_child(index: int) -> list[np.ndarray]:
    return stapes.Model.load("digits").probabilities_of(CLIPS[index : index + 2], 8000)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("function", [_in_child, _model_in_child])
def test_forked_processes_compute_the_same_after_a_batch(function: Callable[[int], list[np.ndarray]]) -> None:
    expected = [function(index) for index in range(8)]
    with multiprocessing.get_context("fork").Pool(3) as pool:
        # A child that waits for threads of its parent would wait for ever.
        results = pool.map_async(function, range(8)).get(timeout=60)
    for got, rows in zip(results, expected):
        for one, row in zip(got, rows):
            np.testing.assert_array_equal(one, row)
    # The parent can still compute.
    function(0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_process_forked_during_a_batch_does_not_hang() -> None:
    expected = _in_child(1)
    with ThreadPoolExecutor(2) as threads:
        busy = [threads.submit(lambda: librosa.feature.mfcc(y=CLIPS * 10, sr=8000)) for _ in range(6)]
        with multiprocessing.get_context("fork").Pool(2) as pool:
            for got, row in zip(pool.apply_async(_in_child, (1,)).get(timeout=60), expected):
                np.testing.assert_array_equal(got, row)
        for batch in busy:
            batch.result()

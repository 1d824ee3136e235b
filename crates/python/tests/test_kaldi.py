"""Kaldi's classes against the installed kaldi-native-fbank."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import clip
from hypothesis import assume, given
from hypothesis import strategies as st

import stapes.features.kaldi as ours

knf = pytest.importorskip("kaldi_native_fbank")


@st.composite
def frames(draw: Any) -> dict[str, Any]:
    """Options of frames and of the energy."""
    chosen: dict[str, Any] = {"frame_opts.samp_freq": draw(st.sampled_from([8000, 16000, 22050, 44100])), "frame_opts.dither": 0}
    if draw(st.booleans()):
        chosen["frame_opts.frame_length_ms"] = draw(st.integers(8, 50))
        chosen["frame_opts.frame_shift_ms"] = draw(st.integers(2, 30))
    chosen["frame_opts.preemph_coeff"] = draw(st.sampled_from([0.97, 0.0, 0.5]))
    for name in ("frame_opts.remove_dc_offset", "frame_opts.snip_edges", "raw_energy", "htk_compat", "use_energy"):
        chosen[name] = draw(st.booleans())
    windows = ["povey", "hanning", "hamming", "hann", "rectangular", "sine", "blackman"]
    chosen["frame_opts.window_type"] = draw(st.sampled_from(windows))
    chosen["energy_floor"] = draw(st.sampled_from([0.0, 1.0]))
    chosen["mel_opts.num_bins"] = draw(st.integers(3, 40))
    chosen["mel_opts.low_freq"] = draw(st.sampled_from([20.0, 0.0, 133.0]))
    chosen["mel_opts.high_freq"] = draw(st.sampled_from([0.0, -200.0, 3700.0]))
    return chosen


SIGNALS = st.builds(
    clip,
    st.sampled_from(["noise", "tones", "gap", "zeros"]),
    st.integers(1, 900) | st.integers(2000, 9000),
    st.integers(0, 99),
    st.just("float32"),
)


def options(toolkit: Any, kind: str, chosen: dict[str, Any]) -> Any:
    """Makes the options of a toolkit, set one by one as in its documentation."""
    built = getattr(toolkit, f"{kind}Options")()
    for path, value in chosen.items():
        *parents, name = path.split(".")
        target = built
        for parent in parents:
            target = getattr(target, parent)
        setattr(target, name, value)
    return built


def run(toolkit: Any, kind: str, chosen: dict[str, Any], chunks: list[np.ndarray]) -> tuple[np.ndarray, list[int]]:
    """Returns all frames, [T, F], and the numbers of frames after each chunk."""
    online = getattr(toolkit, f"Online{kind}")(options(toolkit, kind, chosen))
    ready = []
    for chunk in chunks:
        online.accept_waveform(chosen["frame_opts.samp_freq"], chunk.tolist())
        ready.append(online.num_frames_ready)
    online.input_finished()
    ready.append(online.num_frames_ready)
    rows = [online.get_frame(frame).copy() for frame in range(online.num_frames_ready)]
    assert [online.is_last_frame(frame) for frame in range(len(rows))] == [frame + 1 == len(rows) for frame in range(len(rows))]
    return np.array(rows, np.float32).reshape(len(rows), online.dim), ready


def both(data: Any, kind: str, chosen: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Computes the frames of both for the same chunks, and checks when frames become ready."""
    scale = data.draw(st.sampled_from([1, 32768]))
    signal = data.draw(SIGNALS) * np.float32(scale)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(signal)), max_size=4)))
    chunks = [chunk for chunk in np.split(signal, cuts) if len(chunk)]
    try:
        got, ready = run(ours, kind, chosen, chunks)
    except ValueError as error:
        # kaldi-native-fbank ends the process for bands without bins, and for odd lengths; the draw is replaced.
        assume("must leave at least one" not in str(error))
        raise
    expected, expected_ready = run(knf, kind, chosen, chunks)
    assert ready == expected_ready
    return got, expected


def logarithm_tolerance(expected: np.ndarray) -> np.ndarray:
    """Bands far below the largest of their frame have the noise of Kaldi's own f32 transform."""
    if expected.size == 0:
        return np.ones(expected.shape)
    return 1e-4 + 1e-5 * np.exp((expected.max(axis=1, keepdims=True) - expected) / 2)


@given(st.data())
def test_fbank_equals_kaldi_native_fbank(measure: Any, data: Any) -> None:
    chosen = data.draw(frames())
    chosen["use_log_fbank"] = data.draw(st.sampled_from([True, True, False]))
    chosen["use_power"] = data.draw(st.booleans())
    chosen["use_log_floor"] = data.draw(st.booleans())
    got, expected = both(data, "Fbank", chosen)
    if chosen["use_log_fbank"]:
        # The energy of the frame, which is not a band, is before or after the bands.
        bands = np.delete(expected, -1 if chosen["htk_compat"] else 0, axis=1) if chosen["use_energy"] else expected
        peak = bands.max(axis=1, keepdims=True, initial=-np.inf)
        allowed = 1e-4 + 1e-5 * np.exp((peak - np.minimum(expected, peak)) / 2)
        name = "fbank"
    else:
        # Relative to the largest energy of the frame.
        allowed = 1e-5 * np.abs(expected).max(axis=1, keepdims=True, initial=0) + 1e-12
        name = "fbank without logarithm"
    measure.close(name, got, expected, allowed)


@given(st.data())
def test_mfcc_equals_kaldi_native_fbank(measure: Any, data: Any) -> None:
    chosen = data.draw(frames())
    chosen["num_ceps"] = data.draw(st.integers(1, chosen["mel_opts.num_bins"]))
    chosen["cepstral_lifter"] = data.draw(st.sampled_from([22.0, 0.0, 12.0]))
    got, expected = both(data, "Mfcc", chosen)
    measure.close("mfcc", got, expected, 5e-3)


def test_the_usual_calls_equal_kaldi_native_fbank(measure: Any) -> None:
    def notebook(knf: Any) -> np.ndarray:
        opts = knf.FbankOptions()
        opts.frame_opts.dither = 0
        opts.frame_opts.samp_freq = 16000
        opts.mel_opts.num_bins = 80
        fbank = knf.OnlineFbank(opts)
        fbank.accept_waveform(16000, clip("noise", 16000, 5, "float32").tolist())
        fbank.input_finished()
        return np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)])

    expected = notebook(knf)
    measure.close("usual fbank", notebook(ours), expected, logarithm_tolerance(expected))
    assert ours.OnlineMfcc().frame_shift_in_seconds == pytest.approx(0.01)


def test_defaults_equal_kaldi_native_fbank_except_for_dither() -> None:
    for kind in ("Fbank", "Mfcc"):
        theirs, own = getattr(knf, f"{kind}Options")().as_dict(), getattr(ours, f"{kind}Options")().as_dict()
        assert theirs["frame_opts"].pop("dither") == pytest.approx(3e-5)
        assert own["frame_opts"].pop("dither") == 0
        for group, values in {**own, "top": {key: value for key, value in own.items() if not isinstance(value, dict)}}.items():
            reference = theirs if group == "top" else theirs[group]
            if isinstance(values, dict):
                assert values == {key: pytest.approx(reference[key]) for key in values}


@pytest.mark.parametrize("path", ["mel_opts.is_librosa", "mel_opts.vtln_low", "frame_opts.max_feature_vectors", "unknown"])
def test_unsupported_options_cannot_be_set(path: str) -> None:
    with pytest.raises(AttributeError, match=path.split(".")[-1]):
        options(ours, "Fbank", {path: 1})


@pytest.mark.parametrize(
    "setting",
    [
        {"dither": 1.0}, {"frame_length": 0.0}, {"frame_shift": np.nan}, {"high_freq": 9000.0}, {"low_freq": -1.0},
        {"num_mel_bins": 2}, {"num_mel_bins": 23.0}, {"num_ceps": 24}, {"window_type": "hann"}, {"window_type": "kaiser"},
        {"vtln_warp": 1.1}, {"snip_edges": "no"}, {"cepstral_lifter": -1.0}, {"sample_frequency": 0.5}, {"channel": 3},
        {"preemphasis_coefficient": 2.0}, {"energy_floor": -1.0},
    ],
    ids=str,
)
def test_unsupported_values_are_refused_by_name(setting: dict[str, Any]) -> None:
    (name,) = setting
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        ours.mfcc(clip("noise", 4000, 0)[None], **setting)

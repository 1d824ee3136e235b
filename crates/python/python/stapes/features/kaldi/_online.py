"""The classes of kaldi-native-fbank."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from ..._native import KaldiStream
from .._arrays import singles
from .._settings import named_error, to_json, whole


class _Options:
    """Options, of which only known ones can be set."""

    def __setattr__(self, name: str, value: Any) -> None:
        known = [field.name for field in fields(self)]  # type: ignore[arg-type]
        if name not in known:
            raise AttributeError(f"{name} is not supported; the options are {', '.join(known)}")
        super().__setattr__(name, value)

    def as_dict(self) -> dict[str, Any]:
        """Returns the options as a dict."""
        return asdict(self)  # type: ignore[call-overload]


@dataclass
class FrameExtractionOptions(_Options):
    """Options of frames; lengths in ms."""

    samp_freq: float = 16000.0
    frame_shift_ms: float = 10.0
    frame_length_ms: float = 25.0
    dither: float = 0.0
    preemph_coeff: float = 0.97
    remove_dc_offset: bool = True
    window_type: str = "povey"
    round_to_power_of_two: bool = True
    blackman_coeff: float = 0.42
    snip_edges: bool = True


@dataclass
class MelBanksOptions(_Options):
    """Options of mel bands; frequencies in Hz."""

    num_bins: int = 23
    low_freq: float = 20.0
    high_freq: float = 0.0


@dataclass
class FbankOptions(_Options):
    """Options of log mel energies."""

    frame_opts: FrameExtractionOptions = field(default_factory=FrameExtractionOptions)
    mel_opts: MelBanksOptions = field(default_factory=MelBanksOptions)
    use_energy: bool = False
    energy_floor: float = 0.0
    raw_energy: bool = True
    htk_compat: bool = False
    use_log_fbank: bool = True
    use_log_floor: bool = True
    eps: float = float(np.finfo(np.float32).eps)
    use_power: bool = True


@dataclass
class MfccOptions(_Options):
    """Options of cepstral coefficients."""

    frame_opts: FrameExtractionOptions = field(default_factory=FrameExtractionOptions)
    mel_opts: MelBanksOptions = field(default_factory=MelBanksOptions)
    num_ceps: int = 13
    use_energy: bool = True
    energy_floor: float = 0.0
    raw_energy: bool = True
    cepstral_lifter: float = 22.0
    htk_compat: bool = False


class _Online:
    _name: str
    _default: type

    def __init__(self, opts: Any = None) -> None:
        settings = asdict(self._default() if opts is None else opts)
        self._rate = settings["frame_opts"].pop("samp_freq")
        rate = whole(self._rate, "samp_freq", least=1)
        try:
            self._stream = KaldiStream(self._name, rate, to_json(settings))
        except ValueError as error:
            raise named_error(error, settings) from None
        self._shift_ms = settings["frame_opts"]["frame_shift_ms"]
        self._finished = False

    @property
    def dim(self) -> int:
        """Number of values per frame."""
        return self._stream.width

    @property
    def frame_shift_in_seconds(self) -> float:
        """Hop between frames in s."""
        return self._shift_ms / 1000

    @property
    def num_frames_ready(self) -> int:
        """Number of frames so far."""
        return self._stream.frames

    def accept_waveform(self, sampling_rate: float, waveform: Any) -> None:
        """Processes samples, [L]."""
        if sampling_rate != self._rate:
            raise ValueError(f"sampling_rate is {sampling_rate}, and samp_freq is {self._rate}")
        if self._finished:
            raise ValueError("accept_waveform after input_finished")
        self._stream.push(singles(waveform, "waveform"))

    def input_finished(self) -> None:
        """Ends the recording."""
        if not self._finished:
            self._finished = True
            self._stream.finish()

    def get_frame(self, frame: int) -> np.ndarray:
        """Returns a frame, [dim]."""
        frames = self.num_frames_ready
        if not 0 <= frame < frames:
            raise IndexError(f"frame {frame}: there are {frames}")
        return self._stream.frame(frame)

    def is_last_frame(self, frame: int) -> bool:
        """Returns true for the last frame of a recording that ended."""
        return self._finished and frame + 1 == self.num_frames_ready


class OnlineFbank(_Online):
    """Log mel energies of a stream, kaldi_native_fbank.OnlineFbank."""

    _name = "kaldi-fbank"
    _default = FbankOptions


class OnlineMfcc(_Online):
    """Mel-frequency cepstral coefficients of a stream, kaldi_native_fbank.OnlineMfcc."""

    _name = "kaldi-mfcc"
    _default = MfccOptions

//! Settings tables.

use crate::settings::Table;

pub(crate) const MFCC: Table = &[
    ("num_ceps", "", "number of coefficients, at most mel_opts.num_bins"),
    ("cepstral_lifter", "", "length of the lifter; 0 for none"),
];

pub(crate) const FBANK: Table = &[
    ("use_log_fbank", "", "returns logarithms of the band energies"),
    ("use_log_floor", "", "uses ln(max(energy, eps)); otherwise ln(energy + eps)"),
    ("eps", "", "eps of the logarithm"),
    ("use_power", "", "sums the power; otherwise the magnitude"),
];

/// Settings of both front ends.
pub(crate) const BOTH: Table = &[
    ("dialect", "", "defaults and rules of kaldi-native-fbank or torchaudio"),
    ("use_energy", "", "puts the log energy of the frame in place of c0 or before the bands"),
    ("energy_floor", "", "floor of the energy of a frame; 0 for none, the dialect's default if absent"),
    ("raw_energy", "", "takes the energy before the filter and the window"),
    ("htk_compat", "", "puts c0 or the energy last"),
    ("deltas", "", "highest order of Kaldi's deltas after the features: 0, 1 or 2"),
    ("cmvn", "", "normalization over the utterance: none, mean or meanvar"),
];

pub(crate) const FRAME: Table = &[
    ("frame_shift_ms", "ms", "hop between frames"),
    ("frame_length_ms", "ms", "length of a frame"),
    ("dither", "", "noise added to the samples; must be 0"),
    ("preemph_coeff", "", "pre-emphasis coefficient; 0 for no filter"),
    ("remove_dc_offset", "", "subtracts the mean of each frame first"),
    ("window_type", "", "window function: povey, hanning, hamming, hann, rectangular, sine or blackman"),
    ("round_to_power_of_two", "", "pads frames with zeros to a power of two"),
    ("blackman_coeff", "", "constant of the window blackman"),
    ("snip_edges", "", "uses whole frames only; otherwise the clip is mirrored about its ends"),
];

pub(crate) const MEL: Table = &[
    ("num_bins", "", "number of mel bands"),
    ("low_freq", "Hz", "lower edge of the lowest band"),
    ("high_freq", "Hz", "upper edge of the highest band; 0 or less is relative to half the sample rate"),
];

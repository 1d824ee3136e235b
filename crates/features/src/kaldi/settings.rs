//! The settings in one line each.

use crate::settings::Table;

pub(crate) const MFCC: Table = &[
    ("num_ceps", "", "number of coefficients, at most mel_opts.num_bins"),
    ("cepstral_lifter", "", "length of the lifter; 0 for none"),
];

pub(crate) const FBANK: Table = &[
    ("use_log_fbank", "", "whether logarithms are taken of the bands' energies"),
    ("use_log_floor", "", "whether the logarithm is ln(max(energy, eps)) rather than ln(energy + eps)"),
    ("eps", "", "the eps of that logarithm"),
    ("use_power", "", "whether the bands sum the power rather than the magnitude"),
];

/// Of both.
pub(crate) const BOTH: Table = &[
    ("dialect", "", "whose defaults and rules: kaldi-native-fbank or torchaudio"),
    ("use_energy", "", "whether the frame's log energy takes the place of c0, or precedes the bands"),
    ("energy_floor", "", "the least energy of a frame; 0 for none, the dialect's if absent"),
    ("raw_energy", "", "whether the energy is taken before the filter and the window"),
    ("htk_compat", "", "whether c0 or the energy comes last"),
    ("deltas", "", "orders of Kaldi's deltas behind the features: 0, 1 or 2"),
    ("cmvn", "", "taken out over the utterance: none, mean or meanvar"),
];

pub(crate) const FRAME: Table = &[
    ("frame_shift_ms", "ms", "from one frame to the next"),
    ("frame_length_ms", "ms", "length of a frame"),
    ("dither", "", "noise added to the samples; must be 0"),
    ("preemph_coeff", "", "how much of the sample before is taken off each sample; 0 for no filter"),
    ("remove_dc_offset", "", "whether the frame's mean is taken off first"),
    ("window_type", "", "povey, hanning, hamming, hann, rectangular, sine or blackman"),
    ("round_to_power_of_two", "", "whether zeros fill the frame up to a power of two"),
    ("blackman_coeff", "", "the constant of the window blackman"),
    ("snip_edges", "", "whether only whole frames count; otherwise the clip is mirrored about its ends"),
];

pub(crate) const MEL: Table = &[
    ("num_bins", "", "number of mel bands"),
    ("low_freq", "Hz", "where the lowest band begins"),
    ("high_freq", "Hz", "where the highest band ends; 0 or less counts from half the sample rate"),
];

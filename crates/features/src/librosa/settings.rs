//! The settings in one line each.

use crate::settings::Table;

pub(crate) const MFCC: Table = &[
    ("n_mfcc", "", "number of coefficients"),
    ("norm", "", "scale of the cosine transform: ortho or none"),
    ("lifter", "", "length of the lifter; 0 for none"),
    ("mel_norm", "", "weight of the triangles: slaney, none, inf or the p of a p-norm"),
];

/// Of the decibels alone; beneath the cepstra it has another name.
pub(crate) const NORM: Table =
    &[("norm", "", "weight of the triangles: slaney, none, inf or the p of a p-norm")];

pub(crate) const MEL_DB: Table = &[
    ("n_fft", "samples", "length of a frame and of its transform"),
    ("hop_length", "samples", "from one frame to the next"),
    ("win_length", "samples", "length of the window; n_fft if absent"),
    ("window", "", "shape of the window: hann, hamming, blackman or rectangular"),
    ("center", "", "whether frame t is centred on sample t hop_length, or starts there"),
    ("pad_mode", "", "beyond the ends of the clip, with center: constant (zeros) or reflect"),
    ("power", "", "exponent of the magnitude: 1 for energy, 2 for power"),
    ("n_mels", "", "number of mel bands"),
    ("fmin", "Hz", "where the lowest band begins"),
    ("fmax", "Hz", "where the highest band ends; half the sample rate if absent"),
    ("htk", "", "whether mel is HTK's scale rather than Slaney's"),
    ("ref", "", "the power that becomes 0 dB: a number, or max for the clip's largest"),
    ("amin", "", "the least power; what is below counts as this"),
    ("top_db", "dB", "how far below the clip's peak values may lie; none for no floor"),
];

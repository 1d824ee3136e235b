//! Settings tables.

use crate::settings::Table;

pub(crate) const MFCC: Table = &[
    ("n_mfcc", "", "number of coefficients"),
    ("norm", "", "scale of the cosine transform: ortho or none"),
    ("lifter", "", "length of the lifter; 0 for none"),
    ("mel_norm", "", "normalization of the triangles: slaney, none, inf or the p of a p-norm"),
];

/// Mel norm of the decibels; the cepstra use another key for it.
pub(crate) const NORM: Table =
    &[("norm", "", "normalization of the triangles: slaney, none, inf or the p of a p-norm")];

pub(crate) const MEL_DB: Table = &[
    ("n_fft", "samples", "length of a frame and of its transform"),
    ("hop_length", "samples", "hop between frames"),
    ("win_length", "samples", "length of the window; n_fft if absent"),
    ("window", "", "window function: hann, hamming, blackman or rectangular"),
    ("center", "", "centers frame t on sample t hop_length; otherwise it starts there"),
    ("pad_mode", "", "padding beyond the ends of the clip, with center: constant (zeros) or reflect"),
    ("power", "", "exponent of the magnitude: 1 for magnitude, 2 for power"),
    ("n_mels", "", "number of mel bands"),
    ("fmin", "Hz", "lower edge of the lowest band"),
    ("fmax", "Hz", "upper edge of the highest band; half the sample rate if absent"),
    ("htk", "", "uses HTK's mel scale instead of Slaney's"),
    ("ref", "", "power that maps to 0 dB: a number, or max for the clip's largest"),
    ("amin", "", "floor of the power"),
    ("top_db", "dB", "floor relative to the clip's peak; none for no floor"),
];

//! Settings tables.

use crate::settings::Table;

pub(crate) const MFCC: Table = &[
    ("n_mfcc", "", "number of coefficients, at most n_mels"),
    ("norm", "", "scale of the cosine transform: ortho or none"),
    ("log_mels", "", "uses ln(energy + 1e-6) instead of decibels"),
    ("top_db", "dB", "floor relative to the clip's peak; none for no floor"),
];

pub(crate) const DB: Table = &[("top_db", "dB", "floor relative to the clip's peak; none for no floor")];

pub(crate) const MEL: Table = &[
    ("n_fft", "samples", "length of a frame and of its transform"),
    ("win_length", "samples", "length of the window; n_fft if absent"),
    ("hop_length", "samples", "hop between frames; win_length / 2 if absent"),
    ("f_min", "Hz", "lower edge of the lowest band"),
    ("f_max", "Hz", "upper edge of the highest band; half the sample rate, rounded down, if absent"),
    ("pad", "samples", "number of zeros at each end of the clip"),
    ("n_mels", "", "number of mel bands"),
    ("window", "", "window function: hann, hamming, blackman or rectangular"),
    ("power", "", "exponent of the magnitude: 1 for magnitude, 2 for power"),
    ("normalized", "", "divisor of the spectrum: false (none), true (the window's norm) or frame_length"),
    ("center", "", "centers frame t on sample t hop_length; otherwise it starts there"),
    ("pad_mode", "", "padding beyond the ends of the clip, with center: reflect or constant (zeros)"),
    ("norm", "", "normalization of the triangles: slaney for unit area, none for a peak of 1"),
    ("mel_scale", "", "mel scale: htk or slaney"),
];

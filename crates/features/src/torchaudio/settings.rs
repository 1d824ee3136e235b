//! The settings in one line each.

use crate::settings::Table;

pub(crate) const MFCC: Table = &[
    ("n_mfcc", "", "number of coefficients, at most n_mels"),
    ("norm", "", "scale of the cosine transform: ortho or none"),
    ("log_mels", "", "whether ln(energy + 1e-6) takes the place of decibels"),
    ("top_db", "dB", "how far below the clip's peak decibels may lie; none for no floor"),
];

pub(crate) const DB: Table =
    &[("top_db", "dB", "how far below the clip's peak values may lie; none for no floor")];

pub(crate) const MEL: Table = &[
    ("n_fft", "samples", "length of a frame and of its transform"),
    ("win_length", "samples", "length of the window; n_fft if absent"),
    ("hop_length", "samples", "from one frame to the next; win_length / 2 if absent"),
    ("f_min", "Hz", "where the lowest band begins"),
    ("f_max", "Hz", "where the highest band ends; half the sample rate, rounded down, if absent"),
    ("pad", "samples", "zeros at both ends of the clip"),
    ("n_mels", "", "number of mel bands"),
    ("window", "", "shape of the window: hann, hamming, blackman or rectangular"),
    ("power", "", "exponent of the magnitude: 1 for energy, 2 for power"),
    ("normalized", "", "what divides the spectrum: false, true (the window's norm) or frame_length"),
    ("center", "", "whether frame t is centred on sample t hop_length, or starts there"),
    ("pad_mode", "", "beyond the ends of the clip, with center: reflect or constant (zeros)"),
    ("norm", "", "weight of the triangles: slaney for unit area, none for a peak of 1"),
    ("mel_scale", "", "the scale on which bands are equally wide: htk or slaney"),
];

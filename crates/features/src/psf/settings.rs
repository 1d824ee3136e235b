//! Settings tables.

use crate::settings::Table;

pub(crate) const MFCC: Table = &[
    ("numcep", "", "number of coefficients"),
    ("ceplifter", "", "length of the lifter; 0 or less for none"),
    ("appendEnergy", "", "replaces coefficient 0 by the log power of the frame"),
];

pub(crate) const FBANK: Table = &[
    ("winlen", "s", "length of a frame"),
    ("winstep", "s", "hop between frames"),
    ("nfilt", "", "number of mel bands"),
    (
        "nfft",
        "samples",
        "length of the transform; auto for the smallest power of two not below the frame length",
    ),
    ("lowfreq", "Hz", "lower edge of the lowest band"),
    ("highfreq", "Hz", "upper edge of the highest band; half the sample rate if absent or 0"),
    ("preemph", "", "pre-emphasis coefficient; 0 for no filter"),
    ("winfunc", "", "window function: rectangular, hamming, hanning, blackman or bartlett"),
    ("deltas", "", "highest order of psf's deltas after the features: 0, 1 or 2"),
    ("N", "frames", "reach of those deltas in each direction"),
];

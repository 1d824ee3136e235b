//! The settings in one line each.

use crate::settings::Table;

pub(crate) const MFCC: Table = &[
    ("numcep", "", "number of coefficients"),
    ("ceplifter", "", "length of the lifter; 0 or less for none"),
    ("appendEnergy", "", "whether the logarithm of the frame's power takes the place of coefficient 0"),
];

pub(crate) const FBANK: Table = &[
    ("winlen", "s", "length of a frame"),
    ("winstep", "s", "from one frame to the next"),
    ("nfilt", "", "number of mel bands"),
    ("nfft", "samples", "length of the transform; auto for the power of two that holds a frame"),
    ("lowfreq", "Hz", "where the lowest band begins"),
    ("highfreq", "Hz", "where the highest band ends; half the sample rate if absent or 0"),
    ("preemph", "", "how much of the sample before is taken off each sample; 0 for no filter"),
    ("winfunc", "", "shape of the window: rectangular, hamming, hanning, blackman or bartlett"),
    ("deltas", "", "orders of psf's deltas behind the features: 0, 1 or 2"),
    ("N", "frames", "how far those deltas look back and ahead"),
];

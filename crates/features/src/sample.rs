//! Trait `Sample`: number types of audio samples and features, f32 and f64.

use crate::{FeatureError, logarithm};

/// Sample type: f32 or f64.
///
/// librosa computes in the type of its input: its results for f32 and f64 samples differ in the seventh
/// digit.
pub trait Sample: arithmetic::Arithmetic {}

impl Sample for f32 {}
impl Sample for f64 {}

/// Exponent of a magnitude.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Exponent {
    One,
    Two,
    Other(f64),
}

impl Exponent {
    pub(crate) fn new(power: f64) -> Exponent {
        if power == 1.0 {
            Exponent::One
        } else if power == 2.0 {
            Exponent::Two
        } else {
            Exponent::Other(power)
        }
    }
}

/// Checks that all values of frame `t` are finite.
pub(crate) fn check_overflow<S: Sample>(values: &[S], t: usize) -> Result<(), FeatureError> {
    // Without an early exit the compiler vectorizes the test.
    let numbers = values.iter().fold(true, |numbers, value| numbers & value.is_finite());
    if numbers { Ok(()) } else { Err(FeatureError::Overflow { frame: t }) }
}

/// Arithmetic that the toolkits do in the type of their input. Private in effect: it seals [`Sample`].
pub(crate) mod arithmetic {
    use super::*;

    pub trait Arithmetic:
        Copy
        + Default
        + PartialOrd
        + std::fmt::Debug
        + std::fmt::Display
        + std::ops::Add<Output = Self>
        + std::ops::Sub<Output = Self>
        + std::ops::Mul<Output = Self>
        + Send
        + Sync
        + 'static
    {
        /// Rounds to this type.
        fn narrow(value: f64) -> Self;
        /// Converts to f64, exactly.
        fn widen(self) -> f64;
        /// Returns true if this is neither NaN nor infinite.
        fn is_finite(self) -> bool;
        /// Replaces each value x by 10 log10(max(min, x)); `min` > 0.
        fn decibels(values: &mut [Self], min: Self);
        /// Returns |X| of a bin, its parts rounded to this type first.
        fn magnitude(re: f64, im: f64) -> Self;
        /// Returns |X|^2 of a bin, its parts rounded to this type first.
        fn power(re: f64, im: f64) -> Self;
        /// Returns this number to a power.
        fn raised(self, exponent: f64) -> Self;
    }

    impl Arithmetic for f32 {
        #[inline(always)]
        fn narrow(value: f64) -> f32 {
            value as f32
        }

        #[inline(always)]
        fn widen(self) -> f64 {
            f64::from(self)
        }

        #[inline(always)]
        fn is_finite(self) -> bool {
            self.is_finite()
        }

        #[inline(always)]
        fn decibels(values: &mut [f32], min: f32) {
            logarithm::decibels(values, min);
        }

        /// hypot: the squares of f32 numbers are exact in f64 and cannot overflow there.
        #[inline(always)]
        fn magnitude(re: f64, im: f64) -> f32 {
            let (re, im) = (f64::from(re as f32), f64::from(im as f32));
            (re * re + im * im).sqrt() as f32
        }

        /// The squares overflow or vanish only where the power does, too.
        #[inline(always)]
        fn power(re: f64, im: f64) -> f32 {
            let (re, im) = (re as f32, im as f32);
            re * re + im * im
        }

        fn raised(self, exponent: f64) -> f32 {
            self.powf(exponent as f32)
        }
    }

    impl Arithmetic for f64 {
        #[inline(always)]
        fn narrow(value: f64) -> f64 {
            value
        }

        #[inline(always)]
        fn widen(self) -> f64 {
            self
        }

        #[inline(always)]
        fn is_finite(self) -> bool {
            self.is_finite()
        }

        fn decibels(values: &mut [f64], min: f64) {
            for value in values {
                *value = 10.0 * value.max(min).log10();
            }
        }

        #[inline(always)]
        fn magnitude(re: f64, im: f64) -> f64 {
            re.hypot(im)
        }

        #[inline(always)]
        fn power(re: f64, im: f64) -> f64 {
            re * re + im * im
        }

        fn raised(self, exponent: f64) -> f64 {
            self.powf(exponent)
        }
    }
}

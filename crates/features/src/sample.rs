//! The two number types that front ends compute in.

use crate::{FeatureError, logarithm};

/// A sample's type: f32 or f64.
///
/// librosa computes in the type of its input: what it gives for f32 and for f64 samples differs in the
/// seventh digit.
pub trait Sample: arithmetic::Arithmetic {}

impl Sample for f32 {}
impl Sample for f64 {}

/// To which power a magnitude is raised.
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

/// Checks that no value of frame `t` is beyond its number type.
pub(crate) fn all_numbers<S: Sample>(values: &[S], t: usize) -> Result<(), FeatureError> {
    // Without an early end the compiler tests several at once.
    let numbers = values.iter().fold(true, |numbers, value| numbers & value.is_number());
    if numbers { Ok(()) } else { Err(FeatureError::Overflow { frame: t }) }
}

/// What the toolkits do in the type of their input. Public in name alone: it closes [`Sample`] to others.
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
        /// The exact value in f64.
        fn widen(self) -> f64;
        /// Whether this is neither NaN nor infinite.
        fn is_number(self) -> bool;
        /// 10 log10(max(least, x)) of each value; `least` > 0.
        fn decibels(values: &mut [Self], least: Self);
        /// |X| of a bin, its parts rounded to this type first.
        fn magnitude(re: f64, im: f64) -> Self;
        /// |X|^2 of a bin, its parts rounded to this type first.
        fn power(re: f64, im: f64) -> Self;
        /// This to a power.
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
        fn is_number(self) -> bool {
            self.is_finite()
        }

        #[inline(always)]
        fn decibels(values: &mut [f32], least: f32) {
            logarithm::decibels(values, least);
        }

        /// hypot: the squares of f32 numbers are exact in f64 and cannot overflow there.
        #[inline(always)]
        fn magnitude(re: f64, im: f64) -> f32 {
            let (re, im) = (f64::from(re as f32), f64::from(im as f32));
            (re * re + im * im).sqrt() as f32
        }

        /// The squares may overflow or vanish, but only where the power does, too.
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
        fn is_number(self) -> bool {
            self.is_finite()
        }

        fn decibels(values: &mut [f64], least: f64) {
            for value in values {
                *value = 10.0 * value.max(least).log10();
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

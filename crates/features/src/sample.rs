//! The two number types that front ends compute in.

use realfft::num_complex::Complex;

use crate::logarithm;

pub(crate) use arithmetic::Exponent;

/// A sample's type: f32 or f64.
///
/// librosa computes in the type of its input: what it gives for f32 and for f64 samples differs in the
/// seventh digit.
pub trait Sample: arithmetic::Arithmetic {}

impl Sample for f32 {}
impl Sample for f64 {}

/// What the toolkits do in the type of their input. Public in name alone: it closes [`Sample`] to others.
pub(crate) mod arithmetic {
    use super::*;

    /// To which power a magnitude is raised.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Exponent {
        One,
        Two,
        Other(f64),
    }

    impl Exponent {
        pub fn new(power: f64) -> Exponent {
            if power == 1.0 {
                Exponent::One
            } else if power == 2.0 {
                Exponent::Two
            } else {
                Exponent::Other(power)
            }
        }
    }

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
        /// |X|^exponent of each bin, X rounded to this type first.
        fn powers(bins: &[Complex<f64>], exponent: Exponent, powers: &mut [Self]);
    }

    impl Arithmetic for f32 {
        fn narrow(value: f64) -> f32 {
            value as f32
        }

        fn widen(self) -> f64 {
            f64::from(self)
        }

        fn is_number(self) -> bool {
            self.is_finite()
        }

        fn decibels(values: &mut [f32], least: f32) {
            logarithm::decibels(values, least);
        }

        fn powers(bins: &[Complex<f64>], exponent: Exponent, powers: &mut [f32]) {
            match exponent {
                // In f32 the squares may overflow or vanish, but only where the power does, too.
                Exponent::Two => each(bins, powers, |bin| {
                    let (re, im) = (bin.re as f32, bin.im as f32);
                    let magnitude = (re * re + im * im).sqrt();
                    magnitude * magnitude
                }),
                Exponent::One => each(bins, powers, magnitude),
                Exponent::Other(exponent) => {
                    each(bins, powers, |bin| magnitude(bin).powf(exponent as f32));
                }
            }
        }
    }

    /// hypot of the rounded parts: their squares are exact in f64 and cannot overflow there.
    fn magnitude(bin: &Complex<f64>) -> f32 {
        let (re, im) = (f64::from(bin.re as f32), f64::from(bin.im as f32));
        (re * re + im * im).sqrt() as f32
    }

    impl Arithmetic for f64 {
        fn narrow(value: f64) -> f64 {
            value
        }

        fn widen(self) -> f64 {
            self
        }

        fn is_number(self) -> bool {
            self.is_finite()
        }

        fn decibels(values: &mut [f64], least: f64) {
            for value in values {
                *value = 10.0 * value.max(least).log10();
            }
        }

        fn powers(bins: &[Complex<f64>], exponent: Exponent, powers: &mut [f64]) {
            match exponent {
                Exponent::Two => each(bins, powers, |bin| bin.re.hypot(bin.im).powi(2)),
                Exponent::One => each(bins, powers, |bin| bin.re.hypot(bin.im)),
                Exponent::Other(exponent) => {
                    each(bins, powers, |bin| bin.re.hypot(bin.im).powf(exponent));
                }
            }
        }
    }

    /// A loop without a branch inside, for each exponent its own.
    fn each<S>(bins: &[Complex<f64>], powers: &mut [S], power: impl Fn(&Complex<f64>) -> S) {
        for (value, bin) in powers.iter_mut().zip(bins) {
            *value = power(bin);
        }
    }
}

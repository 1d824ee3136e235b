//! `Real`: the floating-point numbers f32 and f64, for the naive references.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A floating-point number: f32 or f64.
pub trait Real:
    Copy
    + Default
    + AddAssign
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// One.
    const ONE: Self;

    /// tanh of the standard library.
    fn tanh(self) -> Self;

    /// 1 / (1 + e^-x) with the standard library's exponential.
    fn sigmoid(self) -> Self;

    /// True if the value is greater than zero.
    fn positive(self) -> bool;

    /// Square root.
    fn sqrt(self) -> Self;

    /// Converts a count.
    fn from_count(count: usize) -> Self;
}

macro_rules! real {
    ($($type:ty),*) => {$(
        impl Real for $type {
            const ONE: Self = 1.0;

            fn tanh(self) -> Self {
                self.tanh()
            }

            fn sigmoid(self) -> Self {
                1.0 / (1.0 + (-self).exp())
            }

            fn positive(self) -> bool {
                self > 0.0
            }

            fn sqrt(self) -> Self {
                self.sqrt()
            }

            fn from_count(count: usize) -> Self {
                count as Self
            }
        }
    )*};
}

real!(f32, f64);

//! Discrete Fourier transforms of complex numbers, in f32 and f64.
//!
//! They are rustfft's; a WebAssembly module has the transforms of `small.rs`. Its code is generic, and a crate that plans a transform compiles all of it: several megabytes for
//! each type of number, in each such crate. Here it is compiled once, behind functions that are not generic.

#[cfg(target_arch = "wasm32")]
mod small;

use std::sync::Arc;

use rustfft::FftDirection;

pub use rustfft::num_complex::Complex;
pub use rustfft::{Fft, FftNum};

/// A number that transforms are computed in.
///
/// # Example
/// ```
/// use stapes_fft::{Complex, Fft, Number};
///
/// let mut values = [1.0f32, 2.0, 3.0].map(|value| Complex::new(value, 0.0));
/// f32::forward(3).process(&mut values);
/// assert_eq!(values[0].re, 6.0);
/// ```
pub trait Number: FftNum {
    /// Returns the transform Z\[k\] = sum over n of z\[n\] exp(-2 pi i k n / N) of N = `length` numbers.
    fn forward(length: usize) -> Arc<dyn Fft<Self>>;

    /// Returns the transform z\[n\] = sum over k of Z\[k\] exp(2 pi i k n / N): N times the inverse of [`Number::forward`].
    fn inverse(length: usize) -> Arc<dyn Fft<Self>>;
}

#[cfg(not(target_arch = "wasm32"))]
fn plan<T: FftNum>(length: usize, direction: FftDirection) -> Arc<dyn Fft<T>> {
    rustfft::FftPlanner::new().plan_fft(length, direction)
}

#[cfg(target_arch = "wasm32")]
use small::plan;

macro_rules! number {
    ($type:ty) => {
        impl Number for $type {
            fn forward(length: usize) -> Arc<dyn Fft<$type>> {
                plan(length, FftDirection::Forward)
            }

            fn inverse(length: usize) -> Arc<dyn Fft<$type>> {
                plan(length, FftDirection::Inverse)
            }
        }
    };
}

number!(f32);
number!(f64);

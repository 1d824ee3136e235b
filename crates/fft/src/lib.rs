//! Discrete Fourier transforms of complex numbers, in f32 and f64.
//!
//! They are rustfft's. Its code is generic, and a crate that plans a transform compiles all of it: several megabytes for
//! each type of number, in each such crate. Here it is compiled once, behind functions that are not generic.

use std::sync::Arc;

use rustfft::FftPlanner;

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

impl Number for f32 {
    fn forward(length: usize) -> Arc<dyn Fft<f32>> {
        FftPlanner::new().plan_fft_forward(length)
    }

    fn inverse(length: usize) -> Arc<dyn Fft<f32>> {
        FftPlanner::new().plan_fft_inverse(length)
    }
}

impl Number for f64 {
    fn forward(length: usize) -> Arc<dyn Fft<f64>> {
        FftPlanner::new().plan_fft_forward(length)
    }

    fn inverse(length: usize) -> Arc<dyn Fft<f64>> {
        FftPlanner::new().plan_fft_inverse(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Number + Into<f64> + From<i16>>(tolerance: f64) {
        for length in [1, 2, 7, 12, 31, 64] {
            let input: Vec<i16> = (0..2 * length as i16).map(|n| n * 37 % 19 - 9).collect();
            let numbers: Vec<Complex<T>> =
                input.chunks(2).map(|pair| Complex::new(pair[0].into(), pair[1].into())).collect();
            let mut values = numbers.clone();
            T::forward(length).process(&mut values);
            for (k, value) in values.iter().enumerate() {
                let sum: Complex<f64> = (numbers.iter().enumerate())
                    .map(|(n, z)| {
                        let angle = -std::f64::consts::TAU * (k * n) as f64 / length as f64;
                        Complex::new(z.re.into(), z.im.into()) * Complex::cis(angle)
                    })
                    .sum();
                assert!(
                    (sum - Complex::new(value.re.into(), value.im.into())).norm() < tolerance,
                    "{length}: {k}"
                );
            }
            T::inverse(length).process(&mut values);
            for (back, z) in values.iter().zip(&numbers) {
                let back = Complex::new(back.re.into(), back.im.into()) / length as f64;
                assert!((back - Complex::new(z.re.into(), z.im.into())).norm() < tolerance, "{length}");
            }
        }
    }

    #[test]
    fn transforms_are_the_sums_that_define_them_and_each_other_s_inverse() {
        check::<f32>(1e-3);
        check::<f64>(1e-10);
    }
}

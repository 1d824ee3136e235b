//! Fast convolution with long responses.

use std::f64::consts::PI;
use std::sync::{Arc, OnceLock};

use stapes_fft::{Complex, Fft, Number};

/// Transforms of all sizes used so far.
pub(super) struct Convolver {
    /// Size 2^k is at index 2k, size 3 2^(k - 1) after it.
    transforms: [OnceLock<Transform>; 2 * usize::BITS as usize],
}

struct Transform {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    /// exp(i pi j / (2 M)) for j in 0..M.
    twist: Vec<Complex<f32>>,
    /// Inverse twist, including the factor 1/M of the transforms.
    untwist: Vec<Complex<f32>>,
}

impl Convolver {
    pub(super) fn new() -> Convolver {
        Convolver { transforms: [const { OnceLock::new() }; _] }
    }

    /// Returns y\[n\] = sum over k of response\[k\] x\[n - k\], with the length of x.
    ///
    /// The product of real polynomials modulo u^(2M) + 1 equals that of complex ones modulo u^M - i, whose
    /// coefficients are x\[j\] + i x\[j + M\]; with u = exp(i pi / (2 M)) v it is modulo v^M - 1, for which a
    /// transform of M points suffices. 2 M exceeds the degree of the product, so nothing wraps around.
    ///
    /// # Source
    /// Crandall and Fagin 1994, "Discrete weighted transforms and large-integer arithmetic" (right-angle convolution)
    pub(super) fn apply(&self, samples: &mut [f32], response: &[f32]) {
        let response = &response[..response.len().min(samples.len())];
        if response.is_empty() {
            return samples.fill(0.0);
        }
        let transform = self.transform((samples.len() + response.len() - 1).div_ceil(2));
        let points = transform.twist.len();
        let mut product = transform.spectrum(samples);
        let response = transform.spectrum(response);
        product.iter_mut().zip(&response).for_each(|(value, response)| *value *= response);
        transform.inverse.process(&mut product);
        product.iter_mut().zip(&transform.untwist).for_each(|(value, back)| *value *= back);
        let (first, second) = samples.split_at_mut(points.min(samples.len()));
        first.iter_mut().zip(&product).for_each(|(sample, value)| *sample = value.re);
        second.iter_mut().zip(&product).for_each(|(sample, value)| *sample = value.im);
    }

    /// Returns the smallest transform with at least `min_points` points.
    fn transform(&self, min_points: usize) -> &Transform {
        let power = min_points.next_power_of_two();
        let (points, at) = match power / 4 * 3 {
            smaller if smaller >= min_points => (smaller, 2 * smaller.ilog2() as usize + 1),
            _ => (power, 2 * power.ilog2() as usize),
        };
        self.transforms[at].get_or_init(|| Transform::new(points))
    }
}

impl Transform {
    fn new(points: usize) -> Transform {
        let turn = |j: usize| {
            let (sine, cosine) = (PI * j as f64 / (2 * points) as f64).sin_cos();
            Complex::new(cosine as f32, sine as f32)
        };
        let twist: Vec<Complex<f32>> = (0..points).map(turn).collect();
        Transform {
            forward: f32::forward(points),
            inverse: f32::inverse(points),
            untwist: twist.iter().map(|turn| turn.conj() / points as f32).collect(),
            twist,
        }
    }

    /// Transforms at most 2 M values.
    fn spectrum(&self, values: &[f32]) -> Vec<Complex<f32>> {
        let points = self.twist.len();
        let (first, second) = values.split_at(points.min(values.len()));
        let mut folded = vec![Complex::ZERO; points];
        folded.iter_mut().zip(first).for_each(|(to, value)| to.re = *value);
        folded.iter_mut().zip(second).for_each(|(to, value)| to.im = *value);
        folded.iter_mut().zip(&self.twist).for_each(|(value, turn)| *value *= turn);
        self.forward.process(&mut folded);
        folded
    }
}

#[cfg(test)]
mod tests {
    use stapes_random::Rng;

    use super::*;

    #[test]
    fn convolution_matches_the_direct_sum_for_all_lengths() {
        let convolver = Convolver::new();
        let mut stream = Rng::new(1, "convolve");
        let mut noise = |length: usize| (0..length).map(|_| stream.symmetric(1.0)).collect::<Vec<f32>>();
        for (length, taps) in
            [(1, 1), (1, 5), (2, 2), (7, 3), (16, 17), (40, 1), (100, 30), (129, 128), (300, 900)]
        {
            let (samples, response) = (noise(length), noise(taps));
            let mut convolved = samples.clone();
            convolver.apply(&mut convolved, &response);
            for (n, got) in convolved.iter().enumerate() {
                let terms = (0..taps.min(n + 1)).map(|k| f64::from(response[k]) * f64::from(samples[n - k]));
                let expected: f64 = terms.sum();
                assert!(
                    (f64::from(*got) - expected).abs() < 2e-5,
                    "{length}, {taps} at {n}: {got} {expected}"
                );
            }
        }
        let mut samples = noise(3);
        convolver.apply(&mut samples, &[]);
        assert_eq!(samples, [0.0; 3]);
    }

    #[test]
    fn transforms_are_slightly_larger_than_needed() {
        let convolver = Convolver::new();
        for (min_points, points) in
            [(1, 1), (2, 2), (3, 3), (4, 4), (5, 6), (7, 8), (12, 12), (13, 16), (14_400, 16_384)]
        {
            assert_eq!(convolver.transform(min_points).twist.len(), points, "{min_points}");
        }
    }
}

//! Convolution with long responses.

use std::f64::consts::PI;
use std::sync::{Arc, OnceLock};

use stapes_fft::{Complex, Fft, Number};

/// Transforms of every size that was needed so far.
pub(super) struct Convolver {
    /// Of 2^k points at 2k, of 3 2^(k - 1) points behind it.
    transforms: [OnceLock<Transform>; 2 * usize::BITS as usize],
}

struct Transform {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    /// exp(i pi j / (2 M)) for j in 0..M.
    turns: Vec<Complex<f32>>,
    /// What undoes them and the transforms' factor M.
    returns: Vec<Complex<f32>>,
}

impl Convolver {
    pub(super) fn new() -> Convolver {
        Convolver { transforms: [const { OnceLock::new() }; _] }
    }

    /// y\[n\] = sum over k of response\[k\] x\[n - k\], as many samples as there are.
    ///
    /// The product of real polynomials modulo u^(2M) + 1 is that of complex ones modulo u^M - i, whose coefficients are
    /// x\[j\] + i x\[j + M\]; with u = exp(i pi / (2 M)) v it is modulo v^M - 1, for which M points of a transform do.
    /// 2 M is more than the product's degree, so that nothing wraps.
    ///
    /// # Source
    /// Crandall and Fagin 1994, "Discrete weighted transforms and large-integer arithmetic" (right-angle convolution)
    pub(super) fn apply(&self, samples: &mut [f32], response: &[f32]) {
        let response = &response[..response.len().min(samples.len())];
        if response.is_empty() {
            return samples.fill(0.0);
        }
        let transform = self.transform((samples.len() + response.len() - 1).div_ceil(2));
        let points = transform.turns.len();
        let mut product = transform.spectrum(samples);
        let response = transform.spectrum(response);
        product.iter_mut().zip(&response).for_each(|(value, response)| *value *= response);
        transform.inverse.process(&mut product);
        product.iter_mut().zip(&transform.returns).for_each(|(value, back)| *value *= back);
        let (first, second) = samples.split_at_mut(points.min(samples.len()));
        first.iter_mut().zip(&product).for_each(|(sample, value)| *sample = value.re);
        second.iter_mut().zip(&product).for_each(|(sample, value)| *sample = value.im);
    }

    /// The smallest transform of at least so many points.
    fn transform(&self, least: usize) -> &Transform {
        let power = least.next_power_of_two();
        let (points, at) = match power / 4 * 3 {
            smaller if smaller >= least => (smaller, 2 * smaller.ilog2() as usize + 1),
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
        let turns: Vec<Complex<f32>> = (0..points).map(turn).collect();
        Transform {
            forward: f32::forward(points),
            inverse: f32::inverse(points),
            returns: turns.iter().map(|turn| turn.conj() / points as f32).collect(),
            turns,
        }
    }

    /// Of at most 2 M values.
    fn spectrum(&self, values: &[f32]) -> Vec<Complex<f32>> {
        let points = self.turns.len();
        let (first, second) = values.split_at(points.min(values.len()));
        let mut folded = vec![Complex::ZERO; points];
        folded.iter_mut().zip(first).for_each(|(to, value)| to.re = *value);
        folded.iter_mut().zip(second).for_each(|(to, value)| to.im = *value);
        folded.iter_mut().zip(&self.turns).for_each(|(value, turn)| *value *= turn);
        self.forward.process(&mut folded);
        folded
    }
}

#[cfg(test)]
mod tests {
    use stapes_random::Stream;

    use super::*;

    #[test]
    fn it_agrees_with_the_sum_for_all_lengths() {
        let convolver = Convolver::new();
        let mut stream = Stream::new(1, "convolve");
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
    fn transforms_are_little_larger_than_needed() {
        let convolver = Convolver::new();
        for (least, points) in
            [(1, 1), (2, 2), (3, 3), (4, 4), (5, 6), (7, 8), (12, 12), (13, 16), (14_400, 16_384)]
        {
            assert_eq!(convolver.transform(least).turns.len(), points, "{least}");
        }
    }
}

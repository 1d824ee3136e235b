//! Named, versioned random streams: the same seed gives the same numbers on every machine and after every
//! upgrade.
//!
//! A [`Rng`] is ChaCha with eight rounds (the cipher of RFC 8439, reduced), keyed by a seed and a name. The weights,
//! the shuffle and the split of a run therefore use different numbers, and a change in how many numbers one of them
//! draws does not affect the others. The distributions are implemented here because those of a library may change
//! between versions, which would make runs irreproducible.

mod fnv;

pub use fnv::Fnv1a;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

/// A random number generator whose stream of numbers is determined by a seed and a name.
///
/// # Example
/// ```
/// use stapes_random::Rng;
///
/// let mut weights = Rng::new(1, "weights");
/// assert_eq!(weights.uniform(), Rng::new(1, "weights").uniform());
/// assert_ne!(weights.uniform(), Rng::new(1, "shuffle").uniform());
/// ```
#[derive(Clone, Debug)]
pub struct Rng {
    generator: ChaCha8Rng,
}

impl Rng {
    /// Creates the generator of this seed and name.
    pub fn new(seed: u64, name: &str) -> Rng {
        Rng::numbered(seed, name, [0, 0])
    }

    /// Creates one of many generators of this seed and name, for example one per epoch and example; [`Rng::new`] is
    /// the one of `[0, 0]`.
    pub fn numbered(seed: u64, name: &str, numbers: [u64; 2]) -> Rng {
        let [first, second] = numbers;
        let mut key = [0u8; 32];
        let hash = |start: u64| {
            let mut hash = Fnv1a::with_start(start);
            hash.update(name.as_bytes());
            hash.value()
        };
        let parts = [seed, hash(0), hash(1) ^ first, hash(2) ^ second];
        for (chunk, part) in key.chunks_exact_mut(8).zip(parts) {
            chunk.copy_from_slice(&part.to_le_bytes());
        }
        Rng { generator: ChaCha8Rng::from_seed(key) }
    }

    /// Returns 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Returns a number in [0, 1), one of 2^24 with equal probability.
    pub fn uniform(&mut self) -> f32 {
        (self.generator.next_u32() >> 8) as f32 / (1u32 << 24) as f32
    }

    /// Returns a number in [-bound, bound).
    pub fn symmetric(&mut self, bound: f32) -> f32 {
        (2.0 * self.uniform() - 1.0) * bound
    }

    /// Returns a number from the normal distribution with mean 0 and standard deviation 1, computed from two uniform
    /// numbers; its magnitude is at most 5.8.
    ///
    /// # Source
    /// Box and Muller 1958, "A note on the generation of random normal deviates"
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - f64::from(self.uniform())).ln()).sqrt();
        radius * (std::f64::consts::TAU * f64::from(self.uniform())).cos()
    }

    /// Returns a number in 0..n with equal probability.
    ///
    /// # Panics
    /// If n is 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "Rng::below(0): n must be at least 1");
        let n = n as u64;
        // Lemire 2019, "Fast random integer generation in an interval": reject the uneven part, which is smaller than
        // n. Computing its size costs a division, which is rarely needed.
        loop {
            let product = u128::from(self.bits()) * u128::from(n);
            let low = product as u64;
            if low >= n || low >= n.wrapping_neg() % n {
                return (product >> 64) as usize;
            }
        }
    }

    /// Returns a number in [0, 1] from the distribution Beta(alpha, alpha). The time grows with alpha, which should
    /// not be much above 1; for small alpha nearly all numbers are close to 0 or 1.
    ///
    /// # Panics
    /// If alpha is not greater than 0.
    ///
    /// # Source
    /// Jöhnk 1964: X / (X + Y) with X = U^(1/alpha) and Y = V^(1/alpha), where X + Y is at most 1.
    pub fn beta(&mut self, alpha: f32) -> f32 {
        assert!(alpha > 0.0, "Rng::beta({alpha}): alpha must be greater than 0");
        loop {
            let drawn = [self.uniform(), self.uniform()].map(f64::from);
            let [x, y] = drawn.map(|u| u.powf(1.0 / f64::from(alpha)));
            if x + y > 0.0 && x + y <= 1.0 {
                return (x / (x + y)) as f32;
            }
            // Both are 0 in f64; their ratio is computed from the logarithms. Only two zeros have none.
            let [log_x, log_y] = drawn.map(|u| u.ln() / f64::from(alpha));
            if x + y == 0.0 && drawn != [0.0, 0.0] {
                return (1.0 / (1.0 + (log_y - log_x).exp())) as f32;
            }
        }
    }

    /// Shuffles the items; all orders have equal probability (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_a_seed_and_name_never_changes() {
        let mut rng = Rng::new(1, "weights");
        let drawn: Vec<u64> = (0..4).map(|_| rng.bits()).collect();
        let recorded =
            [10125711772944164815, 6476727785650089616, 14648156462849420302, 18118143253375313080];
        assert_eq!(drawn, recorded);
    }

    #[test]
    fn numbered_generators_differ() {
        let draw = |numbers| Rng::numbered(1, "weights", numbers).bits();
        assert_eq!(draw([0, 0]), Rng::new(1, "weights").bits());
        let drawn = [draw([0, 0]), draw([0, 1]), draw([1, 0]), draw([1, 1])];
        for (at, one) in drawn.iter().enumerate() {
            assert!(!drawn[..at].contains(one), "{drawn:?}");
        }
    }

    #[test]
    fn numbers_below_a_bound_are_uniform() {
        let mut rng = Rng::new(7, "even");
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[rng.below(6)] += 1;
        }
        // Standard deviation of a count: 91.
        assert!(counts.iter().all(|&count| (9_600..10_400).contains(&count)), "{counts:?}");
    }

    /// A quarter of all draws is rejected here; otherwise a third of the numbers would be twice as frequent as the
    /// others.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn numbers_below_a_very_large_bound_are_uniform() {
        let mut rng = Rng::new(7, "even");
        let mut counts = [0u32; 3];
        for _ in 0..30_000 {
            counts[rng.below(3 << 62) % 3] += 1;
        }
        // Standard deviation of a count: 82.
        assert!(counts.iter().all(|&count| (9_600..10_400).contains(&count)), "{counts:?}");
    }

    #[test]
    fn beta_has_its_mean_and_variance() {
        for alpha in [0.2f32, 1.0, 2.0] {
            let mut rng = Rng::new(2, "beta");
            let drawn: Vec<f64> = (0..20_000).map(|_| f64::from(rng.beta(alpha))).collect();
            assert!(drawn.iter().all(|value| (0.0..=1.0).contains(value)));
            let mean = drawn.iter().sum::<f64>() / 20_000.0;
            let variance = drawn.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 20_000.0;
            let expected = 1.0 / (4.0 * (2.0 * f64::from(alpha) + 1.0));
            assert!((mean - 0.5).abs() < 0.01, "{alpha}: {mean}");
            assert!((variance / expected - 1.0).abs() < 0.03, "{alpha}: {variance}, expected {expected}");
        }
    }

    #[test]
    fn beta_ends_for_every_small_alpha() {
        for alpha in [1e-2f32, 1e-3, 1e-12, f32::MIN_POSITIVE, f32::from_bits(1)] {
            let mut rng = Rng::new(2, "beta");
            let drawn: Vec<f32> = (0..2000).map(|_| rng.beta(alpha)).collect();
            assert!(drawn.iter().all(|value| (0.0..=1.0).contains(value)), "{alpha}");
            // Nearly all are at one of the ends, with equal probability. Standard deviation: 22.
            let high = drawn.iter().filter(|&&value| value > 0.99).count();
            let low = drawn.iter().filter(|&&value| value < 0.01).count();
            assert!(high + low > 1800 && high.abs_diff(1000) < 110, "{alpha}: {low} {high}");
        }
    }

    #[test]
    fn shuffle_is_a_permutation_that_moves_most_items() {
        let mut items: Vec<usize> = (0..100).collect();
        Rng::new(3, "shuffle").shuffle(&mut items);
        assert!(items.iter().enumerate().filter(|&(index, &item)| index == item).count() < 10);
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn uniform_numbers_cover_the_interval() {
        let mut rng = Rng::new(5, "uniform");
        let drawn: Vec<f32> = (0..10_000).map(|_| rng.uniform()).collect();
        assert!(drawn.iter().all(|value| (0.0..1.0).contains(value)));
        let mean = drawn.iter().sum::<f32>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }

    #[test]
    fn normal_numbers_have_the_moments_of_their_distribution() {
        let mut rng = Rng::new(5, "normal");
        let drawn: Vec<f64> = (0..40_000).map(|_| rng.normal()).collect();
        let power_mean = |power| drawn.iter().map(|value| value.powi(power)).sum::<f64>() / 40_000.0;
        let power_means = [1, 2, 3, 4].map(power_mean);
        // Standard deviations: 0.005, 0.007, 0.02, 0.05.
        for (power_mean, (expected, tolerance)) in
            power_means.iter().zip([(0.0, 0.02), (1.0, 0.03), (0.0, 0.08), (3.0, 0.2)])
        {
            assert!((power_mean - expected).abs() < tolerance, "{power_means:?}");
        }
    }
}

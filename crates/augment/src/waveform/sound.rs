//! Prepared sounds, and measurements of samples.

use stapes_random::Rng;

/// Samples of noise that are prepared once; each example uses a range of them.
pub(super) const NOISE_SAMPLES: usize = 1 << 19;

/// Returns white noise: normally distributed, with power 1.
pub(super) fn white() -> Vec<f32> {
    let mut stream = Rng::new(0, "augment white noise");
    (0..NOISE_SAMPLES).map(|_| stream.normal() as f32).collect()
}

/// Returns the sum of the squares.
pub(super) fn energy(samples: &[f32]) -> f64 {
    const LANES: usize = 8;
    // Few enough squares are added in f32 for a sum that is accurate to six digits.
    let sums = samples.chunks(256).map(|block| {
        let (eights, rest) = block.as_chunks::<LANES>();
        let mut sums = [0.0f32; LANES];
        for eight in eights {
            sums.iter_mut().zip(eight).for_each(|(sum, sample)| *sum += sample * sample);
        }
        f64::from(sums.iter().sum::<f32>() + rest.iter().map(|sample| sample * sample).sum::<f32>())
    });
    sums.sum()
}

/// Returns `length` samples from `start`, in slices; the sound is repeated after its end.
///
/// # Panics
/// If there are no samples, or `start` is after the last one.
pub(super) fn slices(sound: &[f32], start: usize, length: usize) -> impl Iterator<Item = &[f32]> {
    assert!(start < sound.len(), "sample {start} of {}", sound.len());
    let whole = std::iter::once(&sound[start..]).chain(std::iter::repeat(sound));
    whole.scan(length, |left, slice| {
        let slice = &slice[..slice.len().min(*left)];
        *left -= slice.len();
        (!slice.is_empty()).then_some(slice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_is_the_sum_of_squares() {
        let samples: Vec<f32> = (0..1003).map(|n| (n as f32 * 0.37).sin() * 1e3).collect();
        let expected: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
        assert!((energy(&samples) / expected - 1.0).abs() < 1e-6);
        assert_eq!(energy(&[]), 0.0);
    }

    #[test]
    fn slices_repeat_a_short_sound() {
        let sound = [1.0, 2.0, 3.0];
        let taken = |start, length| slices(&sound, start, length).flatten().copied().collect::<Vec<_>>();
        assert_eq!(taken(2, 6), [3.0, 1.0, 2.0, 3.0, 1.0, 2.0]);
        assert_eq!(taken(0, 2), [1.0, 2.0]);
        assert_eq!(slices(&sound, 1, 2).count(), 1);
        assert_eq!(slices(&sound, 0, 0).count(), 0);
    }

    #[test]
    fn white_noise_has_power_1_and_no_correlation() {
        let noise = white();
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / NOISE_SAMPLES as f64;
        let power = mean(&mut noise.iter().map(|&value| f64::from(value).powi(2)));
        assert!((power - 1.0).abs() < 0.01, "{power}");
        for lag in [1, 2, 7, 100] {
            let products = noise.iter().zip(&noise[lag..]).map(|(&a, &b)| f64::from(a * b));
            let along = mean(&mut products.into_iter());
            assert!(along.abs() < 0.008, "{lag}: {along}");
        }
    }
}

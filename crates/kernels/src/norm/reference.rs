//! Naive reference of batch normalization: plain loops, for f32 and f64.

use crate::real::Real;

/// Values of a channel in each example of a batch.
pub type Batch<R> = Vec<Vec<R>>;

/// Returns the mean and the biased variance of all values.
pub fn moments<R: Real>(batch: &Batch<R>) -> [R; 2] {
    let count = R::from_count(batch.iter().map(Vec::len).sum());
    let mut mean = R::default();
    for &y in batch.iter().flatten() {
        mean += y;
    }
    mean = mean / count;
    let mut variance = R::default();
    for &y in batch.iter().flatten() {
        variance += (y - mean) * (y - mean);
    }
    [mean, variance / count]
}

/// Returns (y - mean) / sqrt(variance + epsilon) weight + bias.
pub fn forward<R: Real>(batch: &Batch<R>, [weight, bias]: [R; 2], epsilon: R) -> Batch<R> {
    let [mean, variance] = moments(batch);
    let root = (variance + epsilon).sqrt();
    batch.iter().map(|example| example.iter().map(|&y| (y - mean) / root * weight + bias).collect()).collect()
}

/// Returns the gradients w.r.t. y, and w.r.t. weight and bias.
pub fn backward<R: Real>(batch: &Batch<R>, d: &Batch<R>, weight: R, epsilon: R) -> (Batch<R>, [R; 2]) {
    let [mean, variance] = moments(batch);
    let root = (variance + epsilon).sqrt();
    let count = R::from_count(batch.iter().map(Vec::len).sum());
    let (mut d_weight, mut d_bias) = (R::default(), R::default());
    for (&y, &d) in batch.iter().flatten().zip(d.iter().flatten()) {
        d_weight += d * (y - mean) / root;
        d_bias += d;
    }
    let of = |y: R, d: R| weight / root * (d - d_bias / count - (y - mean) / root * d_weight / count);
    let d_y = batch
        .iter()
        .zip(d)
        .map(|(example, d)| example.iter().zip(d).map(|(&y, &d)| of(y, d)).collect())
        .collect();
    (d_y, [d_weight, d_bias])
}

#[cfg(test)]
mod tests {
    use stapes_testkit::finite_difference::finite_difference;

    use super::*;

    #[test]
    fn gradients_match_finite_differences() {
        let numbers = |count: usize, seed: f64| -> Vec<f64> {
            (0..count).map(|index| (1.7 * index as f64 + seed).sin()).collect()
        };
        let batch = vec![numbers(5, 0.3), numbers(1, 1.0), numbers(8, 2.0)];
        let d = vec![numbers(5, 3.0), numbers(1, 4.0), numbers(8, 5.0)];
        let (affine, epsilon) = ([0.7, -0.2], 1e-3);
        let loss = |batch: &Batch<f64>, affine: [f64; 2]| -> f64 {
            let z = forward(batch, affine, epsilon);
            z.iter().flatten().zip(d.iter().flatten()).map(|(z, d)| z * d).sum()
        };
        let (d_y, d_affine) = backward(&batch, &d, affine[0], epsilon);
        let check = |got: f64, loss: &dyn Fn(f64) -> f64| {
            let slope = finite_difference(1e-3, loss);
            assert!((got - slope).abs() < 1e-8, "{got}, slope {slope}");
        };
        for (example, d_y) in d_y.iter().enumerate() {
            for (index, &got) in d_y.iter().enumerate() {
                check(got, &|offset| {
                    let mut moved = batch.clone();
                    moved[example][index] += offset;
                    loss(&moved, affine)
                });
            }
        }
        check(d_affine[0], &|offset| loss(&batch, [affine[0] + offset, affine[1]]));
        check(d_affine[1], &|offset| loss(&batch, [affine[0], affine[1] + offset]));
    }
}

//! What a prediction is compared with.

/// Turns scores into probabilities: p_k = exp(z_k - max z) / sum_j exp(z_j - max z).
///
/// # Shapes
/// One row of K scores, in place.
///
/// # Example
/// ```
/// let mut scores = [0.0, 0.0, f32::ln(2.0)];
/// stapes_nn::loss::softmax(&mut scores);
/// assert!((scores[2] - 0.5).abs() < 1e-6);
/// ```
pub fn softmax(scores: &mut [f32]) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - largest).exp();
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

/// Cross-entropy of a softmax: the mean over a batch of -ln p(class).
///
/// The logits [B, K] are overwritten by the gradient of the loss by the logits, (p - one_hot) / `whole_batch`;
/// what comes back is this part's share of the mean over the `whole_batch` examples.
///
/// # Panics
/// If a class is not below K or the shapes do not fit.
///
/// # Example
/// ```
/// let mut logits = [1.0, 1.0];
/// let loss = stapes_nn::loss::cross_entropy(&mut logits, &[0], 1);
/// assert!((loss - std::f64::consts::LN_2).abs() < 1e-6);
/// assert_eq!(logits, [-0.5, 0.5]);
/// ```
pub fn cross_entropy(logits: &mut [f32], classes: &[usize], whole_batch: usize) -> f64 {
    assert!(
        logits.len().is_multiple_of(classes.len()),
        "{} logits for {} examples",
        logits.len(),
        classes.len()
    );
    let width = logits.len() / classes.len();
    let mut loss = 0.0;
    for (row, &class) in logits.chunks_exact_mut(width).zip(classes) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let log_sum = row.iter().map(|&score| f64::from(score - largest).exp()).sum::<f64>().ln();
        loss += log_sum + f64::from(largest) - f64::from(row[class]);
        softmax(row);
        row[class] -= 1.0;
        row.iter_mut().for_each(|value| *value /= whole_batch as f32);
    }
    loss / whole_batch as f64
}

/// The class of the largest score; of equal scores the lower class. A NaN never wins.
pub fn best_class(scores: &[f32]) -> usize {
    let mut best = 0;
    for (class, &score) in scores.iter().enumerate() {
        if score > scores[best] || scores[best].is_nan() {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_matches_finite_differences() {
        let logits = [0.3f32, -1.2, 2.0, 0.1, 0.0, -0.4];
        let classes = [1, 2];
        let mut gradient = logits;
        cross_entropy(&mut gradient, &classes, 5);
        for at in 0..logits.len() {
            let mut above = logits;
            above[at] += 1e-2;
            let mut below = logits;
            below[at] -= 1e-2;
            let slope =
                (cross_entropy(&mut above, &classes, 5) - cross_entropy(&mut below, &classes, 5)) / 2e-2;
            assert!((slope - f64::from(gradient[at])).abs() < 1e-5, "{at}: {slope} and {}", gradient[at]);
        }
    }

    #[test]
    fn large_scores_do_not_overflow() {
        let mut scores = [1000.0f32, 999.0];
        assert!(cross_entropy(&mut scores, &[1], 1).is_finite());
        assert!(scores.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn ties_go_to_the_lower_class_and_nan_loses() {
        assert_eq!(best_class(&[0.2, 0.4, 0.4]), 1);
        assert_eq!(best_class(&[f32::NAN, 0.1]), 1);
    }
}

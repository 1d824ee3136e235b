//! Softmax, sigmoid and cross-entropy losses.

/// Replaces scores by their softmax: p_k = exp(z_k - max z) / sum_j exp(z_j - max z).
///
/// # Shapes
/// one row of K scores, in place
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

/// Softmax cross-entropy of one row: -ln p(class), times `weight`.
///
/// The logits \[K\] are overwritten by their gradient, (p - one_hot) `weight`.
///
/// # Panics
/// If the class is not below K.
///
/// # Example
/// ```
/// let mut logits = [1.0, 1.0];
/// let loss = stapes_nn::loss::cross_entropy(&mut logits, 0, 1.0);
/// assert!((loss - std::f64::consts::LN_2).abs() < 1e-6);
/// assert_eq!(logits, [-0.5, 0.5]);
/// ```
pub fn cross_entropy(logits: &mut [f32], class: usize, weight: f64) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let log_sum = logits.iter().map(|&score| f64::from(score - largest).exp()).sum::<f64>().ln();
    let loss = log_sum + f64::from(largest) - f64::from(logits[class]);
    softmax(logits);
    logits[class] -= 1.0;
    logits.iter_mut().for_each(|value| *value *= weight as f32);
    loss * weight
}

/// Softmax cross-entropy of one row with a soft target: -sum_k c_k ln p_k, times `weight`.
///
/// The logits \[K\] are overwritten by their gradient, (p sum_k c_k - c) `weight`. With one-hot c it is
/// [`cross_entropy`].
///
/// # Panics
/// If there is not one coefficient c_k per class.
///
/// # Example
/// ```
/// let mut logits = [1.0, 1.0];
/// let loss = stapes_nn::loss::soft_cross_entropy(&mut logits, &[0.75, 0.25], 1.0);
/// assert!((loss - std::f64::consts::LN_2).abs() < 1e-6);
/// assert_eq!(logits, [-0.25, 0.25]);
/// ```
pub fn soft_cross_entropy(logits: &mut [f32], coefficients: &[f32], weight: f64) -> f64 {
    assert_eq!(logits.len(), coefficients.len(), "one coefficient per class");
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let log_sum = logits.iter().map(|&score| f64::from(score - largest).exp()).sum::<f64>().ln();
    let minus_log = |score: f32| log_sum + f64::from(largest) - f64::from(score);
    let terms = logits.iter().zip(coefficients);
    let loss: f64 = terms.map(|(&score, &coefficient)| f64::from(coefficient) * minus_log(score)).sum();
    let total: f32 = coefficients.iter().sum();
    softmax(logits);
    for (value, coefficient) in logits.iter_mut().zip(coefficients) {
        *value = (*value * total - coefficient) * weight as f32;
    }
    loss * weight
}

/// Sigmoid cross-entropy of one score: -ln p for target 1 or -ln(1 - p) for target 0, times `weight`.
///
/// The score is overwritten by its gradient, (p - target) `weight`.
///
/// # Example
/// ```
/// let mut score = 0.0;
/// let loss = stapes_nn::loss::binary_cross_entropy(&mut score, true, 1.0);
/// assert!((loss - std::f64::consts::LN_2).abs() < 1e-6);
/// assert_eq!(score, -0.5);
/// ```
pub fn binary_cross_entropy(score: &mut f32, target: bool, weight: f64) -> f64 {
    let wide = f64::from(*score);
    let target = f64::from(u8::from(target));
    // ln(1 + e^s) - target * s, without overflow.
    let loss = wide.max(0.0) - target * wide + (-wide.abs()).exp().ln_1p();
    *score = ((f64::from(sigmoid(*score)) - target) * weight) as f32;
    loss * weight
}

/// Sigmoid cross-entropy of one score with a soft target: -c_0 ln(1 - p) - c_1 ln p, times `weight`.
///
/// The score is overwritten by its gradient, (p (c_0 + c_1) - c_1) `weight`.
///
/// # Panics
/// If there are not exactly two coefficients.
pub fn soft_binary_cross_entropy(score: &mut f32, coefficients: &[f32], weight: f64) -> f64 {
    let &[negative, positive] = coefficients else { panic!("two coefficients: {coefficients:?}") };
    let (mut d_negative, mut d_positive) = (*score, *score);
    let loss = f64::from(negative) * binary_cross_entropy(&mut d_negative, false, weight)
        + f64::from(positive) * binary_cross_entropy(&mut d_positive, true, weight);
    *score = negative * d_negative + positive * d_positive;
    loss
}

/// 1 / (1 + e^-s).
pub fn sigmoid(score: f32) -> f32 {
    1.0 / (1.0 + (-score).exp())
}

/// Returns the class with the largest score; the lower class on a tie. NaN never wins.
pub fn argmax(scores: &[f32]) -> usize {
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
    fn gradients_match_finite_differences() {
        let logits = [0.3f32, -1.2, 2.0];
        let mut gradient = logits;
        cross_entropy(&mut gradient, 1, 0.4);
        for at in 0..logits.len() {
            let loss = |step: f32| {
                let mut moved = logits;
                moved[at] += step;
                cross_entropy(&mut moved, 1, 0.4)
            };
            let slope = (loss(1e-2) - loss(-1e-2)) / 2e-2;
            assert!((slope - f64::from(gradient[at])).abs() < 1e-5, "{at}: {slope} and {}", gradient[at]);
        }
        let coefficients = [0.1, 0.9, 0.3];
        let mut gradient = logits;
        soft_cross_entropy(&mut gradient, &coefficients, 0.4);
        for at in 0..logits.len() {
            let loss = |step: f32| {
                let mut moved = logits;
                moved[at] += step;
                soft_cross_entropy(&mut moved, &coefficients, 0.4)
            };
            let slope = (loss(1e-2) - loss(-1e-2)) / 2e-2;
            assert!((slope - f64::from(gradient[at])).abs() < 1e-5, "{at}: {slope} and {}", gradient[at]);
        }
        for target in [false, true] {
            let loss = |score: f32| binary_cross_entropy(&mut score.clone(), target, 0.4);
            let slope = (loss(0.71) - loss(0.69)) / 2e-2;
            let mut gradient = 0.7;
            binary_cross_entropy(&mut gradient, target, 0.4);
            assert!((slope - f64::from(gradient)).abs() < 1e-5, "{target}: {slope} and {gradient}");
        }
    }

    #[test]
    fn large_scores_do_not_overflow() {
        let mut scores = [1000.0f32, 999.0];
        assert!((cross_entropy(&mut scores, 1, 1.0) - 1.3133).abs() < 1e-3);
        assert!(scores.iter().all(|value| value.is_finite()));
        let mut score = -1000.0;
        assert_eq!(binary_cross_entropy(&mut score, true, 1.0), 1000.0);
        assert_eq!(score, -1.0);
    }

    #[test]
    fn ties_go_to_the_lower_class_and_nan_loses() {
        assert_eq!(argmax(&[0.2, 0.4, 0.4]), 1);
        assert_eq!(argmax(&[f32::NAN, 0.1]), 1);
    }
}

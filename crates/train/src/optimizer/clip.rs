//! Gradient clipping by the global norm.

/// Scales a gradient down to `max_norm`, if it is given and exceeded, as PyTorch's `clip_grad_norm_` does. Returns the norm
/// before clipping.
pub(super) fn clip(gradients: &mut [f32], max_norm: Option<f32>) -> f32 {
    let norm = gradients.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt() as f32;
    let factor = max_norm.map_or(1.0, |max_norm| max_norm / (norm + 1e-6));
    if factor < 1.0 {
        gradients.iter_mut().for_each(|value| *value *= factor);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_gradient_is_scaled_to_the_maximum_norm_and_a_small_one_is_unchanged() {
        let mut large = [3.0, 4.0];
        assert_eq!(clip(&mut large, Some(1.0)), 5.0);
        assert!((large[0] - 0.6).abs() < 1e-6 && (large[1] - 0.8).abs() < 1e-6, "{large:?}");
        let mut small = [0.3, 0.4];
        clip(&mut small, Some(1.0));
        clip(&mut small, None);
        assert_eq!(small, [0.3, 0.4]);
    }
}

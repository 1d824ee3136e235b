//! Clipping by the global norm.

/// Scales a gradient down to norm `largest`, if there is one and it is longer, as PyTorch's `clip_grad_norm_` does;
/// returns the norm it had.
pub(super) fn clip(gradients: &mut [f32], largest: Option<f32>) -> f32 {
    let norm = gradients.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt() as f32;
    let factor = largest.map_or(1.0, |largest| largest / (norm + 1e-6));
    if factor < 1.0 {
        gradients.iter_mut().for_each(|value| *value *= factor);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_gradient_is_scaled_to_the_largest_norm_and_a_short_one_kept() {
        let mut long = [3.0, 4.0];
        assert_eq!(clip(&mut long, Some(1.0)), 5.0);
        assert!((long[0] - 0.6).abs() < 1e-6 && (long[1] - 0.8).abs() < 1e-6, "{long:?}");
        let mut short = [0.3, 0.4];
        clip(&mut short, Some(1.0));
        clip(&mut short, None);
        assert_eq!(short, [0.3, 0.4]);
    }
}

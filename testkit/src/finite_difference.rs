//! Numerical derivatives, to check gradients.

/// Derivative of f at 0 by the central difference of fourth order,
/// (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h with h = `step`.
pub fn finite_difference(step: f64, mut f: impl FnMut(f64) -> f64) -> f64 {
    let near = f(step) - f(-step);
    let far = f(2.0 * step) - f(-2.0 * step);
    (8.0 * near - far) / (12.0 * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivative_of_a_polynomial_of_degree_4_is_exact() {
        let slope = finite_difference(0.5, |x| 3.0 + 2.0 * x - 5.0 * x * x + x.powi(3) - 4.0 * x.powi(4));
        assert!((slope - 2.0).abs() < 1e-12, "{slope}");
    }
}

//! Comparisons of values within a tolerance.

/// Returns the largest absolute difference of two slices, or an error: unequal lengths, or a NaN in only one of them.
pub fn largest_difference(got: &[f64], expected: &[f64]) -> Result<f64, String> {
    if got.len() != expected.len() {
        return Err(format!("{} values, expected {}", got.len(), expected.len()));
    }
    let mut largest = 0.0f64;
    for (index, (&a, &b)) in got.iter().zip(expected).enumerate() {
        if a == b || (a.is_nan() && b.is_nan()) {
            continue;
        }
        let difference = (a - b).abs();
        if difference.is_nan() {
            return Err(format!("element {index} is {a}, expected {b}"));
        }
        largest = largest.max(difference);
    }
    Ok(largest)
}

/// Checks that no element differs by more than `absolute`.
pub fn check_absolute(what: &str, got: &[f64], expected: &[f64], absolute: f64) -> Result<(), String> {
    let largest = largest_difference(got, expected).map_err(|reason| format!("{what}: {reason}"))?;
    if largest <= absolute {
        return Ok(());
    }
    Err(format!("{what}: differs by up to {largest:.3e}, allowed {absolute:.3e}"))
}

/// Checks that no element differs by more than `relative` times the largest magnitude of `expected`.
pub fn check_relative_to_largest(
    what: &str,
    got: &[f64],
    expected: &[f64],
    relative: f64,
) -> Result<(), String> {
    let largest = expected.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    check_absolute(what, got, expected, relative * largest)
}

/// Checks that no element differs by more than `tolerance`, relative to the largest magnitude of `expected`
/// where that exceeds one.
pub fn check_mixed(what: &str, got: &[f64], expected: &[f64], tolerance: f64) -> Result<(), String> {
    let largest = expected.iter().fold(1.0f64, |largest, value| largest.max(value.abs()));
    check_absolute(what, got, expected, tolerance * largest)
}

/// Converts f32 values to f64.
pub fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_beyond_the_tolerance_is_an_error() {
        assert!(check_absolute("x", &[1.0, 2.0], &[1.0, 2.1], 0.2).is_ok());
        assert!(check_absolute("x", &[1.0, 2.0], &[1.0, 2.1], 0.05).is_err());
        assert!(check_relative_to_largest("x", &[100.0, 2.0], &[100.0, 2.5], 0.01).is_ok());
        assert!(check_mixed("x", &[0.1, 0.2], &[0.1, 0.25], 0.01).is_err());
    }

    #[test]
    fn unequal_lengths_and_stray_nans_are_errors() {
        assert!(largest_difference(&[1.0], &[1.0, 2.0]).is_err());
        assert!(largest_difference(&[f64::NAN], &[1.0]).is_err());
        assert!(largest_difference(&[1.0], &[f64::NAN]).is_err());
    }
}

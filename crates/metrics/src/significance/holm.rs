//! Correction for multiple comparisons.

use crate::MetricsError;

/// Returns p-values adjusted for multiple comparisons by Holm's step-down method.
///
/// With the m values in ascending order p(1) <= ... <= p(m), the adjusted i-th is max over j <= i of min(1, (m - j + 1)
/// p(j)). If values of at most 0.05 are called significant, the probability of any false positive is at most 0.05,
/// whatever the dependence between the tests.
///
/// # Shapes
/// p_values `[M]` -> adjusted `[M]`, in the same order
///
/// # Errors
/// [`MetricsError::NotInUnitInterval`] for a value outside [0, 1] or NaN.
///
/// # Example
/// ```
/// let adjusted = stapes_metrics::holm(&[0.01, 0.04, 0.03, 0.005])?;
/// assert_eq!(adjusted, [0.03, 0.06, 0.06, 0.02]);
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
///
/// # Source
/// Holm 1979, "A simple sequentially rejective multiple test procedure". Equal to `multipletests(p, method="holm")[1]`
/// of statsmodels 0.15.0.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, MetricsError> {
    if let Some(index) = p_values.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(MetricsError::NotInUnitInterval {
            place: format!("p_values[{index}]"),
            value: p_values[index],
        });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &index) in order.iter().enumerate() {
        let hypotheses = (p_values.len() - rank) as f64;
        largest = largest.max((hypotheses * p_values[index]).min(1.0));
        adjusted[index] = largest;
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn adjusted_values_match_statsmodels() {
        // statsmodels 0.15.0: multipletests(p, method="holm")[1].
        let recorded: [(&[f64], &[f64]); 4] = [
            (&[0.01, 0.04, 0.03, 0.005], &[0.03, 0.06, 0.06, 0.02]),
            (&[0.2, 0.5, 0.9], &[0.6, 1.0, 1.0]),
            (&[0.001, 0.001, 0.3, 0.02, 0.02], &[0.005, 0.005, 0.3, 0.06, 0.06]),
            (&[0.04], &[0.04]),
        ];
        for (p_values, expected) in recorded {
            let found = holm(p_values).unwrap();
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-15, "{p_values:?}: {found} {expected}");
            }
        }
        assert!(holm(&[]).unwrap().is_empty());
    }

    #[test]
    fn values_outside_the_unit_interval_are_rejected() {
        let error = holm(&[0.1, 1.5]).unwrap_err();
        assert_eq!(error.to_string(), "p_values[1] = 1.5 is not in [0, 1]; pass a probability or rate");
        assert!(matches!(holm(&[f64::NAN]), Err(MetricsError::NotInUnitInterval { .. })));
    }

    proptest! {
        #[test]
        fn adjusting_keeps_the_order_and_lies_between_p_and_m_times_p(
            p_values in proptest::collection::vec(0.0f64..=1.0, 1..20),
        ) {
            let adjusted = holm(&p_values).unwrap();
            let m = p_values.len() as f64;
            for (i, (&p, &a)) in p_values.iter().zip(&adjusted).enumerate() {
                prop_assert!(p <= a && a <= (m * p).min(1.0) + 1e-15, "{p} {a}");
                for (&q, &b) in p_values.iter().zip(&adjusted).skip(i) {
                    prop_assert!(p > q || a <= b);
                    prop_assert!(p < q || a >= b);
                }
            }
        }
    }
}

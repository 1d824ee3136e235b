//! Two classifiers on the same examples.

use serde::Serialize;

use crate::EvalError;

/// The exact test of McNemar: whether two classifiers that were tested on the same examples are equally often right.
///
/// Only the n examples that exactly one of them has right say anything. Were both equally good, each of these would
/// be the first's with probability 1/2; p is the two-sided probability of a division at least as uneven:
/// min(1, 2 Σ C(n, i) / 2^n) over i from 0 to the smaller count. With n = 0 it is 1.
///
/// # Example
/// ```
/// use stapes_eval::McNemar;
///
/// let test = McNemar::of_counts(3, 9);
/// assert!((test.p - 0.14599609375).abs() < 1e-15);
///
/// let test = McNemar::of(&[true, true, false, true], &[true, false, false, false])?;
/// assert_eq!((test.only_first, test.only_second, test.p), (2, 0, 0.5));
/// # Ok::<(), stapes_eval::EvalError>(())
/// ```
///
/// # Source
/// McNemar 1947, "Note on the sampling error of the difference between correlated proportions or percentages". Equal
/// to `mcnemar(table, exact=True)` of statsmodels 0.15.0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct McNemar {
    /// Examples that only the first has right.
    pub only_first: u64,
    /// Examples that only the second has right.
    pub only_second: u64,
    /// The two-sided p.
    pub p: f64,
}

impl McNemar {
    /// The test of two classifiers by which examples each has right.
    ///
    /// # Shapes
    /// first `[N]`, second `[N]`, the same examples in the same order
    ///
    /// # Errors
    /// [`EvalError::Unpaired`] if there are not as many of one as of the other.
    pub fn of(first: &[bool], second: &[bool]) -> Result<McNemar, EvalError> {
        if first.len() != second.len() {
            let at = first.len().min(second.len());
            return Err(EvalError::Unpaired { side: "second", run: 0, of: "examples", at });
        }
        let pairs = || first.iter().zip(second);
        let only_first = pairs().filter(|(first, second)| **first && !**second).count();
        let only_second = pairs().filter(|(first, second)| !**first && **second).count();
        Ok(McNemar::of_counts(only_first as u64, only_second as u64))
    }

    /// The test by how many examples only the first and only the second have right.
    pub fn of_counts(only_first: u64, only_second: u64) -> McNemar {
        let (fewer, n) = (only_first.min(only_second), only_first + only_second);
        McNemar { only_first, only_second, p: (2.0 * lower_tail(fewer, n)).min(1.0) }
    }
}

/// Σ C(n, i) / 2^n over i from 0 to k, for 2 k <= n.
fn lower_tail(k: u64, n: u64) -> f64 {
    // C(n, k) / 2^n as a product: a half is taken whenever the product is above 1, so that it stays in range.
    let mut term = 1.0f64;
    let mut halves = n;
    for i in 0..k {
        term *= (n - i) as f64 / (i + 1) as f64;
        while term > 1.0 && halves > 0 {
            term *= 0.5;
            halves -= 1;
        }
    }
    // What is below the least f64 is 0.
    term *= 0.5f64.powf(halves as f64);
    // From the largest term downwards: C(n, i - 1) = C(n, i) i / (n - i + 1).
    let mut sum = term;
    for i in (1..=k).rev() {
        term *= i as f64 / (n - i + 1) as f64;
        sum += term;
        if term < sum * 1e-18 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn p_matches_statsmodels_from_none_to_a_hundred_thousand() {
        // statsmodels 0.15.0: mcnemar([[0, b], [c, 0]], exact=True).pvalue.
        let recorded = [
            (0, 0, 1.0),
            (1, 0, 1.0),
            (0, 5, 0.0625),
            (3, 9, 0.14599609375),
            (10, 10, 1.0),
            (10, 25, 0.016673847800120715),
            (70, 40, 0.005447429511444476),
            (1500, 1700, 0.00043334035939974455),
            (4000, 6000, 1.7404316412268293e-89),
            (50000, 49000, 0.0014980826229750034),
            (0, 1000, 1.8665272370064378e-301),
        ];
        for (only_first, only_second, expected) in recorded {
            let p = McNemar::of_counts(only_first, only_second).p;
            assert!((p - expected).abs() < 1e-10 * expected, "{only_first}, {only_second}: {p} {expected}");
        }
        assert_eq!(McNemar::of_counts(0, 2_000).p, 0.0);
    }

    #[test]
    fn unpaired_examples_are_refused() {
        let error = McNemar::of(&[true; 3], &[true; 2]).unwrap_err().to_string();
        assert!(
            error.starts_with("second[0] was tested on other examples than first[0], from number 2"),
            "{error}"
        );
    }

    proptest! {
        // Every way in which the discordant examples can divide, counted.
        #[test]
        fn p_is_the_share_of_divisions_at_least_as_uneven(only_first in 0u64..9, only_second in 0u64..9) {
            let n = only_first + only_second;
            let uneven = |first: u64| first.abs_diff(n - first);
            let observed = uneven(only_first);
            let as_uneven = (0..1u64 << n).filter(|ways| uneven(u64::from(ways.count_ones())) >= observed).count();
            let expected = as_uneven as f64 / (1u64 << n) as f64;
            let p = McNemar::of_counts(only_first, only_second).p;
            prop_assert!((p - expected).abs() < 1e-12, "{p} {expected}");
            prop_assert_eq!(McNemar::of_counts(only_second, only_first).p, p);
        }
    }
}

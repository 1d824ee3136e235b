//! Area under the ROC curve (AUC) of scores.

/// Returns the area under the ROC curve (AUC) of scores.
///
/// This is the fraction of all pairs of a positive and a negative example in which the positive one has the higher
/// score; a pair of equal scores counts one half. It is 1/2 for uninformative scores, and None without positive or
/// without negative examples.
///
/// # Shapes
/// scores `[N]`, positive `[N]`
///
/// # Panics
/// If the numbers of scores and labels differ, or a score is NaN.
///
/// # Example
/// ```
/// // Pairs: (0.9, 0.3), (0.9, 0.5), (0.5, 0.3), (0.5, 0.5); the last is a tie.
/// let auc = stapes_metrics::roc_auc(&[0.9, 0.5, 0.3, 0.5], &[true, true, false, false]);
/// assert_eq!(auc, Some(3.5 / 4.0));
/// ```
///
/// # Source
/// Equal to `roc_auc_score` of scikit-learn 1.9.1; the Mann-Whitney statistic over the number of pairs.
pub fn roc_auc(scores: &[f32], positive: &[bool]) -> Option<f64> {
    assert_eq!(scores.len(), positive.len(), "one score per label");
    let pairs = scores.iter().zip(positive).map(|(&score, &positive)| (score, positive, 0));
    Ranking::new(pairs).auc(|_| 1)
}

/// Examples ranked by score, each with the number of its group.
pub(crate) struct Ranking {
    /// Score, positive or not, and group, in ascending order of scores.
    sorted: Vec<(f32, bool, u32)>,
}

impl Ranking {
    /// Ranks scores with their labels and groups.
    pub(crate) fn new(examples: impl Iterator<Item = (f32, bool, u32)>) -> Ranking {
        let mut sorted: Vec<_> = examples.collect();
        assert!(sorted.iter().all(|(score, ..)| !score.is_nan()), "a score is NaN");
        // 0 and -0 are equal and adjacent.
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ranking { sorted }
    }

    /// Returns the area if every example counts `times(group)` times.
    pub(crate) fn auc(&self, times: impl Fn(u32) -> u64) -> Option<f64> {
        let (mut positives, mut negatives) = (0u64, 0u64);
        // Ordered pairs, counted in halves: integers, so that the sum is exact.
        let mut halves = 0u128;
        let mut tied = (0u64, 0u64);
        for (index, &(score, positive, group)) in self.sorted.iter().enumerate() {
            *(if positive { &mut tied.0 } else { &mut tied.1 }) += times(group);
            if self.sorted.get(index + 1).is_none_or(|next| next.0 != score) {
                halves += u128::from(tied.0) * u128::from(2 * negatives + tied.1);
                (positives, negatives) = (positives + tied.0, negatives + tied.1);
                tied = (0, 0);
            }
        }
        let pairs = u128::from(positives) * u128::from(negatives);
        (pairs > 0).then(|| halves as f64 / (2.0 * pairs as f64))
    }

    /// Returns each distinct score in descending order, with the numbers of negatives and positives that have at least
    /// this score.
    pub(crate) fn counts_from_above(&self) -> Vec<(f32, u64, u64)> {
        let mut counts: Vec<(f32, u64, u64)> = Vec::new();
        for &(score, positive, _) in self.sorted.iter().rev() {
            let (false_positives, true_positives) = counts.last().map_or((0, 0), |last| (last.1, last.2));
            let now = (score, false_positives + u64::from(!positive), true_positives + u64::from(positive));
            match counts.last_mut() {
                Some(last) if last.0 == score => *last = now,
                _ => counts.push(now),
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_the_fraction_of_ordered_pairs() {
        // Scores of two digits give many ties; compared with a loop over all pairs.
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        for count in [2, 5, 40, 300] {
            let labels: Vec<bool> =
                (0..count).map(|index| index == 0 || (index != 1 && next() % 3 == 0)).collect();
            let score = |&label: &bool| (next() % 60) as f32 / 100.0 + if label { 0.2 } else { 0.0 };
            let mut score = score;
            let scores: Vec<f32> = labels.iter().map(&mut score).collect();
            let (mut ordered, mut pairs) = (0.0, 0.0);
            for (a, _) in labels.iter().enumerate().filter(|(_, label)| **label) {
                for (b, _) in labels.iter().enumerate().filter(|(_, label)| !**label) {
                    pairs += 1.0;
                    ordered += match scores[a].total_cmp(&scores[b]) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
            assert_eq!(roc_auc(&scores, &labels), Some(ordered / pairs), "{count}");
        }
    }

    #[test]
    fn the_area_of_perfect_inverted_and_constant_scores() {
        let labels = [false, false, true, true];
        assert_eq!(roc_auc(&[0.1, 0.2, 0.3, 0.4], &labels), Some(1.0));
        assert_eq!(roc_auc(&[0.4, 0.3, 0.2, 0.1], &labels), Some(0.0));
        assert_eq!(roc_auc(&[0.0, -0.0, 0.0, -0.0], &labels), Some(0.5));
        assert_eq!(roc_auc(&[0.1, 0.2], &[true, true]), None);
        assert_eq!(roc_auc(&[], &[]), None);
    }

    #[test]
    fn a_group_is_weighted_by_its_draws() {
        let examples = [(0.9, true, 0), (0.8, false, 0), (0.7, true, 1), (0.8, true, 1), (0.1, false, 2)];
        let drawn = [2u64, 1, 0];
        let ranking = Ranking::new(examples.into_iter());
        let repeated: Vec<_> = examples
            .iter()
            .flat_map(|example| std::iter::repeat_n(*example, drawn[example.2 as usize] as usize))
            .collect();
        let scores: Vec<f32> = repeated.iter().map(|(score, ..)| *score).collect();
        let labels: Vec<bool> = repeated.iter().map(|(_, label, _)| *label).collect();
        assert_eq!(ranking.auc(|group| drawn[group as usize]), roc_auc(&scores, &labels));
    }
}

//! The confusion matrix: what was said, counted by what it was.

use std::collections::HashMap;

use serde::Serialize;

use crate::MetricsError;

/// How often each class was taken for each class.
///
/// `counts[t][p]` is the number of examples of class t that were predicted as class p: rows are the truth,
/// columns the prediction.
///
/// # Shapes
/// K classes -> counts `[K, K]`
///
/// # Example
/// ```
/// use stapes_metrics::Confusion;
///
/// let classes = ["no".to_string(), "yes".to_string()];
/// let confusion = Confusion::new(&classes, &[0, 0, 1], &[0, 1, 1])?;
/// assert_eq!(confusion.counts(), [[1, 1], [0, 1]]);
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    classes: Vec<String>,
    counts: Vec<Vec<u64>>,
}

/// One way to be wrong: examples of one class predicted as another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ConfusedPair {
    /// Index of the true class.
    pub truth: usize,
    /// Index of the predicted class.
    pub prediction: usize,
    /// Number of examples.
    pub count: u64,
    /// Part of the true class's examples, in [0, 1].
    pub share: f64,
}

impl Confusion {
    /// Counts the predictions.
    ///
    /// # Shapes
    /// classes `[K]`, truths `[N]`, predictions `[N]`, each entry in 0..K
    ///
    /// # Errors
    /// [`MetricsError::NoClasses`] and [`MetricsError::DuplicateClass`] for the names,
    /// [`MetricsError::UnequalLengths`] and [`MetricsError::ClassOutOfRange`] for the examples.
    pub fn new(
        classes: &[String],
        truths: &[usize],
        predictions: &[usize],
    ) -> Result<Confusion, MetricsError> {
        check_names(classes)?;
        if truths.len() != predictions.len() {
            return Err(MetricsError::UnequalLengths {
                truths: truths.len(),
                predictions: predictions.len(),
            });
        }
        check_range("truths", truths, classes.len())?;
        check_range("predictions", predictions, classes.len())?;
        let mut counts = vec![vec![0; classes.len()]; classes.len()];
        for (&truth, &prediction) in truths.iter().zip(predictions) {
            counts[truth][prediction] += 1;
        }
        Ok(Confusion { classes: classes.to_vec(), counts })
    }

    /// The class names, in the order of rows and columns.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The counts, a row for each true class: `[K, K]`.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// Number of examples.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Number of examples predicted as what they are: the diagonal's sum.
    pub fn correct(&self) -> u64 {
        (0..self.classes.len()).map(|class| self.counts[class][class]).sum()
    }

    /// Number of examples of this class: its row's sum.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn support(&self, class: usize) -> u64 {
        self.counts[class].iter().sum()
    }

    /// Number of examples predicted as this class: its column's sum.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// The ways to be wrong that happened, at most `limit`, the most frequent first.
    ///
    /// Equal counts are ordered by their share of the true class, then by the order of the classes.
    ///
    /// # Example
    /// ```
    /// use stapes_metrics::Confusion;
    ///
    /// let classes = ["bed".to_string(), "cat".to_string(), "happy".to_string()];
    /// let confusion = Confusion::new(&classes, &[0, 0, 0, 1, 2, 2], &[0, 1, 1, 2, 2, 2])?;
    /// let worst = confusion.most_confused(1)[0];
    /// assert_eq!((worst.truth, worst.prediction, worst.count), (0, 1, 2));
    /// assert_eq!(confusion.most_confused(10).len(), 2);
    /// # Ok::<(), stapes_metrics::MetricsError>(())
    /// ```
    pub fn most_confused(&self, limit: usize) -> Vec<ConfusedPair> {
        let mut pairs = Vec::new();
        for (truth, row) in self.counts.iter().enumerate() {
            let support = self.support(truth) as f64;
            for (prediction, &count) in row.iter().enumerate() {
                if truth != prediction && count > 0 {
                    pairs.push(ConfusedPair { truth, prediction, count, share: count as f64 / support });
                }
            }
        }
        // A stable sort: what is equal keeps the order of the classes.
        pairs.sort_by(|a, b| b.count.cmp(&a.count).then(b.share.total_cmp(&a.share)));
        pairs.truncate(limit);
        pairs
    }

    /// Number of different ways to be wrong that happened.
    pub fn confused_pairs(&self) -> usize {
        let happened = self.counts.iter().flatten().filter(|&&count| count > 0).count();
        let right = (0..self.classes.len()).filter(|&class| self.counts[class][class] > 0).count();
        happened - right
    }
}

fn check_names(classes: &[String]) -> Result<(), MetricsError> {
    if classes.is_empty() {
        return Err(MetricsError::NoClasses);
    }
    let mut seen = HashMap::new();
    for (second, label) in classes.iter().enumerate() {
        if let Some(first) = seen.insert(label, second) {
            return Err(MetricsError::DuplicateClass { label: label.clone(), first, second });
        }
    }
    Ok(())
}

fn check_range(list: &'static str, indices: &[usize], classes: usize) -> Result<(), MetricsError> {
    match indices.iter().position(|&class| class >= classes) {
        Some(example) => {
            Err(MetricsError::ClassOutOfRange { list, example, class: indices[example], classes })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|label| label.to_string()).collect()
    }

    #[test]
    fn rows_are_the_truth_and_columns_the_prediction() {
        let confusion = Confusion::new(&names(&["a", "b", "c"]), &[0, 0, 1, 2, 2], &[1, 1, 1, 0, 2]).unwrap();
        assert_eq!(confusion.counts(), [[0, 2, 0], [0, 1, 0], [1, 0, 1]]);
        assert_eq!((confusion.support(0), confusion.predicted(0)), (2, 1));
        assert_eq!((confusion.correct(), confusion.total()), (2, 5));
        assert_eq!(confusion.confused_pairs(), 2);
    }

    #[test]
    fn equal_counts_are_ordered_by_share_then_by_class() {
        // a: 4 examples, one taken for b, one for c; b: 2 examples, one taken for a.
        let truths = [0, 0, 0, 0, 1, 1, 2];
        let predictions = [0, 0, 2, 1, 1, 0, 2];
        let confusion = Confusion::new(&names(&["a", "b", "c"]), &truths, &predictions).unwrap();
        let order: Vec<_> =
            confusion.most_confused(9).iter().map(|pair| (pair.truth, pair.prediction, pair.share)).collect();
        assert_eq!(order, [(1, 0, 0.5), (0, 1, 0.25), (0, 2, 0.25)]);
    }

    #[test]
    fn errors_name_the_place_and_the_value() {
        let classes = names(&["a", "b"]);
        let message = |result: Result<Confusion, MetricsError>| result.unwrap_err().to_string();
        assert!(
            message(Confusion::new(&classes, &[0, 1], &[0, 2])).starts_with("predictions[1] = 2: must be")
        );
        assert!(message(Confusion::new(&classes, &[5], &[0])).starts_with("truths[0] = 5: must be below 2"));
        assert!(message(Confusion::new(&classes, &[0], &[])).starts_with("labels: 1, predictions: 0;"));
        assert!(message(Confusion::new(&names(&["a", "b", "a"]), &[], &[])).starts_with("classes 0 and 2"));
        assert!(matches!(Confusion::new(&[], &[], &[]), Err(MetricsError::NoClasses)));
    }
}

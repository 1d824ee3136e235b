//! The confusion matrix.

use std::collections::HashMap;

use serde::Serialize;

use crate::MetricsError;

/// A confusion matrix.
///
/// `counts[t][p]` is the number of examples of class t that were predicted as class p: rows are true classes, columns
/// are predicted classes.
///
/// # Shapes
/// K classes -> counts `[K, K]`
///
/// # Example
/// ```
/// use stapes_metrics::ConfusionMatrix;
///
/// let classes = ["no".to_string(), "yes".to_string()];
/// let confusion = ConfusionMatrix::new(&classes, &[0, 0, 1], &[0, 1, 1])?;
/// assert_eq!(confusion.counts(), [[1, 1], [0, 1]]);
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfusionMatrix {
    classes: Vec<String>,
    counts: Vec<Vec<u64>>,
}

/// A pair of confused classes: examples of one class predicted as another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ConfusedPair {
    /// Index of the true class.
    pub label: usize,
    /// Index of the predicted class.
    pub prediction: usize,
    /// Number of examples.
    pub count: u64,
    /// Fraction of the true class's examples, in [0, 1].
    pub fraction: f64,
}

impl ConfusionMatrix {
    /// Counts the predictions.
    ///
    /// # Shapes
    /// classes `[K]`, labels `[N]`, predictions `[N]`, each entry in 0..K
    ///
    /// # Errors
    /// [`MetricsError::NoClasses`] and [`MetricsError::DuplicateClass`] for the names,
    /// [`MetricsError::UnequalLengths`] and [`MetricsError::ClassOutOfRange`] for the examples.
    pub fn new(
        classes: &[String],
        labels: &[usize],
        predictions: &[usize],
    ) -> Result<ConfusionMatrix, MetricsError> {
        check_names(classes)?;
        if labels.len() != predictions.len() {
            return Err(MetricsError::UnequalLengths {
                labels: labels.len(),
                predictions: predictions.len(),
            });
        }
        check_range("labels", labels, classes.len())?;
        check_range("predictions", predictions, classes.len())?;
        let mut counts = vec![vec![0; classes.len()]; classes.len()];
        for (&label, &prediction) in labels.iter().zip(predictions) {
            counts[label][prediction] += 1;
        }
        Ok(ConfusionMatrix { classes: classes.to_vec(), counts })
    }

    /// Class names, in the order of rows and columns.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Counts, one row per true class: `[K, K]`.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// Number of examples.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Number of correct predictions: the sum of the diagonal.
    pub fn correct(&self) -> u64 {
        (0..self.classes.len()).map(|class| self.counts[class][class]).sum()
    }

    /// Number of examples of a class: the sum of its row.
    ///
    /// # Panics
    /// If the class index is out of range.
    pub fn support(&self, class: usize) -> u64 {
        self.counts[class].iter().sum()
    }

    /// Number of examples predicted as a class: the sum of its column.
    ///
    /// # Panics
    /// If the class index is out of range.
    pub fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// Returns the pairs of confused classes, at most `limit`, in descending order of their counts.
    ///
    /// Equal counts are ordered by their fraction of the true class, then by the order of the classes.
    ///
    /// # Example
    /// ```
    /// use stapes_metrics::ConfusionMatrix;
    ///
    /// let classes = ["bed".to_string(), "cat".to_string(), "happy".to_string()];
    /// let confusion = ConfusionMatrix::new(&classes, &[0, 0, 0, 1, 2, 2], &[0, 1, 1, 2, 2, 2])?;
    /// let worst = confusion.most_confused(1)[0];
    /// assert_eq!((worst.label, worst.prediction, worst.count), (0, 1, 2));
    /// assert_eq!(confusion.most_confused(10).len(), 2);
    /// # Ok::<(), stapes_metrics::MetricsError>(())
    /// ```
    pub fn most_confused(&self, limit: usize) -> Vec<ConfusedPair> {
        let mut pairs = Vec::new();
        for (label, row) in self.counts.iter().enumerate() {
            let support = self.support(label) as f64;
            for (prediction, &count) in row.iter().enumerate() {
                if label != prediction && count > 0 {
                    pairs.push(ConfusedPair { label, prediction, count, fraction: count as f64 / support });
                }
            }
        }
        // A stable sort: equal pairs keep the order of the classes.
        pairs.sort_by(|a, b| b.count.cmp(&a.count).then(b.fraction.total_cmp(&a.fraction)));
        pairs.truncate(limit);
        pairs
    }

    /// Number of pairs of classes that were confused at least once.
    pub fn confused_pair_count(&self) -> usize {
        let nonzero = self.counts.iter().flatten().filter(|&&count| count > 0).count();
        let diagonal = (0..self.classes.len()).filter(|&class| self.counts[class][class] > 0).count();
        nonzero - diagonal
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
    fn rows_are_true_classes_and_columns_predictions() {
        let confusion =
            ConfusionMatrix::new(&names(&["a", "b", "c"]), &[0, 0, 1, 2, 2], &[1, 1, 1, 0, 2]).unwrap();
        assert_eq!(confusion.counts(), [[0, 2, 0], [0, 1, 0], [1, 0, 1]]);
        assert_eq!((confusion.support(0), confusion.predicted(0)), (2, 1));
        assert_eq!((confusion.correct(), confusion.total()), (2, 5));
        assert_eq!(confusion.confused_pair_count(), 2);
    }

    #[test]
    fn equal_counts_are_ordered_by_fraction_then_by_class() {
        // a: 4 examples, one predicted as b, one as c; b: 2 examples, one predicted as a.
        let labels = [0, 0, 0, 0, 1, 1, 2];
        let predictions = [0, 0, 2, 1, 1, 0, 2];
        let confusion = ConfusionMatrix::new(&names(&["a", "b", "c"]), &labels, &predictions).unwrap();
        let order: Vec<_> = confusion
            .most_confused(9)
            .iter()
            .map(|pair| (pair.label, pair.prediction, pair.fraction))
            .collect();
        assert_eq!(order, [(1, 0, 0.5), (0, 1, 0.25), (0, 2, 0.25)]);
    }

    #[test]
    fn errors_name_the_place_and_the_value() {
        let classes = names(&["a", "b"]);
        let message = |result: Result<ConfusionMatrix, MetricsError>| result.unwrap_err().to_string();
        assert!(
            message(ConfusionMatrix::new(&classes, &[0, 1], &[0, 2]))
                .starts_with("predictions[1] = 2 is not a class index")
        );
        assert!(
            message(ConfusionMatrix::new(&classes, &[5], &[0]))
                .starts_with("labels[0] = 5 is not a class index below 2;")
        );
        assert!(message(ConfusionMatrix::new(&classes, &[0], &[])).starts_with("labels: 1, predictions: 0;"));
        assert!(
            message(ConfusionMatrix::new(&names(&["a", "b", "a"]), &[], &[])).starts_with("classes 0 and 2")
        );
        assert!(matches!(ConfusionMatrix::new(&[], &[], &[]), Err(MetricsError::NoClasses)));
    }
}

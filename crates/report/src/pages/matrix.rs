//! Confusion matrix of a page.

use crate::numbers::{count, percent};
use crate::quoted;
use stapes_metrics::ConfusionMatrix;

/// Largest number of classes of a matrix; of more, only the most confused pairs are shown.
const MAX_CLASSES: usize = 64;
/// Largest number of characters of horizontal column headings; longer ones are rotated.
const MAX_HORIZONTAL: usize = 56;
/// Largest number of classes of a matrix with large cells.
const MAX_LARGE: usize = 16;
/// Upper limits of the shades, as fractions of the row.
const SHADES: [f64; 7] = [0.02, 0.05, 0.10, 0.25, 0.50, 0.90, 1.0];

/// A confusion matrix for the template.
pub(super) struct Matrix {
    pub(super) labels: Vec<String>,
    /// Rotates the column headings.
    pub(super) rotated: bool,
    /// Makes the cells small.
    pub(super) dense: bool,
    pub(super) rows: Vec<Row>,
    pub(super) legend: Vec<Shade>,
}

/// A row: a true class.
pub(super) struct Row {
    pub(super) label: String,
    pub(super) cells: Vec<Cell>,
    pub(super) support: String,
}

/// A cell: a predicted class.
pub(super) struct Cell {
    pub(super) count: String,
    /// Its fraction of the row, if it is shown and the cell is not empty.
    pub(super) fraction: Option<String>,
    /// Style sheet classes: `correct` or `wrong`, with the number of the shade.
    pub(super) class: String,
    /// Description of a cell that is not empty.
    pub(super) description: Option<String>,
}

/// A shade of the legend.
pub(super) struct Shade {
    pub(super) number: usize,
    pub(super) up_to: String,
}

impl Matrix {
    /// Creates the matrix, with the fractions of the rows beside the counts in large cells; None if it is too large.
    pub(super) fn of(confusion: &ConfusionMatrix, fractions: bool) -> Option<Matrix> {
        let labels = confusion.classes().to_vec();
        if labels.len() > MAX_CLASSES {
            return None;
        }
        let dense = labels.len() > MAX_LARGE;
        let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(3);
        Some(Matrix {
            rotated: longest * labels.len() > MAX_HORIZONTAL,
            dense,
            rows: (0..labels.len()).map(|label| Row::of(confusion, label, fractions && !dense)).collect(),
            labels,
            legend: SHADES
                .iter()
                .enumerate()
                .map(|(index, up_to)| Shade { number: index + 1, up_to: format!("{:.0}", 100.0 * up_to) })
                .collect(),
        })
    }
}

impl Row {
    fn of(confusion: &ConfusionMatrix, label: usize, fractions: bool) -> Row {
        let support = confusion.support(label);
        let classes = confusion.classes();
        let cells = confusion.counts()[label].iter().enumerate().map(|(prediction, &n)| {
            let fraction = if support > 0 { n as f64 / support as f64 } else { 0.0 };
            let kind = if label == prediction { "correct" } else { "wrong" };
            let description = format!(
                "{} predicted as {}: {} of {}, {}",
                quoted(&classes[label]),
                quoted(&classes[prediction]),
                count(n),
                count(support),
                percent(fraction, support)
            );
            Cell {
                count: if n == 0 { "·".to_string() } else { count(n) },
                fraction: (fractions && n > 0).then(|| percent(fraction, support)),
                class: format!("{kind} s{}", shade(fraction)),
                description: (n > 0).then_some(description),
            }
        });
        Row { label: classes[label].clone(), cells: cells.collect(), support: count(support) }
    }
}

/// Returns the number of the shade, from 0 for nothing to 7 for nearly everything.
fn shade(fraction: f64) -> usize {
    if fraction <= 0.0 {
        return 0;
    }
    // The last limit is 1, so a fraction always has a shade.
    1 + SHADES.iter().position(|&up_to| fraction <= up_to).unwrap_or(SHADES.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shade_includes_its_upper_limit() {
        assert_eq!([0.0, 0.001, 0.02, 0.021, 0.5, 0.9, 0.91, 1.0].map(shade), [0, 1, 1, 2, 5, 6, 7, 7]);
    }
}

//! The confusion matrix as the page's table.

use crate::numbers::{count, percent};
use stapes_metrics::Confusion;

/// Classes of the largest matrix that is shown; of more, only the most confused pairs are.
const CLASSES: usize = 64;
/// Characters of upright column headings that a page is wide enough for; more are turned.
const UPRIGHT: usize = 56;
/// Classes of a matrix with roomy cells; of more, cells are small.
const ROOMY: usize = 16;
/// Upper ends of the shades, as parts of the row.
const SHADES: [f64; 7] = [0.02, 0.05, 0.10, 0.25, 0.50, 0.90, 1.0];

/// The matrix, ready to be written.
pub(super) struct Matrix {
    pub(super) labels: Vec<String>,
    /// Whether the column headings are turned to run upwards.
    pub(super) turned: bool,
    /// Whether the cells are small.
    pub(super) dense: bool,
    pub(super) rows: Vec<Row>,
    pub(super) legend: Vec<Shade>,
}

/// A true class.
pub(super) struct Row {
    pub(super) label: String,
    pub(super) cells: Vec<Cell>,
    pub(super) support: String,
}

/// What a true class was taken for.
pub(super) struct Cell {
    pub(super) count: String,
    /// Its share of the row, where that is written and the cell is not empty.
    pub(super) share: Option<String>,
    /// Style sheet classes: `right` or `wrong`, with the shade's number.
    pub(super) class: String,
    /// The cell in words, where it is not empty.
    pub(super) words: Option<String>,
}

/// A line of the legend.
pub(super) struct Shade {
    pub(super) number: usize,
    pub(super) upto: String,
}

impl Matrix {
    /// With the shares of the rows beside the counts, where the cells are roomy; None if the matrix is too large to be read.
    pub(super) fn of(confusion: &Confusion, shares: bool) -> Option<Matrix> {
        let labels = confusion.classes().to_vec();
        if labels.len() > CLASSES {
            return None;
        }
        let dense = labels.len() > ROOMY;
        let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(3);
        Some(Matrix {
            turned: longest * labels.len() > UPRIGHT,
            dense,
            rows: (0..labels.len()).map(|truth| Row::of(confusion, truth, shares && !dense)).collect(),
            labels,
            legend: SHADES
                .iter()
                .enumerate()
                .map(|(index, upto)| Shade { number: index + 1, upto: format!("{:.0}", 100.0 * upto) })
                .collect(),
        })
    }
}

impl Row {
    fn of(confusion: &Confusion, truth: usize, shares: bool) -> Row {
        let support = confusion.support(truth);
        let classes = confusion.classes();
        let cells = confusion.counts()[truth].iter().enumerate().map(|(prediction, &n)| {
            let share = if support > 0 { n as f64 / support as f64 } else { 0.0 };
            let kind = if truth == prediction { "right" } else { "wrong" };
            let words = format!(
                "{} taken for {}: {} of {}, {}",
                classes[truth],
                classes[prediction],
                count(n),
                count(support),
                percent(share, support)
            );
            Cell {
                count: if n == 0 { "·".to_string() } else { count(n) },
                share: (shares && n > 0).then(|| percent(share, support)),
                class: format!("{kind} s{}", shade(share)),
                words: (n > 0).then_some(words),
            }
        });
        Row { label: classes[truth].clone(), cells: cells.collect(), support: count(support) }
    }
}

/// The shade's number, from 0 for nothing to 7 for nearly everything.
fn shade(share: f64) -> usize {
    if share <= 0.0 {
        return 0;
    }
    // The last end is 1, so a share always has one.
    1 + SHADES.iter().position(|&upto| share <= upto).unwrap_or(SHADES.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shade_holds_its_upper_end() {
        assert_eq!([0.0, 0.001, 0.02, 0.021, 0.5, 0.9, 0.91, 1.0].map(shade), [0, 1, 1, 2, 5, 6, 7, 7]);
    }
}

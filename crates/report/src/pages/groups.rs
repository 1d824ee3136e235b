//! Accuracy by group: speakers, sessions, devices.

use serde::Serialize;

use crate::numbers::{count, percent, percent_value};
use stapes_metrics::wilson;

/// Accuracy by group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Groups {
    /// Kind of group: "speaker".
    pub kind: String,
    /// Groups, in display order.
    pub groups: Vec<Group>,
}

/// Number of correct examples of a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Number of examples.
    pub examples: u64,
    /// Number of correct predictions, at most `examples`.
    pub correct: u64,
}

/// A group as a row: name, examples, accuracy, confidence interval.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) cells: Vec<String>,
}

impl Groups {
    /// Returns the rows; frames have no confidence interval, because the frames of a group are not independent.
    pub(super) fn rows(&self, frames: bool) -> Vec<Row> {
        let row = |group: &Group| {
            let total = group.examples;
            let correct = group.correct.min(total);
            let interval = wilson(correct, total);
            let mut cells = vec![count(total)];
            cells.push(match total {
                0 => "–".to_string(),
                _ => percent(correct as f64 / total as f64, total),
            });
            if !frames {
                cells.push(format!(
                    "{} to {}",
                    percent_value(interval.low, total),
                    percent(interval.high, total)
                ));
            }
            Row { name: group.name.clone(), cells }
        };
        self.groups.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_intervals_unless_examples_are_frames() {
        let group = |name: &str, examples, correct| Group { name: name.into(), examples, correct };
        let groups = Groups { kind: "speaker".into(), groups: vec![group("a", 40, 39), group("b", 0, 0)] };
        let cells: Vec<_> = groups.rows(false).into_iter().map(|row| row.cells).collect();
        assert_eq!(cells, [["40", "97.5 %", "87.1 to 99.6 %"], ["0", "–", "0.0 to 100.0 %"]]);
        assert_eq!(groups.rows(true)[0].cells, ["40", "97.5 %"]);
    }
}

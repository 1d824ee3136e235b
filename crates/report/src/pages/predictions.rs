//! List of the predictions of all examples.

use serde::Serialize;

use super::Report;
use super::examples::sound_ids;
use crate::numbers::{count, pluralize};
use crate::{ReportError, visible};

/// Largest number of listed predictions: about 1 MB of a page.
const MAX_ROWS: usize = 20_000;

/// Predictions of all examples of the evaluated subset.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Predictions {
    /// One prediction per example.
    Examples(Vec<ExamplePrediction>),
    /// One prediction per frame of a recording.
    Recordings(Vec<RecordingPrediction>),
}

/// Prediction of an example.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExamplePrediction {
    /// Name of the example, usually its file.
    pub name: String,
    /// Class.
    pub label: usize,
    /// Predicted class.
    pub prediction: usize,
    /// Probability of the predicted class.
    pub probability: f32,
}

/// Predictions of the frames of a recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordingPrediction {
    /// Name of the recording, usually its file.
    pub name: String,
    /// Number of frames.
    pub frames: u64,
    /// Number of correct frames, at most `frames`.
    pub correct: u64,
}

/// The list for the template.
pub(super) struct PredictionList {
    /// Kind of the rows: `examples` or `recordings`.
    pub(super) kind: &'static str,
    /// Sentences about the list.
    pub(super) description: String,
    /// Lines for the script: class names, then one line per row, with fields separated by tabs.
    pub(super) data: String,
}

/// Returns the list of a report; None without predictions.
pub(super) fn list(report: &Report) -> Result<Option<PredictionList>, ReportError> {
    let classes = report.evaluation.confusion.classes();
    let names: Vec<_> = classes.iter().map(|class| visible(class)).collect();
    let mut data = names.join("\t");
    let list = match &report.predictions {
        None => return Ok(None),
        Some(Predictions::Examples(rows)) => {
            let sounds = sound_ids(report);
            let mut with_sound = 0;
            let listed = listed(rows, |row| row.label != row.prediction);
            for row in &listed {
                let ExamplePrediction { name, label, prediction, probability } = row;
                if *label.max(prediction) >= classes.len() || !probability.is_finite() {
                    let reason =
                        format!("{name}: pass classes below {} and a finite probability", classes.len());
                    return Err(ReportError::Figure { figure: "predictions".into(), reason });
                }
                let sound = sounds.get(&**name).map_or("", String::as_str);
                with_sound += u64::from(!sound.is_empty());
                data += &format!("\n{label}\t{prediction}\t{probability:.3}\t{sound}\t{}", visible(name));
            }
            let mut description = described("example", rows.len(), listed.len());
            if with_sound > 0 {
                description += &format!(
                    " {} with sound: the errors above, whose recordings are part of this page.",
                    pluralize(with_sound, "example")
                );
            }
            PredictionList { kind: "examples", description, data }
        }
        Some(Predictions::Recordings(rows)) => {
            let listed = listed(rows, |row| row.correct < row.frames);
            for RecordingPrediction { name, frames, correct } in &listed {
                data += &format!("\n{frames}\t{}\t{}", correct.min(frames), visible(name));
            }
            let description = described("recording", rows.len(), listed.len());
            PredictionList { kind: "recordings", description, data }
        }
    };
    Ok(Some(list))
}

fn described(unit: &str, all: usize, listed: usize) -> String {
    match listed < all {
        false => format!("{}.", pluralize(all as u64, unit)),
        true => format!(
            "{} of {}: those with errors first. predictions.safetensors contains all.",
            count(listed as u64),
            pluralize(all as u64, unit)
        ),
    }
}

/// Returns the rows of the list in their order: all, or as many as fit, those with errors first.
fn listed<T>(rows: &[T], is_wrong: impl Fn(&T) -> bool) -> Vec<&T> {
    if rows.len() <= MAX_ROWS {
        return rows.iter().collect();
    }
    let (wrong, correct): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|&at| is_wrong(&rows[at]));
    let mut kept: Vec<usize> = wrong.into_iter().chain(correct).take(MAX_ROWS).collect();
    kept.sort_unstable();
    kept.into_iter().map(|at| &rows[at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_keeps_the_errors() {
        let rows: Vec<usize> = (0..MAX_ROWS + 10).collect();
        let kept = listed(&rows, |row| *row >= MAX_ROWS);
        assert_eq!((kept.len(), *kept[0], *kept[MAX_ROWS - 1]), (MAX_ROWS, 0, MAX_ROWS + 9));
        assert!(kept.is_sorted() && !kept.contains(&&(MAX_ROWS - 1)));
        assert_eq!(listed(&rows[..5], |_| false).len(), 5);
        assert_eq!(
            described("example", 30_000, 20_000),
            "20,000 of 30,000 examples: those with errors first. predictions.safetensors contains all."
        );
    }
}

//! Columns of the table of candidates.

use stapes_report::ReportError;
use stapes_report::table::{Better, Column, NumberFormat};

/// Display of numbers without scale or decimals.
const PLAIN: NumberFormat = NumberFormat { scale: 1.0, digits: 0 };

/// Key of the column with the name of the data set.
pub const DATA_SET: &str = "data_set";

/// Returns a column of text or counts, which has no better direction.
pub(crate) fn plain(key: &str, title: &str) -> Column {
    Column { key: key.into(), title: title.into(), better: None, format: PLAIN }
}

/// Returns the columns after the axes, in the order of the rows in `compare/table.rs`.
pub(crate) fn metrics() -> Vec<Column> {
    let column = |key: &str, title: &str, better, scale, digits| Column {
        key: key.into(),
        title: title.into(),
        better,
        format: NumberFormat { scale, digits },
    };
    let (high, low) = (Some(Better::High), Some(Better::Low));
    vec![
        plain("seeds", "seeds"),
        column("test_accuracy", "test, %", high, 100.0, 1),
        column("interval", "95 % CI of median", None, 100.0, 1),
        plain("vs_best", "vs. best"),
        column("p", "p", None, 1.0, 4),
        column("validation_accuracy", "validation, %", high, 100.0, 1),
        column("test_auc", "ROC AUC", high, 1.0, 4),
        column("test_f1", "F1", high, 1.0, 4),
        column("test_macro_f1", "mean F1", high, 1.0, 3),
        column("seconds_to_best", "time to best, s", low, 1.0, 1),
        column("step_ms", "step, ms", low, 1.0, 2),
        column("examples_per_second", "examples/s", high, 1.0, 0),
        column("parameters", "parameters", low, 1.0, 0),
        column("macs_per_second", "MMAC/s", low, 1e-6, 2),
        column("model_bytes", "file, kB", low, 1e-3, 1),
        column("clip_ms", "clip, ms", low, 1.0, 3),
        column("frame_ms", "frame, ms", low, 1.0, 4),
        plain("folder", "folder"),
    ]
}

/// Checks that the names of axes are unique and are not names of other columns.
///
/// # Errors
/// A message that starts with `axes.NAME`.
pub fn check_axes(names: &[&str]) -> Result<(), String> {
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(format!("axes.{name}: two axes have this name; rename one"));
        }
        if *name == DATA_SET || metrics().iter().any(|column| column.key == *name) {
            return Err(format!("axes.{name}: a column of the table has this name; rename the axis"));
        }
    }
    Ok(())
}

/// Checks that a table of candidates with these axes has a column.
///
/// # Errors
/// [`ReportError::UnknownColumn`] with the columns that it has.
pub fn check_column(axes: &[&str], key: &str) -> Result<(), ReportError> {
    let metrics = metrics();
    let first: &[&str] = if axes.is_empty() { &["name"] } else { axes };
    let known: Vec<&str> = first.iter().copied().chain(metrics.iter().map(|column| &*column.key)).collect();
    match known.contains(&key) {
        true => Ok(()),
        false => Err(ReportError::UnknownColumn { key: key.into(), known: known.join(", ") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_without_runs() {
        assert!(check_column(&["cell"], "cell").is_ok() && check_column(&[], "name").is_ok());
        assert!(check_column(&["cell"], "step_ms").is_ok());
        let error = check_column(&["cell"], "name").unwrap_err().to_string();
        assert!(error.contains("`name` is not a column") && error.contains("cell, seeds"), "{error}");
    }
}

//! The table of candidates.

use stapes_report::table::{Better, Column, Shown, Table, Value};
use stapes_eval::{MetricsError, Evaluation};

use super::{VsBest, Candidate, Repetition, vs_best};
use crate::error::Error;
use crate::run::RunRecord;

/// The candidates side by side. Figures of several seeds are their median, lowest and highest; a figure of a seed with
/// folds is the mean over these, and its interval over examples is that of all folds' examples together.
///
/// `against the best` says whether a candidate can be told apart from the one of the highest figure: see [`VsBest`].
///
/// Times are those that were measured with nothing else running where there are such, and else of the trainings themselves.
///
/// # Errors
/// [`Error::Eval`] if a run's test cannot be evaluated.
pub fn table(candidates: &[Candidate]) -> Result<Table, Error> {
    let axes = axes(candidates);
    let mut columns: Vec<Column> = match axes.is_empty() {
        true => vec![column("name", "", None, (1.0, 0))],
        false => axes.iter().map(|axis| column(axis, axis, None, (1.0, 0))).collect(),
    };
    columns.extend(figures());
    let against = vs_best(candidates)?;
    // One column has one kind of times.
    let timed = candidates.iter().all(|one| one.timing.is_some() || one.repetitions.is_empty());
    let rows = candidates
        .iter()
        .zip(&against)
        .map(|(candidate, against)| row((candidate, timed), against.as_ref(), &axes));
    Ok(Table::new(columns, rows.collect::<Result<Vec<_>, Error>>()?))
}

/// Whether names can be those of axes: each once, and none of another column of the table.
///
/// # Errors
/// What is wrong, from `axes.NAME` on.
pub fn check_axes(names: &[&str]) -> Result<(), String> {
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            return Err(format!("axes.{name}: two axes are called so: give one another name"));
        }
        if figures().iter().any(|column| column.key == *name) {
            return Err(format!("axes.{name}: a column of the table is called so: give it another name"));
        }
    }
    Ok(())
}

/// Whether a table of candidates with these axes can have a column.
///
/// # Errors
/// [`MetricsError::NoColumn`] names those that it can have.
pub fn check_column(axes: &[&str], key: &str) -> Result<(), MetricsError> {
    let figures = figures();
    let first: &[&str] = if axes.is_empty() { &["name"] } else { axes };
    let known: Vec<&str> = first.iter().copied().chain(figures.iter().map(|column| &*column.key)).collect();
    match known.contains(&key) {
        true => Ok(()),
        false => Err(MetricsError::NoColumn { key: key.into(), known: known.join(", ") }),
    }
}

/// The axes of all candidates, in the order in which they come.
fn axes(candidates: &[Candidate]) -> Vec<String> {
    let mut axes: Vec<String> = Vec::new();
    for (axis, _) in candidates.iter().flat_map(|candidate| &candidate.settings) {
        if !axes.contains(axis) {
            axes.push(axis.clone());
        }
    }
    axes
}

fn column(key: &str, title: &str, better: Option<Better>, (scale, digits): (f64, usize)) -> Column {
    Column { key: key.into(), title: title.into(), better, shown: Shown { scale, digits } }
}

/// The columns behind the axes, in the order of [`row`].
fn figures() -> Vec<Column> {
    let (high, low) = (Some(Better::High), Some(Better::Low));
    vec![
        column("seeds", "seeds", None, (1.0, 0)),
        column("test_accuracy", "test, %", high, (100.0, 1)),
        column("interval", "95 % over examples", None, (100.0, 1)),
        column("vs_best", "against the best", None, (1.0, 0)),
        column("p", "p", None, (1.0, 4)),
        column("validation_accuracy", "validation, %", high, (100.0, 1)),
        column("test_auc", "ROC AUC", high, (1.0, 4)),
        column("test_f1", "F1", high, (1.0, 4)),
        column("test_macro_f1", "mean F1", high, (1.0, 3)),
        column("seconds_to_best", "to the best, s", low, (1.0, 1)),
        column("step_ms", "step, ms", low, (1.0, 2)),
        column("examples_per_second", "examples a s", high, (1.0, 0)),
        column("parameters", "parameters", low, (1.0, 0)),
        column("macs_per_second", "MMAC a s of audio", low, (1e-6, 2)),
        column("model_bytes", "file, kB", low, (1e-3, 1)),
        column("clip_ms", "clip, ms", low, (1.0, 3)),
        column("frame_ms", "frame, ms", low, (1.0, 4)),
        column("folder", "folder", None, (1.0, 0)),
    ]
}

fn row(
    (candidate, timed): (&Candidate, bool),
    against: Option<&VsBest>,
    axes: &[String],
) -> Result<Vec<Value>, Error> {
    let Candidate { name, settings, repetitions, timing } = candidate;
    let setting = |axis: &String| {
        let value = settings.iter().find(|(of, _)| of == axis).map(|(_, value)| Value::Text(value.clone()));
        value.unwrap_or(Value::None)
    };
    let mut row: Vec<Value> = match axes.is_empty() {
        true => vec![Value::Text(name.clone())],
        false => axes.iter().map(setting).collect(),
    };
    let over_seeds = |figure: &dyn Fn(&RunRecord) -> Option<f64>| {
        let figures: Option<Vec<f64>> =
            repetitions.iter().map(|repetition| repetition.mean(figure)).collect();
        Value::spread(&figures.unwrap_or_default())
    };
    let of_first = |figure: &dyn Fn(&RunRecord) -> Option<f64>| {
        Value::of(repetitions.first().and_then(|repetition| repetition.mean(figure)))
    };
    let times = |alone: Option<f64>, in_training: &dyn Fn(&RunRecord) -> Option<f64>| match timed {
        true => Value::of(alone),
        false => middle(over_seeds(in_training)),
    };
    let interval = middle_evaluation(repetitions)?.map(|evaluation| Value::Range(evaluation.interval));
    row.extend([
        Value::Number(repetitions.len() as f64),
        over_seeds(&|record| record.test_accuracy),
        interval.unwrap_or(Value::None),
        against.map_or(Value::None, |against| Value::Text(against.words().into())),
        Value::of(against.and_then(VsBest::p)),
        over_seeds(&|record| record.validation_accuracy),
        over_seeds(&|record| record.test_auc),
        over_seeds(&|record| record.test_f1),
        over_seeds(&|record| record.test_macro_f1),
        middle(over_seeds(&|record| Some(record.seconds_to_best))),
        Value::of(timing.as_ref().map(|timing| timing.step_ms)),
        times(timing.as_ref().map(|timing| timing.examples_per_second), &|record| {
            Some(record.examples_per_second)
        }),
        of_first(&|record| Some(record.parameters as f64)),
        of_first(&|record| record.macs_per_second.map(|macs| macs as f64)),
        of_first(&|record| Some(record.model_bytes as f64)),
        times(timing.as_ref().and_then(|timing| timing.clip_ms), &|record| record.latency_ms),
        Value::of(timing.as_ref().and_then(|timing| timing.frame_ms)),
        Value::Text(name.clone()),
    ]);
    Ok(row)
}

/// The median alone.
fn middle(value: Value) -> Value {
    match value {
        Value::Spread { median, .. } => Value::Number(median),
        other => other,
    }
}

/// The test of the seed whose accuracy is the median; of an even number of seeds the lower one of the two in the middle.
fn middle_evaluation(repetitions: &[Repetition]) -> Result<Option<Evaluation>, Error> {
    let evaluations = repetitions.iter().map(|repetition| repetition.outcome.evaluation());
    let mut evaluations = evaluations.collect::<Result<Vec<_>, _>>()?;
    evaluations.sort_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
    let middle = evaluations.len().saturating_sub(1) / 2;
    Ok(evaluations.into_iter().nth(middle))
}

#[cfg(test)]
mod tests {
    use super::super::vs_best::tests::candidate;
    use super::*;

    #[test]
    fn the_interval_is_that_of_the_seed_in_the_middle() {
        // Of 200 examples 20, 40 and 100 are wrong, in any order of the seeds.
        for (wrong_every, right) in
            [(vec![5, 2, 10], 160), (vec![10, 5], 160), (vec![5, 10], 160), (vec![2], 100)]
        {
            let evaluation = middle_evaluation(&candidate(&wrong_every).repetitions).unwrap().unwrap();
            assert_eq!(evaluation.correct, right, "{wrong_every:?}");
        }
        assert!(middle_evaluation(&[]).unwrap().is_none());
    }

    #[test]
    fn columns_are_known_before_there_are_runs() {
        assert!(check_column(&["cell"], "cell").is_ok() && check_column(&[], "name").is_ok());
        assert!(check_column(&["cell"], "step_ms").is_ok());
        let error = check_column(&["cell"], "name").unwrap_err().to_string();
        assert!(error.contains("no column name") && error.contains("cell, seeds"), "{error}");
    }
}

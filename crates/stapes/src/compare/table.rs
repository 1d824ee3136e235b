//! Table of candidates.

use stapes_metrics::ConfidenceInterval;
use stapes_report::table::{Column, Table, Value};

use super::{Candidate, Repetition, VsBest, data_groups, vs_best};
use crate::columns::{DATA_SET, metrics, plain};
use crate::error::Error;
use crate::run::RunRecord;

/// Returns the table of candidates. Metrics of several seeds are median, minimum and maximum. The metric of a seed with folds
/// is the mean over the folds; its confidence interval is that of the examples of all folds together.
///
/// The column `vs_best` contains the result of the significance test against the best candidate: see [`VsBest`].
///
/// If the candidates were tested on different data, the rows are ordered by data set, the column [`DATA_SET`] has its name, and
/// each candidate is compared with the best one on the same data: see [`data_groups`].
///
/// Times are from [`Timing`](crate::sweep::Timing) if all candidates have one, and from the training runs otherwise.
///
/// # Errors
/// [`Error::Metrics`] if the predictions of a run cannot be evaluated.
pub fn table(candidates: &[Candidate]) -> Result<Table, Error> {
    let axes = axes(candidates);
    let mut columns: Vec<Column> = match axes.is_empty() {
        true => vec![plain("name", "")],
        false => axes.iter().map(|axis| plain(axis, axis)).collect(),
    };
    let groups = data_groups(candidates);
    columns.push(plain(DATA_SET, "data set"));
    columns.extend(metrics());
    let against = vs_best(candidates)?;
    // A column must not mix the two kinds of times.
    let timed = candidates.iter().all(|one| one.timing.is_some() || one.repetitions.is_empty());
    let mut rows = Vec::new();
    for group in &groups {
        // The column of a single data set is empty, and omitted.
        let data_set = group.data_set.as_ref().filter(|_| groups.len() > 1);
        for &index in &group.candidates {
            rows.push(row(&candidates[index], (data_set, against[index].as_ref()), &axes, timed)?);
        }
    }
    Ok(Table::new(columns, rows))
}

/// Returns the axes of all candidates, in the order of their first occurrence.
fn axes(candidates: &[Candidate]) -> Vec<String> {
    let mut axes: Vec<String> = Vec::new();
    for (axis, _) in candidates.iter().flat_map(|candidate| &candidate.settings) {
        if !axes.contains(axis) {
            axes.push(axis.clone());
        }
    }
    axes
}

/// Returns the row of a candidate; `timed` selects the times of [`Timing`](crate::sweep::Timing).
fn row(
    candidate: &Candidate,
    (data_set, against): (Option<&String>, Option<&VsBest>),
    axes: &[String],
    timed: bool,
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
    let over_seeds = |metric: &dyn Fn(&RunRecord) -> Option<f64>| {
        let values: Option<Vec<f64>> = repetitions.iter().map(|repetition| repetition.mean(metric)).collect();
        Value::spread(&values.unwrap_or_default())
    };
    // Folds have the same network; their files differ by a few bytes.
    let count_of_first = |count: &dyn Fn(&RunRecord) -> Option<f64>| {
        let mean = repetitions.first().and_then(|repetition| repetition.mean(count));
        mean.map_or(Value::None, |mean| Value::Count(mean.round() as u64))
    };
    let times = |alone: Option<f64>, in_training: &dyn Fn(&RunRecord) -> Option<f64>| match timed {
        true => Value::from_option(alone),
        false => only_median(over_seeds(in_training)),
    };
    let interval = median_interval(repetitions)?.map(Value::Interval);
    row.extend([
        data_set.map_or(Value::None, |data_set| Value::Text(data_set.clone())),
        Value::Count(repetitions.len() as u64),
        over_seeds(&|record| record.test_accuracy),
        interval.unwrap_or(Value::None),
        against.map_or(Value::None, |against| Value::Text(against.label().into())),
        Value::from_option(against.and_then(VsBest::p)),
        over_seeds(&|record| record.validation_accuracy),
        over_seeds(&|record| record.test_auc),
        over_seeds(&|record| record.test_f1),
        over_seeds(&|record| record.test_macro_f1),
        only_median(over_seeds(&|record| Some(record.seconds_to_best))),
        Value::from_option(timing.as_ref().map(|timing| timing.step_ms)),
        times(timing.as_ref().map(|timing| timing.examples_per_second), &|record| {
            Some(record.examples_per_second)
        }),
        count_of_first(&|record| Some(record.parameters as f64)),
        count_of_first(&|record| record.macs_per_second.map(|macs| macs as f64)),
        count_of_first(&|record| Some(record.model_bytes as f64)),
        times(timing.as_ref().and_then(|timing| timing.clip_ms), &|record| record.latency_ms),
        Value::from_option(timing.as_ref().and_then(|timing| timing.frame_ms)),
        Value::Text(name.clone()),
    ]);
    Ok(row)
}

/// Reduces a spread to its median.
fn only_median(value: Value) -> Value {
    match value {
        Value::Spread { median, .. } => Value::Number(median),
        other => other,
    }
}

/// Returns the confidence interval of the seed with the median accuracy; for an even number of seeds the means of the bounds of
/// the two in the middle, whose mean accuracy is the median.
fn median_interval(repetitions: &[Repetition]) -> Result<Option<ConfidenceInterval>, Error> {
    let evaluations = repetitions.iter().map(|repetition| repetition.predictions.evaluation());
    let mut evaluations = evaluations.collect::<Result<Vec<_>, _>>()?;
    evaluations.sort_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
    let Some(last) = evaluations.len().checked_sub(1) else { return Ok(None) };
    let [a, b] = [last / 2, last.div_ceil(2)].map(|middle| evaluations[middle].interval);
    Ok(Some(ConfidenceInterval { low: (a.low + b.low) / 2.0, high: (a.high + b.high) / 2.0 }))
}

#[cfg(test)]
mod tests {
    use stapes_metrics::wilson;

    use super::super::vs_best::tests::candidate;
    use super::*;

    #[test]
    fn the_interval_is_that_of_the_median_seed() {
        let interval = |wrong_every: &[usize]| median_interval(&candidate(wrong_every).repetitions).unwrap();
        // Of 200 examples 20, 40 and 100 are wrong, in any order of the seeds.
        assert_eq!(interval(&[5, 2, 10]), Some(wilson(160, 200)));
        assert_eq!(interval(&[2]), Some(wilson(100, 200)));
        let (a, b) = (wilson(160, 200), wilson(180, 200));
        for seeds in [[10, 5], [5, 10]] {
            let ConfidenceInterval { low, high } = interval(&seeds).unwrap();
            assert_eq!((low, high), ((a.low + b.low) / 2.0, (a.high + b.high) / 2.0));
            // The median, 0.85, is within.
            assert!(low < 0.85 && 0.85 < high);
        }
        assert_eq!(interval(&[]), None);
    }
}

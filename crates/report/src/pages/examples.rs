//! Single examples on a run's page: the most confident errors, and attention weights.

use std::collections::HashMap;

use serde::Serialize;

use super::Report;
use crate::ReportError;
use crate::chart::axis::Axis;
use crate::chart::figure::{Figure, FigureSpec, FigureText};
use crate::chart::shapes::Color;
use crate::chart::{Chart, Series};
use crate::frames::{FrameTiming, FrameView, LOW, Sound, Time, rounded};
use crate::inline::data_url;
use crate::learning_curve::ThinnedLine;
use crate::numbers::{count, duration, pluralize, score};
use crate::quoted;
use stapes_metrics::ConfusedPair;

/// Columns of a waveform; small, because the page has several.
const COLUMNS: usize = 300;
/// Points of a line of attention weights.
const POINTS: usize = 300;
/// Number of labels with a listed probability.
const LABELS: usize = 5;

/// An example on a page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// Name.
    pub name: String,
    /// Class.
    pub label: usize,
    /// Predicted class.
    pub prediction: usize,
    /// Probability of each class.
    pub probabilities: Vec<f32>,
    /// Sound of a readable recording.
    pub sound: Option<Sound>,
    /// Pictures of frames, from the top.
    pub frames: Vec<FrameView>,
    /// Notes for the reader, for example that only a part is shown or that the recording is missing.
    pub notes: Vec<String>,
}

/// An example with its attention weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttentionExample {
    /// Example.
    pub example: Example,
    /// Weight of each frame.
    pub weights: Vec<f32>,
    /// Times of these frames.
    pub timing: FrameTiming,
}

/// Examples of one class that were predicted as another.
pub(super) struct ConfusedExamples {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) prediction: String,
    pub(super) examples: Vec<ExampleView>,
}

/// An example for the template.
pub(super) struct ExampleView {
    /// Unique on the page.
    pub(super) id: String,
    pub(super) name: String,
    /// Most probable labels.
    pub(super) top_labels: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) audio: Option<String>,
    pub(super) figures: Vec<Figure>,
    pub(super) notes: Vec<String>,
}

/// Id of the examples of a pair of classes.
fn anchor(label: usize, prediction: usize) -> String {
    format!("errors-{label}-{prediction}")
}

/// Returns the id of the examples of a pair, if there are any.
pub(super) fn anchor_of(report: &Report, pair: &ConfusedPair) -> Option<String> {
    let of = |example: &Example| (example.label, example.prediction) == (pair.label, pair.prediction);
    report.errors.iter().any(of).then(|| anchor(pair.label, pair.prediction))
}

/// Groups the errors by pair of classes, in order of first occurrence.
pub(super) fn confused_examples(report: &Report) -> Result<Vec<ConfusedExamples>, ReportError> {
    let mut pairs: Vec<ConfusedExamples> = Vec::new();
    for example in &report.errors {
        let id = anchor(example.label, example.prediction);
        let [label, prediction] = labels(report, example)?;
        let index = pairs.iter().position(|pair| pair.id == id).unwrap_or_else(|| {
            pairs.push(ConfusedExamples { id: id.clone(), label, prediction, examples: Vec::new() });
            pairs.len() - 1
        });
        let number = pairs[index].examples.len();
        let time = Time::new(example.sound.as_ref(), &example.frames);
        pairs[index].examples.push(shown(report, example, &format!("{id}-{number}"), &time)?);
    }
    Ok(pairs)
}

/// Returns the ids of the sounds of the errors, by the names of their examples.
pub(super) fn sound_ids(report: &Report) -> HashMap<&str, String> {
    let mut numbers: HashMap<(usize, usize), usize> = HashMap::new();
    let mut ids = HashMap::new();
    for Example { name, label, prediction, sound, .. } in &report.errors {
        let number = numbers.entry((*label, *prediction)).or_default();
        if sound.is_some() {
            ids.insert(&**name, format!("{}-{number}-sound", anchor(*label, *prediction)));
        }
        *number += 1;
    }
    ids
}

/// Returns the examples with a figure of their attention weights above the pictures.
pub(super) fn attention(report: &Report) -> Result<Vec<(String, ExampleView)>, ReportError> {
    let one = |(number, attention): (usize, &AttentionExample)| {
        let AttentionExample { example, weights, timing } = attention;
        let [label, _] = labels(report, example)?;
        let id = format!("attention-{number}");
        let time = Time::new(example.sound.as_ref(), &example.frames);
        let mut shown = shown(report, example, &id, &time)?;
        shown.figures.insert(0, weights_figure(weights, *timing, format!("{id}-weights"), &time)?);
        Ok((label, shown))
    };
    report.attention.iter().enumerate().map(one).collect()
}

fn invalid(reason: String) -> ReportError {
    ReportError::Figure { figure: "examples".into(), reason }
}

/// Returns the names of an example's class and of its predicted class.
fn labels(report: &Report, example: &Example) -> Result<[String; 2], ReportError> {
    let labels = report.evaluation.confusion.classes();
    let name = |class: usize| labels.get(class).cloned();
    let (name, all) = (name(example.label).zip(name(example.prediction)), labels.len());
    let fit = example.probabilities.len() == all && example.probabilities.iter().all(|p| p.is_finite());
    match name {
        Some((label, prediction)) if fit => Ok([label, prediction]),
        _ => {
            Err(invalid(format!("{}: pass classes below {all} and {all} finite probabilities", example.name)))
        }
    }
}

fn shown(report: &Report, example: &Example, id: &str, time: &Time) -> Result<ExampleView, ReportError> {
    let [label, prediction] = labels(report, example)?;
    let labels = report.evaluation.confusion.classes();
    let mut ranked: Vec<(&String, f32)> = labels.iter().zip(example.probabilities.iter().copied()).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let listed = |max: usize| -> Vec<String> {
        let first = ranked.iter().take(max);
        first.map(|(label, p)| format!("{} ({})", quoted(label), score(Some(f64::from(*p))))).collect()
    };
    let mut probabilities = listed(LABELS).join(", ");
    if ranked.len() > LABELS {
        probabilities += &format!(" and {} more", ranked.len() - LABELS);
    }
    let mut facts = vec![
        ("example", example.name.clone()),
        ("true class", label),
        ("predicted class", prediction),
        ("probabilities", probabilities),
    ];
    let mut figures = Vec::new();
    if let Some(sound) = &example.sound {
        facts.push((
            "sound",
            format!("{} at {} Hz", duration(sound.seconds()), count(sound.sample_rate_hz.into())),
        ));
        let mut waveform = sound.waveform(format!("{id}-waveform"), time, COLUMNS)?;
        waveform.text.caption.clear();
        figures.push(waveform.figure_without_values());
    }
    for (number, frames) in example.frames.iter().enumerate() {
        let figure = frames.figure(format!("{id}-frames-{number}"), time, COLUMNS)?;
        figures.push(figure.figure_without_values());
    }
    Ok(ExampleView {
        id: id.into(),
        name: example.name.clone(),
        top_labels: listed(2).join(", "),
        facts,
        audio: example.sound.as_ref().map(|sound| data_url("audio/wav", &sound.wav)),
        figures,
        notes: example.notes.clone(),
    })
}

/// Draws the weights over time, from 0 on.
fn weights_figure(
    weights: &[f32],
    timing: FrameTiming,
    id: String,
    time: &Time,
) -> Result<Figure, ReportError> {
    if weights.is_empty() || weights.iter().any(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        return Err(invalid("there are no weights, or one is negative or NaN".into()));
    }
    let range = timing.range(weights.len());
    let step = (range.end - range.start) / weights.len() as f64;
    let numbered = weights.iter().enumerate().map(|(at, weight)| (at as u64, f64::from(*weight)));
    let line = ThinnedLine::new(numbered, POINTS);
    let points: Vec<(f64, f64)> =
        line.points.iter().map(|(at, weight)| (range.start + (at + 0.5) * step, *weight)).collect();
    let largest = points.iter().fold(1e-6f64, |largest, point| largest.max(point.1));
    let (at, _) =
        points.iter().copied().fold((0.0, -1.0), |best, point| if point.1 > best.1 { point } else { best });
    let ticks = [0.0, largest].map(|weight| (weight, rounded(weight as f32)));
    let y = Axis::linear("weight", 0.0..1.05 * largest).with_ticks(ticks.to_vec());
    let chart = Chart {
        series: vec![Series { name: "weight".into(), color: Color::Series(0), points }],
        ..Chart::empty(LOW, time.axis(), y)
    };
    let count = pluralize(weights.len() as u64, "weight");
    let text = FigureText {
        id,
        title: "Attention".into(),
        description: format!("{count}, the largest at {} {at:.2}.", time.name),
        caption: match line.averaged {
            1 => String::new(),
            many => format!("Each point is the mean of {many} frames."),
        },
        x_name: time.name.into(),
        nearest: false,
    };
    Ok(FigureSpec::new(chart, text).figure())
}

//! Single examples of a run's page: what the model was surest of wrongly, and what its attention was on.

use serde::Serialize;

use super::Report;
use super::frame_view::{FrameTiming, LOW, ShownFrames, Sound, Time, rounded};
use crate::ReportError;
use crate::chart::axis::Axis;
use crate::chart::figure::{Figure, Words};
use crate::chart::series_style::Ink;
use crate::chart::thinned_line::Line;
use crate::chart::{Chart, Series};
use crate::inline::data_address;
use crate::numbers::{count, counted, duration, score};
use stapes_metrics::ConfusedPair;

/// Columns of a waveform: the page has several.
const COLUMNS: usize = 300;
/// Points of a line of attention.
const POINTS: usize = 300;
/// Labels whose probabilities are listed.
const LABELS: usize = 5;

/// An example as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// What it is called.
    pub name: String,
    /// Its class.
    pub truth: usize,
    /// The class that it was taken for.
    pub decision: usize,
    /// The probability of each class.
    pub probabilities: Vec<f32>,
    /// What is heard, of recordings that can be read.
    pub sound: Option<Sound>,
    /// What there is to see besides, from the top.
    pub frames: Vec<ShownFrames>,
    /// What a reader must know: only a part is shown, the recording is gone.
    pub notes: Vec<String>,
}

/// An example and what the model's attention was on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attended {
    /// The example.
    pub example: Example,
    /// The weight of each frame.
    pub weights: Vec<f32>,
    /// When these frames are.
    pub timing: FrameTiming,
}

/// The examples of a pair of classes, the first taken for the second.
pub(super) struct Mistaken {
    pub(super) id: String,
    pub(super) truth: String,
    pub(super) decision: String,
    pub(super) examples: Vec<Shown>,
}

/// An example, ready to be written.
pub(super) struct Shown {
    pub(super) name: String,
    /// Its likeliest labels, in a few words.
    pub(super) said: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) audio: Option<String>,
    pub(super) figures: Vec<Figure>,
    pub(super) notes: Vec<String>,
}

/// Where the examples of a pair stand.
fn anchor(truth: usize, decision: usize) -> String {
    format!("mistakes-{truth}-{decision}")
}

/// The place of a pair's examples in the page, where it has some.
pub(super) fn place(report: &Report, pair: &ConfusedPair) -> Option<String> {
    let of = |example: &Example| (example.truth, example.decision) == (pair.truth, pair.prediction);
    report.mistakes.iter().any(of).then(|| anchor(pair.truth, pair.prediction))
}

/// The mistakes by pair, in the order in which pairs come first.
pub(super) fn mistaken(report: &Report) -> Result<Vec<Mistaken>, ReportError> {
    let mut pairs: Vec<Mistaken> = Vec::new();
    for example in &report.mistakes {
        let id = anchor(example.truth, example.decision);
        let [truth, decision] = labels(report, example)?;
        let place = pairs.iter().position(|pair| pair.id == id).unwrap_or_else(|| {
            pairs.push(Mistaken { id: id.clone(), truth, decision, examples: Vec::new() });
            pairs.len() - 1
        });
        let number = pairs[place].examples.len();
        let time = Time::of(example.sound.as_ref(), &example.frames);
        pairs[place].examples.push(shown(report, example, &format!("{id}-{number}"), &time)?);
    }
    Ok(pairs)
}

/// The examples with the attention that was paid to them, which stands above their pictures.
pub(super) fn attended(report: &Report) -> Result<Vec<(String, Shown)>, ReportError> {
    let one = |(number, attended): (usize, &Attended)| {
        let Attended { example, weights, timing } = attended;
        let [truth, _] = labels(report, example)?;
        let id = format!("attention-{number}");
        let time = Time::of(example.sound.as_ref(), &example.frames);
        let mut shown = shown(report, example, &id, &time)?;
        shown.figures.insert(0, weights_figure(weights, *timing, format!("{id}-weights"), &time)?);
        Ok((truth, shown))
    };
    report.attention.iter().enumerate().map(one).collect()
}

fn refused(reason: String) -> ReportError {
    ReportError::Figure { figure: "examples", reason }
}

/// The names of what an example is and of what it was taken for.
fn labels(report: &Report, example: &Example) -> Result<[String; 2], ReportError> {
    let labels = report.evaluation.confusion.classes();
    let name = |class: usize| labels.get(class).cloned();
    let (name, all) = (name(example.truth).zip(name(example.decision)), labels.len());
    let fit = example.probabilities.len() == all && example.probabilities.iter().all(|p| p.is_finite());
    match name {
        Some((truth, decision)) if fit => Ok([truth, decision]),
        _ => Err(refused(format!(
            "{}: must have classes below {all} and {all} finite probabilities",
            example.name
        ))),
    }
}

fn shown(report: &Report, example: &Example, id: &str, time: &Time) -> Result<Shown, ReportError> {
    let [truth, decision] = labels(report, example)?;
    let labels = report.evaluation.confusion.classes();
    let mut likeliest: Vec<(&String, f32)> =
        labels.iter().zip(example.probabilities.iter().copied()).collect();
    likeliest.sort_by(|a, b| b.1.total_cmp(&a.1));
    let listed = |most: usize| -> Vec<String> {
        let first = likeliest.iter().take(most);
        first.map(|(label, p)| format!("{label} ({})", score(Some(f64::from(*p))))).collect()
    };
    let mut probabilities = listed(LABELS).join(", ");
    if likeliest.len() > LABELS {
        probabilities += &format!(" and {} more", likeliest.len() - LABELS);
    }
    let mut facts = vec![
        ("example", example.name.clone()),
        ("truth", truth),
        ("decision", decision),
        ("probabilities", probabilities),
    ];
    let mut figures = Vec::new();
    if let Some(sound) = &example.sound {
        facts.push((
            "sound",
            format!("{} at {} Hz", duration(sound.seconds()), count(sound.sample_rate_hz.into())),
        ));
        let waveform = sound.waveform(format!("{id}-waveform"), time, COLUMNS)?;
        // A pointer's values would make the page twice as large.
        figures.push(Figure { traces: Vec::new(), caption: String::new(), ..waveform });
    }
    for (number, frames) in example.frames.iter().enumerate() {
        let figure = frames.figure(format!("{id}-frames-{number}"), time, COLUMNS)?;
        figures.push(Figure { traces: Vec::new(), ..figure });
    }
    Ok(Shown {
        name: example.name.clone(),
        said: listed(2).join(", "),
        facts,
        audio: example.sound.as_ref().map(|sound| data_address("audio/wav", &sound.wav)),
        figures,
        notes: example.notes.clone(),
    })
}

/// The weights over time, from 0 on.
fn weights_figure(
    weights: &[f32],
    timing: FrameTiming,
    id: String,
    time: &Time,
) -> Result<Figure, ReportError> {
    if weights.is_empty() || weights.iter().any(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        return Err(refused("there is no weight, or one is negative or no number".into()));
    }
    let reach = timing.reach(weights.len());
    let step = (reach.end - reach.start) / weights.len() as f64;
    let numbered = weights.iter().enumerate().map(|(at, weight)| (at as u64, f64::from(*weight)));
    let line = Line::through(numbered, POINTS);
    let points: Vec<(f64, f64)> =
        line.points.iter().map(|(at, weight)| (reach.start + (at + 0.5) * step, *weight)).collect();
    let largest = points.iter().fold(1e-6f64, |largest, point| largest.max(point.1));
    let (at, _) =
        points.iter().copied().fold((0.0, -1.0), |best, point| if point.1 > best.1 { point } else { best });
    let marks = [0.0, largest].map(|weight| (weight, rounded(weight as f32)));
    let y = Axis::linear("weight", 0.0..1.05 * largest).marked(marks.to_vec());
    let chart = Chart {
        series: vec![Series { name: "weight".into(), ink: Ink::FIRST, points }],
        ..Chart::empty("attention", LOW, time.axis(), y)
    };
    Figure::of(
        &chart,
        Words {
            id,
            title: "Attention".into(),
            description: format!(
                "{}, the largest at {} {at:.2}.",
                counted(weights.len() as u64, "weight"),
                time.name
            ),
            caption: match line.averaged {
                1 => String::new(),
                many => format!("Each point is the mean of {many} frames."),
            },
            x_name: time.name.into(),
            nearest: false,
        },
    )
}

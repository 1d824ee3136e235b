//! Page of an evaluation on long recordings: results, error rates at all thresholds, and every error with its sound.

use askama::Template;
use serde::Serialize;

use super::examples::ExampleView;
use super::shell::{Shell, render_page};
use crate::ReportError;
use crate::chart::axis::{Axis, Scale};
use crate::chart::figure::{Figure, FigureSpec, FigureText};
use crate::chart::shapes::Color;
use crate::chart::{Chart, HEIGHT, Mark, Series};
use crate::frames::{LOW, Sound, Time};
use crate::inline::data_url;
use crate::numbers::{pluralize, score};
use crate::quoted;
use stapes_metrics::KeywordOperatingPoint;

/// Columns of a waveform; small, because the page has many.
const COLUMNS: usize = 300;

/// Evaluation on long recordings, on its page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StreamReport {
    /// Title of the page.
    pub title: String,
    /// One sentence about model and recordings.
    pub summary: String,
    /// Time of creation.
    pub created_at: String,
    /// Important notes.
    pub notes: Vec<String>,
    /// Heads of the table of results; the first column has names.
    pub heads: Vec<String>,
    /// Rows of that table.
    pub rows: Vec<Vec<String>>,
    /// Sentences below the table.
    pub explanation: Vec<String>,
    /// Error rates of each keyword at all thresholds; empty for speech.
    pub det: Vec<KeywordCurve>,
    /// Errors, in the order of the recordings.
    pub errors: Vec<StreamError>,
}

/// Error rates of a keyword at all thresholds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeywordCurve {
    /// Label.
    pub label: String,
    /// Threshold of the evaluation, with its error rates.
    pub chosen: KeywordOperatingPoint,
    /// Error rates, from the highest threshold to the lowest.
    pub points: Vec<KeywordOperatingPoint>,
}

/// Error in a recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StreamError {
    /// Kind: "miss", "false accept", "repeated detection".
    pub kind: String,
    /// Label.
    pub label: String,
    /// Recording.
    pub recording: String,
    /// Start of the missed segment or of the detection in the recording, s.
    pub start_seconds: f64,
    /// End, s.
    pub end_seconds: f64,
    /// Score of the detection, or the highest near a missed segment.
    pub score: Option<f32>,
    /// Part of the recording around the error, if it is shown.
    pub excerpt: Option<Excerpt>,
    /// Notes for the reader, for example that the recording cannot be read any more.
    pub notes: Vec<String>,
}

/// Part of a recording, with the scores of the label over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Excerpt {
    /// Start of the part in the recording, s.
    pub start_seconds: f64,
    /// Sound of the part.
    pub sound: Sound,
    /// Times of the scores in the recording, s.
    pub times: Vec<f64>,
    /// Scores at these times.
    pub scores: Vec<f32>,
    /// Threshold of the score.
    pub threshold: f64,
}

/// Errors of one kind and label.
struct ErrorGroup {
    id: String,
    title: String,
    examples: Vec<ExampleView>,
}

#[derive(Template)]
#[template(path = "stream.html")]
struct Page<'a> {
    report: &'a StreamReport,
    shell: Shell<'a>,
    det: Vec<Figure>,
    errors: Vec<ErrorGroup>,
}

/// Renders the page of an evaluation on long recordings as one HTML file.
///
/// # Errors
/// [`ReportError::Figure`] if a sample or score is not finite; [`ReportError::Page`] if the template cannot be filled in.
pub fn render_stream(report: &StreamReport) -> Result<String, ReportError> {
    let page = Page {
        report,
        shell: Shell::new(&report.title, &report.summary, &report.notes, &report.created_at),
        det: det(&report.det).map(FigureSpec::figure).into_iter().collect(),
        errors: errors(report)?,
    };
    render_page(&page)
}

/// Draws the miss rate against the false accepts per hour; None unless a threshold makes both errors.
fn det(curves: &[KeywordCurve]) -> Option<FigureSpec> {
    let series: Vec<Series> =
        curves.iter().enumerate().filter_map(|(at, curve)| det_series(at, curve)).collect();
    let rates = || series.iter().flat_map(|series| series.points.iter().map(|point| point.0));
    let (low, high) = (rates().reduce(f64::min)?, rates().reduce(f64::max)?);
    let letters = ('A'..='Z').map(String::from);
    let chosen = curves.iter().zip(letters).filter_map(|(curve, letter)| {
        let KeywordOperatingPoint { miss_rate, false_accepts_per_hour: rate, .. } = curve.chosen;
        (low..=high).contains(&rate).then_some((rate, 100.0 * miss_rate?, letter))
    });
    let x = Axis::new("false accepts per hour", 0.8 * low..1.25 * high, Scale::Log);
    let y = Axis::linear("miss rate (%)", 0.0..100.0);
    let chart = Chart { annotations: chosen.collect(), series, ..Chart::empty(HEIGHT, x, y) };
    let labels = curves.iter().map(|curve| quoted(&curve.label)).collect::<Vec<_>>().join(", ");
    let text = FigureText {
        id: "det".into(),
        title: "Detection error tradeoff".into(),
        description: format!("Miss rate against false accepts per hour of {labels}."),
        caption: "Letters mark the thresholds of this evaluation, in the order of the table. Thresholds without a false accept \
                  are not shown."
            .into(),
        x_name: "false accepts per hour".into(),
        nearest: true,
    };
    Some(FigureSpec::new(chart, text))
}

/// Returns the error rates of a keyword at the thresholds with a false accept; None if there are none.
fn det_series(number: usize, curve: &KeywordCurve) -> Option<Series> {
    let rates = |point: &KeywordOperatingPoint| {
        let rate = Some(point.false_accepts_per_hour).filter(|rate| *rate > 0.0 && rate.is_finite())?;
        Some((rate, 100.0 * point.miss_rate?))
    };
    let mut points: Vec<(f64, f64)> = curve.points.iter().filter_map(rates).collect();
    points.dedup();
    let name = curve.label.clone();
    (!points.is_empty()).then_some(Series { name, color: Color::Series(number), points })
}

/// Groups the errors by kind and label, in the order of first occurrence.
fn errors(report: &StreamReport) -> Result<Vec<ErrorGroup>, ReportError> {
    let mut groups: Vec<(&str, &str, ErrorGroup)> = Vec::new();
    for error in &report.errors {
        let (kind, label) = (&*error.kind, &*error.label);
        let at = groups.iter().position(|group| (group.0, group.1) == (kind, label)).unwrap_or_else(|| {
            let id = format!("errors-{}", groups.len());
            groups.push((kind, label, ErrorGroup { id, title: String::new(), examples: Vec::new() }));
            groups.len() - 1
        });
        let group = &mut groups[at].2;
        let id = format!("{}-{}", group.id, group.examples.len());
        group.examples.push(shown(error, &id)?);
    }
    // The others matter more.
    groups.sort_by_key(|(kind, ..)| *kind == "repeated detection");
    let titled = |(kind, label, group): (&str, &str, ErrorGroup)| {
        let count = group.examples.len() as u64;
        let title = match (kind, count) {
            ("miss", 2..) => format!("{count} misses of {}", quoted(label)),
            _ => format!("{} of {}", pluralize(count, kind), quoted(label)),
        };
        ErrorGroup { title, ..group }
    };
    Ok(groups.into_iter().map(titled).collect())
}

fn shown(error: &StreamError, id: &str) -> Result<ExampleView, ReportError> {
    let StreamError { recording, start_seconds, end_seconds, excerpt, .. } = error;
    let times = format!("{start_seconds:.2} s to {end_seconds:.2} s");
    let score_text = error.score.map(|value| score(Some(f64::from(value))));
    let mut facts = vec![("recording", recording.clone()), ("times", times.clone())];
    if let Some(text) = &score_text {
        facts.push((if error.kind == "miss" { "highest score" } else { "score" }, text.clone()));
    }
    let mut figures = Vec::new();
    if let Some(excerpt) = excerpt {
        let shown_end = excerpt.start_seconds + excerpt.sound.seconds();
        facts.push(("shown", format!("{:.2} s to {shown_end:.2} s", excerpt.start_seconds)));
        let time = Time::new(Some(&excerpt.sound), &[]);
        figures
            .push(excerpt.sound.waveform(format!("{id}-waveform"), &time, COLUMNS)?.figure_without_values());
        figures.extend(scores(error, excerpt, id, &time)?);
    }
    Ok(ExampleView {
        id: id.into(),
        name: recording.clone(),
        top_labels: score_text.map_or(times.clone(), |text| format!("{times}, score {text}")),
        facts,
        audio: excerpt.as_ref().map(|excerpt| data_url("audio/wav", &excerpt.sound.wav)),
        figures,
        notes: error.notes.clone(),
    })
}

/// Draws the scores over the time of an excerpt, with the threshold and the end of the error; None without scores.
fn scores(
    error: &StreamError,
    excerpt: &Excerpt,
    id: &str,
    time: &Time,
) -> Result<Option<Figure>, ReportError> {
    let Excerpt { start_seconds, sound, times, scores, threshold } = excerpt;
    if times.len() != scores.len() || scores.iter().any(|score| !score.is_finite()) {
        let reason = "pass one finite score per time".into();
        return Err(ReportError::Figure { figure: "scores".into(), reason });
    }
    let end = sound.seconds();
    let points: Vec<(f64, f64)> = times
        .iter()
        .zip(scores)
        .map(|(time, score)| (time - start_seconds, f64::from(*score)))
        .filter(|(time, _)| (0.0..=end).contains(time))
        .collect();
    if points.is_empty() {
        return Ok(None);
    }
    let mark = (error.end_seconds - start_seconds).clamp(0.0, end);
    let chart = Chart {
        series: vec![Series { name: error.label.clone(), color: Color::Series(0), points }],
        reference: vec![(0.0, *threshold), (end, *threshold)],
        mark: Some(Mark { x: mark, text: "end".into(), dot: None }),
        ..Chart::empty(LOW, time.axis(), Axis::linear("score", 0.0..1.0))
    };
    let text = FigureText {
        id: format!("{id}-scores"),
        title: "Scores".into(),
        description: format!("Scores of {}; the threshold is {threshold:.3}.", quoted(&error.label)),
        caption: "The dashed line is the threshold.".into(),
        x_name: time.name.into(),
        nearest: false,
    };
    Ok(Some(FigureSpec::new(chart, text).figure_without_values()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> StreamReport {
        let point = |threshold, miss_rate, false_accepts_per_hour| KeywordOperatingPoint {
            threshold,
            miss_rate: Some(miss_rate),
            false_accepts_per_hour,
        };
        let excerpt = Excerpt {
            start_seconds: 10.0,
            sound: Sound {
                samples: (0..8000).map(|n| (0.05 * n as f32).sin() * 0.5).collect(),
                sample_rate_hz: 8000,
                wav: b"RIFF".to_vec(),
            },
            times: vec![9.9, 10.2, 10.4, 10.6],
            scores: vec![0.1, 0.2, 0.9, 0.4],
            threshold: 0.8,
        };
        let error = |kind: &str, label: &str, excerpt| StreamError {
            kind: kind.into(),
            label: label.into(),
            recording: "long <1>.wav".into(),
            start_seconds: 10.1,
            end_seconds: 10.5,
            score: Some(0.9),
            excerpt,
            notes: Vec::new(),
        };
        StreamReport {
            title: "words on meetings".into(),
            summary: "2 recordings, 0.50 h".into(),
            created_at: "2026-01-31 12:00 UTC".into(),
            notes: Vec::new(),
            heads: vec!["keyword".into(), "missed".into()],
            rows: vec![vec!["yes".into(), "1 of 2".into()]],
            explanation: vec!["95 % CI.".into()],
            det: vec![KeywordCurve {
                label: "yes".into(),
                chosen: point(0.8, 0.5, 2.0),
                points: vec![point(0.9, 1.0, 0.0), point(0.8, 0.5, 2.0), point(0.4, 0.0, 8.0)],
            }],
            errors: vec![
                error("false accept", "yes", Some(excerpt.clone())),
                error("miss", "yes", Some(excerpt)),
                error("miss", "yes", None),
            ],
        }
    }

    #[test]
    fn the_page_has_results_curves_and_every_error() {
        let page = render_stream(&report()).unwrap();
        for part in [
            "<h1>words on meetings</h1>",
            "Detection error tradeoff",
            "1 false accept of “yes”",
            "2 misses of “yes”",
            "long &#60;1&#62;.wav: 10.10 s to 10.50 s, score 0.900",
            "src=\"data:audio/wav;base64,UklGRg==\"",
            "id=\"errors-0-0-scores-title\"",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<audio").count(), 2);
    }

    #[test]
    fn without_errors_the_page_says_so_and_invalid_scores_are_errors() {
        let page = render_stream(&StreamReport { errors: Vec::new(), det: Vec::new(), ..report() }).unwrap();
        assert!(page.contains("No errors.") && !page.contains("det-section"));
        let mut broken = report();
        broken.errors[0].excerpt.as_mut().unwrap().scores.pop();
        assert!(render_stream(&broken).is_err());
    }
}

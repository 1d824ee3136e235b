//! Page of one recording: its sound, its frames, and the scores of a model over time.

use askama::Template;
use serde::Serialize;

use super::shell::{Shell, render_page};
use crate::ReportError;
use crate::chart::axis::Axis;
use crate::chart::figure::{Figure, FigureSpec, FigureText};
use crate::chart::shapes::Color;
use crate::chart::{Chart, HEIGHT, Series};
use crate::frames::{FrameView, Sound, Time};
use crate::inline::data_url;
use crate::numbers::{pluralize, score};
use crate::quoted;

/// A recording on its page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// Title of the page: the file's name.
    pub title: String,
    /// One sentence about the recording.
    pub summary: String,
    /// Time of creation.
    pub created_at: String,
    /// Names and values of facts about the file: sample rate, duration, level.
    pub facts: Vec<(String, String)>,
    /// Important notes, for example that the recording is truncated or clipped.
    pub notes: Vec<String>,
    /// Sound, with the samples of the waveform.
    pub sound: Sound,
    /// Pictures of frames.
    pub frames: Vec<FrameView>,
    /// Scores of a model, if there is one.
    pub scores: Option<InspectionScores>,
}

/// Scores of a model for a recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InspectionScores {
    /// Short description of the model.
    pub model: String,
    /// Labels.
    pub labels: Vec<String>,
    /// Probability of each label for the whole recording; empty for a frame-level model.
    pub overall: Vec<f32>,
    /// Time of each frame of `over_time`; empty for a model that is not causal, for example a bidirectional one.
    pub times: Vec<f64>,
    /// Probabilities over time, [T, K].
    pub over_time: Vec<f32>,
}

/// Columns of a waveform.
const COLUMNS: usize = 900;
/// Points of a line of scores.
const POINTS: usize = 1500;

#[derive(Template)]
#[template(path = "inspection.html")]
struct Page<'a> {
    inspection: &'a Inspection,
    shell: Shell<'a>,
    audio: String,
    waveform: Vec<Figure>,
    frames: Vec<Figure>,
    scores: Vec<Figure>,
    overall: Vec<(String, String)>,
}

/// Renders the page of a recording as one HTML file.
///
/// # Errors
/// [`ReportError::Figure`] if there are no samples or no frames, or a sample, value or score is not finite;
/// [`ReportError::Page`] if the template cannot be filled in.
pub fn render_inspection(inspection: &Inspection) -> Result<String, ReportError> {
    let time = Time::new(Some(&inspection.sound), &inspection.frames);
    let frames = inspection.frames.iter().enumerate();
    let page = Page {
        inspection,
        shell: Shell::new(&inspection.title, &inspection.summary, &inspection.notes, &inspection.created_at),
        audio: data_url("audio/wav", &inspection.sound.wav),
        waveform: vec![inspection.sound.waveform("waveform-figure".into(), &time, COLUMNS)?.figure()],
        frames: frames
            .map(|(at, frames)| Ok(frames.figure(format!("frames-{at}"), &time, COLUMNS)?.figure()))
            .collect::<Result<_, ReportError>>()?,
        scores: scores(inspection, &time)?.into_iter().collect(),
        overall: overall(inspection),
    };
    render_page(&page)
}

/// Returns the labels with their probabilities for the whole recording, the most probable first.
fn overall(inspection: &Inspection) -> Vec<(String, String)> {
    let Some(scores) = &inspection.scores else { return Vec::new() };
    let mut rows: Vec<(&String, f32)> = scores.labels.iter().zip(scores.overall.iter().copied()).collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    rows.into_iter().map(|(label, p)| (label.clone(), score(Some(f64::from(p))))).collect()
}

fn invalid(reason: &str) -> ReportError {
    ReportError::Figure { figure: "recording".into(), reason: reason.into() }
}

/// Draws the scores over time of the labels with the highest peaks.
fn scores(inspection: &Inspection, time: &Time) -> Result<Option<Figure>, ReportError> {
    let Some(scores) = inspection.scores.as_ref().filter(|scores| !scores.times.is_empty()) else {
        return Ok(None);
    };
    let labels = scores.labels.len();
    if scores.over_time.len() != labels * scores.times.len()
        || scores.over_time.iter().any(|p| !p.is_finite())
    {
        return Err(invalid("pass one finite score per label and time"));
    }
    let peak = |label: usize| {
        scores.over_time.iter().skip(label).step_by(labels).fold(0.0f32, |peak, p| peak.max(*p))
    };
    let mut order: Vec<usize> = (0..labels).collect();
    let peaks: Vec<f32> = order.iter().map(|&label| peak(label)).collect();
    order.sort_by(|&a, &b| peaks[b].total_cmp(&peaks[a]));
    order.truncate(Color::COUNT);
    let every = scores.times.len().div_ceil(POINTS);
    let line = |(number, &label): (usize, &usize)| Series {
        name: scores.labels[label].clone(),
        color: Color::Series(number),
        points: scores
            .times
            .iter()
            .enumerate()
            .step_by(every)
            .map(|(at, &time)| (time, f64::from(scores.over_time[at * labels + label])))
            .collect(),
    };
    let chart = Chart {
        series: order.iter().enumerate().map(line).collect(),
        ..Chart::empty(HEIGHT, time.axis(), Axis::linear("probability", 0.0..1.0))
    };
    let hidden = labels - order.len();
    let labels_text = scores.labels.iter().map(|label| quoted(label)).collect::<Vec<_>>().join(", ");
    let text = FigureText {
        id: "scores-figure".into(),
        title: "Scores over time".into(),
        description: format!("The probabilities of {} over time.", labels_text),
        caption: match hidden {
            0 => String::new(),
            more => format!("{} with lower scores not shown.", pluralize(more as u64, "label")),
        },
        x_name: time.name.into(),
        nearest: false,
    };
    Ok(Some(FigureSpec::new(chart, text).figure()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FrameAxis;
    use crate::FrameTiming;

    fn inspection() -> Inspection {
        Inspection {
            title: "a <b>.wav".into(),
            summary: "half a second".into(),
            created_at: "2026-01-31 12:00 UTC".into(),
            facts: vec![("sample rate".into(), "8000 Hz".into())],
            notes: Vec::new(),
            sound: Sound {
                samples: (0..4000).map(|n| (0.05 * n as f32).sin() * 0.5).collect(),
                sample_rate_hz: 8000,
                wav: b"RIFF".to_vec(),
            },
            frames: vec![FrameView {
                title: "Mel".into(),
                caption: "what".into(),
                values: vec![1.0, 2.0, 3.0, 4.0],
                width: 2,
                timing: FrameTiming::Seconds { first: 0.1, hop: 0.2 },
                axis: FrameAxis::Bands(vec![100.0, 300.0]),
                quantity: "level".into(),
            }],
            scores: Some(InspectionScores {
                model: "a GRU".into(),
                labels: vec!["no".into(), "yes".into()],
                overall: vec![0.25, 0.75],
                times: vec![0.0, 0.1, 0.2],
                over_time: vec![0.5, 0.5, 0.4, 0.6, 0.25, 0.75],
            }),
        }
    }

    #[test]
    fn the_page_has_sound_pictures_and_scores_and_escapes_names() {
        let page = render_inspection(&inspection()).unwrap();
        for part in [
            "<h1>a &#60;b&#62;.wav</h1>",
            "src=\"data:audio/wav;base64,UklGRg==\"",
            "href=\"data:image/png;base64,iVBOR",
            "Waveform",
            "Scores over time",
            "media-src data:",
        ] {
            assert!(page.contains(part), "{part}");
        }
        // The most probable label is first.
        let (yes, no) = (
            page.find("<th scope=\"row\">yes</th>").unwrap(),
            page.find("<th scope=\"row\">no</th>").unwrap(),
        );
        assert!(yes < no);
    }

    #[test]
    fn labels_without_a_line_are_counted() {
        let mut many = inspection();
        let scores = many.scores.as_mut().unwrap();
        scores.labels = (0..13).map(|label| format!("word {label}")).collect();
        scores.overall = vec![0.0; 13];
        scores.over_time = vec![0.0; 39];
        assert!(render_inspection(&many).unwrap().contains("1 label with lower scores not shown."));
    }

    #[test]
    fn invalid_values_are_errors() {
        let mut broken = inspection();
        broken.sound.samples[3] = f32::NAN;
        assert!(render_inspection(&broken).is_err());
        let mut fewer = inspection();
        fewer.scores.as_mut().unwrap().over_time.pop();
        assert!(render_inspection(&fewer).is_err());
    }
}

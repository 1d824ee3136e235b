//! The page of one recording: what is heard, what a model reads of it, and what it says over time.

use askama::Template;
use serde::Serialize;

use super::chart::{Chart, HEIGHT, Series, WIDTH};
use super::figure::{Figure, Words};
use super::frame::Frame;
use super::ink::Ink;
use super::policy::base64;
use super::scale::Axis;
use crate::EvalError;
use crate::numbers::score;

/// A recording as its page shows it.
///
/// # Units
/// Samples in [-1, 1]; times in s.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// The page's title: the file's name.
    pub title: String,
    /// The recording in a sentence.
    pub summary: String,
    /// When the page was made.
    pub made_at: String,
    /// Names and values about the file: rate, length, level.
    pub facts: Vec<(String, String)>,
    /// What a reader must know: cut short, clipped.
    pub notes: Vec<String>,
    /// The samples.
    pub samples: Vec<f32>,
    /// Their rate.
    pub sample_rate_hz: u32,
    /// The same as a WAV file, to be listened to.
    pub wav: Option<Vec<u8>>,
    /// Pictures of frames.
    pub pictures: Vec<InspectionPicture>,
    /// What a model says, if one was asked.
    pub scores: Option<InspectionScores>,
}

/// A picture of frames.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InspectionPicture {
    /// What it shows.
    pub title: String,
    /// A sentence about it.
    pub caption: String,
    /// The PNG file.
    pub png: Vec<u8>,
}

/// What a model says of a recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InspectionScores {
    /// The model, in a few words.
    pub model: String,
    /// The labels.
    pub labels: Vec<String>,
    /// What it says of all of the recording: a probability a label; empty of a model that decides for every frame.
    pub whole: Vec<f32>,
    /// What it says over time: the time of each frame and [T, K] probabilities; empty of a model that hears the end first.
    pub times: Vec<f64>,
    /// See `times`.
    pub over_time: Vec<f32>,
}

/// Columns that a waveform is drawn with: the lowest and highest sample of each.
const COLUMNS: usize = 900;
/// Points a line of scores is drawn with.
const POINTS: usize = 1500;

#[derive(Template)]
#[template(path = "inspection.html")]
struct Page<'a> {
    inspection: &'a Inspection,
    frame: Frame<'a>,
    width: u32,
    audio: Option<String>,
    waveform: Vec<Figure>,
    pictures: Vec<(&'a InspectionPicture, String)>,
    scores: Vec<Figure>,
    whole: Vec<(String, String)>,
}

/// The page of a recording as one HTML file.
///
/// # Errors
/// [`EvalError::Figure`] if there is no sample, or a sample or score is not finite; [`EvalError::Page`] if the template
/// cannot be filled in.
pub fn render_inspection(inspection: &Inspection) -> Result<String, EvalError> {
    let data = |kind: &str, bytes: &[u8]| format!("data:{kind};base64,{}", base64(bytes));
    let page = Page {
        inspection,
        frame: Frame::of(&inspection.title, &inspection.summary, &inspection.notes, &inspection.made_at),
        width: WIDTH,
        audio: inspection.wav.as_ref().map(|wav| data("audio/wav", wav)),
        waveform: vec![waveform(inspection)?],
        pictures: inspection
            .pictures
            .iter()
            .map(|picture| (picture, data("image/png", &picture.png)))
            .collect(),
        scores: scores(inspection)?.into_iter().collect(),
        whole: whole(inspection),
    };
    Ok(page.render()?)
}

/// The labels with what the model says of all of the recording, the likeliest first.
fn whole(inspection: &Inspection) -> Vec<(String, String)> {
    let Some(scores) = &inspection.scores else { return Vec::new() };
    let mut rows: Vec<(&String, f32)> = scores.labels.iter().zip(scores.whole.iter().copied()).collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    rows.into_iter().map(|(label, p)| (label.clone(), score(Some(f64::from(p))))).collect()
}

fn refused(reason: &str) -> EvalError {
    EvalError::Figure { figure: "recording", reason: reason.into() }
}

fn waveform(inspection: &Inspection) -> Result<Figure, EvalError> {
    let samples = &inspection.samples;
    if samples.is_empty() || samples.iter().any(|sample| !sample.is_finite()) {
        return Err(refused("there are no samples, or one is not finite"));
    }
    let rate = f64::from(inspection.sample_rate_hz);
    let column = samples.len().div_ceil(COLUMNS);
    let mut points = Vec::new();
    for (number, part) in samples.chunks(column).enumerate() {
        let low = part.iter().copied().fold(f32::INFINITY, f32::min);
        let high = part.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let seconds = (number * column) as f64 / rate;
        points.push((seconds, f64::from(low)));
        if high > low {
            points.push((seconds, f64::from(high)));
        }
    }
    let peak = samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    let limit = f64::from(peak).clamp(1e-4, 1.0).max(f64::from(peak));
    let seconds = samples.len() as f64 / rate;
    let chart = Chart {
        name: "waveform",
        height: HEIGHT / 2,
        x: Axis::linear("time (s)", 0.0..seconds),
        y: Axis::linear("sample", -limit..limit),
        series: vec![Series { name: "samples".into(), ink: Ink::FIRST, points }],
        names: false,
        behind: Vec::new(),
        spreads: Vec::new(),
        reference: Vec::new(),
        mark: None,
        letters: Vec::new(),
    };
    Figure::of(
        &chart,
        Words {
            id: "waveform-figure".into(),
            title: "Waveform".into(),
            description: format!("{seconds:.3} s of samples between -{peak:.3} and {peak:.3}."),
            caption: match column {
                1 => String::new(),
                column => format!("The lowest and the highest of every {column} samples."),
            },
            x_name: "s".into(),
            nearest: false,
        },
    )
}

/// The labels of the highest peaks over time.
fn scores(inspection: &Inspection) -> Result<Option<Figure>, EvalError> {
    let Some(scores) = inspection.scores.as_ref().filter(|scores| !scores.times.is_empty()) else {
        return Ok(None);
    };
    let labels = scores.labels.len();
    if scores.over_time.len() != labels * scores.times.len()
        || scores.over_time.iter().any(|p| !p.is_finite())
    {
        return Err(refused("there is not one finite score a label and time"));
    }
    let peak = |label: usize| {
        scores.over_time.iter().skip(label).step_by(labels).fold(0.0f32, |peak, p| peak.max(*p))
    };
    let mut order: Vec<usize> = (0..labels).collect();
    order.sort_by(|&a, &b| peak(b).total_cmp(&peak(a)));
    order.truncate(Ink::LINES);
    let every = scores.times.len().div_ceil(POINTS);
    let line = |(number, &label): (usize, &usize)| Series {
        name: scores.labels[label].clone(),
        ink: Ink::Line(number),
        points: scores
            .times
            .iter()
            .enumerate()
            .step_by(every)
            .map(|(at, &time)| (time, f64::from(scores.over_time[at * labels + label])))
            .collect(),
    };
    let seconds = inspection.samples.len() as f64 / f64::from(inspection.sample_rate_hz);
    let end = scores.times.last().copied().unwrap_or(seconds).max(seconds);
    let first = scores.times[0].min(0.0);
    let chart = Chart {
        name: "scores",
        height: HEIGHT,
        x: Axis::linear("time (s)", first..end),
        y: Axis::linear("probability", 0.0..1.0),
        series: order.iter().enumerate().map(line).collect(),
        names: false,
        behind: Vec::new(),
        spreads: Vec::new(),
        reference: Vec::new(),
        mark: None,
        letters: Vec::new(),
    };
    let left_out = labels - order.len();
    Figure::of(
        &chart,
        Words {
            id: "scores-figure".into(),
            title: "Scores over time".into(),
            description: format!("The probabilities of {} over time.", scores.labels.join(", ")),
            caption: match left_out {
                0 => String::new(),
                more => format!("{more} labels whose scores stay lower are left out."),
            },
            x_name: "s".into(),
            nearest: false,
        },
    )
    .map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspection() -> Inspection {
        Inspection {
            title: "a <b>.wav".into(),
            summary: "half a second".into(),
            made_at: "2026-01-31 12:00 UTC".into(),
            facts: vec![("sample rate".into(), "8000 Hz".into())],
            notes: Vec::new(),
            samples: (0..4000).map(|n| (0.05 * n as f32).sin() * 0.5).collect(),
            sample_rate_hz: 8000,
            wav: Some(b"RIFF".to_vec()),
            pictures: vec![InspectionPicture {
                title: "Mel".into(),
                caption: "what".into(),
                png: b"png".to_vec(),
            }],
            scores: Some(InspectionScores {
                model: "a GRU".into(),
                labels: vec!["no".into(), "yes".into()],
                whole: vec![0.25, 0.75],
                times: vec![0.0, 0.1, 0.2],
                over_time: vec![0.5, 0.5, 0.4, 0.6, 0.25, 0.75],
            }),
        }
    }

    #[test]
    fn the_page_has_the_sound_the_pictures_and_the_scores_and_escapes_names() {
        let page = render_inspection(&inspection()).unwrap();
        for part in [
            "<h1>a &#60;b&#62;.wav</h1>",
            "src=\"data:audio/wav;base64,UklGRg==\"",
            "src=\"data:image/png;base64,cG5n\"",
            "Waveform",
            "Scores over time",
            "media-src data:",
        ] {
            assert!(page.contains(part), "{part}");
        }
        // The likeliest first.
        let (yes, no) = (
            page.find("<th scope=\"row\">yes</th>").unwrap(),
            page.find("<th scope=\"row\">no</th>").unwrap(),
        );
        assert!(yes < no);
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        assert!(render_inspection(&Inspection { samples: Vec::new(), ..inspection() }).is_err());
        let mut broken = inspection();
        broken.samples[3] = f32::NAN;
        assert!(render_inspection(&broken).is_err());
        let mut fewer = inspection();
        fewer.scores.as_mut().unwrap().over_time.pop();
        assert!(render_inspection(&fewer).is_err());
    }

    #[test]
    fn a_silent_recording_has_a_page() {
        let silent = Inspection { samples: vec![0.0; 100], scores: None, ..inspection() };
        assert!(render_inspection(&silent).is_ok());
    }
}

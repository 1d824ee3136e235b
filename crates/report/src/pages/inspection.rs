//! The page of one recording: what is heard, what a model reads of it, and what it says over time.

use askama::Template;
use serde::Serialize;

use super::frame_view::{ShownFrames, Sound, Time};
use super::shell::{Frame, written};
use crate::ReportError;
use crate::chart::axis::Axis;
use crate::chart::figure::{Figure, Words};
use crate::chart::series_style::Ink;
use crate::chart::{Chart, HEIGHT, Series, WIDTH};
use crate::inline::data_address;
use crate::numbers::{counted, score};

/// A recording as its page shows it.
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
    /// The samples, to be seen and listened to.
    pub sound: Sound,
    /// Pictures of frames.
    pub frames: Vec<ShownFrames>,
    /// What a model says, if one was asked.
    pub scores: Option<InspectionScores>,
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

/// Columns that a waveform is drawn with.
const COLUMNS: usize = 900;
/// Points a line of scores is drawn with.
const POINTS: usize = 1500;

#[derive(Template)]
#[template(path = "inspection.html")]
struct Page<'a> {
    inspection: &'a Inspection,
    frame: Frame<'a>,
    width: u32,
    audio: String,
    waveform: Vec<Figure>,
    frames: Vec<Figure>,
    scores: Vec<Figure>,
    whole: Vec<(String, String)>,
}

/// The page of a recording as one HTML file.
///
/// # Errors
/// [`ReportError::Figure`] if there is no sample or frame, or a sample, value or score is not finite; [`ReportError::Page`] if the template
/// cannot be filled in.
pub fn render_inspection(inspection: &Inspection) -> Result<String, ReportError> {
    let time = Time::of(Some(&inspection.sound), &inspection.frames);
    let frames = inspection.frames.iter().enumerate();
    let page = Page {
        inspection,
        frame: Frame::of(&inspection.title, &inspection.summary, &inspection.notes, &inspection.made_at),
        width: WIDTH,
        audio: data_address("audio/wav", &inspection.sound.wav),
        waveform: vec![inspection.sound.waveform("waveform-figure".into(), &time, COLUMNS)?],
        frames: frames
            .map(|(at, frames)| frames.figure(format!("frames-{at}"), &time, COLUMNS))
            .collect::<Result<_, _>>()?,
        scores: scores(inspection, &time)?.into_iter().collect(),
        whole: whole(inspection),
    };
    written(&page)
}

/// The labels with what the model says of all of the recording, the likeliest first.
fn whole(inspection: &Inspection) -> Vec<(String, String)> {
    let Some(scores) = &inspection.scores else { return Vec::new() };
    let mut rows: Vec<(&String, f32)> = scores.labels.iter().zip(scores.whole.iter().copied()).collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    rows.into_iter().map(|(label, p)| (label.clone(), score(Some(f64::from(p))))).collect()
}

fn refused(reason: &str) -> ReportError {
    ReportError::Figure { figure: "recording", reason: reason.into() }
}

/// The labels of the highest peaks over time.
fn scores(inspection: &Inspection, time: &Time) -> Result<Option<Figure>, ReportError> {
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
    let chart = Chart {
        series: order.iter().enumerate().map(line).collect(),
        ..Chart::empty("scores", HEIGHT, time.axis(), Axis::linear("probability", 0.0..1.0))
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
                more => format!("{} left out, with lower scores.", counted(more as u64, "label")),
            },
            x_name: time.name.into(),
            nearest: false,
        },
    )
    .map(Some)
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
            made_at: "2026-01-31 12:00 UTC".into(),
            facts: vec![("sample rate".into(), "8000 Hz".into())],
            notes: Vec::new(),
            sound: Sound {
                samples: (0..4000).map(|n| (0.05 * n as f32).sin() * 0.5).collect(),
                sample_rate_hz: 8000,
                wav: b"RIFF".to_vec(),
            },
            frames: vec![ShownFrames {
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
            "href=\"data:image/png;base64,iVBOR",
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
    fn labels_that_have_no_line_are_counted() {
        let mut many = inspection();
        let scores = many.scores.as_mut().unwrap();
        scores.labels = (0..13).map(|label| format!("word {label}")).collect();
        scores.whole = vec![0.0; 13];
        scores.over_time = vec![0.0; 39];
        assert!(render_inspection(&many).unwrap().contains("1 label left out, with lower scores."));
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        let mut broken = inspection();
        broken.sound.samples[3] = f32::NAN;
        assert!(render_inspection(&broken).is_err());
        let mut fewer = inspection();
        fewer.scores.as_mut().unwrap().over_time.pop();
        assert!(render_inspection(&fewer).is_err());
    }
}

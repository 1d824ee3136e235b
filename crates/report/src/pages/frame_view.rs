//! What pages show of a recording, one below the other over the same time: its waveform, and its frames.

use std::ops::Range;

use serde::Serialize;

use crate::chart::axis::Axis;
use crate::chart::figure::{Figure, Shades, Words};
use crate::chart::series_style::Ink;
use crate::chart::{Chart, Image, Series};
use crate::numbers::{counted, plain};
use crate::{FrameAxis, FramePicture, ReportError};

/// Height of a chart of lines, and of a picture of frames.
pub(super) const LOW: u32 = 1400;
const TALL: u32 = 2200;
/// Marks that fit upwards in a picture of frames.
const MARKS: usize = 6;

/// A sound that a page plays.
///
/// # Units
/// Samples in [-1, 1].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sound {
    /// The samples.
    pub samples: Vec<f32>,
    /// Their rate.
    pub sample_rate_hz: u32,
    /// The same as a WAV file.
    pub wav: Vec<u8>,
}

/// Frames as a page shows them: a colour for each value, or a line where a frame has one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShownFrames {
    /// What they are.
    pub title: String,
    /// A sentence about them.
    pub caption: String,
    /// The values, frame after frame.
    pub values: Vec<f32>,
    /// The number of values a frame.
    pub width: usize,
    /// When they are.
    pub timing: FrameTiming,
    /// What the values of a frame are.
    pub axis: FrameAxis,
    /// What a value is, with its unit.
    pub quantity: String,
}

/// When frames are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum FrameTiming {
    /// At moments of a recording, in s.
    Seconds {
        /// The centre of the first frame.
        first: f64,
        /// From one frame to the next.
        hop: f64,
    },
    /// One after the other.
    Numbers {
        /// From one frame to the next.
        step: f64,
    },
}

impl FrameTiming {
    /// From where to where so many frames reach, half a step beyond the centres of the first and the last.
    pub(super) fn reach(self, frames: usize) -> Range<f64> {
        match self {
            FrameTiming::Seconds { first, hop } => {
                let start = first - hop / 2.0;
                start..start + frames as f64 * hop
            }
            FrameTiming::Numbers { step } => 0.0..frames as f64 * step,
        }
    }
}

/// The time that figures below each other have in common.
pub(super) struct Time {
    label: &'static str,
    /// What a pointer says before the time.
    pub(super) name: &'static str,
    range: Range<f64>,
}

impl Time {
    /// All of a sound and of frames.
    pub(super) fn of(sound: Option<&Sound>, frames: &[ShownFrames]) -> Time {
        let numbers = frames.iter().any(|frames| matches!(frames.timing, FrameTiming::Numbers { .. }));
        let (label, name) = if numbers { ("frame", "frame") } else { ("time (s)", "s") };
        let reaches = frames.iter().map(ShownFrames::reach).chain(sound.map(|sound| 0.0..sound.seconds()));
        let (start, end) =
            reaches.fold((0.0, 0.0), |(start, end): (f64, f64), at| (start.min(at.start), end.max(at.end)));
        Time { label, name, range: start..end.max(start + 1e-3) }
    }

    pub(super) fn axis(&self) -> Axis {
        Axis::linear(self.label, self.range.clone())
    }
}

impl Sound {
    /// # Units
    /// s
    pub(super) fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }

    /// The lowest and the highest sample of each of so many columns.
    pub(super) fn waveform(&self, id: String, time: &Time, columns: usize) -> Result<Figure, ReportError> {
        let timing = FrameTiming::Seconds { first: 0.0, hop: 1.0 / f64::from(self.sample_rate_hz) };
        let line = Line { title: "Waveform", quantity: "sample", values: &self.samples, timing };
        line.figure(id, time, columns)
    }
}

impl ShownFrames {
    fn frames(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    pub(super) fn reach(&self) -> Range<f64> {
        self.timing.reach(self.frames())
    }

    pub(super) fn figure(&self, id: String, time: &Time, columns: usize) -> Result<Figure, ReportError> {
        if self.width == 1 {
            let line = Line {
                title: &self.title,
                quantity: &self.quantity,
                values: &self.values,
                timing: self.timing,
            };
            let figure = line.figure(id, time, columns)?;
            return Ok(Figure { caption: format!("{} {}", self.caption, figure.caption), ..figure });
        }
        let picture = FramePicture {
            title: &self.title,
            values: &self.values,
            width: self.width,
            frame_s: match self.timing {
                FrameTiming::Seconds { hop, .. } => hop,
                FrameTiming::Numbers { step } => step,
            },
            axis: self.axis.clone(),
            quantity: &self.quantity,
            weights: None,
        };
        let map = picture.map(MARKS)?;
        let upwards = Axis::linear(map.upwards, 0.0..self.width as f64).marked(map.marks);
        let image = Image { png: map.png, across: self.reach() };
        let chart = Chart { image: Some(image), ..Chart::empty("frames", TALL, time.axis(), upwards) };
        let figure = Figure::of(
            &chart,
            Words {
                id,
                title: self.title.clone(),
                description: format!(
                    "{} of {}.",
                    counted(self.frames() as u64, "frame"),
                    counted(self.width as u64, "value")
                ),
                caption: self.caption.clone(),
                x_name: time.name.into(),
                nearest: false,
            },
        )?;
        let shades = Shades { ends: [map.ends.0, map.ends.1].map(rounded), words: map.coloured };
        Ok(Figure { shades: Some(shades), ..figure })
    }
}

/// One value after the other, as a line.
struct Line<'a> {
    title: &'a str,
    quantity: &'a str,
    values: &'a [f32],
    timing: FrameTiming,
}

impl Line<'_> {
    /// The lowest and the highest value of each of so many columns; every value, where they are fewer.
    fn figure(&self, id: String, time: &Time, columns: usize) -> Result<Figure, ReportError> {
        let refused = |reason: &str| ReportError::Figure { figure: "line", reason: reason.into() };
        if self.values.is_empty() || self.values.iter().any(|value| !value.is_finite()) {
            return Err(refused("there are no values, or one is not finite"));
        }
        let reach = self.timing.reach(self.values.len());
        let step = (reach.end - reach.start) / self.values.len() as f64;
        let column = self.values.len().div_ceil(columns);
        let mut points = Vec::new();
        for (number, part) in self.values.chunks(column).enumerate() {
            let low = part.iter().copied().fold(f32::INFINITY, f32::min);
            let high = part.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let at = reach.start + (number as f64 + 0.5) * column as f64 * step;
            points.push((at.min(reach.end), f64::from(low)));
            if high > low {
                points.push((at.min(reach.end), f64::from(high)));
            }
        }
        let peak = self.values.iter().fold(0.0f32, |peak, value| peak.max(value.abs()));
        let limit = f64::from(peak).max(1e-4);
        let y = Axis::linear(self.quantity, -limit..limit);
        let marks = [-peak, 0.0, peak].map(|value| (f64::from(value), rounded(value)));
        let chart = Chart {
            series: vec![Series { name: self.quantity.into(), ink: Ink::FIRST, points }],
            ..Chart::empty("line", LOW, time.axis(), y.marked(marks.to_vec()))
        };
        Figure::of(
            &chart,
            Words {
                id,
                title: self.title.into(),
                description: format!(
                    "{} between {} and {peak}.",
                    counted(self.values.len() as u64, "value"),
                    -peak
                ),
                caption: match column {
                    1 => String::new(),
                    column => format!("The lowest and the highest of every {column} values."),
                },
                x_name: time.name.into(),
                nearest: false,
            },
        )
    }
}

/// A value with two digits, or all of a whole number.
pub(super) fn rounded(value: f32) -> String {
    let value = f64::from(value);
    let digits = match value.abs() {
        0.0 => return "0".into(),
        size => (1 - size.log10().floor() as i32).clamp(0, 6),
    };
    plain((value * 10f64.powi(digits)).round() / 10f64.powi(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn sound(seconds: f64) -> Sound {
        let samples = (0..(8000.0 * seconds) as usize).map(|n| (0.05 * n as f32).sin() * 0.5).collect();
        Sound { samples, sample_rate_hz: 8000, wav: b"RIFF".to_vec() }
    }

    fn frames(count: usize, width: usize, timing: FrameTiming) -> ShownFrames {
        ShownFrames {
            title: "Frames".into(),
            caption: "What they are.".into(),
            values: (0..count * width).map(|value| value as f32).collect(),
            width,
            timing,
            axis: FrameAxis::Numbers("coefficient"),
            quantity: "value".into(),
        }
    }

    #[test]
    fn a_picture_lies_at_the_time_of_its_frames() {
        // Frames centred on 0, 0.1 … 0.4 s of half a second: the axis begins half a frame before the sound.
        let shown = [frames(5, 3, FrameTiming::Seconds { first: 0.0, hop: 0.1 })];
        let time = Time::of(Some(&sound(0.5)), &shown);
        assert_eq!((time.range.clone(), time.label), (-0.05..0.5, "time (s)"));
        let figure = shown[0].figure("a".into(), &time, 100).unwrap();
        let tag = figure.svg.split_once("<image ").unwrap().1.split_once("/>").unwrap().0;
        // The plane reaches from 520 to 5440; 0.5 of its 0.55 s are frames.
        assert!(tag.starts_with("x=\"520\" y=\"300\" width=\"4473\" height=\"1410\""), "{}", &tag[..60]);
        // That is where the axes are.
        assert!(figure.svg.contains("points=\"519,300 519,1709 \""), "{}", figure.svg);
    }

    #[test]
    fn numbered_frames_and_frames_of_one_value_are_drawn() {
        let numbered = [frames(7, 2, FrameTiming::Numbers { step: 1.0 })];
        let time = Time::of(None, &numbered);
        assert_eq!((time.range.clone(), time.label), (0.0..7.0, "frame"));
        assert!(numbered[0].figure("a".into(), &time, 100).unwrap().shades.is_some());
        let single = [frames(1000, 1, FrameTiming::Seconds { first: 0.0, hop: 0.001 })];
        let figure = single[0].figure("a".into(), &Time::of(None, &single), 100).unwrap();
        assert_eq!(figure.caption, "What they are. The lowest and the highest of every 10 values.");
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        let time = Time::of(None, &[]);
        let mut broken = frames(3, 2, FrameTiming::Numbers { step: 1.0 });
        broken.values[1] = f32::NAN;
        assert!(broken.figure("a".into(), &time, 10).is_err());
        broken.width = 0;
        assert!(broken.figure("a".into(), &time, 10).is_err());
        assert!(Sound { samples: Vec::new(), ..sound(0.1) }.waveform("a".into(), &time, 10).is_err());
        assert!(Sound { samples: vec![0.0; 100], ..sound(0.1) }.waveform("a".into(), &time, 10).is_ok());
    }

    #[test]
    fn values_have_two_digits() {
        assert_eq!([-80.04, 0.0, 0.012345, 7.0, 12_345.6].map(rounded), ["-80", "0", "0.012", "7", "12,346"]);
    }
}

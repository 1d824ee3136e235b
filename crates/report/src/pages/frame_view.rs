//! Waveform and frames of a recording on a common time axis.

use std::ops::Range;

use serde::Serialize;

use crate::chart::axis::Axis;
use crate::chart::figure::{Colorbar, Figure, FigureText};
use crate::chart::series_style::SeriesStyle;
use crate::chart::{Chart, Image, Series};
use crate::numbers::{plain, pluralize};
use crate::{FrameAxis, FramePicture, ReportError};

/// Height of a chart of lines, and of a picture of frames.
pub(super) const LOW: u32 = 1400;
const TALL: u32 = 2200;
/// Largest number of vertical ticks of a picture of frames.
const MAX_TICKS: usize = 6;

/// A sound that a page plays.
///
/// # Units
/// Samples in [-1, 1].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sound {
    /// Samples.
    pub samples: Vec<f32>,
    /// Sample rate.
    pub sample_rate_hz: u32,
    /// The samples as a WAV file.
    pub wav: Vec<u8>,
}

/// Frames on a page: a color per value, or a line for frames of one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrameView {
    /// Title.
    pub title: String,
    /// A sentence about the frames.
    pub caption: String,
    /// Values, frame after frame.
    pub values: Vec<f32>,
    /// Number of values per frame.
    pub width: usize,
    /// Times of the frames.
    pub timing: FrameTiming,
    /// Vertical axis.
    pub axis: FrameAxis,
    /// Quantity of a value, with its unit.
    pub quantity: String,
}

/// Times of frames.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum FrameTiming {
    /// Times in a recording, in s.
    Seconds {
        /// Center of the first frame.
        first: f64,
        /// Time between frames.
        hop: f64,
    },
    /// Frame numbers.
    Numbers {
        /// Difference between frames.
        step: f64,
    },
}

impl FrameTiming {
    /// Returns the range of `frames` frames, from half a step before the first center to half a step after the last.
    pub(super) fn range(self, frames: usize) -> Range<f64> {
        match self {
            FrameTiming::Seconds { first, hop } => {
                let start = first - hop / 2.0;
                start..start + frames as f64 * hop
            }
            FrameTiming::Numbers { step } => 0.0..frames as f64 * step,
        }
    }
}

/// Common time axis of figures.
pub(super) struct Time {
    label: &'static str,
    /// Unit in the text of a pointer.
    pub(super) name: &'static str,
    range: Range<f64>,
}

impl Time {
    /// Creates the time axis of a sound and frames.
    pub(super) fn new(sound: Option<&Sound>, frames: &[FrameView]) -> Time {
        let numbers = frames.iter().any(|frames| matches!(frames.timing, FrameTiming::Numbers { .. }));
        let (label, name) = if numbers { ("frame", "frame") } else { ("time (s)", "s") };
        let ranges = frames.iter().map(FrameView::range).chain(sound.map(|sound| 0.0..sound.seconds()));
        let (start, end) =
            ranges.fold((0.0, 0.0), |(start, end): (f64, f64), at| (start.min(at.start), end.max(at.end)));
        Time { label, name, range: start..end.max(start + 1e-3) }
    }

    pub(super) fn axis(&self) -> Axis {
        Axis::linear(self.label, self.range.clone())
    }
}

impl Sound {
    /// Duration of the sound.
    ///
    /// # Units
    /// s
    pub(super) fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }

    /// Draws the lowest and the highest sample of each of `columns` columns.
    pub(super) fn waveform(&self, id: String, time: &Time, columns: usize) -> Result<Figure, ReportError> {
        let timing = FrameTiming::Seconds { first: 0.0, hop: 1.0 / f64::from(self.sample_rate_hz) };
        let line = ValueLine { title: "Waveform", quantity: "sample", values: &self.samples, timing };
        line.figure(id, time, columns)
    }
}

impl FrameView {
    fn frames(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    pub(super) fn range(&self) -> Range<f64> {
        self.timing.range(self.frames())
    }

    pub(super) fn figure(&self, id: String, time: &Time, columns: usize) -> Result<Figure, ReportError> {
        if self.width == 1 {
            let line = ValueLine {
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
            hop_seconds: match self.timing {
                FrameTiming::Seconds { hop, .. } => hop,
                FrameTiming::Numbers { step } => step,
            },
            axis: self.axis.clone(),
            quantity: &self.quantity,
            weights: None,
        };
        let map = picture.map(MAX_TICKS)?;
        let y = Axis::linear(map.axis, 0.0..self.width as f64).with_ticks(map.ticks);
        let image = Image { png: map.png, across: self.range() };
        let chart = Chart { image: Some(image), ..Chart::empty("frames", TALL, time.axis(), y) };
        let figure = Figure::new(
            &chart,
            FigureText {
                id,
                title: self.title.clone(),
                description: format!(
                    "{} of {}.",
                    pluralize(self.frames() as u64, "frame"),
                    pluralize(self.width as u64, "value")
                ),
                caption: self.caption.clone(),
                x_name: time.name.into(),
                nearest: false,
            },
        )?;
        let colorbar = Colorbar { ends: [map.ends.0, map.ends.1].map(rounded), text: map.color_label };
        Ok(Figure { colorbar: Some(colorbar), ..figure })
    }
}

/// Values over time, drawn as a line.
struct ValueLine<'a> {
    title: &'a str,
    quantity: &'a str,
    values: &'a [f32],
    timing: FrameTiming,
}

impl ValueLine<'_> {
    /// Draws the lowest and the highest value of each of `columns` columns, or every value if there are fewer.
    fn figure(&self, id: String, time: &Time, columns: usize) -> Result<Figure, ReportError> {
        let error = |reason: &str| ReportError::Figure { figure: "line", reason: reason.into() };
        if self.values.is_empty() || self.values.iter().any(|value| !value.is_finite()) {
            return Err(error("there are no values, or one is not finite"));
        }
        let range = self.timing.range(self.values.len());
        let step = (range.end - range.start) / self.values.len() as f64;
        let column = self.values.len().div_ceil(columns);
        let mut points = Vec::new();
        for (number, part) in self.values.chunks(column).enumerate() {
            let low = part.iter().copied().fold(f32::INFINITY, f32::min);
            let high = part.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let at = range.start + (number as f64 + 0.5) * column as f64 * step;
            points.push((at.min(range.end), f64::from(low)));
            if high > low {
                points.push((at.min(range.end), f64::from(high)));
            }
        }
        let peak = self.values.iter().fold(0.0f32, |peak, value| peak.max(value.abs()));
        let limit = f64::from(peak).max(1e-4);
        let y = Axis::linear(self.quantity, -limit..limit);
        let ticks = [-peak, 0.0, peak].map(|value| (f64::from(value), rounded(value)));
        let chart = Chart {
            series: vec![Series { name: self.quantity.into(), style: SeriesStyle::FIRST, points }],
            ..Chart::empty("line", LOW, time.axis(), y.with_ticks(ticks.to_vec()))
        };
        Figure::new(
            &chart,
            FigureText {
                id,
                title: self.title.into(),
                description: format!(
                    "{} between {} and {peak}.",
                    pluralize(self.values.len() as u64, "value"),
                    -peak
                ),
                caption: match column {
                    1 => String::new(),
                    column => format!("Minimum and maximum of every {column} values."),
                },
                x_name: time.name.into(),
                nearest: false,
            },
        )
    }
}

/// Formats a value with two digits, or all digits of an integer.
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

    fn frames(count: usize, width: usize, timing: FrameTiming) -> FrameView {
        FrameView {
            title: "Frames".into(),
            caption: "Made up.".into(),
            values: (0..count * width).map(|value| value as f32).collect(),
            width,
            timing,
            axis: FrameAxis::Numbers("coefficient"),
            quantity: "value".into(),
        }
    }

    #[test]
    fn a_picture_is_at_the_times_of_its_frames() {
        // Frames centered on 0, 0.1 … 0.4 s of half a second: the axis begins half a frame before the sound.
        let shown = [frames(5, 3, FrameTiming::Seconds { first: 0.0, hop: 0.1 })];
        let time = Time::new(Some(&sound(0.5)), &shown);
        assert_eq!((time.range.clone(), time.label), (-0.05..0.5, "time (s)"));
        let figure = shown[0].figure("a".into(), &time, 100).unwrap();
        let tag = figure.svg.split_once("<image ").unwrap().1.split_once("/>").unwrap().0;
        // The plot spans 520 to 5440; 0.5 of its 0.55 s are frames.
        assert!(tag.starts_with("x=\"520\" y=\"300\" width=\"4473\" height=\"1410\""), "{}", &tag[..60]);
        // The axes are at the same position.
        assert!(figure.svg.contains("points=\"519,300 519,1709 \""), "{}", figure.svg);
    }

    #[test]
    fn numbered_frames_and_frames_of_one_value_are_drawn() {
        let numbered = [frames(7, 2, FrameTiming::Numbers { step: 1.0 })];
        let time = Time::new(None, &numbered);
        assert_eq!((time.range.clone(), time.label), (0.0..7.0, "frame"));
        assert!(numbered[0].figure("a".into(), &time, 100).unwrap().colorbar.is_some());
        let single = [frames(1000, 1, FrameTiming::Seconds { first: 0.0, hop: 0.001 })];
        let figure = single[0].figure("a".into(), &Time::new(None, &single), 100).unwrap();
        assert_eq!(figure.caption, "Made up. Minimum and maximum of every 10 values.");
    }

    #[test]
    fn invalid_values_are_errors() {
        let time = Time::new(None, &[]);
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

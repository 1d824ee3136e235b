//! Frames and sound of a recording over time: on a page, or as a picture.

use std::ops::Range;

use serde::Serialize;

use crate::ReportError;
use crate::chart::axis::{Axis, frequencies};
use crate::chart::figure::{Colorbar, FigureSpec, FigureText};
use crate::chart::heat_map::HeatMap;
use crate::chart::shapes::Color;
use crate::chart::{Chart, HEIGHT, Image, Series};
use crate::numbers::{plain, pluralize};

/// Height of a chart of lines, and of a heat map.
pub(crate) const LOW: f64 = 140.0;
const TALL: f64 = 220.0;
/// Largest number of vertical ticks of a heat map on a page and in a picture.
const TICKS: usize = 6;
const PICTURE_TICKS: usize = 12;
/// Largest number of rows of a heat map; neighboring values are averaged.
const ROWS: usize = 128;
/// Largest number of columns of a heat map on a page; neighboring frames are averaged.
const COLUMNS: usize = 600;
/// Largest number of columns of a picture: its pixels.
const PICTURE_COLUMNS: usize = 1230;
/// Fraction of the values that the colors span if values have no common scale, such as cepstra, whose first coefficient
/// would dominate.
const SPAN: f64 = 0.8;
/// Fraction of the height that the largest weight reaches.
const WEIGHT_HEIGHT: f64 = 0.95;

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

/// The vertical axis: the values of a frame.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum FrameAxis {
    /// Frequency bands by their centers in Hz, ascending.
    Bands(Vec<f64>),
    /// Values by their index from 0, with a name.
    Numbers(&'static str),
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

/// Frames to be drawn: a color per value, or a line for frames of one value.
///
/// # Example
/// ```
/// use stapes_report::{FrameAxis, FrameTiming, FrameView};
///
/// let frames = FrameView {
///     title: "one.wav".into(),
///     caption: String::new(),
///     values: vec![-80.0, -20.0, -60.0, -30.0, 0.0, -10.0],
///     width: 2,
///     timing: FrameTiming::Seconds { first: 0.005, hop: 0.01 },
///     axis: FrameAxis::Bands(vec![500.0, 1500.0]),
///     quantity: "level (dB)".into(),
/// };
/// assert_eq!(&frames.png(Some(&[0.1, 0.7, 0.2]))?[1..4], b"PNG");
/// # Ok::<(), stapes_report::ReportError>(())
/// ```
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

impl FrameTiming {
    /// Returns the range of `frames` frames, from half a step before the first center to half a step after the last.
    pub(crate) fn range(self, frames: usize) -> Range<f64> {
        match self {
            FrameTiming::Seconds { first, hop } => {
                let start = first - hop / 2.0;
                start..start + frames as f64 * hop
            }
            FrameTiming::Numbers { step } => 0.0..frames as f64 * step,
        }
    }
}

/// Quantity of a time axis in seconds.
pub(crate) const SECONDS: &str = "s";

/// Common time axis of figures.
pub(crate) struct Time {
    label: &'static str,
    /// Unit in the text of a pointer.
    pub(crate) name: &'static str,
    range: Range<f64>,
}

impl Time {
    /// Creates the time axis of a sound and frames.
    pub(crate) fn new(sound: Option<&Sound>, frames: &[FrameView]) -> Time {
        let numbers = frames.iter().any(|frames| matches!(frames.timing, FrameTiming::Numbers { .. }));
        let (label, name) = if numbers { ("frame", "frame") } else { ("time (s)", SECONDS) };
        let ranges = frames.iter().map(FrameView::range).chain(sound.map(|sound| 0.0..sound.seconds()));
        let (start, end) =
            ranges.fold((0.0, 0.0), |(start, end): (f64, f64), at| (start.min(at.start), end.max(at.end)));
        Time { label, name, range: start..end.max(start + 1e-3) }
    }

    pub(crate) fn axis(&self) -> Axis {
        Axis::linear(self.label, self.range.clone())
    }
}

impl Sound {
    /// Duration of the sound.
    ///
    /// # Units
    /// s
    pub(crate) fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }

    /// Returns the figure of the lowest and the highest sample of each of `columns` columns.
    pub(crate) fn waveform(
        &self,
        id: String,
        time: &Time,
        columns: usize,
    ) -> Result<FigureSpec, ReportError> {
        let line = FrameView {
            title: "Waveform".into(),
            caption: String::new(),
            values: self.samples.clone(),
            width: 1,
            timing: FrameTiming::Seconds { first: 0.0, hop: 1.0 / f64::from(self.sample_rate_hz) },
            axis: FrameAxis::Numbers("sample"),
            quantity: "sample".into(),
        };
        line.figure(id, time, columns)
    }
}

impl FrameView {
    /// Draws the frames as a PNG file: a color per value, low bands and first coefficients at the bottom, with a color
    /// bar; frames of a single value as a line. Weights, such as attention weights, divide the time into equal parts
    /// and are a line over the colors: 0 at the bottom, the largest near the top.
    ///
    /// # Errors
    /// [`ReportError::Figure`] if there are no frames, a value is not finite, the last frame is incomplete or a weight
    /// is negative.
    pub fn png(&self, weights: Option<&[f32]>) -> Result<Vec<u8>, ReportError> {
        let time = Time { range: self.range(), ..Time::new(None, std::slice::from_ref(self)) };
        let mut figure = self.spec("frames".into(), &time, (PICTURE_COLUMNS, PICTURE_TICKS))?;
        figure.chart.height = HEIGHT;
        if let Some(weights) = weights {
            if weights.is_empty() || !weights.iter().all(|weight| *weight >= 0.0) {
                return Err(self.error("there are no weights, or one is negative or NaN"));
            }
            if self.width > 1 {
                figure.chart.overlay = self.weight_steps(weights);
            }
        }
        Ok(figure.picture()?.png)
    }

    /// Returns the figure of a page; a line has at most `columns` columns.
    pub(crate) fn figure(&self, id: String, time: &Time, columns: usize) -> Result<FigureSpec, ReportError> {
        self.spec(id, time, (if self.width == 1 { columns } else { COLUMNS }, TICKS))
    }

    fn spec(
        &self,
        id: String,
        time: &Time,
        (columns, ticks): (usize, usize),
    ) -> Result<FigureSpec, ReportError> {
        self.check().map_err(|reason| self.error(reason))?;
        let (title, x_name) = (self.title.clone(), time.name.into());
        let mut text = FigureText {
            id,
            title,
            description: String::new(),
            caption: self.caption.clone(),
            x_name,
            nearest: false,
        };
        if self.width == 1 {
            let (chart, column) = self.line(time, columns);
            let peak = self.peak();
            let values = pluralize(self.values.len() as u64, "value");
            text.description = format!("{values} between {} and {peak}.", -peak);
            if column > 1 {
                text.caption += &format!(" Minimum and maximum of every {column} values.");
            }
            return Ok(FigureSpec::new(chart, text));
        }
        let frames = pluralize(self.frames() as u64, "frame");
        text.description = format!("{frames} of {}.", pluralize(self.width as u64, "value"));
        let (low, high) = self.color_range();
        let image = Image { map: self.heat_map(columns, (low, high)), across: self.range() };
        let chart =
            Chart { image: Some(image), ..Chart::empty(TALL, time.axis(), self.vertical_axis(ticks)) };
        let colorbar = Colorbar { ends: [low, high].map(rounded), text: self.color_label() };
        Ok(FigureSpec { colorbar: Some(colorbar), ..FigureSpec::new(chart, text) })
    }

    fn error(&self, reason: &str) -> ReportError {
        ReportError::Figure { figure: self.title.clone(), reason: reason.into() }
    }

    fn check(&self) -> Result<(), &'static str> {
        let bands = match &self.axis {
            FrameAxis::Bands(centers_hz) => centers_hz.len(),
            FrameAxis::Numbers(_) => self.width,
        };
        let (FrameTiming::Seconds { hop: step, .. } | FrameTiming::Numbers { step }) = self.timing;
        match () {
            () if self.width == 0 || self.values.is_empty() => Err("there are no frames"),
            () if !self.values.len().is_multiple_of(self.width) => Err("the last frame is incomplete"),
            () if self.width > 1 && bands != self.width => {
                Err("the numbers of bands and of values per frame differ")
            }
            () if !(step > 0.0 && step.is_finite()) => Err("the time between frames must be greater than 0"),
            () if self.values.iter().any(|value| !value.is_finite()) => Err("a value is not finite"),
            () => Ok(()),
        }
    }

    fn frames(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    fn range(&self) -> Range<f64> {
        self.timing.range(self.frames())
    }

    fn peak(&self) -> f32 {
        self.values.iter().fold(0.0f32, |peak, value| peak.max(value.abs()))
    }

    /// Returns a line of the lowest and the highest value of each column, and the number of values per column.
    fn line(&self, time: &Time, columns: usize) -> (Chart, usize) {
        let range = self.range();
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
        let peak = self.peak();
        let limit = f64::from(peak).max(1e-4);
        let ticks = [-peak, 0.0, peak].map(|value| (f64::from(value), rounded(value)));
        let y = Axis::linear(&*self.quantity, -limit..limit).with_ticks(ticks.to_vec());
        let series = vec![Series { name: self.quantity.clone(), color: Color::Series(0), points }];
        (Chart { series, ..Chart::empty(LOW, time.axis(), y) }, column)
    }

    fn heat_map(&self, columns: usize, (low, high): (f32, f32)) -> HeatMap {
        let (columns, rows) = (self.frames().min(columns), self.width.min(ROWS));
        let means: Vec<Vec<f32>> = (0..columns).map(|column| self.column(column, columns)).collect();
        HeatMap::new(columns, rows, |column, row| {
            let values = &means[column][row * self.width / rows..(row + 1) * self.width / rows];
            (values.iter().sum::<f32>() / values.len() as f32 - low) / (high - low)
        })
    }

    /// Returns the average of the frames in a column.
    fn column(&self, column: usize, columns: usize) -> Vec<f32> {
        let frames = self.frames();
        let (first, end) = (column * frames / columns, (column + 1) * frames / columns);
        let mut sums = vec![0.0f64; self.width];
        for frame in self.values[first * self.width..end * self.width].chunks_exact(self.width) {
            sums.iter_mut().zip(frame).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sums.iter().map(|sum| (sum / (end - first) as f64) as f32).collect()
    }

    /// Returns the lowest and the highest value that have distinct colors.
    fn color_range(&self) -> (f32, f32) {
        let mut values = self.values.clone();
        values.sort_unstable_by(f32::total_cmp);
        let beyond = match self.axis {
            FrameAxis::Bands(_) => 0,
            FrameAxis::Numbers(_) => (values.len() as f64 * (1.0 - SPAN) / 2.0) as usize,
        };
        let (low, high) = (values[beyond], values[values.len() - 1 - beyond]);
        if high > low { (low, high) } else { (low - 0.5, low + 0.5) }
    }

    /// Label of the color scale.
    fn color_label(&self) -> String {
        match self.axis {
            FrameAxis::Bands(_) => self.quantity.clone(),
            FrameAxis::Numbers(_) => {
                format!("{}; colors span {:.0} % of the values", self.quantity, 100.0 * SPAN)
            }
        }
    }

    /// Returns the vertical axis, in values of a frame from the bottom.
    fn vertical_axis(&self, max_ticks: usize) -> Axis {
        let (name, ticks) = match &self.axis {
            FrameAxis::Bands(centers_hz) => ("frequency (Hz)", frequencies(centers_hz, max_ticks)),
            FrameAxis::Numbers(name) => {
                let ticks = Axis::numbers("", self.width as f64 - 1.0).ticks(max_ticks).into_iter();
                (*name, ticks.map(|(value, label)| (value + 0.5, label)).collect())
            }
        };
        Axis::linear(name, 0.0..self.width as f64).with_ticks(ticks)
    }

    /// Returns the line of weights as steps, from the bottom (0) up to the largest.
    fn weight_steps(&self, weights: &[f32]) -> Vec<(f64, f64)> {
        let range = self.range();
        let largest = weights.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        let edge = |at: usize| range.start + (range.end - range.start) * at as f64 / weights.len() as f64;
        let steps = weights.iter().enumerate().flat_map(|(at, weight)| {
            let height = WEIGHT_HEIGHT * self.width as f64 * f64::from(weight / largest);
            [(edge(at), height), (edge(at + 1), height)]
        });
        steps.collect()
    }
}

/// Formats a value with two digits, or all digits of an integer.
pub(crate) fn rounded(value: f32) -> String {
    let value = f64::from(value);
    let digits = match value.abs() {
        0.0 => return "0".into(),
        size => (1 - size.log10().floor() as i32).clamp(0, 6),
    };
    plain((value * 10f64.powi(digits)).round() / 10f64.powi(digits))
}

#[cfg(test)]
mod tests;

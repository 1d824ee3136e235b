//! Picture of a recording's frames: time to the right, the values of a frame upwards, a color per value.

mod map;
mod ticks;
mod weights;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::colors::colormaps::ViridisRGB;
use serde::Serialize;

use crate::chart::canvas::{self, Canvas};
use crate::numbers::plain;
use crate::{ReportError, visible};
use ticks::{Rows, Tick};

const SIZE: (u32, u32) = (1200, 640);
const FIGURE: &str = "frames";
const LABEL: (&str, i32) = ("sans-serif", 18);
const AXIS_TEXT: (&str, i32) = ("sans-serif", 20);
/// Fraction of the values that the colors span if values have no common scale, such as cepstra, whose first coefficient
/// would dominate.
const SPAN: f64 = 0.8;
/// Largest number of vertical ticks.
const MAX_TICKS: usize = 14;

/// The vertical axis: the values of a frame.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum FrameAxis {
    /// Frequency bands by their centers in Hz, ascending.
    Bands(Vec<f64>),
    /// Values by their index from 0, with a name.
    Numbers(&'static str),
}

/// Frames to be drawn.
///
/// # Example
/// ```
/// use stapes_report::{FrameAxis, FramePicture};
///
/// let picture = FramePicture {
///     title: "one.wav",
///     values: &[-80.0, -20.0, -60.0, -30.0, 0.0, -10.0],
///     width: 2,
///     hop_seconds: 0.01,
///     axis: FrameAxis::Bands(vec![500.0, 1500.0]),
///     quantity: "level (dB)",
///     weights: Some(&[0.1, 0.7, 0.2]),
/// };
/// assert_eq!(&picture.png()?[1..4], b"PNG");
/// # Ok::<(), stapes_report::ReportError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FramePicture<'a> {
    /// Title.
    pub title: &'a str,
    /// Values, frame after frame.
    pub values: &'a [f32],
    /// Number of values per frame.
    pub width: usize,
    /// Time between frames, s.
    pub hop_seconds: f64,
    /// Vertical axis.
    pub axis: FrameAxis,
    /// Quantity of a value, with its unit.
    pub quantity: &'a str,
    /// A weight per frame, such as an attention weight, drawn as a line over frames of several values: 0 at the bottom,
    /// the largest near the top.
    pub weights: Option<&'a [f32]>,
}

type Area<'a> = DrawingArea<Canvas<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<Canvas<'a> as DrawingBackend>::ErrorType>>;

impl FramePicture<'_> {
    /// Draws the picture as a PNG file: a color per value, low bands and first coefficients at the bottom, with a color
    /// bar; frames of a single value as a line.
    ///
    /// # Units
    /// s horizontally, Hz or an index vertically
    ///
    /// # Errors
    /// [`ReportError::Figure`] if there are no frames, a value is not finite or the last frame is incomplete.
    pub fn png(&self) -> Result<Vec<u8>, ReportError> {
        let error = |reason: String| ReportError::Figure { figure: FIGURE, reason };
        self.check().map_err(|reason| error(reason.into()))?;
        let mut pixels = Vec::new();
        let canvas = Canvas::new(SIZE, &mut pixels).map_err(error)?;
        self.draw(canvas).map_err(|failure| error(failure.to_string()))?;
        canvas::png(SIZE, &pixels).map_err(error)
    }

    fn check(&self) -> Result<(), &'static str> {
        let bands = match &self.axis {
            FrameAxis::Bands(centers_hz) => centers_hz.len(),
            FrameAxis::Numbers(_) => self.width,
        };
        match () {
            () if self.width == 0 || self.values.is_empty() => Err("there are no frames"),
            () if !self.values.len().is_multiple_of(self.width) => Err("the last frame is incomplete"),
            () if bands != self.width => Err("the numbers of bands and of values per frame differ"),
            () if !(self.hop_seconds > 0.0 && self.hop_seconds.is_finite()) => {
                Err("the time between frames must be greater than 0")
            }
            () if self.values.iter().any(|value| !value.is_finite()) => Err("a value is not finite"),
            () if self.weights.is_some_and(|weights| weights.len() != self.frames()) => {
                Err("the numbers of weights and frames differ")
            }
            () if self.weights.is_some_and(|weights| !weights.iter().all(|weight| *weight >= 0.0)) => {
                Err("a weight is negative or NaN")
            }
            () => Ok(()),
        }
    }

    fn draw<'c>(&self, canvas: Canvas<'c>) -> Drawn<'c> {
        let root = canvas.into_drawing_area().titled(&visible(self.title), ("sans-serif", 22))?;
        if self.width == 1 {
            self.draw_line(&root)?;
        } else {
            let (left, right) = root.split_horizontally(SIZE.0 - 150);
            let (low, high) = self.color_range();
            self.draw_map(&left, low, high)?;
            self.draw_bar(&right, low, high)?;
        }
        root.present()
    }

    /// Returns at most `max_ticks` ticks of the vertical axis, in values from the bottom, and its name.
    fn vertical_axis(&self, max_ticks: usize) -> (Vec<Tick>, &'static str) {
        match &self.axis {
            FrameAxis::Bands(centers_hz) => (ticks::frequencies(centers_hz, max_ticks), "frequency (Hz)"),
            FrameAxis::Numbers(name) => (ticks::numbers(self.width, max_ticks), name),
        }
    }

    fn frames(&self) -> usize {
        self.values.len() / self.width
    }

    fn seconds(&self) -> f64 {
        self.frames() as f64 * self.hop_seconds
    }

    /// Returns the lowest and the highest value that have distinct colors.
    fn color_range(&self) -> (f32, f32) {
        let mut values = self.values.to_vec();
        values.sort_unstable_by(f32::total_cmp);
        let beyond = match self.axis {
            FrameAxis::Bands(_) => 0,
            FrameAxis::Numbers(_) => (values.len() as f64 * (1.0 - SPAN) / 2.0) as usize,
        };
        non_empty(values[beyond], values[values.len() - 1 - beyond])
    }

    fn draw_map<'c>(&self, area: &Area<'c>, low: f32, high: f32) -> Drawn<'c> {
        let (ticks, name) = self.vertical_axis(MAX_TICKS);
        let rows = Rows { count: self.width, ticks: ticks.clone() };
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(56)
            .y_label_area_size(84)
            .build_cartesian_2d(0.0..self.seconds(), rows)?;
        let plane = chart.plotting_area().strip_coord_spec();
        let (across, up) = plane.dim_in_pixel();
        for x in 0..across {
            let column = self.column(x as usize, across as usize);
            for y in 0..up {
                let row = ((up - 1 - y) as usize * self.width) / up as usize;
                let color = ViridisRGB.get_color_normalized(column[row].clamp(low, high), low, high);
                plane.draw_pixel((x as i32, y as i32), &color)?;
            }
        }
        if let Some(weights) = self.weights {
            weights::draw(&plane, weights)?;
        }
        chart
            .configure_mesh()
            .disable_mesh()
            .label_style(LABEL)
            .axis_desc_style(AXIS_TEXT)
            .x_desc("time (s)")
            .y_desc(name)
            .x_label_formatter(&|seconds| plain(*seconds))
            .y_label_formatter(&|at| ticks::label(&ticks, *at))
            .draw()
    }

    /// Returns the average of the frames in a column of pixels.
    fn column(&self, x: usize, across: usize) -> Vec<f32> {
        let frames = self.frames();
        let first = x * frames / across;
        let end = ((x + 1) * frames / across).max(first + 1);
        let mut sums = vec![0.0f64; self.width];
        for frame in self.values[first * self.width..end * self.width].chunks_exact(self.width) {
            sums.iter_mut().zip(frame).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sums.iter().map(|sum| (sum / (end - first) as f64) as f32).collect()
    }

    fn draw_bar<'c>(&self, area: &Area<'c>, low: f32, high: f32) -> Drawn<'c> {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_bottom(12 + 56)
            .set_label_area_size(LabelAreaPosition::Right, 96)
            .build_cartesian_2d(0.0..1.0, f64::from(low)..f64::from(high))?;
        let plane = chart.plotting_area().strip_coord_spec();
        let (across, up) = plane.dim_in_pixel();
        for y in 0..up {
            let color = ViridisRGB.get_color_normalized((up - 1 - y) as f32, 0.0, (up - 1).max(1) as f32);
            for x in 0..across {
                plane.draw_pixel((x as i32, y as i32), &color)?;
            }
        }
        chart
            .configure_mesh()
            .disable_mesh()
            .label_style(LABEL)
            .axis_desc_style(AXIS_TEXT)
            .y_desc(visible(&self.color_label()))
            .y_label_formatter(&|value| plain(*value))
            .draw()
    }

    /// Label of the color scale.
    fn color_label(&self) -> String {
        match self.axis {
            FrameAxis::Bands(_) => self.quantity.into(),
            FrameAxis::Numbers(_) => {
                format!("{}; colors span {:.0} % of the values", self.quantity, 100.0 * SPAN)
            }
        }
    }

    /// Draws frames of one value: from the lowest to the highest value in each column of pixels.
    fn draw_line<'c>(&self, area: &Area<'c>) -> Drawn<'c> {
        let peak = self.values.iter().fold(0.0f32, |peak, value| peak.max(value.abs()));
        let (low, high) = non_empty(-peak, peak);
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_right(36)
            .x_label_area_size(56)
            .y_label_area_size(84)
            .build_cartesian_2d(0.0..self.seconds(), f64::from(low)..f64::from(high))?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .label_style(LABEL)
            .axis_desc_style(AXIS_TEXT)
            .x_desc("time (s)")
            .y_desc(visible(self.quantity))
            .x_label_formatter(&|seconds| plain(*seconds))
            .y_label_formatter(&|value| plain(*value))
            .draw()?;
        let ends = self.line_ends(chart.plotting_area().dim_in_pixel().0 as usize);
        let color = ViridisRGB.get_color(0.3f32);
        let lines = ends.into_iter().map(|(seconds, lowest, highest)| {
            PathElement::new([(seconds, lowest), (seconds, highest)], color)
        });
        chart.draw_series(lines).map(drop)
    }

    /// Returns time, lowest and highest value of each of `across` columns, each connected to the previous one.
    fn line_ends(&self, across: usize) -> Vec<(f64, f64, f64)> {
        let count = self.values.len();
        let columns = across.min(count);
        let mut before = f64::from(self.values[0]);
        let end = |column: usize| column * count / columns;
        let of_column = |column: usize| {
            let values = &self.values[end(column)..end(column + 1)];
            let widened = || values.iter().map(|value| f64::from(*value));
            let (lowest, highest) =
                widened().fold((before, before), |(a, b), value| (a.min(value), b.max(value)));
            before = values.last().map_or(before, |value| f64::from(*value));
            (end(column) as f64 * self.hop_seconds, lowest, highest)
        };
        (0..columns).map(of_column).collect()
    }
}

/// Returns a range that is not empty.
fn non_empty(low: f32, high: f32) -> (f32, f32) {
    if high > low { (low, high) } else { (low - 0.5, low + 0.5) }
}

#[cfg(test)]
mod tests;

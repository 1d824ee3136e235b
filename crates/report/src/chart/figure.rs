//! Figures of a page: a chart with its texts.

use super::picture::{LegendEntry, Marker, Picture};
use super::series_style::SeriesStyle;
use super::{Chart, Series};
use crate::ReportError;

/// A figure that is not drawn yet, for the page or for files.
pub(crate) struct FigureSpec {
    pub(crate) chart: Chart,
    pub(crate) text: FigureText,
    /// Annotations in the chart, with their explanations.
    pub(crate) annotations: Vec<(String, String)>,
}

impl FigureSpec {
    /// Draws the figure for a page.
    pub(crate) fn figure(self) -> Result<Figure, ReportError> {
        Figure::new(&self.chart, self.text)
    }

    /// Draws the figure for a page on which several figures share one legend.
    pub(crate) fn figure_below_legend(self) -> Result<Figure, ReportError> {
        Ok(Figure { legend: Vec::new(), ..self.figure()? })
    }

    /// Draws the figure as files with a legend of series and annotations; the id is the name of the files.
    pub(crate) fn picture(self) -> Result<Picture, ReportError> {
        let line =
            |series: &Series| LegendEntry { marker: Marker::Line(series.style), text: series.name.clone() };
        let annotation =
            |(letter, words): (String, String)| LegendEntry { marker: Marker::Text(letter), text: words };
        let mut legend: Vec<LegendEntry> = self.chart.series.iter().map(line).collect();
        legend.extend(self.annotations.into_iter().map(annotation));
        Picture::new(&self.chart, &self.text.id, &self.text.title, &legend)
    }
}

/// The data of a line, with its number and name.
pub(crate) struct Numbered<'a, T> {
    /// Number of its [`SeriesStyle::Line`]: the same in every figure of a page.
    pub(crate) number: usize,
    pub(crate) name: &'a str,
    pub(crate) of: &'a T,
}

/// A figure for the template of a page.
pub(crate) struct Figure {
    /// Unique on the page.
    pub(crate) id: String,
    pub(crate) title: String,
    /// Description for screen readers.
    pub(crate) description: String,
    /// Notes for the reader.
    pub(crate) caption: String,
    /// Height of the view box; all charts have the same width.
    pub(crate) height: u32,
    pub(crate) svg: String,
    /// Values for a pointer.
    pub(crate) traces: Vec<Trace>,
    /// Quantity of the x axis, in a few words.
    pub(crate) x_name: String,
    /// Makes a pointer select the nearest point in both directions instead of all points at its x position.
    pub(crate) nearest: bool,
    /// Color scale of a picture.
    pub(crate) colorbar: Option<Colorbar>,
    /// Numbers and names of the series that are not named at their ends.
    pub(crate) legend: Vec<(usize, String)>,
}

/// A series for a pointer: positions of its points, with the text of their values.
pub(crate) struct Trace {
    pub(crate) name: String,
    /// "x y|value of x|value of y", with semicolons between points; "|name" follows for points with individual names.
    pub(crate) points: String,
}

/// The color scale of a picture of frames.
pub(crate) struct Colorbar {
    /// Values of the darkest and the brightest color.
    pub(crate) ends: [String; 2],
    pub(crate) text: String,
}

/// Texts of a figure.
pub(crate) struct FigureText {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) caption: String,
    pub(crate) x_name: String,
    /// See [`Figure::nearest`].
    pub(crate) nearest: bool,
}

impl Figure {
    /// Draws a chart.
    pub(crate) fn new(chart: &Chart, text: FigureText) -> Result<Figure, ReportError> {
        let FigureText { id, title, description, caption, x_name, nearest } = text;
        let (svg, traces) = chart.draw()?;
        let line = |series: &Series| match series.style {
            SeriesStyle::Line(number) => Some((number % SeriesStyle::COUNT, series.name.clone())),
            _ => None,
        };
        let legend = match chart.series.len() {
            2.. if !chart.names => chart.series.iter().filter_map(line).collect(),
            _ => Vec::new(),
        };
        let height = chart.height;
        let colorbar = None;
        Ok(Figure { id, title, description, caption, height, svg, traces, x_name, nearest, colorbar, legend })
    }
}

//! Figures: a chart with its texts, on a page or as separate files.

use super::heat_map::HeatMap;
use super::shapes::{Anchor, Color, Level, Position, Shape};
use super::{Chart, LEFT, LINE, PALE, PlotArea, Series, THICK, WIDTH, png, svg};
use crate::frames::SECONDS;
use crate::{ReportError, visible};

/// Margin around the chart of a file.
const MARGIN: f64 = 16.0;
/// Pixels of a PNG file per pixel of the chart.
const SCALE: f32 = 2.5;
/// Width of the marker before a text of the legend.
const MARKER: f64 = 56.0;
/// Width of the color scale below a heat map.
const RAMP: f64 = 96.0;
/// Largest number of lines of a legend; the last line counts the missing ones.
const LINES: usize = 20;
/// Largest number of letters per line; longer names are truncated.
const LETTERS: usize = 44;

/// A figure that is not drawn yet, for the page or for files.
pub(crate) struct FigureSpec {
    pub(crate) chart: Chart,
    pub(crate) text: FigureText,
    /// Annotations in the chart, with their explanations.
    pub(crate) annotations: Vec<(String, String)>,
    /// Color scale of a heat map.
    pub(crate) colorbar: Option<Colorbar>,
}

/// Texts of a figure.
pub(crate) struct FigureText {
    /// Unique on the page; the name of the files.
    pub(crate) id: String,
    pub(crate) title: String,
    /// Description for screen readers.
    pub(crate) description: String,
    /// Notes for the reader.
    pub(crate) caption: String,
    /// Quantity of the x axis, in a few words.
    pub(crate) x_name: String,
    /// Makes a pointer select the nearest point in both directions instead of all points at its x position.
    pub(crate) nearest: bool,
}

/// A figure of a page as files.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Name of the files without extension: `training-loss`.
    pub name: String,
    /// The figure as SVG.
    pub svg: String,
    /// The figure as PNG.
    pub png: Vec<u8>,
}

/// A figure for the template of a page.
pub(crate) struct Figure {
    pub(crate) text: FigureText,
    pub(crate) view_box: String,
    /// Plot of a figure over the seconds of a sound, which a page moves a line over.
    pub(crate) seconds: Option<PlotArea>,
    /// Elements of the SVG element.
    pub(crate) svg: String,
    /// Color scale of a heat map.
    pub(crate) colorbar: Option<Colorbar>,
    /// Numbers and names of the series that are not named at their ends.
    pub(crate) legend: Vec<(usize, String)>,
}

/// The color scale of a heat map.
pub(crate) struct Colorbar {
    /// Values of the darkest and the brightest color.
    pub(crate) ends: [String; 2],
    pub(crate) text: String,
}

/// The data of a line, with its number and name.
pub(crate) struct Numbered<'a, T> {
    /// Number of its [`Color::Series`]: the same in every figure of a page.
    pub(crate) number: usize,
    pub(crate) name: &'a str,
    pub(crate) of: &'a T,
}

impl FigureSpec {
    /// Creates the figure of a chart without explained annotations.
    pub(crate) fn new(chart: Chart, text: FigureText) -> FigureSpec {
        FigureSpec { chart, text, annotations: Vec::new(), colorbar: None }
    }

    /// Draws the figure for a page.
    pub(crate) fn figure(self) -> Figure {
        self.drawn(|_| {})
    }

    /// Draws the figure for a page on which several figures share one legend.
    pub(crate) fn figure_below_legend(self) -> Figure {
        Figure { legend: Vec::new(), ..self.figure() }
    }

    /// Draws the figure without values for a pointer, which would double the size of a page of many examples.
    pub(crate) fn figure_without_values(self) -> Figure {
        self.drawn(|shape| {
            if let Shape::Line(line) = shape {
                line.trace = None;
            }
        })
    }

    fn drawn(self, change: impl Fn(&mut Shape)) -> Figure {
        let FigureSpec { chart, text, colorbar, .. } = self;
        let mut shapes = chart.shapes();
        shapes.iter_mut().for_each(change);
        let line = |series: &Series| match series.color {
            Color::Series(number) => Some((number % Color::COUNT, series.name.clone())),
            _ => None,
        };
        let legend = match chart.series.len() {
            2.. if !chart.names => chart.series.iter().filter_map(line).collect(),
            _ => Vec::new(),
        };
        let seconds = (text.x_name == SECONDS).then(|| chart.plot_area());
        Figure {
            text,
            seconds,
            view_box: format!("0 0 {WIDTH} {}", chart.height),
            svg: svg::elements(&shapes),
            colorbar,
            legend,
        }
    }

    /// Draws the figure as files with a title, and with a legend of series and annotations at the right.
    pub(crate) fn picture(self) -> Result<Picture, ReportError> {
        let (shapes, size) = self.shapes_of_file();
        let png = png::file(size, SCALE, &shapes)
            .map_err(|reason| ReportError::Figure { figure: self.text.id.clone(), reason })?;
        Ok(Picture { svg: self.svg(size, &shapes), png, name: self.text.id })
    }

    /// Draws the figure as an SVG file like [`FigureSpec::picture`].
    pub(crate) fn svg_file(&self) -> String {
        let (shapes, size) = self.shapes_of_file();
        self.svg(size, &shapes)
    }

    fn svg(&self, size: Position, shapes: &[Shape]) -> String {
        svg::file(size, &self.text.title, &self.text.description, shapes)
    }

    /// Returns the shapes of a file and its size.
    fn shapes_of_file(&self) -> (Vec<Shape>, Position) {
        let top = MARGIN + 2.0 * LINE;
        let mut shapes = vec![Shape::text((MARGIN, MARGIN), &*self.text.title, Anchor::Start, Level::Below)];
        shapes.extend(self.chart.shapes().into_iter().map(|shape| shape.moved((MARGIN, top))));
        let legend = self.legend();
        let lines = legend.len() as f64 * LINE;
        let mut right = (MARGIN + WIDTH).max(MARGIN + png::text_width(&self.text.title));
        for (at, (marker, text)) in legend.into_iter().enumerate() {
            let (left, y) = (MARGIN + WIDTH, top + (at as f64 + 0.5) * LINE);
            right = right.max(left + MARKER + png::text_width(&text));
            shapes.push(match marker {
                Marker::Line(color) => {
                    Shape::series(vec![(left + 10.0, y), (left + 47.0, y)], color, THICK, None)
                }
                Marker::Pale(color) => {
                    Shape::pale(vec![(left + 10.0, y), (left + 47.0, y)], color, THICK, PALE)
                }
                Marker::Text(letter) => Shape::text((left + 44.0, y), letter, Anchor::End, Level::Center),
            });
            shapes.push(Shape::text((left + MARKER, y), text, Anchor::Start, Level::Center));
        }
        let mut bottom = top + self.chart.height.max(lines);
        if let Some(colorbar) = &self.colorbar {
            right = right.max(colorbar.add(&mut shapes, bottom + LINE / 2.0));
            bottom += LINE;
        }
        (shapes, ((right + MARGIN).ceil(), (bottom + MARGIN).ceil()))
    }

    /// Returns the entries of the legend, with their texts escaped and truncated.
    fn legend(&self) -> Vec<(Marker, String)> {
        let lines = self.chart.series.iter().map(|series| (Marker::Line(series.color), &series.name));
        // Pale lines with the color of a series have its name.
        let other = |line: &&Series| !matches!(line.color, Color::Series(_));
        let pale = self.chart.behind.iter().filter(other).map(|line| (Marker::Pale(line.color), &line.name));
        let letters = self.annotations.iter().map(|(letter, text)| (Marker::Text(letter.clone()), text));
        // The label of the axis explains a series of the same name.
        let named = |(_, name): &(Marker, &String)| **name != self.chart.y.label;
        let mut legend: Vec<(Marker, String)> = lines
            .chain(pale)
            .filter(named)
            .chain(letters)
            .map(|(marker, text)| (marker, shortened(text)))
            .collect();
        if legend.len() > LINES {
            let more = format!("and {} more", legend.len() - LINES + 1);
            legend.truncate(LINES - 1);
            legend.push((Marker::Text(String::new()), more));
        }
        legend
    }
}

/// Marker before a text of a legend: a line, a pale line, or a letter or number in the chart.
enum Marker {
    Line(Color),
    Pale(Color),
    Text(String),
}

impl Colorbar {
    /// Adds the scale at a height below the chart and returns its right end.
    fn add(&self, shapes: &mut Vec<Shape>, y: f64) -> f64 {
        let mut x = MARGIN + LEFT;
        for (at, text) in self.ends.iter().chain([&self.text]).enumerate() {
            shapes.push(Shape::text((x, y), &**text, Anchor::Start, Level::Center));
            x += png::text_width(text) + 8.0;
            if at == 0 {
                let map = HeatMap::new(RAMP as usize, 1, |column, _| column as f32 / (RAMP as f32 - 1.0));
                shapes.push(Shape::Image { corner: (x, y - 6.0), size: (RAMP, 12.0), map });
                x += RAMP + 8.0;
            }
        }
        x
    }
}

/// Escapes and truncates a text for the legend.
fn shortened(text: &str) -> String {
    let text = visible(text);
    match text.chars().count() {
        short if short <= LETTERS => text.into_owned(),
        _ => text.chars().take(LETTERS - 1).chain(['…']).collect(),
    }
}

//! A figure of the page: a chart and what is said about it.

use super::picture::{KeyLine, Picture, Sign};
use super::series_style::Ink;
use super::{Chart, Series};
use crate::ReportError;

/// A figure that is not drawn yet, for the page or for files.
pub(crate) struct Sketch {
    pub(crate) chart: Chart,
    pub(crate) words: Words,
    /// The letters in the chart, with what they stand for.
    pub(crate) letters: Vec<(String, String)>,
}

impl Sketch {
    /// As a part of the page.
    pub(crate) fn figure(self) -> Result<Figure, ReportError> {
        Figure::of(&self.chart, self.words)
    }

    /// As a part of the page where one legend stands above several figures.
    pub(crate) fn figure_below_legend(self) -> Result<Figure, ReportError> {
        Ok(Figure { legend: Vec::new(), ..self.figure()? })
    }

    /// As files that are called by its id, with series and letters in the key.
    pub(crate) fn picture(self) -> Result<Picture, ReportError> {
        let line = |series: &Series| KeyLine { sign: Sign::Line(series.ink), words: series.name.clone() };
        let letter = |(letter, words): (String, String)| KeyLine { sign: Sign::Letter(letter), words };
        let mut key: Vec<KeyLine> = self.chart.series.iter().map(line).collect();
        key.extend(self.letters.into_iter().map(letter));
        Picture::of(&self.chart, &self.words.id, &self.words.title, &key)
    }
}

/// What a line is drawn of, with the line's number and name.
pub(crate) struct Numbered<'a, T> {
    /// That of its [`Ink::Line`]: the same in every figure of a page.
    pub(crate) number: usize,
    pub(crate) name: &'a str,
    pub(crate) of: &'a T,
}

/// A figure as the page's template takes it.
pub(crate) struct Figure {
    /// Unique on the page.
    pub(crate) id: String,
    pub(crate) title: String,
    /// What is to be seen, for who cannot see it.
    pub(crate) description: String,
    /// What is to be known when reading it.
    pub(crate) caption: String,
    /// Of the view box; the width is that of all charts.
    pub(crate) height: u32,
    pub(crate) svg: String,
    /// What a pointer shows.
    pub(crate) traces: Vec<Trace>,
    /// What the x axis measures, in a few words.
    pub(crate) x_name: String,
    /// Whether a pointer looks for the nearest point, and not for what stands above its place.
    pub(crate) nearest: bool,
    /// What the colours of a picture say.
    pub(crate) shades: Option<Shades>,
    /// Numbers and names of the series that are not named at their ends.
    pub(crate) legend: Vec<(usize, String)>,
}

/// A series as a pointer shows it: where its points lie, and what they say.
pub(crate) struct Trace {
    pub(crate) name: String,
    /// "x y|value of x|value of y", with semicolons between points; of points with names of their own "|name" follows.
    pub(crate) points: String,
}

/// What the colours of a picture of frames say.
pub(crate) struct Shades {
    /// The values of the darkest and of the brightest.
    pub(crate) ends: [String; 2],
    pub(crate) words: String,
}

/// What is said about a chart.
pub(crate) struct Words {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) caption: String,
    pub(crate) x_name: String,
    /// As [`Figure::nearest`].
    pub(crate) nearest: bool,
}

impl Figure {
    /// Draws a chart.
    pub(crate) fn of(chart: &Chart, words: Words) -> Result<Figure, ReportError> {
        let Words { id, title, description, caption, x_name, nearest } = words;
        let (svg, traces) = chart.draw()?;
        let line = |series: &Series| match series.ink {
            Ink::Line(number) => Some((number % Ink::LINES, series.name.clone())),
            _ => None,
        };
        let legend = match chart.series.len() {
            2.. if !chart.names => chart.series.iter().filter_map(line).collect(),
            _ => Vec::new(),
        };
        let height = chart.height;
        let shades = None;
        Ok(Figure { id, title, description, caption, height, svg, traces, x_name, nearest, shades, legend })
    }
}

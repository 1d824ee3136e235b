//! A figure of the page: a chart and what is said about it.

use super::chart::{Chart, Series};
use super::ink::Ink;
use super::picture::{KeyLine, Picture, Sign};
use crate::EvalError;

/// A figure that is not drawn yet, for the page or for files.
pub(super) struct Sketch {
    pub(super) chart: Chart,
    pub(super) words: Words,
    /// The letters in the chart, with what they stand for.
    pub(super) letters: Vec<(String, String)>,
}

impl Sketch {
    /// As a part of the page.
    pub(super) fn figure(self) -> Result<Figure, EvalError> {
        Figure::of(&self.chart, self.words)
    }

    /// As a part of the page where one legend stands above several figures.
    pub(super) fn figure_below_legend(self) -> Result<Figure, EvalError> {
        Ok(Figure { legend: Vec::new(), ..self.figure()? })
    }

    /// As files that are called by its id, with series and letters in the key.
    pub(super) fn picture(self) -> Result<Picture, EvalError> {
        let line = |series: &Series| KeyLine { sign: Sign::Line(series.ink), words: series.name.clone() };
        let letter = |(letter, words): (String, String)| KeyLine { sign: Sign::Letter(letter), words };
        let mut key: Vec<KeyLine> = self.chart.series.iter().map(line).collect();
        key.extend(self.letters.into_iter().map(letter));
        Picture::of(&self.chart, &self.words.id, &self.words.title, &key)
    }
}

/// What a line is drawn of, with the line's number and name.
pub(super) struct Numbered<'a, T> {
    /// That of its [`Ink::Line`]: the same in every figure of a page.
    pub(super) number: usize,
    pub(super) name: &'a str,
    pub(super) of: &'a T,
}

/// A figure as the page's template takes it.
pub(super) struct Figure {
    /// Unique on the page.
    pub(super) id: String,
    pub(super) title: String,
    /// What is to be seen, for who cannot see it.
    pub(super) description: String,
    /// What is to be known when reading it.
    pub(super) caption: String,
    /// Of the view box; the width is that of all charts.
    pub(super) height: u32,
    pub(super) svg: String,
    /// What a pointer shows.
    pub(super) traces: Vec<Trace>,
    /// What the x axis measures, in a few words.
    pub(super) x_name: String,
    /// Whether a pointer looks for the nearest point, and not for what stands above its place.
    pub(super) nearest: bool,
    /// What the colours of a picture say.
    pub(super) shades: Option<Shades>,
    /// Numbers and names of the series that are not named at their ends.
    pub(super) legend: Vec<(usize, String)>,
}

/// A series as a pointer shows it: where its points lie, and what they say.
pub(super) struct Trace {
    pub(super) name: String,
    /// "x y|value of x|value of y", with semicolons between points; of points with names of their own "|name" follows.
    pub(super) points: String,
}

/// What the colours of a picture of frames say.
pub(super) struct Shades {
    /// The values of the darkest and of the brightest.
    pub(super) ends: [String; 2],
    pub(super) words: String,
}

/// What is said about a chart.
pub(super) struct Words {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) caption: String,
    pub(super) x_name: String,
    /// As [`Figure::nearest`].
    pub(super) nearest: bool,
}

impl Figure {
    /// Draws a chart.
    pub(super) fn of(chart: &Chart, words: Words) -> Result<Figure, EvalError> {
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

//! Charts as separate files: SVG and PNG, in the light theme, with a legend.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{self, Canvas};
use super::series_style::SeriesStyle;
use super::{Chart, LINE, Outcome, Output, THICK, WIDTH, text_style};
use crate::{ReportError, visible};

/// Units of a chart per pixel.
const UNITS: u32 = 4;
/// Margin around the chart, units.
const MARGIN: u32 = 160;
/// Approximate width of a letter of the legend; and of the marker before its text.
const LETTER: u32 = 92;
const BEFORE: u32 = 560;
/// Largest number of lines of a legend; the last line counts the missing ones.
const LINES: usize = 20;
/// Largest number of letters per line; longer names are truncated.
const LETTERS: usize = 44;

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

/// An entry of a legend.
pub(crate) struct LegendEntry {
    /// Marker before the text.
    pub(crate) marker: Marker,
    pub(crate) text: String,
}

/// The marker of a legend entry.
pub(crate) enum Marker {
    /// A line of this style.
    Line(SeriesStyle),
    /// A letter or number in the chart.
    Text(String),
}

impl Picture {
    /// Draws a chart below a title, with a legend beside it.
    pub(crate) fn new(
        chart: &Chart,
        name: &str,
        title: &str,
        legend: &[LegendEntry],
    ) -> Result<Picture, ReportError> {
        let failed = |reason: String| ReportError::Figure { figure: chart.name, reason };
        let more = LegendEntry {
            marker: Marker::Text(String::new()),
            text: format!("and {} more", legend.len().saturating_sub(LINES - 1)),
        };
        let legend: Vec<&LegendEntry> = match legend.len() {
            ..=LINES => legend.iter().collect(),
            _ => legend[..LINES - 1].iter().chain([&more]).collect(),
        };
        let longest = legend.iter().map(|entry| shortened(&entry.text).chars().count()).max();
        let legend_width = longest.map_or(0, |letters| BEFORE + LETTER * letters as u32);
        let lines = (legend.len() as u32 + 3) * LINE as u32;
        let height = (chart.height + 2 * LINE as u32).max(lines) + 2 * MARGIN;
        let round_up = |units: u32| units.next_multiple_of(UNITS);
        let size = (round_up(WIDTH + legend_width + 2 * MARGIN), round_up(height));
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let filled = root.fill(&WHITE).and_then(|()| draw(&root, chart, title, &legend));
        filled.map_err(|error| failed(error.to_string()))?;
        drop(root);
        let mut pixels = Vec::new();
        let root = Canvas::new(size, &mut pixels).map_err(failed)?.into_drawing_area();
        draw(&root, chart, title, &legend).map_err(|error| failed(error.to_string()))?;
        drop(root);
        let (small, pixels) = canvas::reduced(size, &pixels, UNITS);
        let size_attributes = format!("width=\"{}\" height=\"{}\"", small.0, small.1);
        Ok(Picture {
            name: name.into(),
            svg: svg.replacen(&format!("width=\"{}\" height=\"{}\"", size.0, size.1), &size_attributes, 1),
            png: canvas::png(small, &pixels).map_err(failed)?,
        })
    }
}

fn draw<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    chart: &Chart,
    title: &str,
    legend: &[&LegendEntry],
) -> Outcome<B, ()> {
    let inner = root.margin(MARGIN, MARGIN, MARGIN, MARGIN);
    inner.draw_text(&visible(title), &text_style(SeriesStyle::Text, HPos::Left, VPos::Top), (0, 0))?;
    let (_, below) = inner.split_vertically(2 * LINE as u32);
    let (left, right) = below.split_horizontally(WIDTH);
    let (left, _) = left.split_vertically(chart.height);
    chart.draw_on(&left, Output::File)?;
    for (at, entry) in legend.iter().enumerate() {
        let y = (at as i32 + 1) * LINE;
        match &entry.marker {
            Marker::Line(style) => {
                let stroke = style.color().stroke_width(THICK);
                let ends = match style.is_dashed() {
                    true => vec![(100, 190), (240, 330), (380, 470)],
                    false => vec![(100, 470)],
                };
                for (from, to) in ends {
                    right.draw(&PathElement::new(vec![(from, y), (to, y)], stroke))?;
                }
            }
            Marker::Text(letter) => {
                right.draw_text(
                    &visible(letter),
                    &text_style(SeriesStyle::Text, HPos::Right, VPos::Center),
                    (440, y),
                )?;
            }
        }
        let style = text_style(SeriesStyle::Text, HPos::Left, VPos::Center);
        right.draw_text(&shortened(&entry.text), &style, (BEFORE as i32, y))?;
    }
    root.present()
}

/// Escapes and truncates a text for the legend.
fn shortened(text: &str) -> String {
    let text = visible(text);
    match text.chars().count() {
        short if short <= LETTERS => text.into_owned(),
        _ => text.chars().take(LETTERS - 1).chain(['…']).collect(),
    }
}

//! A chart as files by itself: SVG and PNG, in the light theme, with its key.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{self, Canvas};
use super::series_style::Ink;
use super::{Chart, LINE, Outcome, Place, THICK, WIDTH, style};
use crate::{ReportError, visible};

/// Units of a chart that become one pixel.
const UNITS: u32 = 4;
/// Around the chart, units.
const MARGIN: u32 = 160;
/// The width of a letter of the key, about; and of what stands before its words.
const LETTER: u32 = 92;
const BEFORE: u32 = 560;
/// Lines of the longest key; of more, the last one says how many are missing.
const LINES: usize = 20;
/// Letters of the key that are written; longer names end in dots.
const LETTERS: usize = 44;

/// A figure of a page as files.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What the files are called, without their extension: `training-loss`.
    pub name: String,
    /// The figure as SVG.
    pub svg: String,
    /// The figure as PNG.
    pub png: Vec<u8>,
}

/// A line of a picture's key.
pub(crate) struct KeyLine {
    /// What stands before the words.
    pub(crate) sign: Sign,
    pub(crate) words: String,
}

/// What a line of the key explains.
pub(crate) enum Sign {
    /// A line of this ink.
    Line(Ink),
    /// A letter or number in the chart.
    Letter(String),
}

impl Picture {
    /// Draws a chart under a title, with a key beside it.
    pub(crate) fn of(
        chart: &Chart,
        name: &str,
        title: &str,
        key: &[KeyLine],
    ) -> Result<Picture, ReportError> {
        let failed = |reason: String| ReportError::Figure { figure: chart.name, reason };
        let more = KeyLine {
            sign: Sign::Letter(String::new()),
            words: format!("and {} more", key.len().saturating_sub(LINES - 1)),
        };
        let key: Vec<&KeyLine> = match key.len() {
            ..=LINES => key.iter().collect(),
            _ => key[..LINES - 1].iter().chain([&more]).collect(),
        };
        let longest = key.iter().map(|line| shortened(&line.words).chars().count()).max();
        let beside = longest.map_or(0, |letters| BEFORE + LETTER * letters as u32);
        let lines = (key.len() as u32 + 3) * LINE as u32;
        let height = (chart.height + 2 * LINE as u32).max(lines) + 2 * MARGIN;
        let whole = |units: u32| units.next_multiple_of(UNITS);
        let size = (whole(WIDTH + beside + 2 * MARGIN), whole(height));
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let filled = root.fill(&WHITE).and_then(|()| draw(&root, chart, title, &key));
        filled.map_err(|error| failed(error.to_string()))?;
        drop(root);
        let mut pixels = Vec::new();
        let root = Canvas::new(size, &mut pixels).map_err(failed)?.into_drawing_area();
        draw(&root, chart, title, &key).map_err(|error| failed(error.to_string()))?;
        drop(root);
        let (small, pixels) = canvas::reduced(size, &pixels, UNITS);
        let shown = format!("width=\"{}\" height=\"{}\"", small.0, small.1);
        Ok(Picture {
            name: name.into(),
            svg: svg.replacen(&format!("width=\"{}\" height=\"{}\"", size.0, size.1), &shown, 1),
            png: canvas::png(small, &pixels).map_err(failed)?,
        })
    }
}

fn draw<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    chart: &Chart,
    title: &str,
    key: &[&KeyLine],
) -> Outcome<B, ()> {
    let inner = root.margin(MARGIN, MARGIN, MARGIN, MARGIN);
    inner.draw_text(&visible(title), &style(Ink::Text, HPos::Left, VPos::Top), (0, 0))?;
    let (_, below) = inner.split_vertically(2 * LINE as u32);
    let (left, right) = below.split_horizontally(WIDTH);
    let (left, _) = left.split_vertically(chart.height);
    chart.draw_on(&left, Place::File)?;
    for (at, line) in key.iter().enumerate() {
        let y = (at as i32 + 1) * LINE;
        match &line.sign {
            Sign::Line(ink) => {
                let style = ink.color().stroke_width(THICK);
                let ends = match ink.is_dashed() {
                    true => vec![(100, 190), (240, 330), (380, 470)],
                    false => vec![(100, 470)],
                };
                for (from, to) in ends {
                    right.draw(&PathElement::new(vec![(from, y), (to, y)], style))?;
                }
            }
            Sign::Letter(letter) => {
                right.draw_text(&visible(letter), &style(Ink::Text, HPos::Right, VPos::Center), (440, y))?;
            }
        }
        let words = style(Ink::Text, HPos::Left, VPos::Center);
        right.draw_text(&shortened(&line.words), &words, (BEFORE as i32, y))?;
    }
    root.present()
}

/// Words that fit the key, nothing in them acting.
fn shortened(words: &str) -> String {
    let words = visible(words);
    match words.chars().count() {
        short if short <= LETTERS => words.into_owned(),
        _ => words.chars().take(LETTERS - 1).chain(['…']).collect(),
    }
}

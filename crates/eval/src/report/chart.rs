//! A chart of lines over a number, as the inside of an SVG element.
//!
//! plotters draws it; the page's style sheet gives the colours of both themes. It finds what to colour by the
//! colour that is drawn here ([`Ink`]), as plotters writes no class names.

use std::ops::Range;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::EvalError;
use crate::numbers::plain;

/// Size in tenths of a pixel on a page that is neither wide nor narrow: plotters draws at whole positions only,
/// and whole pixels would show as steps in a line. Text heights and line widths stand in the style sheet.
pub(super) const WIDTH: u32 = 5600;
pub(super) const HEIGHT: u32 = 3200;

/// Text height of the narrow page, the larger one: what the space around the lines is made for.
const LINE: i32 = 200;
/// Series of at most this many points show each of them as a dot.
const DOTS: usize = 40;

/// What is drawn, by the colour it has outside the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ink {
    /// Words and numbers.
    Text,
    /// Axes and ticks.
    Axis,
    /// Lines across.
    Grid,
    /// The first series.
    First,
    /// The second series.
    Second,
    /// What marks a place.
    Mark,
    /// The page: rings around dots.
    Paper,
}

impl Ink {
    #[cfg(test)]
    const ALL: [Ink; 7] = [Ink::Text, Ink::Axis, Ink::Grid, Ink::First, Ink::Second, Ink::Mark, Ink::Paper];

    fn color(self) -> RGBColor {
        match self {
            Ink::Text => RGBColor(0x4A, 0x53, 0x5E),
            Ink::Axis => RGBColor(0x9A, 0xA3, 0xAE),
            Ink::Grid => RGBColor(0xE4, 0xE7, 0xEB),
            Ink::First => RGBColor(0x1F, 0x66, 0xB0),
            Ink::Second => RGBColor(0xB4, 0x50, 0x0F),
            Ink::Mark => RGBColor(0x6B, 0x74, 0x80),
            Ink::Paper => RGBColor(0xFF, 0xFF, 0xFF),
        }
    }

    /// The colour as plotters writes it and the style sheet selects it.
    #[cfg(test)]
    pub(super) fn hex(self) -> String {
        let RGBColor(red, green, blue) = self.color();
        format!("#{red:02X}{green:02X}{blue:02X}")
    }
}

/// One line.
pub(super) struct Series {
    /// Written at the line's end.
    pub(super) name: &'static str,
    pub(super) ink: Ink,
    /// Finite, x ascending, not empty.
    pub(super) points: Vec<(f64, f64)>,
}

/// A vertical line with a word above it, and a dot on a series.
pub(super) struct Mark {
    pub(super) x: f64,
    pub(super) text: String,
    pub(super) dot: Option<f64>,
}

/// What a chart shows.
pub(super) struct Chart {
    /// Names the figure in an error.
    pub(super) name: &'static str,
    /// Written above the axis.
    pub(super) y_label: String,
    pub(super) x_label: &'static str,
    pub(super) x: Range<f64>,
    pub(super) y: Range<f64>,
    pub(super) series: Vec<Series>,
    pub(super) mark: Option<Mark>,
}

type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn<'b> = Result<(), DrawingAreaErrorKind<<SVGBackend<'b> as DrawingBackend>::ErrorType>>;

impl Chart {
    /// The chart's SVG elements, for an SVG element with the view box 0 0 [`WIDTH`] [`HEIGHT`].
    pub(super) fn draw(&self) -> Result<String, EvalError> {
        let mut svg = String::new();
        self.draw_into(&mut svg)
            .map_err(|error| EvalError::Figure { figure: self.name, reason: error.to_string() })?;
        // The page has an SVG element of its own, with a title: plotters' first and last line are its.
        let inside = svg.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
        match inside {
            Some((inside, _)) => Ok(inside.trim().to_string()),
            None => Err(EvalError::Figure { figure: self.name, reason: "there is no SVG element".into() }),
        }
    }

    fn draw_into<'b>(&self, svg: &'b mut String) -> Drawn<'b> {
        let root = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut plane = ChartBuilder::on(&root)
            .margin_top(2 * LINE + LINE / 2)
            .margin_right(if self.series.len() > 1 { 1000 } else { 160 })
            .x_label_area_size(490)
            .y_label_area_size(520)
            .build_cartesian_2d(self.x.clone(), self.y.clone())?;
        self.draw_axes(&mut plane)?;
        if let Some(mark) = &self.mark {
            self.draw_mark_line(&mut plane, mark)?;
        }
        for series in &self.series {
            let color = series.ink.color();
            plane.draw_series(LineSeries::new(series.points.iter().copied(), color.stroke_width(18)))?;
            if series.points.len() <= DOTS {
                let dot = |&point| Circle::new(point, 24, color.filled());
                plane.draw_series(series.points.iter().map(dot))?;
            }
        }
        if let Some(Mark { x, dot: Some(y), .. }) = self.mark {
            plane.draw_series(
                [(70, Ink::Paper), (50, Ink::First)]
                    .map(|(radius, ink)| Circle::new((x, y), radius, ink.color().filled())),
            )?;
        }
        root.draw_text(&self.y_label, &style(Ink::Text, HPos::Left, VPos::Top), (0, 0))?;
        if self.series.len() > 1 {
            self.draw_names(&root, &plane)?;
        }
        root.present()
    }

    fn draw_axes<'b>(&self, plane: &mut Plane<'_, 'b>) -> Drawn<'b> {
        let text = style(Ink::Text, HPos::Center, VPos::Top);
        plane
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(Ink::Grid.color())
            .axis_style(Ink::Axis.color())
            .set_all_tick_mark_size(40)
            .label_style(text.clone())
            .axis_desc_style(text)
            .x_desc(self.x_label)
            .x_labels(7)
            .y_labels(6)
            .x_label_formatter(&|value| plain(*value))
            .y_label_formatter(&|value| plain(*value))
            .draw()
    }

    fn draw_mark_line<'b>(&self, plane: &mut Plane<'_, 'b>, mark: &Mark) -> Drawn<'b> {
        let line = [(mark.x, self.y.start), (mark.x, self.y.end)];
        plane.draw_series([PathElement::new(line.to_vec(), Ink::Mark.color())])?;
        // The word stands over the line, and moves inwards near the edges.
        let part = (mark.x - self.x.start) / (self.x.end - self.x.start);
        let side = match part {
            part if part < 0.2 => HPos::Left,
            part if part > 0.8 => HPos::Right,
            _ => HPos::Center,
        };
        let (x, y) = plane.backend_coord(&line[1]);
        let area = plane.plotting_area().strip_coord_spec();
        let (left, top) = area.get_base_pixel();
        area.draw_text(&mark.text, &style(Ink::Text, side, VPos::Bottom), (x - left, y - top - LINE / 4))
    }

    /// Writes each series' name at the right end of its line, parted where the lines end close together.
    fn draw_names<'b>(
        &self,
        root: &DrawingArea<SVGBackend<'b>, plotters::coord::Shift>,
        plane: &Plane<'_, 'b>,
    ) -> Drawn<'b> {
        let mut ends: Vec<(i32, i32, &Series)> = self
            .series
            .iter()
            .filter_map(|series| series.points.last().map(|end| (plane.backend_coord(end), series)))
            .map(|((x, y), series)| (x, y, series))
            .collect();
        ends.sort_by_key(|&(_, y, _)| y);
        let bottom = plane.backend_coord(&(self.x.end, self.y.start)).1;
        for index in 1..ends.len() {
            ends[index].1 = ends[index].1.max(ends[index - 1].1 + LINE);
        }
        let over = ends.last().map_or(0, |&(_, y, _)| (y - bottom).max(0));
        for (x, y, series) in ends {
            root.draw_text(series.name, &style(series.ink, HPos::Left, VPos::Center), (x + 90, y - over))?;
        }
        Ok(())
    }
}

fn style(ink: Ink, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    TextStyle {
        font: ("sans-serif", 160).into_font(),
        color: ink.color().to_backend_color(),
        pos: Pos::new(horizontal, vertical),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSS: &str = include_str!("../../templates/report.css");

    #[test]
    fn the_style_sheet_gives_every_ink_a_theme_colour() {
        for ink in Ink::ALL {
            assert!(
                CSS.contains(&format!("\"{}\"]", ink.hex())),
                "{ink:?}: {} is not in report.css",
                ink.hex()
            );
        }
    }

    #[test]
    fn tick_numbers_carry_no_noise() {
        let ticks = [0.1 + 0.2, 0.0, 1200.0, -0.5, 1e-3, 20_000_000.1].map(plain);
        assert_eq!(ticks, ["0.3", "0", "1,200", "-0.5", "0.001", "2.0e7"]);
    }
}

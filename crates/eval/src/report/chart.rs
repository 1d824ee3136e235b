//! A chart of lines over a number, as the inside of an SVG element.
//!
//! plotters draws it; the page's style sheet gives the colours of both themes. It finds what to colour by the
//! colour that is drawn here ([`Ink`]), as plotters writes no class names.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::scale::{Axis, Places};
use crate::EvalError;

/// Size in tenths of a pixel on a page that is neither wide nor narrow: plotters draws at whole positions only,
/// and whole pixels would show as steps in a line. Text heights and line widths stand in the style sheet.
pub(super) const WIDTH: u32 = 5600;
pub(super) const HEIGHT: u32 = 3200;
/// Of a chart whose axes are of equal kind.
pub(super) const SQUARE_HEIGHT: u32 = 4900;

/// Text height of the narrow page, the larger one: what the space around the lines is made for.
const LINE: i32 = 200;
/// Of one or two series, those of at most this many points show each of them as a dot.
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
    /// What marks a place.
    Mark,
    /// The page: rings around dots.
    Paper,
    /// A series, by its number; from [`Ink::LINES`] on they begin again.
    Line(usize),
}

impl Ink {
    /// The first series.
    pub(super) const FIRST: Ink = Ink::Line(0);
    /// The second series.
    pub(super) const SECOND: Ink = Ink::Line(1);
    /// Series that can be told apart: six colours, drawn through and dashed.
    pub(super) const LINES: usize = 12;

    fn color(self) -> RGBColor {
        // The dashed ones differ in a digit that is not seen, for the style sheet.
        const LINES: [(u8, u8, u8); 6] = [
            (0x1F, 0x66, 0xB0),
            (0xB4, 0x50, 0x0F),
            (0x1B, 0x7F, 0x5A),
            (0x8E, 0x3F, 0xA8),
            (0xA8, 0x32, 0x4A),
            (0x5B, 0x6B, 0x00),
        ];
        match self {
            Ink::Text => RGBColor(0x4A, 0x53, 0x5E),
            Ink::Axis => RGBColor(0x9A, 0xA3, 0xAE),
            Ink::Grid => RGBColor(0xE4, 0xE7, 0xEB),
            Ink::Mark => RGBColor(0x6B, 0x74, 0x80),
            Ink::Paper => RGBColor(0xFF, 0xFF, 0xFF),
            Ink::Line(number) => {
                let (red, green, blue) = LINES[number % 6];
                RGBColor(red, green, blue + u8::from(number % Ink::LINES >= 6))
            }
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
    /// Written at the line's end, or in the legend.
    pub(super) name: String,
    pub(super) ink: Ink,
    /// Finite, on the axes, not empty.
    pub(super) points: Vec<(f64, f64)>,
}

/// A vertical line with a word above it, and a dot on the first series.
pub(super) struct Mark {
    pub(super) x: f64,
    pub(super) text: String,
    pub(super) dot: Option<f64>,
}

/// What a chart shows.
pub(super) struct Chart {
    /// Names the figure in an error.
    pub(super) name: &'static str,
    pub(super) height: u32,
    pub(super) x: Axis,
    /// Its label is written above the axis.
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    /// Whether series are named at their ends.
    pub(super) names: bool,
    /// A dashed line to compare with.
    pub(super) reference: Option<[(f64, f64); 2]>,
    pub(super) mark: Option<Mark>,
    /// Places with a letter beside them.
    pub(super) letters: Vec<(f64, f64, String)>,
}

/// A chart that was drawn.
pub(super) struct Drawing {
    /// The SVG elements, for an SVG element with the view box 0 0 [`WIDTH`] and the chart's height.
    pub(super) svg: String,
    /// What a pointer shows.
    pub(super) traces: Vec<Trace>,
}

/// A series as a pointer shows it: where its points lie, and what they say.
pub(super) struct Trace {
    pub(super) name: String,
    /// "x y|value of x|value of y", with semicolons between points.
    pub(super) points: String,
}

type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Places, Places>>;
type Outcome<'b, T> = Result<T, DrawingAreaErrorKind<<SVGBackend<'b> as DrawingBackend>::ErrorType>>;

impl Chart {
    /// Draws the chart.
    pub(super) fn draw(&self) -> Result<Drawing, EvalError> {
        let failed = |reason: String| EvalError::Figure { figure: self.name, reason };
        let mut svg = String::new();
        let traces = self.draw_into(&mut svg).map_err(|error| failed(error.to_string()))?;
        // The page has an SVG element of its own, with a title: plotters' first and last line are its.
        let inside = svg.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
        let (inside, _) = inside.ok_or_else(|| failed("there is no SVG element".into()))?;
        Ok(Drawing { svg: inside.trim().to_string(), traces })
    }

    /// Where a point lies between the axes' ends, as plotters takes it.
    fn place(&self, &(x, y): &(f64, f64)) -> (f64, f64) {
        (self.x.scale.place(x), self.y.scale.place(y))
    }

    fn draw_into<'b>(&self, svg: &'b mut String) -> Outcome<'b, Vec<Trace>> {
        let root = SVGBackend::with_string(svg, (WIDTH, self.height)).into_drawing_area();
        let mut plane = ChartBuilder::on(&root)
            .margin_top(2 * LINE + LINE / 2)
            .margin_right(if self.names { 1000 } else { 160 })
            .x_label_area_size(490)
            .y_label_area_size(520)
            .build_cartesian_2d(self.x.places(), self.y.places())?;
        self.draw_axes(&mut plane)?;
        if let Some(ends) = &self.reference {
            let ends = ends.iter().map(|end| self.place(end)).collect::<Vec<_>>();
            plane.draw_series([PathElement::new(ends, Ink::Mark.color())])?;
        }
        if let Some(mark) = &self.mark {
            self.draw_mark_line(&mut plane, mark)?;
        }
        for series in &self.series {
            let color = series.ink.color();
            let places = || series.points.iter().map(|point| self.place(point));
            plane.draw_series(LineSeries::new(places(), color.stroke_width(18)))?;
            if series.points.len() <= DOTS && self.series.len() <= 2 {
                plane.draw_series(places().map(|place| Circle::new(place, 24, color.filled())))?;
            }
        }
        self.draw_places(&mut plane)?;
        root.draw_text(&self.y.label, &style(Ink::Text, HPos::Left, VPos::Top), (0, 0))?;
        if self.names {
            self.draw_names(&root, &plane)?;
        }
        root.present()?;
        Ok(self.series.iter().map(|series| self.trace(series, &plane)).collect())
    }

    fn draw_axes<'b>(&self, plane: &mut Plane<'_, 'b>) -> Outcome<'b, ()> {
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
            .x_desc(self.x.label.as_str())
            .x_labels(7)
            .y_labels(6)
            .x_label_formatter(&|place| self.x.tick(*place))
            .y_label_formatter(&|place| self.y.tick(*place))
            .draw()
    }

    fn draw_mark_line<'b>(&self, plane: &mut Plane<'_, 'b>, mark: &Mark) -> Outcome<'b, ()> {
        let line = [(mark.x, self.y.range.start), (mark.x, self.y.range.end)].map(|end| self.place(&end));
        plane.draw_series([PathElement::new(line.to_vec(), Ink::Mark.color())])?;
        // The word stands over the line, and moves inwards near the edges.
        let (x, y) = plane.backend_coord(&line[1]);
        let area = plane.plotting_area().strip_coord_spec();
        let ((left, top), (width, _)) = (area.get_base_pixel(), area.dim_in_pixel());
        let side = match f64::from(x - left) / f64::from(width) {
            part if part < 0.2 => HPos::Left,
            part if part > 0.8 => HPos::Right,
            _ => HPos::Center,
        };
        area.draw_text(&mark.text, &style(Ink::Text, side, VPos::Bottom), (x - left, y - top - LINE / 4))
    }

    /// The mark's dot and the letters, each with a ring of paper.
    fn draw_places<'b>(&self, plane: &mut Plane<'_, 'b>) -> Outcome<'b, ()> {
        let dot = self.mark.as_ref().and_then(|mark| mark.dot.map(|y| (mark.x, y)));
        let letters = self.letters.iter().map(|&(x, y, _)| (x, y));
        let ink = self.series.first().map_or(Ink::FIRST, |series| series.ink);
        for place in dot.into_iter().chain(letters).map(|point| self.place(&point)) {
            plane.draw_series(
                [(70, Ink::Paper), (50, ink)]
                    .map(|(radius, ink)| Circle::new(place, radius, ink.color().filled())),
            )?;
        }
        let area = plane.plotting_area().strip_coord_spec();
        let (left, top) = area.get_base_pixel();
        // Beside its dot, and below the letters that would be written over it.
        let mut taken: Vec<(i32, i32)> = Vec::new();
        for (x, y, letter) in &self.letters {
            let (x, y) = plane.backend_coord(&self.place(&(*x, *y)));
            let (x, mut y) = (x - left + 90, y - top + 20);
            while let Some(other) =
                taken.iter().find(|other| (other.0 - x).abs() < LINE && (other.1 - y).abs() < LINE)
            {
                y = other.1 + LINE;
            }
            taken.push((x, y));
            area.draw_text(letter, &style(Ink::Text, HPos::Left, VPos::Top), (x, y))?;
        }
        Ok(())
    }

    /// Writes each series' name at the right end of its line, parted where the lines end close together.
    fn draw_names<'b>(
        &self,
        root: &DrawingArea<SVGBackend<'b>, plotters::coord::Shift>,
        plane: &Plane<'_, 'b>,
    ) -> Outcome<'b, ()> {
        let mut ends: Vec<(i32, i32, &Series)> = self
            .series
            .iter()
            .filter_map(|series| {
                series.points.last().map(|end| (plane.backend_coord(&self.place(end)), series))
            })
            .map(|((x, y), series)| (x, y, series))
            .collect();
        ends.sort_by_key(|&(_, y, _)| y);
        let bottom = plane.backend_coord(&self.place(&(self.x.range.end, self.y.range.start))).1;
        for index in 1..ends.len() {
            ends[index].1 = ends[index].1.max(ends[index - 1].1 + LINE);
        }
        let over = ends.last().map_or(0, |&(_, y, _)| (y - bottom).max(0));
        for (x, y, series) in ends {
            root.draw_text(&series.name, &style(series.ink, HPos::Left, VPos::Center), (x + 90, y - over))?;
        }
        Ok(())
    }

    fn trace(&self, series: &Series, plane: &Plane<'_, '_>) -> Trace {
        let point = |point: &(f64, f64)| {
            let (x, y) = plane.backend_coord(&self.place(point));
            format!("{x} {y}|{}|{}", self.x.scale.say(point.0), self.y.scale.say(point.1))
        };
        let points: Vec<String> = series.points.iter().map(point).collect();
        Trace { name: series.name.clone(), points: points.join(";") }
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
    use crate::numbers::plain;

    const CSS: &str = include_str!("../../templates/report.css");

    #[test]
    fn the_style_sheet_gives_every_ink_a_theme_colour() {
        for ink in [Ink::Text, Ink::Axis, Ink::Grid, Ink::Mark, Ink::Paper] {
            assert!(
                CSS.contains(&format!("=\"{}\"]", ink.hex())),
                "{ink:?}: {} is not in report.css",
                ink.hex()
            );
        }
        for ink in (0..Ink::LINES).map(Ink::Line) {
            for kind in ["fill", "stroke"] {
                let selector = format!(".chart [{kind}=\"{}\"]", ink.hex());
                assert!(CSS.contains(&selector), "{ink:?}: {selector} is not in report.css");
            }
        }
        assert_eq!(Ink::Line(12).hex(), Ink::Line(0).hex());
    }

    #[test]
    fn tick_numbers_carry_no_noise() {
        let ticks = [0.1 + 0.2, 0.0, 1200.0, -0.5, 1e-3, 20_000_000.1].map(plain);
        assert_eq!(ticks, ["0.3", "0", "1,200", "-0.5", "0.001", "2.0e7"]);
    }
}

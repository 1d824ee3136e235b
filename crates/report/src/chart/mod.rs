//! A chart of lines over a number, as the inside of an SVG element.
//!
//! plotters draws it; the page's style sheet gives the colours of both themes.

pub(crate) mod axis;
pub(crate) mod canvas;
pub(crate) mod error_bars;
pub(crate) mod figure;
pub(crate) mod picture;
pub(crate) mod series_style;
pub(crate) mod thinned_line;

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::inline::data_address;
use crate::{ReportError, visible};
use axis::{Axis, Places};
use error_bars::Spread;
use figure::Trace;
use series_style::Ink;

/// Size in tenths of a pixel on a page that is neither wide nor narrow: plotters draws at whole positions only,
/// and whole pixels would show as steps in a line. On the page, text heights and line widths are those of the style sheet.
pub(crate) const WIDTH: u32 = 5600;
pub(crate) const HEIGHT: u32 = 3200;
/// Of a chart whose axes are of equal kind.
pub(crate) const SQUARE_HEIGHT: u32 = 4900;

/// Text height of the narrow page, the larger one: what the space around the lines is made for.
pub(crate) const LINE: i32 = 200;
/// Of one or two series, those of at most this many points show each of them as a dot.
const DOTS: usize = 40;
/// Radius of such a dot, and of one that is all there is of a series.
const DOT: i32 = 24;
const LONE_DOT: i32 = 36;
/// Around the plane: what stands there fits the larger text.
const LEFT: i32 = 520;
const TOP: i32 = 2 * LINE + LINE / 2;
/// Of a chart lower than others, which has no mark.
const LOW_TOP: i32 = LINE + LINE / 2;
const RIGHT: i32 = 160;
/// Where series are named at their ends.
const RIGHT_OF_NAMES: i32 = 1000;
const BELOW: i32 = 490;
/// Widths of axes and of what is measured.
const THIN: u32 = 10;
pub(crate) const THICK: u32 = 18;

/// One line.
pub(crate) struct Series {
    /// Written at the line's end, or in the legend.
    pub(crate) name: String,
    pub(crate) ink: Ink,
    /// Finite, on the axes, not empty.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A picture that fills a chart's plane from top to bottom.
pub(crate) struct Image {
    pub(crate) png: Vec<u8>,
    /// From where to where it reaches, on the x axis.
    pub(crate) across: Range<f64>,
}

/// A vertical line with a word above it, and a dot on the first series.
pub(crate) struct Mark {
    pub(crate) x: f64,
    pub(crate) text: String,
    pub(crate) dot: Option<f64>,
}

/// What a chart shows.
pub(crate) struct Chart {
    /// Names the figure in an error.
    pub(crate) name: &'static str,
    pub(crate) height: u32,
    pub(crate) x: Axis,
    /// Its label is written above the axis.
    pub(crate) y: Axis,
    /// Behind everything; a chart with one has no grid.
    pub(crate) image: Option<Image>,
    pub(crate) series: Vec<Series>,
    /// Whether series are named at their ends.
    pub(crate) names: bool,
    /// Lines behind the others, pale.
    pub(crate) behind: Vec<Series>,
    /// Points with what they scatter by, in the order of their x.
    pub(crate) spreads: Vec<Spread>,
    /// A dashed line to compare with; empty for none.
    pub(crate) reference: Vec<(f64, f64)>,
    pub(crate) mark: Option<Mark>,
    /// Places with a letter beside them.
    pub(crate) letters: Vec<(f64, f64, String)>,
}

/// Where a chart is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// On a page, whose style sheet dashes lines.
    Page,
    /// In a file by itself.
    File,
}

pub(crate) type Plane<'a, B> = ChartContext<'a, B, Cartesian2d<Places, Places>>;
pub(crate) type Outcome<B, T> = Result<T, DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

impl Chart {
    /// A chart with nothing in it.
    pub(crate) fn empty(name: &'static str, height: u32, x: Axis, y: Axis) -> Chart {
        Chart {
            name,
            height,
            x,
            y,
            image: None,
            series: Vec::new(),
            names: false,
            behind: Vec::new(),
            spreads: Vec::new(),
            reference: Vec::new(),
            mark: None,
            letters: Vec::new(),
        }
    }

    /// The SVG elements, for an SVG element with the view box 0 0 [`WIDTH`] and the chart's height, and what a pointer shows.
    pub(crate) fn draw(&self) -> Result<(String, Vec<Trace>), ReportError> {
        let failed = |reason: String| ReportError::Figure { figure: self.name, reason };
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, (WIDTH, self.height)).into_drawing_area();
        let drawn = self.draw_on(&root, Place::Page).and_then(|traces| root.present().map(|()| traces));
        let traces = drawn.map_err(|error| failed(error.to_string()))?;
        drop(root);
        // The page has an SVG element of its own, with a title: plotters' first and last line are its.
        let inside = svg.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
        let (inside, _) = inside.ok_or_else(|| failed("there is no SVG element".into()))?;
        let image = self.image.as_ref().map(|image| self.image_element(image)).unwrap_or_default();
        Ok((image + inside.trim(), traces))
    }

    /// What the words above the plane need.
    fn top(&self) -> i32 {
        if self.height < HEIGHT && self.mark.is_none() { LOW_TOP } else { TOP }
    }

    /// plotters would write a rectangle a pixel.
    fn image_element(&self, image: &Image) -> String {
        let right = if self.names { RIGHT_OF_NAMES } else { RIGHT };
        let across = f64::from(WIDTH as i32 - LEFT - right);
        let place = |x: f64| {
            let (start, end) = (self.x.scale.place(self.x.range.start), self.x.scale.place(self.x.range.end));
            f64::from(LEFT) + across * (self.x.scale.place(x) - start) / (end - start)
        };
        let (from, to) = (place(image.across.start), place(image.across.end));
        format!(
            "<image x=\"{from:.0}\" y=\"{}\" width=\"{:.0}\" height=\"{}\" preserveAspectRatio=\"none\" href=\"{}\"/>",
            self.top(),
            to - from,
            self.height as i32 - self.top() - BELOW,
            data_address("image/png", &image.png)
        )
    }

    /// Where a point lies between the axes' ends, as plotters takes it.
    pub(crate) fn place(&self, &(x, y): &(f64, f64)) -> (f64, f64) {
        (self.x.scale.place(x), self.y.scale.place(y))
    }

    /// Draws on an area of [`WIDTH`] and the chart's height. The caller presents the root area: plotters ends the
    /// SVG element then, and what is drawn later would stand behind it.
    pub(crate) fn draw_on<B: DrawingBackend>(
        &self,
        root: &DrawingArea<B, Shift>,
        on: Place,
    ) -> Outcome<B, Vec<Trace>> {
        let mut plane = ChartBuilder::on(root)
            .margin_top(self.top())
            .margin_right(if self.names { RIGHT_OF_NAMES } else { RIGHT })
            .x_label_area_size(BELOW)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(self.x.places(), self.y.places())?;
        self.draw_axes(&mut plane)?;
        if !self.reference.is_empty() {
            let places: Vec<_> = self.reference.iter().map(|end| self.place(end)).collect();
            draw_line(&mut plane, places, Ink::Mark.color().stroke_width(THIN), on == Place::File)?;
        }
        if let Some(mark) = &self.mark {
            self.draw_mark_line(&mut plane, mark, on)?;
        }
        for series in &self.behind {
            let places = || series.points.iter().map(|point| self.place(point));
            draw_line(&mut plane, places().collect(), series.ink.pale().stroke_width(THIN), false)?;
            if series.points.len() == 1 {
                draw_dots(&mut plane, places(), LONE_DOT, series.ink.pale().filled())?;
            }
        }
        for series in &self.series {
            let places = series.points.iter().map(|point| self.place(point));
            let dashed = on == Place::File && series.ink.is_dashed();
            draw_line(&mut plane, places.collect(), series.ink.color().stroke_width(THICK), dashed)?;
        }
        // Over all lines: one of them would cover a dot that is all there is of another.
        for series in &self.series {
            let places = series.points.iter().map(|point| self.place(point));
            let style = series.ink.color().filled();
            match series.points.len() {
                1 => draw_dots(&mut plane, places, LONE_DOT, style)?,
                ..=DOTS if self.series.len() <= 2 => draw_dots(&mut plane, places, DOT, style)?,
                _ => {}
            }
        }
        self.draw_spreads(&mut plane)?;
        self.draw_places(&mut plane)?;
        root.draw_text(&visible(&self.y.label), &style(Ink::Text, HPos::Left, VPos::Top), (0, 0))?;
        if self.names {
            self.draw_names(root, &plane)?;
        }
        let lines = self.series.iter().map(|series| self.trace(series, &plane));
        Ok(lines.chain(self.spread_trace(&plane)).collect())
    }

    fn draw_axes<B: DrawingBackend>(&self, plane: &mut Plane<'_, B>) -> Outcome<B, ()> {
        let text = style(Ink::Text, HPos::Center, VPos::Top);
        let grid = match self.image {
            Some(_) => TRANSPARENT.stroke_width(0),
            None => Ink::Grid.color().stroke_width(THIN),
        };
        plane
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(grid)
            .axis_style(Ink::Axis.color().stroke_width(THIN))
            .set_all_tick_mark_size(40)
            .label_style(text.clone())
            .axis_desc_style(text)
            .x_desc(visible(&self.x.label))
            .x_labels(7)
            .y_labels(6)
            .x_label_formatter(&|place| self.x.tick(*place))
            .y_label_formatter(&|place| self.y.tick(*place))
            .draw()
    }

    fn draw_mark_line<B: DrawingBackend>(
        &self,
        plane: &mut Plane<'_, B>,
        mark: &Mark,
        on: Place,
    ) -> Outcome<B, ()> {
        let line = [(mark.x, self.y.range.start), (mark.x, self.y.range.end)].map(|end| self.place(&end));
        draw_line(plane, line.to_vec(), Ink::Mark.color().stroke_width(THIN), on == Place::File)?;
        // The word stands over the line, and moves inwards near the edges.
        let (x, y) = plane.backend_coord(&line[1]);
        let area = plane.plotting_area().strip_coord_spec();
        let ((left, top), (width, _)) = (area.get_base_pixel(), area.dim_in_pixel());
        let side = match f64::from(x - left) / f64::from(width) {
            part if part < 0.2 => HPos::Left,
            part if part > 0.8 => HPos::Right,
            _ => HPos::Center,
        };
        area.draw_text(
            &visible(&mark.text),
            &style(Ink::Text, side, VPos::Bottom),
            (x - left, y - top - LINE / 4),
        )
    }

    /// The mark's dot and the letters, each with a ring of paper.
    fn draw_places<B: DrawingBackend>(&self, plane: &mut Plane<'_, B>) -> Outcome<B, ()> {
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
            area.draw_text(&visible(letter), &style(Ink::Text, HPos::Left, VPos::Top), (x, y))?;
        }
        Ok(())
    }

    /// Writes each series' name at the right end of its line, parted where the lines end close together.
    fn draw_names<B: DrawingBackend>(
        &self,
        root: &DrawingArea<B, Shift>,
        plane: &Plane<'_, B>,
    ) -> Outcome<B, ()> {
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
            let name = visible(&series.name);
            root.draw_text(&name, &style(series.ink, HPos::Left, VPos::Center), (x + 90, y - over))?;
        }
        Ok(())
    }

    fn trace<B: DrawingBackend>(&self, series: &Series, plane: &Plane<'_, B>) -> Trace {
        let point = |point: &(f64, f64)| {
            let (x, y) = plane.backend_coord(&self.place(point));
            format!("{x} {y}|{}|{}", self.x.scale.say(point.0), self.y.scale.say(point.1))
        };
        let points: Vec<String> = series.points.iter().map(point).collect();
        Trace { name: series.name.clone(), points: points.join(";") }
    }
}

fn draw_line<B: DrawingBackend>(
    plane: &mut Plane<'_, B>,
    places: Vec<(f64, f64)>,
    style: ShapeStyle,
    dashed: bool,
) -> Outcome<B, ()> {
    match dashed {
        true => plane.draw_series(DashedLineSeries::new(places, 80, 50, style)).map(drop),
        false => plane.draw_series([PathElement::new(places, style)]).map(drop),
    }
}

fn draw_dots<B: DrawingBackend>(
    plane: &mut Plane<'_, B>,
    places: impl Iterator<Item = (f64, f64)>,
    radius: i32,
    style: ShapeStyle,
) -> Outcome<B, ()> {
    plane.draw_series(places.map(|place| Circle::new(place, radius, style))).map(drop)
}

pub(crate) fn style(ink: Ink, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    TextStyle {
        font: ("sans-serif", 160).into_font(),
        color: ink.color().to_backend_color(),
        pos: Pos::new(horizontal, vertical),
    }
}

#[cfg(test)]
mod tests;

//! Charts as the contents of an SVG element.
//!
//! plotters draws them; the style sheet of the page sets the colors of both themes.

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

use crate::inline::data_url;
use crate::{ReportError, visible};
use axis::{Axis, ScaledRange};
use error_bars::ErrorBar;
use figure::Trace;
use series_style::SeriesStyle;

/// Size in tenths of a pixel on a page of medium width: plotters draws at integer positions only, and whole pixels
/// would be visible as steps in a line. The style sheet of the page sets the heights of text and the widths of lines.
pub(crate) const WIDTH: u32 = 5600;
pub(crate) const HEIGHT: u32 = 3200;
/// Height of a chart with axes of equal kind.
pub(crate) const SQUARE_HEIGHT: u32 = 4900;

/// Text height of the narrow page, the larger one; the margins fit it.
pub(crate) const LINE: i32 = 200;
/// In charts of one or two series, a series of at most this many points has a dot per point.
const DOTS: usize = 40;
/// Radius of such a dot, and of the dot of a series of one point.
const DOT: i32 = 24;
const LONE_DOT: i32 = 36;
/// Margins of the plot; they fit the larger text.
const LEFT: i32 = 520;
const TOP: i32 = 2 * LINE + LINE / 2;
/// Top margin of a lower chart, which has no mark.
const LOW_TOP: i32 = LINE + LINE / 2;
const RIGHT: i32 = 160;
/// Right margin if series are named at their ends.
const RIGHT_OF_NAMES: i32 = 1000;
const BELOW: i32 = 490;
/// Line widths of axes and of series.
const THIN: u32 = 10;
pub(crate) const THICK: u32 = 18;

/// A line of a chart.
pub(crate) struct Series {
    /// Written at the line's end or in the legend.
    pub(crate) name: String,
    pub(crate) style: SeriesStyle,
    /// Finite points within the axes; not empty.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A picture that fills the plot from top to bottom.
pub(crate) struct Image {
    pub(crate) png: Vec<u8>,
    /// Range on the x axis.
    pub(crate) across: Range<f64>,
}

/// A vertical line with a label above it, and a dot on the first series.
pub(crate) struct Mark {
    pub(crate) x: f64,
    pub(crate) text: String,
    pub(crate) dot: Option<f64>,
}

/// A chart.
pub(crate) struct Chart {
    /// Name of the figure in an error.
    pub(crate) name: &'static str,
    pub(crate) height: u32,
    pub(crate) x: Axis,
    /// Its label is written above the axis.
    pub(crate) y: Axis,
    /// Background; a chart with an image has no grid.
    pub(crate) image: Option<Image>,
    pub(crate) series: Vec<Series>,
    /// Names series at their ends.
    pub(crate) names: bool,
    /// Pale lines behind the others.
    pub(crate) behind: Vec<Series>,
    /// Points with error bars, in ascending order of x.
    pub(crate) error_bars: Vec<ErrorBar>,
    /// A dashed reference line; empty for none.
    pub(crate) reference: Vec<(f64, f64)>,
    pub(crate) mark: Option<Mark>,
    /// Points with a short label beside them.
    pub(crate) annotations: Vec<(f64, f64, String)>,
}

/// Destination of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// A page, whose style sheet makes lines dashed.
    Page,
    /// A separate file.
    File,
}

pub(crate) type Plane<'a, B> = ChartContext<'a, B, Cartesian2d<ScaledRange, ScaledRange>>;
pub(crate) type Outcome<B, T> = Result<T, DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

impl Chart {
    /// Creates an empty chart.
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
            error_bars: Vec::new(),
            reference: Vec::new(),
            mark: None,
            annotations: Vec::new(),
        }
    }

    /// Draws the elements for an SVG element with the view box 0 0 [`WIDTH`] and the chart's height, and returns them
    /// with the traces for a pointer.
    pub(crate) fn draw(&self) -> Result<(String, Vec<Trace>), ReportError> {
        let failed = |reason: String| ReportError::Figure { figure: self.name, reason };
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, (WIDTH, self.height)).into_drawing_area();
        let drawn = self.draw_on(&root, Output::Page).and_then(|traces| root.present().map(|()| traces));
        let traces = drawn.map_err(|error| failed(error.to_string()))?;
        drop(root);
        // The page has its own SVG element with a title; the first and the last line of plotters' output are removed.
        let inside = svg.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
        let (inside, _) = inside.ok_or_else(|| failed("plotters wrote no SVG element".into()))?;
        let image = self.image.as_ref().map(|image| self.image_element(image)).unwrap_or_default();
        Ok((image + inside.trim(), traces))
    }

    /// Top margin for the text above the plot.
    fn top(&self) -> i32 {
        if self.height < HEIGHT && self.mark.is_none() { LOW_TOP } else { TOP }
    }

    /// Writes the image as one element; plotters would write a rectangle per pixel.
    fn image_element(&self, image: &Image) -> String {
        let right = if self.names { RIGHT_OF_NAMES } else { RIGHT };
        let across = f64::from(WIDTH as i32 - LEFT - right);
        let position = |x: f64| {
            let (start, end) =
                (self.x.scale.transform(self.x.range.start), self.x.scale.transform(self.x.range.end));
            f64::from(LEFT) + across * (self.x.scale.transform(x) - start) / (end - start)
        };
        let (from, to) = (position(image.across.start), position(image.across.end));
        format!(
            "<image x=\"{from:.0}\" y=\"{}\" width=\"{:.0}\" height=\"{}\" preserveAspectRatio=\"none\" href=\"{}\"/>",
            self.top(),
            to - from,
            self.height as i32 - self.top() - BELOW,
            data_url("image/png", &image.png)
        )
    }

    /// Returns the position of a point after the transforms of the axes.
    pub(crate) fn position(&self, &(x, y): &(f64, f64)) -> (f64, f64) {
        (self.x.scale.transform(x), self.y.scale.transform(y))
    }

    /// Draws on an area of [`WIDTH`] and the chart's height. The caller presents the root area: plotters then closes
    /// the SVG element, and later elements would be outside of it.
    pub(crate) fn draw_on<B: DrawingBackend>(
        &self,
        root: &DrawingArea<B, Shift>,
        output: Output,
    ) -> Outcome<B, Vec<Trace>> {
        let mut plane = ChartBuilder::on(root)
            .margin_top(self.top())
            .margin_right(if self.names { RIGHT_OF_NAMES } else { RIGHT })
            .x_label_area_size(BELOW)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(self.x.scaled_range(), self.y.scaled_range())?;
        self.draw_axes(&mut plane)?;
        if !self.reference.is_empty() {
            let positions: Vec<_> = self.reference.iter().map(|end| self.position(end)).collect();
            draw_line(
                &mut plane,
                positions,
                SeriesStyle::Mark.color().stroke_width(THIN),
                output == Output::File,
            )?;
        }
        if let Some(mark) = &self.mark {
            self.draw_mark_line(&mut plane, mark, output)?;
        }
        for series in &self.behind {
            let positions = || series.points.iter().map(|point| self.position(point));
            draw_line(&mut plane, positions().collect(), series.style.pale().stroke_width(THIN), false)?;
            if series.points.len() == 1 {
                draw_dots(&mut plane, positions(), LONE_DOT, series.style.pale().filled())?;
            }
        }
        for series in &self.series {
            let positions = series.points.iter().map(|point| self.position(point));
            let dashed = output == Output::File && series.style.is_dashed();
            draw_line(&mut plane, positions.collect(), series.style.color().stroke_width(THICK), dashed)?;
        }
        // Dots are above all lines: a line could cover the dot of a series of one point.
        for series in &self.series {
            let positions = series.points.iter().map(|point| self.position(point));
            let style = series.style.color().filled();
            match series.points.len() {
                1 => draw_dots(&mut plane, positions, LONE_DOT, style)?,
                ..=DOTS if self.series.len() <= 2 => draw_dots(&mut plane, positions, DOT, style)?,
                _ => {}
            }
        }
        self.draw_error_bars(&mut plane)?;
        self.draw_annotations(&mut plane)?;
        root.draw_text(
            &visible(&self.y.label),
            &text_style(SeriesStyle::Text, HPos::Left, VPos::Top),
            (0, 0),
        )?;
        if self.names {
            self.draw_names(root, &plane)?;
        }
        let lines = self.series.iter().map(|series| self.trace(series, &plane));
        Ok(lines.chain(self.error_bar_trace(&plane)).collect())
    }

    fn draw_axes<B: DrawingBackend>(&self, plane: &mut Plane<'_, B>) -> Outcome<B, ()> {
        let text = text_style(SeriesStyle::Text, HPos::Center, VPos::Top);
        let grid = match self.image {
            Some(_) => TRANSPARENT.stroke_width(0),
            None => SeriesStyle::Grid.color().stroke_width(THIN),
        };
        plane
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(grid)
            .axis_style(SeriesStyle::Axis.color().stroke_width(THIN))
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
        output: Output,
    ) -> Outcome<B, ()> {
        let line = [(mark.x, self.y.range.start), (mark.x, self.y.range.end)].map(|end| self.position(&end));
        draw_line(
            plane,
            line.to_vec(),
            SeriesStyle::Mark.color().stroke_width(THIN),
            output == Output::File,
        )?;
        // The label is above the line, and moves inwards near the edges.
        let (x, y) = plane.backend_coord(&line[1]);
        let area = plane.plotting_area().strip_coord_spec();
        let ((left, top), (width, _)) = (area.get_base_pixel(), area.dim_in_pixel());
        let side = match f64::from(x - left) / f64::from(width) {
            fraction if fraction < 0.2 => HPos::Left,
            fraction if fraction > 0.8 => HPos::Right,
            _ => HPos::Center,
        };
        area.draw_text(
            &visible(&mark.text),
            &text_style(SeriesStyle::Text, side, VPos::Bottom),
            (x - left, y - top - LINE / 4),
        )
    }

    /// Draws the mark's dot and the annotations, each with a ring in the background color.
    fn draw_annotations<B: DrawingBackend>(&self, plane: &mut Plane<'_, B>) -> Outcome<B, ()> {
        let dot = self.mark.as_ref().and_then(|mark| mark.dot.map(|y| (mark.x, y)));
        let annotations = self.annotations.iter().map(|&(x, y, _)| (x, y));
        let style = self.series.first().map_or(SeriesStyle::FIRST, |series| series.style);
        for position in dot.into_iter().chain(annotations).map(|point| self.position(&point)) {
            plane.draw_series(
                [(70, SeriesStyle::Background), (50, style)]
                    .map(|(radius, style)| Circle::new(position, radius, style.color().filled())),
            )?;
        }
        let area = plane.plotting_area().strip_coord_spec();
        let (left, top) = area.get_base_pixel();
        // Beside its dot, and below the annotations that it would overlap.
        let mut occupied: Vec<(i32, i32)> = Vec::new();
        for (x, y, letter) in &self.annotations {
            let (x, y) = plane.backend_coord(&self.position(&(*x, *y)));
            let (x, mut y) = (x - left + 90, y - top + 20);
            while let Some(other) =
                occupied.iter().find(|other| (other.0 - x).abs() < LINE && (other.1 - y).abs() < LINE)
            {
                y = other.1 + LINE;
            }
            occupied.push((x, y));
            area.draw_text(&visible(letter), &text_style(SeriesStyle::Text, HPos::Left, VPos::Top), (x, y))?;
        }
        Ok(())
    }

    /// Writes each series' name at the right end of its line, separated where the ends are close together.
    fn draw_names<B: DrawingBackend>(
        &self,
        root: &DrawingArea<B, Shift>,
        plane: &Plane<'_, B>,
    ) -> Outcome<B, ()> {
        let mut ends: Vec<(i32, i32, &Series)> = self
            .series
            .iter()
            .filter_map(|series| {
                series.points.last().map(|end| (plane.backend_coord(&self.position(end)), series))
            })
            .map(|((x, y), series)| (x, y, series))
            .collect();
        ends.sort_by_key(|&(_, y, _)| y);
        let bottom = plane.backend_coord(&self.position(&(self.x.range.end, self.y.range.start))).1;
        for index in 1..ends.len() {
            ends[index].1 = ends[index].1.max(ends[index - 1].1 + LINE);
        }
        let over = ends.last().map_or(0, |&(_, y, _)| (y - bottom).max(0));
        for (x, y, series) in ends {
            let name = visible(&series.name);
            root.draw_text(&name, &text_style(series.style, HPos::Left, VPos::Center), (x + 90, y - over))?;
        }
        Ok(())
    }

    fn trace<B: DrawingBackend>(&self, series: &Series, plane: &Plane<'_, B>) -> Trace {
        let point = |point: &(f64, f64)| {
            let (x, y) = plane.backend_coord(&self.position(point));
            format!("{x} {y}|{}|{}", self.x.scale.format(point.0), self.y.scale.format(point.1))
        };
        let points: Vec<String> = series.points.iter().map(point).collect();
        Trace { name: series.name.clone(), points: points.join(";") }
    }
}

fn draw_line<B: DrawingBackend>(
    plane: &mut Plane<'_, B>,
    positions: Vec<(f64, f64)>,
    style: ShapeStyle,
    dashed: bool,
) -> Outcome<B, ()> {
    match dashed {
        true => plane.draw_series(DashedLineSeries::new(positions, 80, 50, style)).map(drop),
        false => plane.draw_series([PathElement::new(positions, style)]).map(drop),
    }
}

fn draw_dots<B: DrawingBackend>(
    plane: &mut Plane<'_, B>,
    positions: impl Iterator<Item = (f64, f64)>,
    radius: i32,
    style: ShapeStyle,
) -> Outcome<B, ()> {
    plane.draw_series(positions.map(|position| Circle::new(position, radius, style))).map(drop)
}

pub(crate) fn text_style(style: SeriesStyle, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    TextStyle {
        font: ("sans-serif", 160).into_font(),
        color: style.color().to_backend_color(),
        pos: Pos::new(horizontal, vertical),
    }
}

#[cfg(test)]
mod tests;

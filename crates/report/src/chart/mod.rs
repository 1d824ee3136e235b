//! Charts: series on two axes, as shapes in pixels that [`svg`] and [`png`] draw.

pub(crate) mod axis;
pub(crate) mod figure;
pub(crate) mod heat_map;
pub(crate) mod png;
pub(crate) mod shapes;
pub(crate) mod svg;

use std::ops::Range;

use axis::Axis;
use heat_map::HeatMap;
use shapes::{Anchor, Color, Level, Line, Position, Shape, Trace};

/// Size in pixels on a page of medium width.
pub(crate) const WIDTH: f64 = 560.0;
pub(crate) const HEIGHT: f64 = 320.0;
/// Height of a chart with axes of equal kind.
pub(crate) const SQUARE_HEIGHT: f64 = 490.0;

/// Height of a line of text on a narrow page, where the text is larger; the margins fit it.
pub(crate) const LINE: f64 = 20.0;
/// Width of a letter or digit beside a point, at most.
const LETTER: f64 = 12.0;
/// In charts of one or two series, a series of at most this many points has a dot per point.
const DOTS: usize = 40;
/// Radius of such a dot, and of the dot of a series of one point.
const DOT: f64 = 2.4;
const LONE_DOT: f64 = 3.6;
/// Margins of the plot.
const LEFT: f64 = 52.0;
const TOP: f64 = 2.5 * LINE;
/// Top margin of a lower chart, which has no mark.
const LOW_TOP: f64 = 1.5 * LINE;
const RIGHT: f64 = 16.0;
/// Right margin if series are named at their ends.
const RIGHT_OF_NAMES: f64 = 100.0;
const BELOW: f64 = 49.0;
/// Length of a tick, and its distance to the label.
const TICK: f64 = 4.0;
const GAP: f64 = 4.0;
/// Largest number of ticks.
const X_TICKS: usize = 7;
const Y_TICKS: usize = 6;
/// Widths of axes and of series.
const THIN: f64 = 1.0;
pub(crate) const THICK: f64 = 1.75;
/// Opacity of a pale line.
pub(crate) const PALE: f32 = 0.3;
/// Width of the dashes of series that coincide; length of those of all members together, and limits of each.
const WIDE: f64 = 3.0;
const OVERLAP: f64 = 100.0;
const MIN_DASH: f64 = 3.0;
const MAX_DASH: f64 = 10.0;

/// A line of a chart.
pub(crate) struct Series {
    /// Written at the line's end or in the legend.
    pub(crate) name: String,
    pub(crate) color: Color,
    /// Finite points within the axes; not empty.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A part of an increasing series that coincides with others.
pub(crate) struct Overlap {
    pub(crate) color: Color,
    pub(crate) points: Vec<(f64, f64)>,
    /// Index among the series that coincide, and their number.
    pub(crate) place: usize,
    pub(crate) members: usize,
}

/// A point with a range of y.
pub(crate) struct ErrorBar {
    pub(crate) name: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Text of x and of y below a pointer.
    pub(crate) readout: [String; 2],
    pub(crate) color: Color,
}

/// A heat map that fills the plot from top to bottom.
pub(crate) struct Image {
    pub(crate) map: HeatMap,
    /// Range on the x axis.
    pub(crate) across: Range<f64>,
}

/// A vertical line with a label above it, and a dot on the first series.
pub(crate) struct Mark {
    pub(crate) x: f64,
    pub(crate) text: String,
    pub(crate) dot: Option<f64>,
}

/// Range of the x axis, and the plot in pixels.
pub(crate) struct PlotArea {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

/// A chart.
pub(crate) struct Chart {
    pub(crate) height: f64,
    pub(crate) x: Axis,
    /// Its label is written above the axis.
    pub(crate) y: Axis,
    /// Background; a chart with an image has no grid.
    pub(crate) image: Option<Image>,
    /// A white line with a black edge, legible on an image; empty for none.
    pub(crate) overlay: Vec<(f64, f64)>,
    pub(crate) series: Vec<Series>,
    /// Parts of increasing series that coincide, drawn as alternating dashes over the series, so that every one shows.
    pub(crate) overlaps: Vec<Overlap>,
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

impl Chart {
    /// Creates an empty chart.
    pub(crate) fn empty(height: f64, x: Axis, y: Axis) -> Chart {
        Chart {
            height,
            x,
            y,
            image: None,
            overlay: Vec::new(),
            series: Vec::new(),
            overlaps: Vec::new(),
            names: false,
            behind: Vec::new(),
            error_bars: Vec::new(),
            reference: Vec::new(),
            mark: None,
            annotations: Vec::new(),
        }
    }

    /// Returns the shapes on an area of [`WIDTH`] and the chart's height; series and error bars have traces.
    pub(crate) fn shapes(&self) -> Vec<Shape> {
        let mut shapes = Vec::new();
        if let Some(Image { map, across }) = &self.image {
            let (left, right) = (self.at_x(across.start), self.at_x(across.end));
            let (corner, size) = ((left, self.top()), (right - left, self.bottom() - self.top()));
            shapes.push(Shape::Image { corner, size, map: map.clone() });
        }
        for (color, width) in [(Color::Black, 3.0), (Color::White, 1.25)] {
            if !self.overlay.is_empty() {
                shapes.push(Shape::line(self.positions(&self.overlay), color, width));
            }
        }
        self.add_axes(&mut shapes);
        if !self.reference.is_empty() {
            shapes.push(Shape::reference(self.positions(&self.reference)));
        }
        self.add_mark(&mut shapes);
        for Series { color, points, .. } in &self.behind {
            let (points, color, opacity) = (self.positions(points), *color, PALE);
            shapes.push(match points[..] {
                [center] => Shape::Circle { center, radius: LONE_DOT, color, opacity },
                _ => Shape::pale(points, color, THIN, opacity),
            });
        }
        shapes.extend(self.series.iter().map(|series| self.line(series)));
        shapes.extend(self.overlaps.iter().map(|overlap| self.overlaid(overlap)));
        // Dots are above all lines: a line could cover the dot of a series of one point.
        for Series { color, points, .. } in &self.series {
            let radius = match points.len() {
                1 => LONE_DOT,
                ..=DOTS if self.series.len() <= 2 => DOT,
                _ => continue,
            };
            shapes
                .extend(self.positions(points).into_iter().map(|center| Shape::dot(center, radius, *color)));
        }
        self.add_error_bars(&mut shapes);
        self.add_annotations(&mut shapes);
        shapes.push(Shape::text((0.0, 0.0), &*self.y.label, Anchor::Start, Level::Below));
        if self.names {
            self.add_names(&mut shapes);
        }
        shapes
    }

    pub(crate) fn plot_area(&self) -> PlotArea {
        let Range { start, end } = self.x.range;
        PlotArea { start, end, left: LEFT, right: self.right(), top: self.top(), bottom: self.bottom() }
    }

    /// Top of the plot, below the text above it.
    fn top(&self) -> f64 {
        if self.height < HEIGHT && self.mark.is_none() { LOW_TOP } else { TOP }
    }

    fn bottom(&self) -> f64 {
        self.height - BELOW
    }

    fn right(&self) -> f64 {
        WIDTH - if self.names { RIGHT_OF_NAMES } else { RIGHT }
    }

    fn at_x(&self, x: f64) -> f64 {
        LEFT + (self.right() - LEFT) * self.x.position(x)
    }

    fn at_y(&self, y: f64) -> f64 {
        self.bottom() - (self.bottom() - self.top()) * self.y.position(y)
    }

    fn positions(&self, points: &[(f64, f64)]) -> Vec<Position> {
        points.iter().map(|&(x, y)| (self.at_x(x), self.at_y(y))).collect()
    }

    fn add_axes(&self, shapes: &mut Vec<Shape>) {
        let (top, right, bottom) = (self.top(), self.right(), self.bottom());
        // The labels of a low chart do not overlap.
        let lines = ((bottom - top) / LINE) as usize;
        for (value, label) in self.y.ticks(Y_TICKS.min(lines + 1).max(2)) {
            let y = self.at_y(value);
            if self.image.is_none() {
                shapes.push(Shape::line(vec![(LEFT, y), (right, y)], Color::Grid, THIN));
            }
            shapes.push(Shape::line(vec![(LEFT - TICK, y), (LEFT, y)], Color::Axis, THIN));
            shapes.push(Shape::text((LEFT - TICK - GAP, y), label, Anchor::End, Level::Center));
        }
        for (value, label) in self.x.ticks(X_TICKS) {
            let x = self.at_x(value);
            shapes.push(Shape::line(vec![(x, bottom), (x, bottom + TICK)], Color::Axis, THIN));
            shapes.push(Shape::text((x, bottom + TICK + GAP), label, Anchor::Middle, Level::Below));
        }
        shapes.push(Shape::line(vec![(LEFT, top), (LEFT, bottom), (right, bottom)], Color::Axis, THIN));
        let at = ((LEFT + right) / 2.0, self.height - LINE);
        shapes.push(Shape::text(at, &*self.x.label, Anchor::Middle, Level::Below));
    }

    fn line(&self, Series { name, color, points }: &Series) -> Shape {
        let values =
            points.iter().map(|&(x, y)| format!("{}|{}", self.x.scale.format(x), self.y.scale.format(y)));
        let trace = Trace { name: name.clone(), values: values.collect::<Vec<_>>().join(";") };
        Shape::series(self.positions(points), *color, THICK, Some(trace))
    }

    /// Returns the dashes of a series where it coincides with others.
    ///
    /// The dashes of all members are in phase, because staircases from one corner have the same length up to a common point.
    fn overlaid(&self, Overlap { color, points, place, members }: &Overlap) -> Shape {
        let points = self.positions(points);
        let origin = (self.at_x(self.x.range.start), self.at_y(self.y.range.start));
        let before = points.first().map_or(0.0, |first| first.0 - origin.0 + origin.1 - first.1);
        let dash = (OVERLAP / *members as f64).clamp(MIN_DASH, MAX_DASH);
        let period = dash * *members as f64;
        Shape::Line(Line {
            points,
            color: *color,
            width: WIDE,
            dashes: Some([dash as f32, (period - dash) as f32]),
            dash_offset: (before - dash * *place as f64).rem_euclid(period) as f32,
            opacity: 1.0,
            trace: None,
        })
    }

    /// Adds a dot per point on a line from the lowest to the highest value, and all points as one trace.
    fn add_error_bars(&self, shapes: &mut Vec<Shape>) {
        if self.error_bars.is_empty() {
            return;
        }
        let (mut centers, mut values) = (Vec::new(), Vec::new());
        for ErrorBar { name, x, y, low, high, readout, color } in &self.error_bars {
            shapes.push(Shape::pale(self.positions(&[(*x, *low), (*x, *high)]), *color, 2.0, 0.5));
            let center = (self.at_x(*x), self.at_y(*y));
            shapes.push(Shape::dot(center, 4.0, *color));
            centers.push(center);
            // Replaces the separators of fields and points.
            values.push(format!(
                "{}|{}|{}",
                readout[0],
                readout[1],
                name.replace(';', ",").replace('|', "/")
            ));
        }
        let trace = Some(Trace { name: String::new(), values: values.join(";") });
        shapes.push(Shape::series(centers, Color::Muted, 0.0, trace));
    }

    /// Adds the line of the mark; its label is above it, and moves inwards near the edges.
    fn add_mark(&self, shapes: &mut Vec<Shape>) {
        let Some(mark) = &self.mark else { return };
        let (x, top) = (self.at_x(mark.x), self.top());
        shapes.push(Shape::reference(vec![(x, self.bottom()), (x, top)]));
        let anchor = match self.x.position(mark.x) {
            at if at < 0.2 => Anchor::Start,
            at if at > 0.8 => Anchor::End,
            _ => Anchor::Middle,
        };
        shapes.push(Shape::text((x, top - LINE / 3.0), &*mark.text, anchor, Level::Base));
    }

    /// Adds the mark's dot and the annotations, each with a ring in the color of the background.
    fn add_annotations(&self, shapes: &mut Vec<Shape>) {
        let dot = self.mark.as_ref().and_then(|mark| mark.dot.map(|y| (mark.x, y)));
        let annotations = self.annotations.iter().map(|&(x, y, _)| (x, y));
        let color = self.series.first().map_or(Color::Series(0), |series| series.color);
        let dots: Vec<(f64, f64)> = dot.into_iter().chain(annotations).collect();
        for center in self.positions(&dots) {
            shapes.push(Shape::dot(center, 7.0, Color::Background));
            shapes.push(Shape::dot(center, 5.0, color));
        }
        // Beside its dot, and below the annotations that it would overlap: those a little to the left.
        let mut occupied: Vec<(f64, f64)> = Vec::new();
        let mut annotations: Vec<&(f64, f64, String)> = self.annotations.iter().collect();
        annotations.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (x, y, letter) in annotations {
            let (x, mut y) = (self.at_x(*x) + 9.0, self.at_y(*y) + 2.0);
            occupied.retain(|(end, _)| x < *end);
            // Rounding leaves neighbors a little closer than a line.
            while let Some(other) = occupied.iter().find(|other| (other.1 - y).abs() < LINE - 0.1) {
                y = other.1 + LINE;
            }
            occupied.push((x + LETTER * letter.chars().count() as f64, y));
            shapes.push(Shape::text((x, y), &**letter, Anchor::Start, Level::Below));
        }
    }

    /// Adds each series' name at the right end of its line, separated where the ends are close together.
    fn add_names(&self, shapes: &mut Vec<Shape>) {
        let end = |series: &Series| series.points.last().map(|&(x, y)| (self.at_x(x), self.at_y(y)));
        let mut ends: Vec<(Position, &Series)> =
            self.series.iter().filter_map(|series| Some((end(series)?, series))).collect();
        ends.sort_by(|(a, _), (b, _)| a.1.total_cmp(&b.1));
        for index in 1..ends.len() {
            ends[index].0.1 = ends[index].0.1.max(ends[index - 1].0.1 + LINE);
        }
        let over = ends.last().map_or(0.0, |((_, y), _)| (y - self.bottom()).max(0.0));
        for ((x, y), Series { name, color, .. }) in ends {
            let (at, text) = ((x + 9.0, y - over), name.clone());
            shapes.push(Shape::Text { at, text, color: *color, anchor: Anchor::Start, level: Level::Center });
        }
    }
}

#[cfg(test)]
mod tests;

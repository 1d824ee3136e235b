//! Shapes of a figure: a chart returns them, and [`svg`](super::svg) and [`png`](super::png) draw them.
//!
//! Positions and sizes are in pixels from the upper left corner, on a page of medium width.

use super::heat_map::HeatMap;

/// Style sheet of all pages; its light theme has the colors of separate files, too.
pub(crate) const CSS: &str = stapes_web::BASE_CSS;

/// A point in pixels, to the right and downwards.
pub(crate) type Position = (f64, f64);

/// Color of a shape: a class of the style sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Color {
    /// Text, marks and reference lines.
    Muted,
    /// Axes and ticks.
    Axis,
    /// Grid lines.
    Grid,
    /// Background: rings around dots.
    Background,
    /// A series by its number; the styles repeat from [`Color::COUNT`] on.
    Series(usize),
    /// Black in both themes, for a line below [`Color::White`] on a heat map.
    Black,
    /// White in both themes.
    White,
}

impl Color {
    /// Number of distinct series: six colors, solid and dashed.
    pub(crate) const COUNT: usize = 12;
    const HUES: usize = 6;

    /// Class of the style sheet, which sets `color`; also the name of the custom property of the themes.
    pub(crate) fn class(self) -> String {
        match self {
            Color::Muted => "muted".into(),
            Color::Axis => "axis".into(),
            Color::Grid => "grid".into(),
            Color::Background => "background".into(),
            Color::Black => "black".into(),
            Color::White => "white".into(),
            Color::Series(number) => format!("series-{}", number % Color::HUES + 1),
        }
    }

    /// Classes of the line of a series in the legend of a page, for the templates.
    pub(crate) fn legend_classes(number: &usize) -> String {
        let color = Color::Series(*number);
        color.class() + if color.dashes().is_some() { " dashed" } else { "" }
    }

    /// Dashes of a line of this color: series of the same color differ by them.
    pub(crate) fn dashes(self) -> Option<[f32; 2]> {
        matches!(self, Color::Series(number) if number % Color::COUNT >= Color::HUES).then_some([6.0, 3.0])
    }

    /// Red, green and blue in the light theme of the style sheet.
    pub(crate) fn light(self) -> [u8; 3] {
        let hex = match self {
            Color::Black => "000000",
            Color::White => "ffffff",
            _ => {
                let key = format!("--{}: #", self.class());
                CSS.split_once(&key).and_then(|(_, rest)| rest.get(..6)).unwrap_or("000000")
            }
        };
        [0, 2, 4].map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap_or(0))
    }
}

/// A shape.
pub(crate) enum Shape {
    Line(Line),
    Circle { center: Position, radius: f64, color: Color, opacity: f32 },
    Text { at: Position, text: String, color: Color, anchor: Anchor, level: Level },
    Image { corner: Position, size: Position, map: HeatMap },
}

/// A line through points.
pub(crate) struct Line {
    pub(crate) points: Vec<Position>,
    pub(crate) color: Color,
    /// 0 for a line that is not drawn and only has a trace.
    pub(crate) width: f64,
    pub(crate) dashes: Option<[f32; 2]>,
    /// Distance from the beginning of the dashes to the beginning of the line.
    pub(crate) dash_offset: f32,
    pub(crate) opacity: f32,
    pub(crate) trace: Option<Trace>,
}

/// Name and values of a line's points, for a pointer on a page.
pub(crate) struct Trace {
    pub(crate) name: String,
    /// "value of x|value of y" per point, with semicolons between them; "|name" follows for points with individual names.
    pub(crate) values: String,
}

/// Horizontal position of a text beside its point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Vertical position of a text at its point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Level {
    /// The text is below the point.
    Below,
    /// The middle of small letters is at the point.
    Center,
    /// The baseline is at the point.
    Base,
}

impl Level {
    /// Distance from the point down to the baseline, in heights of the font.
    pub(crate) fn baseline(self) -> f64 {
        match self {
            Level::Below => 0.76,
            Level::Center => 0.34,
            Level::Base => 0.0,
        }
    }
}

impl Shape {
    /// Creates a solid line.
    pub(crate) fn line(points: Vec<Position>, color: Color, width: f64) -> Shape {
        Shape::Line(Line { points, color, width, dashes: None, dash_offset: 0.0, opacity: 1.0, trace: None })
    }

    /// Creates the line of a series, dashed by its color.
    pub(crate) fn series(points: Vec<Position>, color: Color, width: f64, trace: Option<Trace>) -> Shape {
        Shape::Line(Line {
            points,
            color,
            width,
            dashes: color.dashes(),
            dash_offset: 0.0,
            opacity: 1.0,
            trace,
        })
    }

    /// Creates a pale solid line.
    pub(crate) fn pale(points: Vec<Position>, color: Color, width: f64, opacity: f32) -> Shape {
        Shape::Line(Line { points, color, width, dashes: None, dash_offset: 0.0, opacity, trace: None })
    }

    /// Creates a dashed line of marks.
    pub(crate) fn reference(points: Vec<Position>) -> Shape {
        let dashes = Some([3.0, 3.0]);
        Shape::Line(Line {
            points,
            color: Color::Muted,
            width: 1.0,
            dashes,
            dash_offset: 0.0,
            opacity: 1.0,
            trace: None,
        })
    }

    /// Creates a dot.
    pub(crate) fn dot(center: Position, radius: f64, color: Color) -> Shape {
        Shape::Circle { center, radius, color, opacity: 1.0 }
    }

    /// Creates a text in the color of text.
    pub(crate) fn text(at: Position, text: impl Into<String>, anchor: Anchor, level: Level) -> Shape {
        Shape::Text { at, text: text.into(), color: Color::Muted, anchor, level }
    }

    /// Moves the shape.
    pub(crate) fn moved(mut self, by: Position) -> Shape {
        let shift = |point: &mut Position| *point = (point.0 + by.0, point.1 + by.1);
        match &mut self {
            Shape::Line(line) => line.points.iter_mut().for_each(shift),
            Shape::Circle { center: at, .. } | Shape::Text { at, .. } | Shape::Image { corner: at, .. } => {
                shift(at);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_has_a_class_and_two_theme_colors_for_every_color() {
        // The colors are in the style sheet that all pages share, their classes there or in that of the reports.
        let classes = [CSS, include_str!("../../templates/report.css")].concat();
        let (light, dark) = CSS.split_once("@media (prefers-color-scheme: dark)").unwrap();
        let colors = [Color::Muted, Color::Axis, Color::Grid, Color::Background];
        for color in colors.into_iter().chain((0..Color::HUES).map(Color::Series)) {
            let class = color.class();
            for theme in [light, dark] {
                assert!(theme.contains(&format!("--{class}: #")), "{class}");
            }
            assert!(classes.contains(&format!("color: var(--{class}); }}")), "{class} is not a class");
        }
        assert_eq!(Color::Series(0).light(), [0x1f, 0x66, 0xb0]);
        assert_eq!(
            (Color::Series(13).class(), Color::Series(13).light()),
            ("series-2".into(), [0xb4, 0x50, 0x0f])
        );
        assert_eq!(
            [0, 5, 6, 11, 12].map(|n| Color::Series(n).dashes().is_some()),
            [false, false, true, true, false]
        );
    }
}

//! Styles of the parts of a chart, by color.
//!
//! plotters does not write class names: the style sheet selects elements by the color that is drawn here.

use plotters::style::{Color, RGBAColor, RGBColor};

/// A part of a chart, with its color outside of the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SeriesStyle {
    /// Text.
    Text,
    /// Axes and ticks.
    Axis,
    /// Grid lines.
    Grid,
    /// Marks and reference lines.
    Mark,
    /// Background: rings around dots.
    Background,
    /// A series by its number; the styles repeat from [`SeriesStyle::COUNT`] on.
    Line(usize),
}

impl SeriesStyle {
    /// The first series.
    pub(crate) const FIRST: SeriesStyle = SeriesStyle::Line(0);
    /// The second series.
    pub(crate) const SECOND: SeriesStyle = SeriesStyle::Line(1);
    /// Number of distinct series: six colors, solid and dashed.
    pub(crate) const COUNT: usize = 12;

    pub(crate) fn color(self) -> RGBColor {
        // Dashed styles differ in an invisible digit, for the style sheet.
        const COLORS: [(u8, u8, u8); 6] = [
            (0x1F, 0x66, 0xB0),
            (0xB4, 0x50, 0x0F),
            (0x1B, 0x7F, 0x5A),
            (0x8E, 0x3F, 0xA8),
            (0xA8, 0x32, 0x4A),
            (0x5B, 0x6B, 0x00),
        ];
        match self {
            SeriesStyle::Text => RGBColor(0x4A, 0x53, 0x5E),
            SeriesStyle::Axis => RGBColor(0x9A, 0xA3, 0xAE),
            SeriesStyle::Grid => RGBColor(0xE4, 0xE7, 0xEB),
            SeriesStyle::Mark => RGBColor(0x6B, 0x74, 0x80),
            SeriesStyle::Background => RGBColor(0xFF, 0xFF, 0xFF),
            SeriesStyle::Line(number) => {
                let (red, green, blue) = COLORS[number % 6];
                RGBColor(red, green, blue + u8::from(number % SeriesStyle::COUNT >= 6))
            }
        }
    }

    /// Returns true for a style that differs from another style of the same color by dashes.
    pub(crate) fn is_dashed(self) -> bool {
        matches!(self, SeriesStyle::Line(number) if number % SeriesStyle::COUNT >= 6)
    }

    /// Pale color; the style sheet selects it by its opacity, like [`SeriesStyle::half`].
    pub(crate) fn pale(self) -> RGBAColor {
        self.color().mix(0.3)
    }

    /// Color halfway to pale.
    pub(crate) fn half(self) -> RGBAColor {
        self.color().mix(0.5)
    }

    /// Color as plotters writes it and the style sheet selects it.
    #[cfg(test)]
    pub(crate) fn hex(self) -> String {
        let RGBColor(red, green, blue) = self.color();
        format!("#{red:02X}{green:02X}{blue:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSS: &str = include_str!("../../templates/report.css");

    #[test]
    fn the_style_sheet_has_a_theme_color_for_every_style() {
        for style in [
            SeriesStyle::Text,
            SeriesStyle::Axis,
            SeriesStyle::Grid,
            SeriesStyle::Mark,
            SeriesStyle::Background,
        ] {
            assert!(
                CSS.contains(&format!("=\"{}\"]", style.hex())),
                "{style:?}: {} is not in report.css",
                style.hex()
            );
        }
        for style in (0..SeriesStyle::COUNT).map(SeriesStyle::Line) {
            for kind in ["fill", "stroke"] {
                let selector = format!(".chart [{kind}=\"{}\"]", style.hex());
                assert!(CSS.contains(&selector), "{style:?}: {selector} is not in report.css");
            }
        }
        assert_eq!(SeriesStyle::Line(12).hex(), SeriesStyle::Line(0).hex());
    }
}

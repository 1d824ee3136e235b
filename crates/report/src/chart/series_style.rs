//! What a chart's parts are, by colour.
//!
//! plotters writes no class names: the style sheet finds what to colour by the colour that is drawn here.

use plotters::style::{Color, RGBAColor, RGBColor};

/// What is drawn, by the colour it has outside the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ink {
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
    pub(crate) const FIRST: Ink = Ink::Line(0);
    /// The second series.
    pub(crate) const SECOND: Ink = Ink::Line(1);
    /// Series that can be told apart: six colours, drawn through and dashed.
    pub(crate) const LINES: usize = 12;

    pub(crate) fn color(self) -> RGBColor {
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

    /// Whether it is told from another ink of the same colour by its dashes.
    pub(crate) fn is_dashed(self) -> bool {
        matches!(self, Ink::Line(number) if number % Ink::LINES >= 6)
    }

    /// The same, pale: the style sheet knows it by its opacity, and [`Ink::half`] too.
    pub(crate) fn pale(self) -> RGBAColor {
        self.color().mix(0.3)
    }

    /// The same, halfway to pale.
    pub(crate) fn half(self) -> RGBAColor {
        self.color().mix(0.5)
    }

    /// The colour as plotters writes it and the style sheet selects it.
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
}

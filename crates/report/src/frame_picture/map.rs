//! Heat map of frames without axes, small enough for a page.

use plotters::prelude::{Color, ColorMap};
use plotters::style::colors::colormaps::ViridisRGB;

use super::ticks::Tick;
use super::{FIGURE, FramePicture};
use crate::ReportError;
use crate::chart::canvas::indexed_png;

/// Largest width and height in pixels; neighboring frames or values are averaged.
const COLUMNS: usize = 600;
const ROWS: usize = 128;
/// Number of colors: a compromise between visible steps and the size of the file.
const COLORS: u8 = 64;

/// A heat map with its axis and color scale.
pub(crate) struct FrameMap {
    /// PNG file with one pixel per value: time to the right, the first value at the bottom.
    pub(crate) png: Vec<u8>,
    /// Values of the first and of the last color.
    pub(crate) ends: (f32, f32),
    /// Ticks of the vertical axis, in values from the bottom.
    pub(crate) ticks: Vec<Tick>,
    /// Name of the vertical axis.
    pub(crate) axis: &'static str,
    /// Label of the color scale.
    pub(crate) color_label: String,
}

impl FramePicture<'_> {
    /// Draws the heat map in the colors of [`FramePicture::png`], with at most `max_ticks` vertical ticks.
    ///
    /// # Errors
    /// Errors of [`FramePicture::png`].
    pub(crate) fn map(&self, max_ticks: usize) -> Result<FrameMap, ReportError> {
        let error = |reason: String| ReportError::Figure { figure: FIGURE, reason };
        self.check().map_err(|reason| error(reason.into()))?;
        let (low, high) = self.color_range();
        let (across, up) = (self.frames().min(COLUMNS), self.width.min(ROWS));
        let mut pixels = vec![0; across * up];
        for x in 0..across {
            let column = self.column(x, across);
            for row in 0..up {
                let values = &column[row * self.width / up..(row + 1) * self.width / up];
                let mean = values.iter().sum::<f32>() / values.len() as f32;
                let fraction = (mean.clamp(low, high) - low) / (high - low);
                pixels[(up - 1 - row) * across + x] = (fraction * f32::from(COLORS - 1)).round() as u8;
            }
        }
        let colors: Vec<[u8; 3]> = (0..COLORS).map(color).collect();
        let (ticks, axis) = self.vertical_axis(max_ticks);
        Ok(FrameMap {
            png: indexed_png((across as u32, up as u32), &colors, &pixels).map_err(error)?,
            ends: (low, high),
            ticks,
            axis,
            color_label: self.color_label(),
        })
    }
}

fn color(number: u8) -> [u8; 3] {
    let (red, green, blue) =
        ViridisRGB.get_color_normalized(f32::from(number), 0.0, f32::from(COLORS - 1)).rgb();
    [red, green, blue]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FrameAxis;

    fn pixels(values: &[f32], width: usize) -> (u32, Vec<u8>) {
        let axis = FrameAxis::Numbers("coefficient");
        let picture = FramePicture {
            title: "",
            values,
            width,
            hop_seconds: 1.0,
            axis,
            quantity: "value",
            weights: None,
        };
        let file = picture.map(6).unwrap().png;
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(
            (info.color_type, pixels.len()),
            (png::ColorType::Indexed, (info.width * info.height) as usize)
        );
        (info.width, pixels)
    }

    #[test]
    fn a_map_has_one_pixel_per_value_with_the_first_one_at_the_bottom_left() {
        // Three frames of two values.
        let (across, pixels) = pixels(&[0.0, 63.0, 1.0, 62.0, 2.0, 61.0], 2);
        assert_eq!((across, pixels), (3, vec![63, 62, 61, 0, 1, 2]));
    }

    #[test]
    fn neighbors_in_a_large_map_are_averaged() {
        let frames: Vec<f32> =
            (0..2 * COLUMNS).flat_map(|_| (0..2 * ROWS).map(|at| (at / 2) as f32)).collect();
        let (across, pixels) = pixels(&frames, 2 * ROWS);
        assert_eq!((across as usize, pixels.len()), (COLUMNS, COLUMNS * ROWS));
        assert!(pixels[0] == COLORS - 1 && pixels[pixels.len() - 1] == 0);
    }

    #[test]
    fn the_map_has_the_colors_of_the_large_picture() {
        assert_eq!([color(0), color(COLORS - 1)], [[68, 1, 84], [254, 232, 37]]);
    }
}

//! A picture of frames without its axes, small enough to stand in a page.

use plotters::prelude::{Color, ColorMap};
use plotters::style::colors::colormaps::ViridisRGB;

use super::ticks::Tick;
use super::{FIGURE, FramePicture};
use crate::ReportError;
use crate::chart::canvas::indexed_png;

/// Pixels across and upwards; of more frames or values, neighbours are averaged.
const COLUMNS: usize = 600;
const ROWS: usize = 128;
/// Colours: more could hardly be told apart, and fewer make the file smaller.
const COLOURS: u8 = 64;

/// A colour for each value, and what is written beside it.
pub(crate) struct FrameMap {
    /// A pixel for each value of each frame: time to the right, the first value at the bottom.
    pub(crate) png: Vec<u8>,
    /// The values of the first and of the last colour.
    pub(crate) ends: (f32, f32),
    /// Marks of the upward axis, in values from the bottom.
    pub(crate) marks: Vec<Tick>,
    /// The name of that axis.
    pub(crate) upwards: &'static str,
    /// What the colours say.
    pub(crate) coloured: String,
}

impl FramePicture<'_> {
    /// The map alone, in the colours of [`FramePicture::png`], with at most so many marks upwards.
    ///
    /// # Errors
    /// As [`FramePicture::png`].
    pub(crate) fn map(&self, marks: usize) -> Result<FrameMap, ReportError> {
        let refuse = |reason: String| ReportError::Figure { figure: FIGURE, reason };
        self.check().map_err(|reason| refuse(reason.into()))?;
        let (low, high) = self.span();
        let (across, up) = (self.frames().min(COLUMNS), self.width.min(ROWS));
        let mut pixels = vec![0; across * up];
        for x in 0..across {
            let column = self.column(x, across);
            for row in 0..up {
                let values = &column[row * self.width / up..(row + 1) * self.width / up];
                let mean = values.iter().sum::<f32>() / values.len() as f32;
                let part = (mean.clamp(low, high) - low) / (high - low);
                pixels[(up - 1 - row) * across + x] = (part * f32::from(COLOURS - 1)).round() as u8;
            }
        }
        let colours: Vec<[u8; 3]> = (0..COLOURS).map(colour).collect();
        let (marks, upwards) = self.upwards(marks);
        Ok(FrameMap {
            png: indexed_png((across as u32, up as u32), &colours, &pixels).map_err(refuse)?,
            ends: (low, high),
            marks,
            upwards,
            coloured: self.coloured(),
        })
    }
}

fn colour(number: u8) -> [u8; 3] {
    let (red, green, blue) =
        ViridisRGB.get_color_normalized(f32::from(number), 0.0, f32::from(COLOURS - 1)).rgb();
    [red, green, blue]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FrameAxis;

    fn pixels(values: &[f32], width: usize) -> (u32, Vec<u8>) {
        let axis = FrameAxis::Numbers("coefficient");
        let picture =
            FramePicture { title: "", values, width, frame_s: 1.0, axis, quantity: "value", weights: None };
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
    fn a_map_has_a_pixel_a_value_with_the_first_one_at_the_bottom_left() {
        // Three frames of two values.
        let (across, pixels) = pixels(&[0.0, 63.0, 1.0, 62.0, 2.0, 61.0], 2);
        assert_eq!((across, pixels), (3, vec![63, 62, 61, 0, 1, 2]));
    }

    #[test]
    fn neighbours_of_a_large_map_are_averaged() {
        let frames: Vec<f32> =
            (0..2 * COLUMNS).flat_map(|_| (0..2 * ROWS).map(|at| (at / 2) as f32)).collect();
        let (across, pixels) = pixels(&frames, 2 * ROWS);
        assert_eq!((across as usize, pixels.len()), (COLUMNS, COLUMNS * ROWS));
        assert!(pixels[0] == COLOURS - 1 && pixels[pixels.len() - 1] == 0);
    }

    #[test]
    fn the_map_has_the_colours_of_the_large_picture() {
        assert_eq!([colour(0), colour(COLOURS - 1)], [[68, 1, 84], [254, 232, 37]]);
    }
}

//! Pixel canvas for plotters with an embedded font, and PNG files.

use std::convert::Infallible;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use plotters::backend::DrawingBackend;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingErrorKind};

/// Latin, Greek and Cyrillic letters; a box for missing ones. The license is in the same folder.
const FONT: &[u8] = include_bytes!("../../fonts/DejaVuSans.ttf");

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// A picture of RGB pixels, row after row from the top.
pub(crate) struct Canvas<'a> {
    size: (u32, u32),
    pixels: &'a mut [u8],
    font: FontRef<'static>,
}

impl<'a> Canvas<'a> {
    /// Creates a white canvas; `pixels` are resized to fit.
    pub(crate) fn new(size: (u32, u32), pixels: &'a mut Vec<u8>) -> Result<Canvas<'a>, String> {
        pixels.clear();
        pixels.resize(3 * size.0 as usize * size.1 as usize, u8::MAX);
        let font = FontRef::try_from_slice(FONT).map_err(|error| error.to_string())?;
        Ok(Canvas { size, pixels, font })
    }

    /// Returns the scale at which an em has `em_pixels` pixels.
    fn scale(&self, em_pixels: f64) -> PxScale {
        let em = self.font.units_per_em().unwrap_or(1.0);
        PxScale::from(em_pixels as f32 * self.font.height_unscaled() / em)
    }

    /// Width and height of a line of text, pixels.
    fn text_size(&self, text: &str, em_pixels: f64) -> (f32, f32) {
        let font = self.font.as_scaled(self.scale(em_pixels));
        (text.chars().map(|letter| font.h_advance(font.glyph_id(letter))).sum(), font.height())
    }
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return Ok(()) };
        if x >= self.size.0 || y >= self.size.1 {
            return Ok(());
        }
        let at = 3 * (y as usize * self.size.0 as usize + x as usize);
        let (red, green, blue) = color.rgb;
        if color.alpha >= 1.0 {
            self.pixels[at..at + 3].copy_from_slice(&[red, green, blue]);
            return Ok(());
        }
        for (below, above) in self.pixels[at..at + 3].iter_mut().zip([red, green, blue]) {
            let mixed = f64::from(*below) * (1.0 - color.alpha) + f64::from(above) * color.alpha;
            *below = mixed.round() as u8;
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let (width, height) = self.text_size(text, style.size());
        Ok((width.ceil() as u32, height.ceil() as u32))
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, anchor: BackendCoord) -> Drawn {
        let (width, height) = self.text_size(text, style.size());
        let left = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -width / 2.0,
            HPos::Right => -width,
        };
        let top = match style.anchor().v_pos {
            VPos::Top => 0.0,
            VPos::Center => -height / 2.0,
            VPos::Bottom => -height,
        };
        let (scale, color) = (self.scale(style.size()), style.color());
        let mut dots = Vec::new();
        let mut x = left;
        for letter in text.chars() {
            let font = self.font.as_scaled(scale);
            let glyph =
                self.font.glyph_id(letter).with_scale_and_position(scale, point(x, top + font.ascent()));
            x += font.h_advance(glyph.id);
            if let Some(outline) = self.font.outline_glyph(glyph) {
                let corner = outline.px_bounds().min;
                let (left, top) = (corner.x.round() as i32, corner.y.round() as i32);
                outline.draw(|x, y, coverage| dots.push((left + x as i32, top + y as i32, coverage)));
            }
        }
        for (x, y, coverage) in dots {
            let (x, y) = style.transform().transform(x, y);
            let alpha = color.alpha * f64::from(coverage.clamp(0.0, 1.0));
            self.draw_pixel((anchor.0 + x, anchor.1 + y), BackendColor { alpha, ..color })?;
        }
        Ok(())
    }
}

/// Encodes RGB pixels as a PNG file.
pub(crate) fn png((width, height): (u32, u32), pixels: &[u8]) -> Result<Vec<u8>, String> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(pixels).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(file)
}

/// Encodes indexed pixels as a PNG file, with high compression: small but slow.
pub(crate) fn indexed_png(
    (width, height): (u32, u32),
    colors: &[[u8; 3]],
    pixels: &[u8],
) -> Result<Vec<u8>, String> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(colors.as_flattened());
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(pixels).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(file)
}

/// Averages pixels over squares of `by` x `by` and returns the new size: antialiasing of hard edges.
pub(crate) fn reduced((width, height): (u32, u32), pixels: &[u8], by: u32) -> ((u32, u32), Vec<u8>) {
    let (size, by) = ((width / by, height / by), by as usize);
    let row = 3 * width as usize;
    let mut sums = vec![0u32; row];
    let mut small = Vec::with_capacity(3 * size.0 as usize * size.1 as usize);
    for rows in pixels.chunks_exact(row * by) {
        sums.fill(0);
        for pixels in rows.chunks_exact(row) {
            for (sum, value) in sums.iter_mut().zip(pixels) {
                *sum += u32::from(*value);
            }
        }
        for square in sums.chunks_exact(3 * by) {
            let color = |at: usize| square[at..].iter().step_by(3).sum::<u32>() / (by * by) as u32;
            small.extend([0, 1, 2].map(|at| color(at) as u8));
        }
    }
    (size, small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reduced_picture_averages_squares() {
        // 5 x 2 pixels; the last column is outside of the squares.
        let gray = [0u8, 10, 100, 200, 7, 20, 30, 0, 100, 7];
        let pixels: Vec<u8> = gray.iter().flat_map(|&value| [value, 2 * (value / 4), 0]).collect();
        let (size, small) = reduced((5, 2), &pixels, 2);
        assert_eq!(size, (2, 1));
        assert_eq!(small, [15, (4 + 10 + 14) / 4, 0, 100, (50 + 100 + 50) / 4, 0]);
    }
}

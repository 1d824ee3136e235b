//! Heat maps: a color per value.

use super::png::encoded;

/// Number of colors: a compromise between visible steps and the size of the file.
const COLORS: u8 = 64;

/// Colors at equal distances on the scale.
///
/// # Source
/// "viridis" of matplotlib 2.0 (Smith and van der Walt, CC0).
const VIRIDIS: [[u8; 3]; 10] = [
    [68, 1, 84],
    [72, 40, 120],
    [62, 73, 137],
    [49, 104, 142],
    [38, 130, 142],
    [31, 158, 137],
    [53, 183, 121],
    [110, 206, 88],
    [181, 222, 43],
    [253, 231, 37],
];

/// Colors of values in rows from the top.
#[derive(Clone)]
pub(crate) struct HeatMap {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    /// Numbers of the colors.
    pixels: Vec<u8>,
}

impl HeatMap {
    /// Creates a map of fractions in [0, 1] by column and by row from the bottom; not empty.
    pub(crate) fn new(columns: usize, rows: usize, fraction: impl Fn(usize, usize) -> f32) -> HeatMap {
        let mut pixels = Vec::with_capacity(columns * rows);
        for row in (0..rows).rev() {
            let number =
                |column| (fraction(column, row).clamp(0.0, 1.0) * f32::from(COLORS - 1)).round() as u8;
            pixels.extend((0..columns).map(number));
        }
        HeatMap { columns, rows, pixels }
    }

    /// Returns red, green and blue of the pixels in rows from the top.
    pub(crate) fn colors(&self) -> impl Iterator<Item = [u8; 3]> {
        self.pixels.iter().map(|&number| color(number))
    }

    /// Returns a PNG file with one pixel per value.
    pub(crate) fn png(&self) -> Vec<u8> {
        let colors: Vec<[u8; 3]> = (0..COLORS).map(color).collect();
        let file = encoded((self.columns as u32, self.rows as u32), &self.pixels, Some(&colors));
        // Writing to memory cannot fail, and the map is not empty.
        file.unwrap_or_else(|error| unreachable!("{error}"))
    }
}

fn color(number: u8) -> [u8; 3] {
    let at = f32::from(number) / f32::from(COLORS - 1) * (VIRIDIS.len() - 1) as f32;
    let below = (at as usize).min(VIRIDIS.len() - 2);
    [0, 1, 2].map(|channel| {
        let [low, high] = [below, below + 1].map(|index| f32::from(VIRIDIS[index][channel]));
        (low + (high - low) * (at - below as f32)).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_has_one_pixel_per_value_with_the_first_row_at_the_bottom() {
        let map =
            HeatMap::new(3, 2, |column, row| (if row == 0 { column } else { 63 - column }) as f32 / 63.0);
        let mut reader = png::Decoder::new(std::io::Cursor::new(map.png())).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (3, 2, png::ColorType::Indexed));
        assert_eq!(pixels, [63, 62, 61, 0, 1, 2]);
        assert_eq!(
            reader.info().palette.as_deref(),
            Some((0..COLORS).map(color).collect::<Vec<_>>().as_flattened())
        );
    }

    #[test]
    fn the_colors_are_those_of_the_scale_below_a_map() {
        let css = super::super::shapes::CSS;
        for (number, hex) in [(0, "#440154"), (21, "#31688e"), (63, "#fde725")] {
            let [red, green, blue] = color(number);
            assert_eq!(format!("#{red:02x}{green:02x}{blue:02x}"), hex);
            assert!(css.contains(hex), "{hex} is not in the style sheet");
        }
    }
}

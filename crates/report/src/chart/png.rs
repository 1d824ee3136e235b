//! Shapes as PNG files, in the light theme, with an embedded font.

use tiny_skia::{
    FillRule, LineJoin, Paint, PathBuilder, Pixmap, PixmapPaint, PremultipliedColorU8, Stroke, StrokeDash,
    Transform,
};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::shapes::{Anchor, Color, Line, Position, Shape};
use crate::visible;

/// Height of the font of figures, in pixels; the style sheet of the page sets it, too.
pub(crate) const FONT_SIZE: f64 = 12.8;

/// Latin, Greek and Cyrillic letters; a box for missing ones. The license is in the same folder.
const FONT: &[u8] = include_bytes!("../../fonts/DejaVuSans.ttf");

/// Draws shapes on a white area of `size`, with `scale` pixels of the file per pixel of the figure.
pub(crate) fn file(size: Position, scale: f32, shapes: &[Shape]) -> Result<Vec<u8>, String> {
    let pixels = |length: f64| (length as f32 * scale).round() as u32;
    let mut canvas = Canvas {
        pixmap: Pixmap::new(pixels(size.0), pixels(size.1)).ok_or("the picture is empty or too large")?,
        transform: Transform::from_scale(scale, scale),
        font: font()?,
    };
    canvas.pixmap.fill(tiny_skia::Color::WHITE);
    shapes.iter().for_each(|shape| canvas.draw(shape));
    let opaque: Vec<u8> =
        canvas.pixmap.data().chunks_exact(4).flat_map(|pixel| &pixel[..3]).copied().collect();
    encoded((canvas.pixmap.width(), canvas.pixmap.height()), &opaque, None)
}

/// Encodes rows of pixels: numbers of these colors (with high compression), or red, green and blue without them.
pub(crate) fn encoded(
    (width, height): (u32, u32),
    pixels: &[u8],
    colors: Option<&[[u8; 3]]>,
) -> Result<Vec<u8>, String> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    if let Some(colors) = colors {
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(colors.as_flattened());
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(png::Filter::NoFilter);
    }
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(pixels).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(file)
}

/// Returns the width of a text in pixels.
pub(crate) fn text_width(text: &str) -> f64 {
    font().map_or(0.0, |font| f64::from(width(&font, &visible(text))))
}

fn font() -> Result<Face<'static>, String> {
    Face::parse(FONT, 0).map_err(|error| error.to_string())
}

/// Pixels per unit of the font.
fn unit(font: &Face<'_>) -> f32 {
    FONT_SIZE as f32 / f32::from(font.units_per_em())
}

fn glyphs(font: &Face<'_>, text: &str) -> impl Iterator<Item = (GlyphId, f32)> {
    text.chars().map(|letter| {
        let glyph = font.glyph_index(letter).unwrap_or_default();
        (glyph, unit(font) * f32::from(font.glyph_hor_advance(glyph).unwrap_or(0)))
    })
}

fn width(font: &Face<'_>, text: &str) -> f32 {
    glyphs(font, text).map(|(_, advance)| advance).sum()
}

struct Canvas {
    pixmap: Pixmap,
    transform: Transform,
    font: Face<'static>,
}

impl Canvas {
    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Line(line) if line.width > 0.0 => self.stroke(line),
            Shape::Line(_) => {}
            Shape::Circle { center: (x, y), radius, color, opacity } => {
                if let Some(circle) = PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32) {
                    let paint = paint(*color, *opacity);
                    self.pixmap.fill_path(&circle, &paint, FillRule::Winding, self.transform, None);
                }
            }
            Shape::Text { at, text, color, anchor, level } => {
                let text = visible(text);
                let left = match anchor {
                    Anchor::Start => 0.0,
                    Anchor::Middle => width(&self.font, &text) / 2.0,
                    Anchor::End => width(&self.font, &text),
                };
                let baseline = at.1 + FONT_SIZE * level.baseline();
                self.text(&text, (at.0 as f32 - left, baseline as f32), *color);
            }
            Shape::Image { corner, size, map } => {
                let (columns, rows) = (map.columns as u32, map.rows as u32);
                let Some(mut image) = Pixmap::new(columns, rows) else { return };
                for (pixel, [red, green, blue]) in image.pixels_mut().iter_mut().zip(map.colors()) {
                    // Opaque colors are never larger than their opacity.
                    *pixel = PremultipliedColorU8::from_rgba(red, green, blue, u8::MAX).unwrap_or(*pixel);
                }
                let stretched = Transform::from_row(
                    size.0 as f32 / columns as f32,
                    0.0,
                    0.0,
                    size.1 as f32 / rows as f32,
                    corner.0 as f32,
                    corner.1 as f32,
                );
                let transform = stretched.post_concat(self.transform);
                self.pixmap.draw_pixmap(0, 0, image.as_ref(), &PixmapPaint::default(), transform, None);
            }
        }
    }

    fn stroke(&mut self, line: &Line) {
        let mut path = PathBuilder::new();
        for (at, (x, y)) in line.points.iter().enumerate() {
            match at {
                0 => path.move_to(*x as f32, *y as f32),
                _ => path.line_to(*x as f32, *y as f32),
            }
        }
        let stroke = Stroke {
            width: line.width as f32,
            line_join: LineJoin::Round,
            dash: line.dashes.and_then(|dashes| StrokeDash::new(dashes.to_vec(), line.dash_offset)),
            ..Stroke::default()
        };
        if let Some(path) = path.finish() {
            let paint = paint(line.color, line.opacity);
            self.pixmap.stroke_path(&path, &paint, &stroke, self.transform, None);
        }
    }

    fn text(&mut self, text: &str, (mut x, y): (f32, f32), color: Color) {
        let unit = unit(&self.font);
        let mut outline = Outline { path: PathBuilder::new(), unit, x, y };
        for (glyph, advance) in glyphs(&self.font, text) {
            outline.x = x;
            self.font.outline_glyph(glyph, &mut outline);
            x += advance;
        }
        if let Some(path) = outline.path.finish() {
            self.pixmap.fill_path(&path, &paint(color, 1.0), FillRule::Winding, self.transform, None);
        }
    }
}

fn paint(color: Color, opacity: f32) -> Paint<'static> {
    let [red, green, blue] = color.light();
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, (255.0 * opacity).round() as u8);
    paint
}

/// Outline of a letter on a baseline, from the units of the font.
struct Outline {
    path: PathBuilder,
    unit: f32,
    x: f32,
    y: f32,
}

impl Outline {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + self.unit * x, self.y - self.unit * y)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

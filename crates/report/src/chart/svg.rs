//! Shapes as SVG: elements within a page, whose style sheet sets the colors, and separate files with their own colors.

use std::fmt::Write;

use super::png::FONT_SIZE;
use super::shapes::{Anchor, Color, Line, Position, Shape, Trace};
use crate::inline::data_url;
use crate::visible;

/// Returns the elements for an SVG element of a page, with the traces for a pointer.
pub(crate) fn elements(shapes: &[Shape]) -> String {
    let mut svg = String::new();
    shapes.iter().for_each(|shape| element(&mut svg, shape, true));
    svg
}

/// Returns a file in the light theme, with a title and a description for screen readers.
pub(crate) fn file((width, height): Position, title: &str, description: &str, shapes: &[Shape]) -> String {
    let [title, description] = [title, description].map(escaped);
    let colors = [Color::Muted, Color::Axis, Color::Grid, Color::Background, Color::Black, Color::White];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-labelledby=\"title description\" font-family=\"sans-serif\" font-size=\"{FONT_SIZE}\">\n\
         <title id=\"title\">{title}</title>\n<desc id=\"description\">{description}</desc>\n<style>\n"
    );
    for color in colors.into_iter().chain((0..Color::COUNT / 2).map(Color::Series)) {
        let [red, green, blue] = color.light();
        write_to(
            &mut svg,
            format_args!(".{} {{ color: #{red:02x}{green:02x}{blue:02x}; }}\n", color.class()),
        );
    }
    svg += "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
    shapes.iter().for_each(|shape| element(&mut svg, shape, false));
    svg + "</svg>\n"
}

/// Writes an element on a line of its own.
fn element(svg: &mut String, shape: &Shape, with_traces: bool) {
    match shape {
        Shape::Line(line) if line.width > 0.0 || with_traces => polyline(svg, line, with_traces),
        Shape::Line(_) => {}
        Shape::Circle { center: (x, y), radius, color, opacity } => {
            let (x, y, color) = (short(*x), short(*y), color.class());
            write_to(
                svg,
                format_args!(
                    "<circle class=\"{color}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"currentColor\""
                ),
            );
            write_opacity(svg, *opacity);
            svg.push_str("/>\n");
        }
        Shape::Text { at: (x, y), text, color, anchor, level } => {
            let (x, y, color) = (short(*x), short(*y), color.class());
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let (down, text) = (level.baseline(), escaped(text));
            write_to(
                svg,
                format_args!(
                    "<text class=\"{color}\" x=\"{x}\" y=\"{y}\" dy=\"{down}em\" text-anchor=\"{anchor}\" \
                     fill=\"currentColor\">{text}</text>\n"
                ),
            );
        }
        Shape::Image { corner: (x, y), size: (width, height), map } => {
            let [x, y, width, height] = [x, y, width, height].map(|value| short(*value));
            let source = data_url("image/png", &map.png());
            write_to(
                svg,
                format_args!(
                    "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
                     href=\"{source}\"/>\n"
                ),
            );
        }
    }
}

fn polyline(svg: &mut String, line: &Line, with_trace: bool) {
    let (color, width) = (line.color.class(), line.width);
    write_to(
        svg,
        format_args!(
            "<polyline class=\"{color}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"{width}\""
        ),
    );
    if let Some([on, off]) = line.dashes {
        write_to(svg, format_args!(" stroke-dasharray=\"{} {}\"", short(on.into()), short(off.into())));
        if line.dash_offset > 0.0 {
            write_to(svg, format_args!(" stroke-dashoffset=\"{}\"", short(line.dash_offset.into())));
        }
    }
    write_opacity(svg, line.opacity);
    if let Some(Trace { name, values }) = line.trace.as_ref().filter(|_| with_trace) {
        write_to(svg, format_args!(" data-name=\"{}\" data-values=\"{}\"", escaped(name), escaped(values)));
    }
    svg.push_str(" points=\"");
    for (at, (x, y)) in line.points.iter().enumerate() {
        write_to(svg, format_args!("{}{},{}", if at > 0 { " " } else { "" }, short(*x), short(*y)));
    }
    svg.push_str("\"/>\n");
}

fn write_opacity(svg: &mut String, opacity: f32) {
    if opacity < 1.0 {
        write_to(svg, format_args!(" opacity=\"{opacity}\""));
    }
}

fn write_to(svg: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    svg.write_fmt(text).unwrap_or_else(|error| unreachable!("{error}"));
}

/// Rounds to tenths of a pixel, and a negative zero to zero.
fn short(pixels: f64) -> f64 {
    (10.0 * pixels).round() / 10.0 + 0.0
}

/// Escapes text from outside for the content of an element and for a quoted attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped += "&#38;",
            '<' => escaped += "&#60;",
            '>' => escaped += "&#62;",
            '"' => escaped += "&#34;",
            '\'' => escaped += "&#39;",
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::shapes::Level;
    use super::*;

    #[test]
    fn a_file_is_xml_with_escaped_text_and_without_traces() {
        let evil = "</text><script>&\"\u{1b}";
        let trace = Some(Trace { name: evil.into(), values: "1|2;3|4".into() });
        let points = vec![(0.04, -0.04), (1.25, 10.0)];
        let line = |width| Line {
            points: points.clone(),
            color: Color::Series(7),
            width,
            dashes: None,
            dash_offset: 0.0,
            opacity: 0.5,
            trace: None,
        };
        let shapes = [
            Shape::Line(Line { trace, ..line(2.0) }),
            Shape::Line(line(0.0)),
            Shape::text((1.0, 2.0), evil, Anchor::End, Level::Base),
        ];
        let text = file((20.0, 10.0), evil, evil, &shapes);
        let document = roxmltree::Document::parse(&text).unwrap();
        let named = |name: &'static str| {
            let name = ("http://www.w3.org/2000/svg", name);
            document.descendants().filter(move |node| node.has_tag_name(name))
        };
        let shown = "</text><script>&\"\\u{1b}";
        for name in ["title", "desc", "text"] {
            assert_eq!(named(name).map(|node| node.text().unwrap()).collect::<Vec<_>>(), [shown]);
        }
        let line = named("polyline").next().unwrap();
        assert_eq!((line.attribute("points"), line.attribute("opacity")), (Some("0,0 1.3,10"), Some("0.5")));
        assert_eq!(named("polyline").count(), 1);
        assert_eq!((line.attribute("data-name"), line.attribute("class")), (None, Some("series-2")));
        assert!(text.contains(".series-2 { color: #b4500f; }"), "{text}");
        // A page has the traces.
        let page = format!("<svg>{}</svg>", elements(&shapes));
        let document = roxmltree::Document::parse(&page).unwrap();
        let names: Vec<_> = document.descendants().filter_map(|node| node.attribute("data-name")).collect();
        assert_eq!(names, [shown]);
    }
}

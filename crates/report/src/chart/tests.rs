//! Tests of charts as SVG and PNG.

use roxmltree::{Document, Node};

use super::figure::{FigureSpec, FigureText};
use super::*;

/// Creates series at different heights with these numbers of points.
fn chart(points: &[usize]) -> Chart {
    let series = |(number, &points): (usize, &usize)| Series {
        name: format!("line {number}"),
        color: Color::Series(number),
        points: (0..points).map(|at| (2.0 + at as f64, 1.0 + number as f64)).collect(),
    };
    let [x, y] = ["x", "y"].map(|label| Axis::linear(label, 0.0..10.0));
    Chart { series: points.iter().enumerate().map(series).collect(), ..Chart::empty(HEIGHT, x, y) }
}

/// Returns the elements as an XML document.
fn drawn(chart: &Chart) -> String {
    format!("<svg>{}</svg>", svg::elements(&chart.shapes()))
}

/// Returns the elements with a tag and the color of a series.
fn find<'a>(document: &'a Document<'_>, tag: &'static str, number: usize) -> Vec<Node<'a, 'a>> {
    let class = Color::Series(number).class();
    let nodes = document.descendants().filter(|node| node.has_tag_name(tag));
    nodes.filter(|node| node.attribute("class") == Some(&class)).collect()
}

#[test]
fn a_series_of_one_point_is_a_dot_in_any_chart() {
    let lengths = [3, 1, 2, 1, 2, 1];
    let svg = drawn(&chart(&lengths));
    let document = Document::parse(&svg).unwrap();
    for (number, length) in lengths.into_iter().enumerate() {
        let dots = find(&document, "circle", number);
        assert_eq!(dots.len(), usize::from(length == 1), "{number}");
        // The trace is at the same point as the dot.
        let line = find(&document, "polyline", number)[0];
        assert_eq!(line.attribute("data-values").unwrap().matches(';').count(), length - 1);
        if let [dot] = dots[..] {
            let at = format!("{},{}", dot.attribute("cx").unwrap(), dot.attribute("cy").unwrap());
            assert_eq!(line.attribute("points"), Some(&*at));
        }
    }
}

#[test]
fn every_point_of_one_or_two_short_series_is_a_dot() {
    let svg = drawn(&chart(&[3, DOTS + 1]));
    let document = Document::parse(&svg).unwrap();
    assert_eq!([0, 1].map(|number| find(&document, "circle", number).len()), [3, 0]);
}

#[test]
fn a_pale_line_of_one_point_is_a_pale_dot() {
    let svg = drawn(&Chart { behind: chart(&[1, 2]).series, ..chart(&[]) });
    let document = Document::parse(&svg).unwrap();
    assert_eq!([0, 1].map(|number| find(&document, "circle", number).len()), [1, 0]);
    assert_eq!(find(&document, "circle", 0)[0].attribute("opacity"), Some("0.3"));
}

#[test]
fn annotations_do_not_overlap_each_other() {
    let annotations = ["A", "B", "C"].map(|letter| (5.0, 5.0, letter.to_string())).to_vec();
    let svg = drawn(&Chart { annotations, ..chart(&[]) });
    let document = Document::parse(&svg).unwrap();
    let heights = ["A", "B", "C"].map(|letter| {
        let text =
            document.descendants().find(|node| node.has_tag_name("text") && node.text() == Some(letter));
        text.unwrap().attribute("y").unwrap().parse::<f64>().unwrap()
    });
    assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= LINE - 0.2), "{heights:?}");
}

#[test]
fn the_numbers_of_a_low_chart_do_not_overlap() {
    for height in [120.0, 130.0, 140.0, HEIGHT] {
        for mark in [None, Some(Mark { x: 5.0, text: "end".into(), dot: None })] {
            let svg = drawn(&Chart { height, mark, ..chart(&[2]) });
            let document = Document::parse(&svg).unwrap();
            let at = |node: &Node<'_, '_>, name| node.attribute(name).unwrap().parse::<f64>().unwrap();
            let texts = document.descendants().filter(|node| node.has_tag_name("text"));
            let numbers: Vec<f64> = texts
                .filter(|node| (1.0..LEFT).contains(&at(node, "x")))
                .map(|node| at(&node, "y"))
                .collect();
            assert!(numbers.len() >= 2, "{height}");
            assert!(numbers.windows(2).all(|pair| pair[0] - pair[1] >= LETTER), "{height}: {numbers:?}");
        }
    }
}

#[test]
fn annotations_in_a_tall_column_are_placed_at_any_height() {
    // Sums of heights are rounded, and no annotation may be moved forever.
    let at = |number: usize| (5.0, 10.0 / 7.0 * (number % 7) as f64 + 1e-3 * number as f64);
    let annotations = (0..200).map(|number| (at(number).0, at(number).1, number.to_string())).collect();
    let shapes = Chart { annotations, ..chart(&[]) }.shapes();
    let mut heights: Vec<f64> = Vec::new();
    for shape in &shapes {
        if let Shape::Text { at, anchor: Anchor::Start, level: Level::Below, .. } = shape
            && at.0 > LEFT
        {
            heights.push(at.1);
        }
    }
    heights.sort_by(f64::total_cmp);
    assert_eq!(heights.len(), 200);
    assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= LINE - 0.2), "{heights:?}");
}

#[test]
fn a_picture_has_the_dot_and_the_legend() {
    let text = FigureText {
        id: "dots".into(),
        title: String::new(),
        description: String::new(),
        caption: String::new(),
        x_name: String::new(),
        nearest: true,
    };
    let picture = FigureSpec::new(chart(&[2, 2, 1]), text).picture().unwrap();
    let document = Document::parse(&picture.svg).unwrap();
    assert_eq!(
        document
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "circle")))
            .count(),
        1
    );
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(&picture.png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let width = reader.next_frame(&mut pixels).unwrap().width as usize;
    // The legend is right of the chart, which is 560 pixels wide, enlarged by 2.5.
    let legend = 1400 + 40;
    let colored = |columns: Range<usize>| {
        let rows = pixels.as_chunks::<3>().0.chunks(width);
        rows.flat_map(|row| &row[columns.clone()]).filter(|pixel| **pixel == Color::Series(2).light()).count()
    };
    // A circle of radius 9 has an area of 254; a line of 92 pixels is 4 high.
    assert!((200..260).contains(&colored(0..legend)), "{}", colored(0..legend));
    assert!((180..420).contains(&colored(legend..width)), "{}", colored(legend..width));
    let dark = |pixel: &&[u8; 3]| pixel[0] < 140;
    let texts =
        pixels.as_chunks::<3>().0.chunks(width).flat_map(|row| &row[legend + 130..]).filter(dark).count();
    assert!(texts > 200, "{texts}");
}

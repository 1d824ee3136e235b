use super::figure::{FigureSpec, FigureText};
use super::*;

/// Creates series at different heights with these numbers of points.
fn chart(points: &[usize]) -> Chart {
    let series = |(number, &points): (usize, &usize)| Series {
        name: format!("line {number}"),
        style: SeriesStyle::Line(number),
        points: (0..points).map(|at| (2.0 + at as f64, 1.0 + number as f64)).collect(),
    };
    let [x, y] = ["x", "y"].map(|label| Axis::linear(label, 0.0..10.0));
    Chart { series: points.iter().enumerate().map(series).collect(), ..Chart::empty("dots", HEIGHT, x, y) }
}

fn dots(svg: &str, style: SeriesStyle) -> usize {
    let fill = format!("fill=\"{}\"", style.hex());
    svg.lines().filter(|line| line.starts_with("<circle") && line.contains(&fill)).count()
}

#[test]
fn a_series_of_one_point_is_a_dot_in_any_chart() {
    let lengths = [3, 1, 2, 1, 2, 1, 2, 1];
    let (svg, traces) = chart(&lengths).draw().unwrap();
    for (number, length) in lengths.into_iter().enumerate() {
        assert_eq!(dots(&svg, SeriesStyle::Line(number)), usize::from(length == 1), "{number}");
    }
    let (place, _) = traces[1].points.split_once('|').unwrap();
    let (x, y) = place.split_once(' ').unwrap();
    assert!(svg.contains(&format!("<circle cx=\"{x}\" cy=\"{y}\"")), "{place}");
}

#[test]
fn every_point_of_one_or_two_short_series_is_a_dot() {
    let (svg, _) = chart(&[3, DOTS + 1]).draw().unwrap();
    assert_eq!([SeriesStyle::FIRST, SeriesStyle::SECOND].map(|style| dots(&svg, style)), [3, 0]);
}

#[test]
fn a_pale_line_of_one_point_is_a_pale_dot() {
    let chart = Chart { behind: chart(&[1, 2]).series, ..chart(&[]) };
    let (svg, _) = chart.draw().unwrap();
    assert_eq!([SeriesStyle::FIRST, SeriesStyle::SECOND].map(|style| dots(&svg, style)), [1, 0]);
    assert!(svg.contains("<circle") && svg.contains("opacity=\"0.3\""));
}

#[test]
fn a_picture_has_the_dot() {
    let text = FigureText {
        id: "dots".into(),
        title: String::new(),
        description: String::new(),
        caption: String::new(),
        x_name: String::new(),
        nearest: true,
    };
    let picture = FigureSpec { chart: chart(&[2, 2, 1]), text, annotations: Vec::new() }.picture().unwrap();
    assert_eq!(dots(&picture.svg, SeriesStyle::Line(2)), 1);
    let mut reader = png::Decoder::new(std::io::Cursor::new(&picture.png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let width = reader.next_frame(&mut pixels).unwrap().width as usize;
    let RGBColor(red, green, blue) = SeriesStyle::Line(2).color();
    // The legend is in the right part of the picture.
    let left = pixels.as_chunks::<3>().0.chunks(width).flat_map(|row| &row[..2 * width / 3]);
    let colored = left.filter(|pixel| **pixel == [red, green, blue]).count();
    assert!((150..300).contains(&colored), "{colored}");
}

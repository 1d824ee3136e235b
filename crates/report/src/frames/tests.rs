//! Tests of the view of a recording.

use super::*;
use crate::chart::shapes::Shape;

fn sound(seconds: f64) -> Sound {
    let samples = (0..(8000.0 * seconds) as usize).map(|n| (0.05 * n as f32).sin() * 0.5).collect();
    Sound { samples, sample_rate_hz: 8000, wav: b"RIFF".to_vec() }
}

fn frames(values: &[f32], width: usize, timing: FrameTiming) -> FrameView {
    FrameView {
        title: "Frames".into(),
        caption: "Made up.".into(),
        values: values.to_vec(),
        width,
        timing,
        axis: FrameAxis::Numbers("coefficient"),
        quantity: "value".into(),
    }
}

const HUNDREDTHS: FrameTiming = FrameTiming::Seconds { first: 0.005, hop: 0.01 };

fn bands(values: &[f32], width: usize) -> FrameView {
    let axis = FrameAxis::Bands((0..width).map(|band| 100.0 + 100.0 * band as f64).collect());
    FrameView { axis, ..frames(values, width, HUNDREDTHS) }
}

/// Returns the width of a picture and its pixels, row after row from the top.
fn pixels(view: &FrameView, weights: Option<&[f32]>) -> (usize, Vec<[u8; 3]>) {
    let file = view.png(weights).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    (info.width as usize, bytes.as_chunks().0.to_vec())
}

#[test]
fn the_first_value_of_the_first_frame_is_at_the_bottom_left() {
    // Two frames of two bands; only one value is high.
    let (dark, bright) = ([68, 1, 84], [253, 231, 37]);
    let (left, right, top, bottom) = (300, 1300, 300, 700);
    for (loud, x, y) in [(0, left, bottom), (1, left, top), (2, right, bottom), (3, right, top)] {
        let mut values = [-80.0; 4];
        values[loud] = 0.0;
        let (width, pixels) = pixels(&bands(&values, 2), None);
        for (some_x, some_y) in [(left, bottom), (left, top), (right, bottom), (right, top)] {
            let expected = if (some_x, some_y) == (x, y) { bright } else { dark };
            assert_eq!(pixels[some_y * width + some_x], expected, "value {loud} at {some_x}, {some_y}");
        }
    }
}

#[test]
fn title_and_quantity_are_drawn() {
    let values: Vec<f32> = (0..60).map(|value| value as f32).collect();
    let with = pixels(&bands(&values, 6), None);
    let without = FrameView { title: " ".into(), quantity: " ".into(), ..bands(&values, 6) };
    let without = pixels(&without, None);
    let dark = |(width, pixels): &(usize, Vec<[u8; 3]>), rows: Range<usize>| {
        pixels[rows.start * width..rows.end * width].iter().filter(|pixel| pixel[0] < 128).count()
    };
    let rows = with.1.len() / with.0;
    for part in [0..80, rows - 90..rows] {
        assert!(dark(&with, part.clone()) > dark(&without, part) + 50);
    }
    assert_eq!(dark(&without, 0..80), 0);
}

#[test]
fn the_largest_weight_is_the_highest_point_of_the_line() {
    let (width, pixels) = pixels(&bands(&[0.0; 8], 2), Some(&[0.1, 0.1, 0.7, 0.1]));
    // The map is from 265 to 817; the third of four frames is between the middle and three quarters of it.
    let top = |x: usize| (270..815).find(|&y| pixels[y * width + x] == [255; 3]).unwrap_or(usize::MAX);
    assert!(top(900) < 320, "{}", top(900));
    assert!([250, 500, 1250].into_iter().all(|x| top(x) > 650), "{} {}", top(250), top(1250));
    // Layers that combine frames have fewer weights.
    assert!(bands(&[0.0; 8], 2).png(Some(&[0.5, 0.5])).is_ok());
}

#[test]
fn neighbors_in_a_large_map_are_averaged() {
    let values: Vec<f32> = (0..20_000).map(|value| (value % 4 / 2) as f32).collect();
    assert_eq!(bands(&values, 2).column(7, 100), [0.5, 0.5]);
    assert_eq!(bands(&values[..8], 2).column(3, 4), [1.0, 1.0]);
    let values: Vec<f32> = (0..2 * COLUMNS).flat_map(|_| (0..2 * ROWS).map(|at| (at / 2) as f32)).collect();
    let map = bands(&values, 2 * ROWS).heat_map(COLUMNS, (0.0, ROWS as f32 - 1.0));
    assert_eq!((map.columns, map.rows), (COLUMNS, ROWS));
    let colors: Vec<[u8; 3]> = map.colors().collect();
    assert_eq!((colors[0], colors[COLUMNS * ROWS - 1]), ([253, 231, 37], [68, 1, 84]));
}

#[test]
fn a_heat_map_is_at_the_times_of_its_frames() {
    // Frames centered on 0, 0.1 … 0.4 s of half a second: the axis begins half a frame before the sound.
    let shown = [frames(&[1.0; 15], 3, FrameTiming::Seconds { first: 0.0, hop: 0.1 })];
    let time = Time::new(Some(&sound(0.5)), &shown);
    assert_eq!((time.range.clone(), time.label), (-0.05..0.5, "time (s)"));
    let shapes = shown[0].figure("a".into(), &time, 100).unwrap().chart.shapes();
    let image = shapes.iter().find_map(|shape| match shape {
        Shape::Image { corner, size, .. } => Some((*corner, *size)),
        _ => None,
    });
    // The plot spans 52 to 544; 0.5 of its 0.55 s are frames.
    let ((x, y), (width, height)) = image.unwrap();
    assert!((x, y, height) == (52.0, 30.0, 141.0) && (width - 447.3).abs() < 0.1, "{x} {y} {width} {height}");
    // The axes are at the same position.
    let axes = shapes.iter().any(|shape| match shape {
        Shape::Line(line) => line.points == [(52.0, 30.0), (52.0, 171.0), (544.0, 171.0)],
        _ => false,
    });
    assert!(axes);
}

#[test]
fn numbered_frames_and_frames_of_one_value_are_drawn() {
    let numbered = [frames(&[0.5; 14], 2, FrameTiming::Numbers { step: 1.0 })];
    let time = Time::new(None, &numbered);
    assert_eq!((time.range.clone(), time.label), (0.0..7.0, "frame"));
    assert!(numbered[0].figure("a".into(), &time, 100).unwrap().colorbar.is_some());
    let values: Vec<f32> = (0..1000).map(|value| if value == 512 { -0.9 } else { 0.5 }).collect();
    let single = [frames(&values, 1, FrameTiming::Seconds { first: 0.0, hop: 0.001 })];
    let figure = single[0].figure("a".into(), &Time::new(None, &single), 100).unwrap();
    assert_eq!(figure.text.caption, "Made up. Minimum and maximum of every 10 values.");
    // Only one column has a range, which no average hides.
    let points = &figure.chart.series[0].points;
    let values: Vec<f32> = points.iter().map(|point| point.1 as f32).collect();
    assert_eq!((points.len(), values[51], values[52]), (101, -0.9, 0.5));
    // The first of a thousand frames begins half a frame before the sound.
    assert!((points[51].0 - 0.5145).abs() < 1e-9 && points[51].0 == points[52].0, "{:?}", points[51]);
    assert!(single[0].png(None).is_ok());
}

#[test]
fn invalid_frames_are_errors() {
    let message = |view: &FrameView| view.png(None).unwrap_err().to_string();
    assert!(message(&bands(&[], 2)).contains("no frames"));
    assert!(message(&FrameView { width: 0, ..bands(&[1.0], 1) }).contains("no frames"));
    assert!(message(&bands(&[1.0; 3], 2)).contains("incomplete"));
    assert!(message(&bands(&[1.0, f32::NAN], 2)).contains("not finite"));
    let timing = FrameTiming::Seconds { first: 0.0, hop: 0.0 };
    assert!(message(&FrameView { timing, ..bands(&[1.0; 2], 2) }).contains("greater than 0"));
    for weights in [&[][..], &[1.0, -0.5], &[f32::NAN]] {
        let error = bands(&[1.0; 2], 2).png(Some(weights)).unwrap_err().to_string();
        assert!(error.contains("there are no weights, or one is negative or NaN"), "{error}");
    }
    let axis = FrameAxis::Bands(vec![1.0]);
    assert!(message(&FrameView { axis, ..bands(&[1.0; 2], 2) }).contains("numbers of bands"));
    // Equal values have a color, too.
    assert!(bands(&[1.0; 4], 2).png(None).is_ok());
    let time = Time::new(None, &[]);
    assert!(Sound { samples: Vec::new(), ..sound(0.1) }.waveform("a".into(), &time, 10).is_err());
    assert!(Sound { samples: vec![0.0; 100], ..sound(0.1) }.waveform("a".into(), &time, 10).is_ok());
}

#[test]
fn a_round_frequency_is_between_its_neighboring_centers() {
    let ticks = frequencies(&[150.0, 250.0, 450.0, 1000.0], 14);
    let expected = [
        (1.0, "200"),
        (1.75, "300"),
        (2.5 + 50.0 / 550.0, "500"),
        (2.5 + 250.0 / 550.0, "700"),
        (3.5, "1,000"),
    ];
    assert_eq!(ticks.len(), expected.len(), "{ticks:?}");
    for (tick, (row, name)) in ticks.iter().zip(expected) {
        assert!((tick.0 - row).abs() < 1e-12 && tick.1 == name, "{tick:?}");
    }
}

#[test]
fn ticks_keep_their_distance() {
    let linear: Vec<f64> = (0..257).map(|bin| f64::from(bin) * 31.25).collect();
    let ticks = frequencies(&linear, 14);
    assert!(ticks.len() <= 14 && ticks.windows(2).all(|two| two[1].0 - two[0].0 >= 257.0 / 14.0));
    let numbers = |width: usize, max| frames(&[], width, HUNDREDTHS).vertical_axis(max).ticks(max);
    assert!(numbers(1000, 14).len() <= 14 && numbers(1000, 6).len() <= 6);
    assert_eq!(numbers(13, 14).len(), 13);
    assert_eq!(numbers(39, 14)[1], (5.5, "5".into()));
}

#[test]
fn values_have_two_digits() {
    assert_eq!([-80.04, 0.0, 0.012345, 7.0, 12_345.6].map(rounded), ["-80", "0", "0.012", "7", "12,346"]);
}

use super::*;

/// Returns the pixels of a picture, row after row from the top.
fn pixels(picture: &FramePicture<'_>) -> Vec<[u8; 3]> {
    let file = picture.png().unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(((info.width, info.height), info.color_type), (SIZE, png::ColorType::Rgb));
    bytes.as_chunks().0.to_vec()
}

fn at(pixels: &[[u8; 3]], x: usize, y: usize) -> [u8; 3] {
    pixels[y * SIZE.0 as usize + x]
}

fn picture<'a>(values: &'a [f32], width: usize) -> FramePicture<'a> {
    let axis = FrameAxis::Bands((0..width).map(|band| 100.0 + 100.0 * band as f64).collect());
    FramePicture { title: "a", values, width, hop_seconds: 0.01, axis, quantity: "level (dB)", weights: None }
}

#[test]
fn the_first_value_of_the_first_frame_is_at_the_bottom_left() {
    // Two frames of two bands; only one value is high.
    let (dark, bright) = ([68, 1, 84], [254, 232, 37]);
    let (left, right, top, bottom) = (150, 900, 120, 500);
    for (loud, x, y) in [(0, left, bottom), (1, left, top), (2, right, bottom), (3, right, top)] {
        let mut values = [-80.0; 4];
        values[loud] = 0.0;
        let pixels = pixels(&picture(&values, 2));
        for (some_x, some_y) in [(left, bottom), (left, top), (right, bottom), (right, top)] {
            let expected = if (some_x, some_y) == (x, y) { bright } else { dark };
            assert_eq!(at(&pixels, some_x, some_y), expected, "value {loud} at {some_x}, {some_y}");
        }
    }
}

#[test]
fn title_and_quantity_are_drawn() {
    let values: Vec<f32> = (0..60).map(|value| value as f32).collect();
    let with = pixels(&picture(&values, 6));
    let without = pixels(&FramePicture { title: " ", quantity: " ", ..picture(&values, 6) });
    let dark_pixels = |pixels: &[[u8; 3]], x: std::ops::Range<usize>, y: std::ops::Range<usize>| {
        y.flat_map(|y| x.clone().map(move |x| (x, y))).filter(|&(x, y)| at(pixels, x, y)[0] < 128).count()
    };
    let (title, quantity) = ((0..1200, 0..36), (1150..1200, 40..560));
    assert!(dark_pixels(&with, title.0.clone(), title.1.clone()) > 20);
    assert_eq!(dark_pixels(&without, title.0, title.1), 0);
    assert!(
        dark_pixels(&with, quantity.0.clone(), quantity.1.clone())
            > dark_pixels(&without, quantity.0, quantity.1) + 50
    );
}

#[test]
fn the_largest_weight_is_the_highest_point_of_the_line() {
    let values = [0.0; 8];
    let weighted = FramePicture { weights: Some(&[0.1, 0.1, 0.7, 0.1]), ..picture(&values, 2) };
    let pixels = pixels(&weighted);
    let white = [255; 3];
    // The third of four frames is between the middle and three quarters of the map.
    let top = |x: usize| (50..560).find(|&y| at(&pixels, x, y) == white).unwrap_or(usize::MAX);
    assert!(top(640) < 100, "{}", top(640));
    assert!([200, 400, 900].into_iter().all(|x| top(x) > 400), "{} {}", top(200), top(900));
}

#[test]
fn more_frames_than_pixels_are_averaged() {
    let values: Vec<f32> = (0..20_000).map(|value| (value % 4 / 2) as f32).collect();
    let column = picture(&values, 2).column(7, 100);
    assert_eq!(column, [0.5, 0.5]);
    let column = picture(&values[..8], 2).column(99, 100);
    assert_eq!(column, [1.0, 1.0]);
}

#[test]
fn a_line_covers_every_sample_and_joins_its_columns() {
    let mut values = vec![0.0f32; 10_000];
    values[5_123] = 0.9;
    let ends = picture(&values, 1).line_ends(100);
    assert_eq!(ends.iter().filter(|end| end.2 > 0.8).count(), 1);
    assert_eq!(ends[51].2, f64::from(0.9f32));
    let rising: Vec<f32> = (0..500).map(|value| value as f32).collect();
    for two in picture(&rising, 1).line_ends(100).windows(2) {
        assert!(two[1].1 <= two[0].2, "a gap between {two:?}");
    }
    assert!(picture(&rising, 1).png().is_ok());
}

#[test]
fn invalid_frames_are_errors() {
    let message = |picture: &FramePicture<'_>| picture.png().unwrap_err().to_string();
    assert!(message(&picture(&[], 2)).contains("no frames"));
    assert!(message(&picture(&[1.0; 3], 2)).contains("incomplete"));
    assert!(message(&picture(&[1.0, f32::NAN], 2)).contains("not finite"));
    assert!(message(&FramePicture { hop_seconds: 0.0, ..picture(&[1.0; 2], 2) }).contains("greater than 0"));
    let weights = Some(&[1.0, 0.0][..]);
    assert!(
        message(&FramePicture { weights, ..picture(&[1.0; 2], 2) }).contains("weights and frames differ")
    );
    let axis = FrameAxis::Bands(vec![1.0]);
    assert!(message(&FramePicture { axis, ..picture(&[1.0; 2], 2) }).contains("numbers of bands"));
    // Equal values have a color, too.
    assert!(picture(&[1.0; 4], 2).png().is_ok());
}

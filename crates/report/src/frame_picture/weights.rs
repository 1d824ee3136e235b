//! Weights per frame, as a line over the picture.

use plotters::prelude::*;

use super::{Area, Drawn};

/// Fraction of the height that the largest weight reaches.
const HEIGHT: f64 = 0.95;

/// Draws weights from left to right as steps, from the bottom (0) up to the largest.
pub(super) fn draw<'c>(plane: &Area<'c>, weights: &[f32]) -> Drawn<'c> {
    let (across, up) = plane.dim_in_pixel();
    let largest = f64::from(weights.iter().copied().fold(f32::MIN_POSITIVE, f32::max));
    let height =
        |weight: f32| (f64::from(up - 1) * (1.0 - HEIGHT * f64::from(weight) / largest)).round() as i32;
    let edge = |frame: usize| (frame as f64 * f64::from(across) / weights.len() as f64).round() as i32;
    let steps = weights.iter().enumerate();
    let points: Vec<(i32, i32)> = steps
        .flat_map(|(at, &weight)| [(edge(at), height(weight)), (edge(at + 1), height(weight))])
        .collect();
    // A dark line below a light one is visible on any color.
    for (color, width) in [(BLACK, 7), (WHITE, 3)] {
        plane.draw(&PathElement::new(points.clone(), color.stroke_width(width)))?;
    }
    Ok(())
}

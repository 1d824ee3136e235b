//! One measured value over the steps, with as many points as can be seen.

use crate::Point;

/// Points that a line keeps; of more, neighbours are averaged.
const POINTS: usize = 200;

/// One measured value over the steps.
pub(crate) struct Line {
    pub(crate) points: Vec<(f64, f64)>,
    /// Steps that were measured but cannot be drawn.
    pub(crate) lost: Vec<u64>,
    /// How many measured values one point is the mean of.
    pub(crate) averaged: usize,
}

impl Line {
    /// What a value was at the points that have it.
    pub(crate) fn of(points: &[Point], value: impl Fn(&Point) -> Option<f32>) -> Line {
        let measured = points.iter().filter_map(|point| Some((point.step, f64::from(value(point)?))));
        Line::through(measured, POINTS)
    }

    /// Values of steps, thinned to so many points.
    pub(crate) fn through(measured: impl Iterator<Item = (u64, f64)>, most: usize) -> Line {
        let (kept, lost): (Vec<_>, Vec<_>) = measured.partition(|(_, value)| value.is_finite());
        let averaged = kept.len().div_ceil(most).max(1);
        let mean = |chunk: &[(u64, f64)]| {
            let sum = chunk
                .iter()
                .fold((0.0, 0.0), |(steps, values), &(step, value)| (steps + step as f64, values + value));
            (sum.0 / chunk.len() as f64, sum.1 / chunk.len() as f64)
        };
        Line {
            points: kept.chunks(averaged).map(mean).collect(),
            lost: lost.into_iter().map(|(step, _)| step).collect(),
            averaged,
        }
    }

    /// Where it begins and ends.
    pub(crate) fn say(&self, name: &str) -> Option<String> {
        let ((_, first), (_, last)) = (self.points.first()?, self.points.last()?);
        let number =
            |value: f64| if value.abs() < 1e6 { format!("{value:.3}") } else { format!("{value:.1e}") };
        Some(format!("{name}: from {} to {}", number(*first), number(*last)))
    }
}

//! Gradient norms through time.

use super::Report;
use crate::ReportError;
use crate::chart::axis::Axis;
use crate::chart::figure::{Figure, FigureText};
use crate::chart::series_style::SeriesStyle;
use crate::chart::{Chart, HEIGHT, Series};
use crate::gradient_picture::norms;

/// Returns the figure, if gradients were measured.
pub(super) fn figure(report: &Report) -> Result<Option<Figure>, ReportError> {
    let lines = &report.gradients;
    if lines.is_empty() {
        return Ok(None);
    }
    let (low, high) = norms(lines)?;
    let longest = lines.iter().map(|line| line.norms.len()).max().unwrap_or(0);
    let mut series = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let points = line.norms.iter().enumerate().filter(|(_, norm)| **norm > 0.0);
        let points: Vec<_> = points.map(|(distance, &norm)| (distance as f64, norm)).collect();
        if !points.is_empty() {
            series.push(Series { name: line.name.clone(), style: SeriesStyle::Line(number), points });
        }
    }
    let descriptions: Vec<String> = series
        .iter()
        .filter_map(|line| Some((&line.name, line.points.first()?, line.points.last()?)))
        .map(|(name, first, last)| format!("{name}: from {:.1e} to {:.1e}", first.1, last.1))
        .collect();
    let x = Axis::linear("frames before the last state", 0.0..longest.saturating_sub(1).max(1) as f64);
    let y = Axis::powers_of_ten("gradient norm of the loss by the state", low, high);
    let chart = Chart { series, ..Chart::empty("gradients", HEIGHT, x, y) };
    Figure::new(
        &chart,
        FigureText {
            id: "gradient".into(),
            title: "Gradient over time".into(),
            description: format!("{}, over the frames before the last state.", descriptions.join("; ")),
            caption:
                "A small norm means that the model learns little from that frame; norms of zero are not shown."
                    .into(),
            x_name: "frames before".into(),
            nearest: false,
        },
    )
    .map(Some)
}

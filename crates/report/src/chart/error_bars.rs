//! Points with error bars.

use plotters::prelude::*;

use super::figure::Trace;
use super::series_style::SeriesStyle;
use super::{Chart, Outcome, Plane, THICK};

/// A point with a range of y.
pub(crate) struct ErrorBar {
    pub(crate) name: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Text of x and of y below a pointer.
    pub(crate) readout: [String; 2],
    pub(crate) style: SeriesStyle,
}

impl Chart {
    /// Draws a dot per point, on a line from the lowest to the highest value.
    pub(crate) fn draw_error_bars<B: DrawingBackend>(&self, plane: &mut Plane<'_, B>) -> Outcome<B, ()> {
        for bar in &self.error_bars {
            let color = bar.style.color();
            let ends = [bar.low, bar.high].map(|y| self.position(&(bar.x, y)));
            plane.draw_series([PathElement::new(ends.to_vec(), bar.style.half().stroke_width(THICK))])?;
            let position = self.position(&(bar.x, bar.y));
            plane.draw_series([Circle::new(position, 40, color.filled())])?;
        }
        Ok(())
    }

    /// Returns all points as one trace.
    pub(crate) fn error_bar_trace<B: DrawingBackend>(&self, plane: &Plane<'_, B>) -> Option<Trace> {
        let points: Vec<String> = self
            .error_bars
            .iter()
            .map(|bar| {
                let (x, y) = plane.backend_coord(&self.position(&(bar.x, bar.y)));
                let [readout_x, readout_y] = &bar.readout;
                // Replaces the separators of fields and points.
                let name = bar.name.replace(';', ",").replace('|', "/");
                format!("{x} {y}|{readout_x}|{readout_y}|{name}")
            })
            .collect();
        (!points.is_empty()).then(|| Trace { name: self.name.into(), points: points.join(";") })
    }
}

//! Points that scatter, with the range that they scatter by.

use plotters::prelude::*;

use super::figure::Trace;
use super::series_style::Ink;
use super::{Chart, Outcome, Plane, THICK};

/// A point with the range of its y.
pub(crate) struct Spread {
    pub(crate) name: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// What a pointer says of x and of y.
    pub(crate) said: [String; 2],
    pub(crate) ink: Ink,
}

impl Chart {
    /// A dot for each, on the line from its lowest to its highest.
    pub(crate) fn draw_spreads<B: DrawingBackend>(&self, plane: &mut Plane<'_, B>) -> Outcome<B, ()> {
        for spread in &self.spreads {
            let color = spread.ink.color();
            let ends = [spread.low, spread.high].map(|y| self.place(&(spread.x, y)));
            plane.draw_series([PathElement::new(ends.to_vec(), spread.ink.half().stroke_width(THICK))])?;
            let place = self.place(&(spread.x, spread.y));
            plane.draw_series([Circle::new(place, 40, color.filled())])?;
        }
        Ok(())
    }

    /// All points with a spread as one trace.
    pub(crate) fn spread_trace<B: DrawingBackend>(&self, plane: &Plane<'_, B>) -> Option<Trace> {
        let points: Vec<String> = self
            .spreads
            .iter()
            .map(|spread| {
                let (x, y) = plane.backend_coord(&self.place(&(spread.x, spread.y)));
                let [said_x, said_y] = &spread.said;
                // Signs that part the fields and the points.
                let name = spread.name.replace(';', ",").replace('|', "/");
                format!("{x} {y}|{said_x}|{said_y}|{name}")
            })
            .collect();
        (!points.is_empty()).then(|| Trace { name: self.name.into(), points: points.join(";") })
    }
}

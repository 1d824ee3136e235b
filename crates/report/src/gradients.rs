//! Gradient norms through time: a figure of a run's page and a picture.

use serde::Serialize;
use stapes_files::number;

use crate::ReportError;
use crate::chart::axis::Axis;
use crate::chart::figure::{FigureSpec, FigureText};
use crate::chart::shapes::Color;
use crate::chart::{Chart, HEIGHT, Series};
use crate::numbers::pluralize;

/// A line of the figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradientLine {
    /// Name of the run or layer.
    pub name: String,
    /// Norm of the gradient by the distance from the last state, in frames.
    #[serde(with = "number")]
    pub norms: Vec<f64>,
}

/// Draws the gradient norms of several lines over the distance from the last state as SVG, on a logarithmic scale;
/// norms of zero are skipped.
///
/// # Errors
/// [`ReportError::Figure`] if no line has a norm greater than zero or a norm is not finite.
///
/// # Example
/// ```
/// use stapes_report::{GradientLine, gradient_picture};
///
/// let line = GradientLine { name: "rnn_tanh".into(), norms: vec![1.0, 0.1, 0.01] };
/// assert!(gradient_picture(&[line]).unwrap().contains("rnn_tanh"));
/// ```
pub fn gradient_picture(lines: &[GradientLine]) -> Result<String, ReportError> {
    Ok(figure(lines)?.svg_file())
}

/// Returns the figure of at least one line.
pub(crate) fn figure(lines: &[GradientLine]) -> Result<FigureSpec, ReportError> {
    let (low, high) = norms(lines)?;
    let longest = lines.iter().map(|line| line.norms.len()).max().unwrap_or(0);
    let mut series = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let points = line.norms.iter().enumerate().filter(|(_, norm)| **norm > 0.0);
        let points: Vec<_> = points.map(|(distance, &norm)| (distance as f64, norm)).collect();
        if !points.is_empty() {
            series.push(Series { name: line.name.clone(), color: Color::Series(number), points });
        }
    }
    let descriptions: Vec<String> = series
        .iter()
        .filter_map(|line| Some((&line.name, line.points.first()?, line.points.last()?)))
        .map(|(name, first, last)| format!("{name}: from {:.1e} to {:.1e}", first.1, last.1))
        .collect();
    let x = Axis::numbers("frames before the last state", longest.saturating_sub(1) as f64);
    let y = Axis::powers_of_ten("gradient norm of the loss by the state", low, high);
    let text = FigureText {
        id: "gradient".into(),
        title: "Gradient over time".into(),
        description: format!("{}, over the frames before the last state.", descriptions.join("; ")),
        caption:
            "A small norm means that the model learns little from that frame; norms of zero are not shown."
                .into(),
        x_name: "frames before".into(),
        nearest: false,
    };
    Ok(FigureSpec::new(Chart { series, ..Chart::empty(HEIGHT, x, y) }, text))
}

/// Returns the smallest norm greater than zero and the largest; an error if there is none or one is not finite.
fn norms(lines: &[GradientLine]) -> Result<(f64, f64), ReportError> {
    let error = |reason| ReportError::Figure { figure: "gradients".into(), reason };
    let norms = || lines.iter().flat_map(|line| &line.norms).copied().filter(|norm| *norm > 0.0);
    let (low, high) = (norms().fold(f64::MAX, f64::min), norms().fold(0.0, f64::max));
    if high == 0.0 {
        return Err(error("every gradient is zero; check that the loss depends on the states".into()));
    }
    for line in lines {
        if let Some(at) = line.norms.iter().position(|norm| !norm.is_finite()) {
            return Err(error(format!(
                "{}: the gradient {} before the last state is {}; reduce the learning rate or the gradient norm",
                line.name,
                pluralize(at as u64, "frame"),
                line.norms[at]
            )));
        }
    }
    Ok((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, norms: &[f64]) -> GradientLine {
        GradientLine { name: name.into(), norms: norms.to_vec() }
    }

    #[test]
    fn gradients_that_are_all_zero_are_an_error() {
        let error = gradient_picture(&[line("a", &[0.0; 3])]).unwrap_err().to_string();
        assert!(error.contains("every gradient is zero"), "{error}");
    }

    #[test]
    fn a_gradient_that_is_not_finite_is_named() {
        let error = gradient_picture(&[line("layer 1", &[1.0, f64::INFINITY])]).unwrap_err().to_string();
        assert!(error.contains("layer 1: the gradient 1 frame before"), "{error}");
    }

    #[test]
    fn lines_are_named_and_dashed_and_a_line_of_one_norm_is_a_dot() {
        let names = ["a", "<b>&", "c", "d", "e", "f", "g"];
        let mut lines: Vec<GradientLine> = names.iter().map(|name| line(name, &[1.0, 1e-3])).collect();
        lines.push(line("lone", &[0.0, 0.5, 0.0]));
        let svg = gradient_picture(&lines).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
        assert!(
            ["<b>&", "lone", "1", "0.1", "0.01", "0.001"].iter().all(|text| texts.contains(text)),
            "{texts:?}"
        );
        assert_eq!(svg.matches("<circle").count(), 1);
        // The seventh and the eighth line, and their entries in the legend.
        assert_eq!(svg.matches("stroke-dasharray").count(), 4);
    }
}

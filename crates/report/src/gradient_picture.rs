//! Picture of gradient norms through time.

use plotters::prelude::*;
use serde::Serialize;
use stapes_files::number;

use crate::numbers::pluralize;
use crate::{ReportError, visible};

/// A line of the picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradientLine {
    /// Name of the run or layer.
    pub name: String,
    /// Norm of the gradient by the distance from the last state, in frames.
    #[serde(with = "number")]
    pub norms: Vec<f64>,
}

/// Colors that also differ in lightness, for color-blind readers and gray printing (Okabe and Ito 2008).
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
];

/// Draws the gradient norms of several lines over the distance from the last state as SVG, on a logarithmic scale;
/// norms of zero are skipped.
///
/// # Errors
/// [`ReportError::Figure`] if no line has a norm greater than zero, a norm is not finite, or the picture cannot be
/// drawn.
///
/// # Example
/// ```
/// use stapes_report::{GradientLine, gradient_picture};
///
/// let line = GradientLine { name: "rnn_tanh".into(), norms: vec![1.0, 0.1, 0.01] };
/// assert!(gradient_picture(&[line]).unwrap().contains("rnn_tanh"));
/// ```
pub fn gradient_picture(lines: &[GradientLine]) -> Result<String, ReportError> {
    let (low, high) = norms(lines)?;
    let longest = lines.iter().map(|line| line.norms.len()).max().unwrap_or(0);
    let mut svg = String::new();
    draw(lines, (low, high), longest, &mut svg)
        .map_err(|error| ReportError::Figure { figure: FIGURE, reason: error.to_string() })?;
    Ok(svg)
}

/// Name of the figure in an error.
const FIGURE: &str = "gradients";

/// Returns the smallest norm greater than zero and the largest; an error if there is none or one is not finite.
pub(crate) fn norms(lines: &[GradientLine]) -> Result<(f64, f64), ReportError> {
    let norms = || lines.iter().flat_map(|line| &line.norms).copied().filter(|norm| *norm > 0.0);
    let (low, high) = (norms().fold(f64::MAX, f64::min), norms().fold(0.0, f64::max));
    if high == 0.0 {
        let reason = "every gradient is zero; check that the loss depends on the states".into();
        return Err(ReportError::Figure { figure: FIGURE, reason });
    }
    for line in lines {
        if let Some(at) = line.norms.iter().position(|norm| !norm.is_finite()) {
            let reason = format!(
                "{}: the gradient {} before the last state is {}; reduce the learning rate or the gradient norm",
                line.name,
                pluralize(at as u64, "frame"),
                line.norms[at]
            );
            return Err(ReportError::Figure { figure: FIGURE, reason });
        }
    }
    Ok((low, high))
}

fn draw<'a>(
    lines: &[GradientLine],
    (low, high): (f64, f64),
    longest: usize,
    svg: &'a mut String,
) -> Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>> {
    let root = SVGBackend::with_string(svg, (900, 520)).into_drawing_area();
    root.fill(&WHITE)?;
    // Whole powers of ten around the norms, so that the axis ends at a tick.
    let range =
        10f64.powf(low.log10().floor())..10f64.powf(high.log10().ceil().max(low.log10().floor() + 1.0));
    let mut chart = ChartBuilder::on(&root)
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(84)
        .build_cartesian_2d(0.0..longest.saturating_sub(1).max(1) as f64, range.log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .x_desc("frames before the last state")
        .y_desc("gradient norm of the loss by the state")
        .x_label_formatter(&|frames| format!("{frames:.0}"))
        .y_label_formatter(&|norm| power_of_ten(*norm))
        .draw()?;
    for (line, color) in lines.iter().zip(COLORS.iter().cycle()) {
        let points = line.norms.iter().enumerate().filter(|(_, norm)| **norm > 0.0);
        let points: Vec<_> = points.map(|(distance, norm)| (distance as f64, *norm)).collect();
        // A line of one point is not visible.
        let dot = if points.len() == 1 { 4 } else { 0 };
        chart
            .draw_series(LineSeries::new(points, color.filled().stroke_width(2)).point_size(dot))?
            .label(visible(&line.name))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], color.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .background_style(WHITE.mix(0.85))
        .border_style(TRANSPARENT)
        .label_font(("sans-serif", 16))
        .draw()?;
    root.present()
}

/// Formats a tick: the nearest whole power of ten.
fn power_of_ten(norm: f64) -> String {
    match norm.log10().round() as i32 {
        0 => "1".into(),
        power => format!("1e{power}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_written_as_one() {
        assert_eq!([1e-3, 0.999_999_9, 1.000_000_1, 10.0].map(power_of_ten), ["1e-3", "1", "1", "1e1"]);
    }

    #[test]
    fn gradients_that_are_all_zero_are_an_error() {
        let line = GradientLine { name: "a".into(), norms: vec![0.0; 3] };
        assert!(gradient_picture(&[line]).unwrap_err().to_string().contains("every gradient is zero"));
    }

    #[test]
    fn a_gradient_that_is_not_finite_is_named() {
        let line = GradientLine { name: "layer 1".into(), norms: vec![1.0, f64::INFINITY] };
        let error = gradient_picture(&[line]).unwrap_err().to_string();
        assert!(error.contains("layer 1: the gradient 1 frame before"), "{error}");
    }

    #[test]
    fn a_line_of_one_norm_is_a_dot() {
        let line = |norms: &[f64]| GradientLine { name: "a".into(), norms: norms.to_vec() };
        let svg = gradient_picture(&[line(&[0.0, 0.5, 0.0]), line(&[1.0, 0.5])]).unwrap();
        assert_eq!(svg.matches("<circle").count(), 1);
    }

    #[test]
    fn names_from_outside_are_escaped() {
        let line = GradientLine { name: "<b>&".into(), norms: vec![1.0, 0.5] };
        let svg = gradient_picture(&[line]).unwrap();
        assert!(svg.contains("&lt;b&gt;&amp;") && !svg.contains("<b>"), "{svg}");
    }
}

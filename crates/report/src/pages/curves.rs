//! Learning curves of one run: loss, validation accuracy, learning rate, gradient norm.

use super::Report;
use crate::chart::axis::Axis;
use crate::chart::figure::{Figure, FigureSpec, FigureText};
use crate::chart::shapes::Color;
use crate::chart::{Chart, HEIGHT, Mark, Series};
use crate::learning_curve::ThinnedLine;
use crate::numbers::{count, pluralize};

/// Returns the figures that the run has values for.
pub(super) fn figures(report: &Report) -> Vec<Figure> {
    let figures = [loss(report), accuracy(report), learning_rate(report), gradient_norm(report)];
    figures.into_iter().flatten().collect()
}

fn loss(report: &Report) -> Option<Figure> {
    let training = ThinnedLine::of_points(&report.curves, |point| point.train_loss);
    let validation = ThinnedLine::of_points(&report.curves, |point| point.validation_loss);
    let all = || training.points.iter().chain(&validation.points).map(|&(_, loss)| loss);
    all().next()?;
    let low = all().fold(0.0, f64::min);
    let high = all().fold(f64::MIN, f64::max);
    let parts = [("training", &training), ("validation", &validation)];
    let series: Vec<Series> = [Color::Series(1), Color::Series(0)]
        .into_iter()
        .zip(parts)
        .filter(|(_, (_, line))| !line.points.is_empty())
        .map(|(color, (name, line))| Series { name: name.into(), color, points: line.points.clone() })
        .collect();
    let chart = Chart {
        names: series.len() > 1,
        series,
        mark: mark(report, None),
        ..over_steps(report, Axis::around(&report.loss, low, high))
    };
    let descriptions: Vec<String> = parts.iter().filter_map(|(name, line)| line.describe(name)).collect();
    let description = format!("{}. The best step is {}.", descriptions.join("; "), count(report.best_step));
    let text = figure_text("loss", "Loss", description, caption(report, &parts));
    Some(FigureSpec::new(chart, text).figure())
}

fn accuracy(report: &Report) -> Option<Figure> {
    let line =
        ThinnedLine::of_points(&report.curves, |point| point.validation_accuracy.map(|part| 100.0 * part));
    if line.points.is_empty() {
        return None;
    }
    let lowest = line.points.iter().map(|&(_, percent)| percent).fold(100.0, f64::min);
    let at_best = report.curves.iter().find(|point| point.step == report.best_step);
    let best = at_best.and_then(|point| point.validation_accuracy).filter(|part| part.is_finite());
    let parts = [("validation accuracy in percent", &line)];
    let chart = Chart {
        series: vec![Series {
            name: "validation".into(),
            color: Color::Series(0),
            points: line.points.clone(),
        }],
        mark: mark(report, best.map(|part| 100.0 * f64::from(part))),
        ..over_steps(report, Axis::fraction("accuracy (%)", lowest / 100.0, 100.0))
    };
    let mut description = line.describe(parts[0].0).unwrap_or_default();
    if let Some(best) = best {
        let step = count(report.best_step);
        description += &format!("; {:.1} at the best step, {step}", 100.0 * best);
    }
    let text = figure_text("accuracy", "Validation accuracy", description + ".", caption(report, &parts));
    Some(FigureSpec::new(chart, text).figure())
}

fn learning_rate(report: &Report) -> Option<Figure> {
    let line = ThinnedLine::of_points(&report.curves, |point| point.learning_rate);
    let (low, high) = extent(&line)?;
    let axis = Axis::around("learning rate", low.min(0.0), high);
    let [first, last] = ends(&line)?;
    let description = format!("Learning rate: from {first:.2e} to {last:.2e}.");
    let text =
        figure_text("rate", "Learning rate", description, caption(report, &[("the learning rate", &line)]));
    Some(single(report, ("learning rate", Color::Series(0)), line, axis, text))
}

fn gradient_norm(report: &Report) -> Option<Figure> {
    // A logarithmic axis has no 0.
    let positive = |norm: f32| if norm > 0.0 { norm } else { f32::NAN };
    let line = ThinnedLine::of_points(&report.curves, |point| point.gradient_norm.map(positive));
    let (low, high) = extent(&line)?;
    let axis = Axis::powers_of_ten("gradient norm before clipping", low, high);
    let [first, last] = ends(&line)?;
    let description = format!("Gradient norm: from {first:.2e} to {last:.2e}, at most {high:.2e}.");
    let text = figure_text("norm", "Gradient norm", description, caption(report, &[("the norm", &line)]));
    Some(single(report, ("norm", Color::Series(1)), line, axis, text))
}

/// Returns the lowest and the highest value.
fn extent(line: &ThinnedLine) -> Option<(f64, f64)> {
    let values = || line.points.iter().map(|&(_, value)| value);
    Some((values().reduce(f64::min)?, values().reduce(f64::max)?))
}

/// Returns the first and the last value.
fn ends(line: &ThinnedLine) -> Option<[f64; 2]> {
    Some([line.points.first()?.1, line.points.last()?.1])
}

/// Draws a single line.
fn single(
    report: &Report,
    (name, color): (&str, Color),
    line: ThinnedLine,
    y: Axis,
    text: FigureText,
) -> Figure {
    let series = vec![Series { name: name.into(), color, points: line.points }];
    FigureSpec::new(Chart { series, ..over_steps(report, y) }, text).figure()
}

/// Creates an empty chart over the run's steps: from 0, so that curves of different runs have the same origin.
fn over_steps(report: &Report, y: Axis) -> Chart {
    Chart::empty(HEIGHT, Axis::numbers("step", last_step(report)), y)
}

fn figure_text(id: &'static str, title: &'static str, description: String, caption: String) -> FigureText {
    FigureText {
        id: id.into(),
        title: title.into(),
        description,
        caption,
        x_name: "step".into(),
        nearest: false,
    }
}

fn last_step(report: &Report) -> f64 {
    report.curves.iter().map(|point| point.step).max().unwrap_or(0) as f64
}

/// Mark of the best step, if it is within the curves.
fn mark(report: &Report, dot: Option<f64>) -> Option<Mark> {
    let x = report.best_step as f64;
    if x > last_step(report).max(1.0) {
        return None;
    }
    let text = match dot {
        Some(percent) => format!("best: {percent:.1} % at step {}", count(report.best_step)),
        None => format!("best step: {}", count(report.best_step)),
    };
    Some(Mark { x, text, dot })
}

fn caption(report: &Report, lines: &[(&str, &ThinnedLine)]) -> String {
    let mut descriptions = Vec::new();
    if let Some(last) = report.curves.iter().rfind(|point| point.epoch > 0.0) {
        let steps = (last.step as f64 / f64::from(last.epoch)).round() as u64;
        descriptions.push(format!("One epoch is {}.", pluralize(steps, "step")));
    }
    for (name, line) in lines {
        if line.averaged > 1 {
            descriptions.push(format!("Each point of {name} is the mean of {} measurements.", line.averaged));
        }
        if let Some(&first) = line.skipped.first() {
            let skipped = pluralize(line.skipped.len() as u64, "value");
            descriptions
                .push(format!("{skipped} of {name} not finite and not shown, from step {}.", count(first)));
        }
    }
    descriptions.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Point;
    use stapes_metrics::Evaluation;

    fn report(curves: Vec<Point>, best_step: u64) -> Report {
        Report {
            title: String::new(),
            summary: String::new(),
            command: String::new(),
            created_at: String::new(),
            subset: "test".into(),
            evaluation: Evaluation::new(&["a".into(), "b".into()], &[0, 1], &[0, 1]).unwrap(),
            loss: "cross-entropy, nats".into(),
            curves,
            best_step,
            parameters: 1,
            training_seconds: 1.0,
            latency_ms: None,
            recipe_toml: String::new(),
            versions: Vec::new(),
            data: Vec::new(),
            notes: Vec::new(),
            detectors: None,
            calibration: None,
            groups: None,
            gradients: Vec::new(),
            errors: Vec::new(),
            attention: Vec::new(),
            predictions: None,
            next_steps: Vec::new(),
        }
    }

    fn point(step: u64, train_loss: f32, validation: Option<(f32, f32)>) -> Point {
        Point {
            step,
            epoch: step as f32 / 10.0,
            seconds: step as f64,
            train_loss: Some(train_loss),
            validation_loss: validation.map(|(loss, _)| loss),
            validation_accuracy: validation.map(|(_, accuracy)| accuracy),
            learning_rate: None,
            gradient_norm: None,
        }
    }

    /// Returns the elements of a figure as XML.
    fn xml(figure: &Figure) -> String {
        format!("<svg>{}</svg>", figure.svg)
    }

    /// Returns the points of the last line of this color.
    fn line(figure: &Figure, color: Color) -> Vec<(f64, f64)> {
        let (text, class) = (xml(figure), color.class());
        let document = roxmltree::Document::parse(&text).unwrap();
        let mut lines = document.descendants().filter(|node| node.has_tag_name("polyline"));
        let line = lines.rfind(|node| node.attribute("class") == Some(&class)).unwrap();
        let points = line.attribute("points").unwrap().split(' ');
        let position = |point: &str| {
            let (x, y) = point.split_once(',').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        };
        points.map(position).collect()
    }

    #[test]
    fn lines_and_mark_are_at_their_values() {
        let curves =
            vec![point(0, 2.0, None), point(20, 1.0, Some((1.5, 0.6))), point(40, 0.5, Some((1.0, 0.8)))];
        let figures = figures(&report(curves, 20));
        let training = line(&figures[0], Color::Series(1));
        let validation = line(&figures[0], Color::Series(0));
        // Positions are tenths of a pixel: a step of 1 in the loss is more than 80 pixels.
        let near = |a: f64, b: f64| assert!((a - b).abs() <= 0.2, "{a} {b}");
        let unit = training[1].1 - training[0].1;
        assert!(unit > 80.0);
        near(training[2].1 - training[1].1, unit / 2.0);
        near(validation[0].1, training[0].1 + unit / 2.0);
        near(validation[1].1, training[1].1);
        near(validation[0].0, training[1].0);
        near(training[1].0 - training[0].0, training[2].0 - training[1].0);
        near(line(&figures[0], Color::Muted)[0].0, training[1].0);

        let accuracy = line(&figures[1], Color::Series(0));
        let mark = line(&figures[1], Color::Muted);
        near(mark[0].0, accuracy[0].0);
        // The axis spans 60 to 100 %, and the mark its whole length.
        near(accuracy[0].1, mark[0].1);
        near(accuracy[1].1, (mark[0].1 + mark[1].1) / 2.0);
        assert!(figures[1].svg.contains("best: 60.0 % at step 20"));
        assert_eq!(
            figures[1].text.description,
            "validation accuracy in percent: from 60.000 to 80.000; 60.0 at the best step, 20."
        );
    }

    #[test]
    fn names_at_the_lines_ends_do_not_overlap() {
        let curves = vec![point(1, 2.0, Some((2.0, 0.5))), point(9, 0.001, Some((0.0, 0.5)))];
        let figure = &figures(&report(curves, 9))[0];
        let text = xml(figure);
        let document = roxmltree::Document::parse(&text).unwrap();
        let named = |name: &str| {
            let node =
                document.descendants().find(|node| node.has_tag_name("text") && node.text() == Some(name));
            node.unwrap().attribute("y").unwrap().parse::<f64>().unwrap()
        };
        let heights = ["training", "validation"].map(named);
        assert!((heights[0] - heights[1]).abs() >= 18.0, "{heights:?}");
        assert!(heights.iter().all(|&y| y < HEIGHT - 49.0 + 1.0), "{heights:?}");
    }

    #[test]
    fn a_long_curve_is_averaged_with_a_note() {
        let curves = (0..1000).map(|step| point(step, step as f32, None)).collect();
        let line = ThinnedLine::of_points(&report(curves, 1).curves, |point| point.train_loss);
        assert_eq!((line.points.len(), line.averaged), (200, 5));
        assert_eq!(line.points[1], (7.0, 7.0));
        let curves = (0..1000).map(|step| point(step, 1.0, None)).collect();
        let figure = &figures(&report(curves, 1))[0];
        assert_eq!(
            figure.text.caption,
            "One epoch is 10 steps. Each point of training is the mean of 5 measurements."
        );
    }

    #[test]
    fn values_that_are_not_finite_are_counted() {
        let curves = vec![point(1, 1.0, None), point(2, f32::NAN, None), point(3, f32::INFINITY, None)];
        let figures = figures(&report(curves, 1));
        assert_eq!(figures.len(), 1);
        assert!(
            figures[0].text.caption.ends_with("2 values of training not finite and not shown, from step 2.")
        );
    }

    #[test]
    fn without_values_there_is_no_figure() {
        assert!(figures(&report(Vec::new(), 0)).is_empty());
        let skipped = vec![point(1, f32::NAN, Some((f32::NAN, f32::NAN)))];
        assert!(figures(&report(skipped, 1)).is_empty());
    }

    #[test]
    fn curves_of_one_point_of_equal_and_of_extreme_values_are_drawn() {
        for curves in [
            vec![point(0, 0.0, Some((0.0, 1.0)))],
            vec![point(5, -1.0, Some((-1.0, 0.0)))],
            vec![point(1, 3e38, Some((3e38, 1.0))), point(2, 3e38, Some((0.0, 1.0)))],
            vec![point(1, 1e-45, Some((1e-30, 1e-45))), point(u64::MAX, 0.0, Some((0.0, 0.0)))],
        ] {
            let figures = figures(&report(curves, 1));
            assert_eq!(figures.len(), 2);
            assert!(figures.iter().all(|figure| !figure.svg.contains("NaN")));
        }
    }
}

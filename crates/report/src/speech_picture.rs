//! Picture of the speech in a recording: level, probability and segments over time.

use crate::chart::axis::Axis;
use crate::chart::figure::{FigureSpec, FigureText, Picture};
use crate::chart::shapes::Color;
use crate::chart::{Chart, HEIGHT, Series};
use crate::frames::SECONDS;
use crate::numbers::pluralize;
use crate::{ReportError, quoted};

/// Speech of a recording, to be drawn.
///
/// # Example
/// ```
/// let picture = stapes_report::SpeechPicture {
///     title: "a.wav",
///     seconds: 2.0,
///     levels: &[0.0, 0.9, 0.3, 0.0],
///     probabilities: &[0.1, 0.9, 0.8, 0.2],
///     first_seconds: 0.25,
///     hop_seconds: 0.5,
///     segments: &[(0.5, 1.5)],
///     threshold: 0.5,
/// };
/// assert_eq!(&picture.draw()?.png[1..4], b"PNG");
/// # Ok::<(), stapes_report::ReportError>(())
/// ```
pub struct SpeechPicture<'a> {
    /// Title: the name of the recording.
    pub title: &'a str,
    /// Duration of the recording, s.
    pub seconds: f64,
    /// Largest magnitude of a sample in equal parts of the recording.
    pub levels: &'a [f32],
    /// Speech probability of each frame.
    pub probabilities: &'a [f32],
    /// Center of the first frame, s.
    pub first_seconds: f64,
    /// Time between frames, s.
    pub hop_seconds: f64,
    /// Start and end of each segment, s.
    pub segments: &'a [(f64, f64)],
    /// Probability from which a frame is speech.
    pub threshold: f64,
}

/// Largest number of points of the probabilities: the lowest and the highest of each column.
const COLUMNS: usize = 1230;

impl SpeechPicture<'_> {
    /// Draws the picture.
    ///
    /// # Errors
    /// [`ReportError::Figure`] if the recording is empty, or a level or probability is not a number from 0 to 1.
    pub fn draw(&self) -> Result<Picture, ReportError> {
        let invalid = |reason: &str| ReportError::Figure { figure: self.title.into(), reason: reason.into() };
        if self.seconds.is_nan() || self.seconds <= 0.0 {
            return Err(invalid("the recording is empty"));
        }
        if !self.probabilities.iter().all(|p| (0.0..=1.0).contains(p)) {
            return Err(invalid("a probability is not a number from 0 to 1"));
        }
        if !self.levels.iter().all(|level| level.is_finite() && *level >= 0.0) {
            return Err(invalid("a level is not a finite number"));
        }
        let series =
            |name: &str, number, points| Series { name: name.into(), color: Color::Series(number), points };
        let mut lines = vec![series("speech probability", 0, self.probability())];
        lines.push(series("segments", 1, self.steps()));
        lines.retain(|line| !line.points.is_empty());
        let behind = vec![Series { name: "level".into(), color: Color::Black, points: self.level() }];
        let time = Axis::linear("time (s)", 0.0..self.seconds);
        let threshold = self.threshold;
        let chart = Chart {
            series: lines,
            behind: behind.into_iter().filter(|line| !line.points.is_empty()).collect(),
            reference: vec![(0.0, threshold), (self.seconds, threshold)],
            ..Chart::empty(HEIGHT, time, Axis::linear("probability", 0.0..1.0))
        };
        let segments = pluralize(self.segments.len() as u64, "segment");
        let text = FigureText {
            id: "speech".into(),
            title: self.title.into(),
            description: format!("Speech probability of {} over time, with {segments}.", quoted(self.title)),
            caption: String::new(),
            x_name: SECONDS.into(),
            nearest: false,
        };
        FigureSpec::new(chart, text).picture()
    }

    fn probability(&self) -> Vec<(f64, f64)> {
        let column = self.probabilities.len().div_ceil(COLUMNS).max(1);
        let ends = |(number, part): (usize, &[f32])| {
            let at = |index: usize| {
                let seconds = self.first_seconds + (number * column + index) as f64 * self.hop_seconds;
                (seconds.clamp(0.0, self.seconds), f64::from(part[index]))
            };
            let order = |a: &usize, b: &usize| part[*a].total_cmp(&part[*b]);
            let (low, high) = ((0..part.len()).min_by(order), (0..part.len()).max_by(order));
            let (low, high) = (low.unwrap_or(0), high.unwrap_or(0));
            let pair = [at(low.min(high)), at(low.max(high))];
            pair.into_iter().take(if low == high { 1 } else { 2 })
        };
        self.probabilities.chunks(column).enumerate().flat_map(ends).collect()
    }

    /// Returns the segments as a line of 0 and 1.
    fn steps(&self) -> Vec<(f64, f64)> {
        let step = |&(start, end): &(f64, f64)| {
            let end = end.min(self.seconds);
            [(start, 0.0), (start, 1.0), (end, 1.0), (end, 0.0)]
        };
        if self.segments.is_empty() {
            return Vec::new();
        }
        let inner = self.segments.iter().flat_map(step);
        [(0.0, 0.0)].into_iter().chain(inner).chain([(self.seconds, 0.0)]).collect()
    }

    /// Returns the levels, relative to the highest.
    fn level(&self) -> Vec<(f64, f64)> {
        let highest = self.levels.iter().copied().fold(1e-9, f32::max);
        let part = self.seconds / self.levels.len().max(1) as f64;
        let point = |(at, level): (usize, &f32)| ((at as f64 + 0.5) * part, f64::from(level / highest));
        self.levels.iter().enumerate().map(point).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture<'a>(probabilities: &'a [f32], segments: &'a [(f64, f64)]) -> SpeechPicture<'a> {
        SpeechPicture {
            title: "a <b>.wav",
            seconds: 2.0,
            levels: &[0.0, 0.25, 0.5],
            probabilities,
            first_seconds: 0.0,
            hop_seconds: 0.01,
            segments,
            threshold: 0.5,
        }
    }

    #[test]
    fn a_long_recording_keeps_the_extremes_of_its_probabilities() {
        let mut probabilities = vec![0.25; 100_000];
        (probabilities[50_001], probabilities[70_003]) = (1.0, 0.0);
        let points = picture(&probabilities, &[]).probability();
        assert!(points.len() <= 2 * COLUMNS);
        let values: Vec<f64> = points.iter().map(|point| point.1).collect();
        assert!(values.contains(&1.0) && values.contains(&0.0));
        assert!(points.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }

    #[test]
    fn segments_are_steps_and_levels_are_relative() {
        let steps = picture(&[0.5], &[(0.5, 1.0)]).steps();
        assert_eq!(steps, [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (1.0, 1.0), (1.0, 0.0), (2.0, 0.0)]);
        let levels: Vec<f64> = picture(&[], &[]).level().iter().map(|point| point.1).collect();
        assert_eq!(levels, [0.0, 0.5, 1.0]);
    }

    #[test]
    fn names_are_escaped_and_invalid_values_are_errors() {
        let drawn = picture(&[0.5, 1.0], &[(0.5, 1.0)]).draw().unwrap();
        assert!(
            drawn.svg.contains("a &lt;b&gt;.wav") || drawn.svg.contains("a &#60;b&#62;.wav"),
            "{}",
            drawn.svg
        );
        for name in ["level", "speech probability", "segments"] {
            assert!(drawn.svg.contains(&format!(">{name}<")), "{name} in {}", drawn.svg);
        }
        assert!(picture(&[f32::NAN], &[]).draw().is_err());
        assert!(SpeechPicture { seconds: 0.0, ..picture(&[0.5], &[]) }.draw().is_err());
        // Without speech and without frames there is still a picture.
        picture(&[], &[]).draw().unwrap();
    }
}

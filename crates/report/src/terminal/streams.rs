//! Results on long recordings: keywords and speech.

use stapes_metrics::{
    BoundaryErrors, ConfidenceInterval, Estimate, Evaluation, EventScores, KeywordScores, SpeechErrors,
};

use super::{build_table, detection, label};
use crate::numbers::{count, duration, percent, pluralize, score};

/// Row of a table of keywords.
#[derive(Clone, Copy, Debug)]
pub struct KeywordRow<'a> {
    /// Label.
    pub label: &'a str,
    /// Threshold of the smoothed score; None for a row of several keywords.
    pub threshold: Option<f32>,
    /// Scores.
    pub scores: &'a KeywordScores,
}

/// Heads of the table of keywords.
pub const KEYWORD_HEADS: [&str; 6] =
    ["keyword", "missed", "% (95 % CI)", "false", "per hour (95 % CI)", "latency, s"];
/// Meaning of the columns of the table of keywords.
pub const KEYWORD_NOTES: [&str; 2] = [
    "95 % CI: Wilson for misses; exact Poisson (Garwood), two-sided, for false accepts per hour",
    "Latency after the end of the labeled segment: median (95th percentile)",
];

/// Formats misses, false accepts per hour and latency of keywords, with their 95 % confidence intervals.
pub fn keywords(rows: &[KeywordRow<'_>]) -> String {
    let cells = rows.iter().map(|row| keyword_cells(row, &label(row.label)));
    let table = build_table(&KEYWORD_HEADS, cells, 1).to_string();
    let mut parts = vec![table, KEYWORD_NOTES.join("\n")];
    parts.extend(repeated(rows));
    parts.join("\n")
}

/// Returns a sentence about repeated detections, if there are any.
pub fn repeated(rows: &[KeywordRow<'_>]) -> Option<String> {
    let of_keywords = rows.iter().filter(|row| row.threshold.is_some());
    let repeated: u64 = of_keywords.map(|row| row.scores.repeated_detections).sum();
    let detections = pluralize(repeated, "detection");
    (repeated > 0).then(|| {
        format!("{detections} within the times of a segment that was detected before; a longer --refractory avoids them")
    })
}

/// Returns the cells of a row of the table of keywords, in the order of [`KEYWORD_HEADS`], with this text for the label.
pub fn keyword_cells(KeywordRow { threshold, scores, .. }: &KeywordRow<'_>, label: &str) -> Vec<String> {
    let dash = || score(None);
    vec![
        threshold.map_or_else(|| label.to_owned(), |threshold| format!("{label}={threshold:.3}")),
        format!("{} of {}", count(scores.misses), count(scores.segments)),
        scores.miss_rate.map_or_else(dash, |rate| with_interval(rate, 100.0, 1)),
        count(scores.false_accepts),
        scores.false_accepts_per_hour.map_or_else(dash, |rate| with_interval(rate, 1.0, 2)),
        scores.latency.map_or_else(dash, |latency| {
            format!("{:.2} ({:.2})", latency.median_seconds, latency.p95_seconds)
        }),
    ]
}

/// Formats a value with its interval: `0.50 (0.06–1.81)`.
fn with_interval(Estimate { value, interval }: Estimate, scale: f64, decimals: usize) -> String {
    let ConfidenceInterval { low, high } = interval;
    let [value, low, high] = [value, low, high].map(|number| format!("{:.decimals$}", scale * number));
    format!("{value} ({low}–{high})")
}

/// Formats the scores of speech segments and frames.
pub fn speech(
    segments: &EventScores,
    collar_seconds: f64,
    durations: &SpeechErrors,
    boundaries: Option<BoundaryErrors>,
    frames: &Evaluation,
) -> String {
    let EventScores { reference_events, detected_events, matched, .. } = *segments;
    let mut lines = vec![format!(
        "segments: precision {}, recall {}, F1 {}; {} of {} labeled and {} detected match within {:.0} ms",
        score(segments.precision),
        score(segments.recall),
        score(segments.f1),
        count(matched),
        count(reference_events),
        count(detected_events),
        1000.0 * collar_seconds
    )];
    let SpeechErrors { speech_seconds, missed_seconds, false_alarm_seconds, seconds } = *durations;
    lines.push(match durations.detection_error_rate() {
        Some(rate) => {
            let of_speech = |part: f64| percent(part / speech_seconds, 0);
            format!(
                "detection error rate: {}; {} missed, {} false alarm; {} of speech in {}",
                percent(rate, 0),
                of_speech(missed_seconds),
                of_speech(false_alarm_seconds),
                duration(speech_seconds),
                duration(seconds)
            )
        }
        None => format!(
            "no labeled speech in {}; false alarm {}",
            duration(seconds),
            duration(false_alarm_seconds)
        ),
    });
    if let Some(BoundaryErrors { start_ms, end_ms }) = boundaries {
        let pairs = pluralize(matched, "segment");
        lines.push(format!("boundary error: start {start_ms:.0} ms, end {end_ms:.0} ms (median of {pairs})"));
    }
    lines.extend(detection(frames).map(|frames| format!("frames: {frames}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use stapes_metrics::{Event, EventMatcher, KeywordCounts, KeywordMatcher, boundary_errors};

    use super::*;

    fn event(start_seconds: f64, end_seconds: f64) -> Event {
        Event { start_seconds, end_seconds }
    }

    #[test]
    fn keywords_have_their_rates_with_intervals() {
        let mut counts = KeywordCounts::default();
        let segments = [event(1.0, 2.0), event(5.0, 6.0)];
        let matches = KeywordMatcher::default().matches(&segments, &[2.25, 2.5, 9.0]).unwrap();
        counts.add(&segments, &[2.25, 2.5, 9.0], &matches, 7200.0);
        let scores = counts.scores();
        let none = KeywordCounts::default().scores();
        let text = keywords(&[
            KeywordRow { label: "a\u{1b}", threshold: Some(0.5), scores: &scores },
            KeywordRow { label: "all", threshold: None, scores: &none },
        ]);
        let row = " a\\u{1b}=0.500  1 of 2  50.0 (9.5–90.5)      1    0.50 (0.01–2.79)  0.25 (0.25)";
        assert!(text.contains(row) && text.contains("Garwood"), "{text}");
        assert!(text.contains("1 detection within the times of a segment"), "{text}");
        assert!(text.lines().take(2).all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn speech_has_segments_durations_and_boundaries() {
        let (labeled, detected) = ([event(1.0, 2.0), event(5.0, 6.0)], [event(1.1, 2.0)]);
        let matcher = EventMatcher::default();
        let scores = matcher.scores(&[(labeled.to_vec(), detected.to_vec())]).unwrap();
        let errors = SpeechErrors::new(&labeled, &detected, 10.0).unwrap();
        let frames = Evaluation::new(&["silence".into(), "voice".into()], &[0], &[0]).unwrap();
        let boundaries = boundary_errors(&[(labeled[0], detected[0])]);
        let text = speech(&scores, 0.2, &errors, boundaries, &frames);
        for part in [
            "precision 1.000, recall 0.500, F1 0.667; 1 of 2 labeled and 1 detected match within 200 ms",
            "detection error rate: 55.0 %; 55.0 % missed, 0.0 % false alarm; 2.00 s of speech in 10.0 s",
            "start 100 ms, end 0 ms (median of 1 segment)",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let silent = SpeechErrors::new(&[], &detected, 10.0).unwrap();
        let text = speech(&scores, 0.2, &silent, None, &frames);
        assert!(text.contains("no labeled speech in 10.0 s; false alarm 0.90 s"), "{text}");
    }
}

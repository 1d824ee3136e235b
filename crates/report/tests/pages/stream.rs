//! A made-up evaluation on long recordings.

use stapes_metrics::KeywordOperatingPoint;
use stapes_report::{Excerpt, KeywordCurve, Sound, StreamError, StreamReport};

use super::report::wav;

/// Creates an evaluation in which every text is a name.
pub(crate) fn evaluation(name: &str) -> StreamReport {
    let point = |threshold: f32, misses: f64, false_accepts_per_hour: f64| KeywordOperatingPoint {
        threshold,
        miss_rate: Some(misses / 20.0),
        false_accepts_per_hour,
    };
    let error = |kind: &str, end_seconds: f64| StreamError {
        kind: kind.into(),
        label: name.into(),
        recording: name.into(),
        start_seconds: 10.5,
        end_seconds,
        score: Some(0.75),
        excerpt: Some(excerpt()),
        notes: vec![name.into()],
    };
    StreamReport {
        title: name.into(),
        summary: name.into(),
        created_at: name.into(),
        notes: vec![name.into()],
        heads: vec![name.into(), "missed".into()],
        rows: vec![vec![name.into(), "3 of 20".into()]],
        explanation: vec![name.into()],
        det: vec![KeywordCurve {
            label: name.into(),
            chosen: point(0.5, 3.0, 2.0),
            points: vec![
                point(0.9, 12.0, 0.0),
                point(0.7, 6.0, 0.5),
                point(0.5, 3.0, 2.0),
                point(0.1, 0.0, 60.0),
            ],
        }],
        errors: vec![
            error("false accept", 11.0),
            error("miss", 11.25),
            StreamError { excerpt: None, ..error("miss", 12.0) },
        ],
    }
}

/// Two seconds of a tone with a peak of the scores.
fn excerpt() -> Excerpt {
    let samples: Vec<f32> = (0..16_000).map(|n| 0.4 * (0.3 * n as f32).sin()).collect();
    Excerpt {
        start_seconds: 10.0,
        sound: Sound { wav: wav(&samples), samples, sample_rate_hz: 8000 },
        times: (0..20).map(|at| 10.0 + 0.1 * f64::from(at)).collect(),
        scores: (0..20u8).map(|at| 0.9 - 0.1 * f32::from(at.abs_diff(9).min(8))).collect(),
        threshold: 0.5,
    }
}

//! The report of a made-up run.

use stapes_metrics::Detectors;
use stapes_metrics::{Calibration, Evaluation, OperatingPoint};
use stapes_report::{AttentionExample, Example, FrameTiming, FrameView, Group, Groups, Point, Report, Sound};
use stapes_report::{ExamplePrediction, FrameAxis, GradientLine, NextStep, Predictions};

pub(crate) const WORDS: [&str; 3] = ["bed", "cat", "happy"];

/// Creates the report of a made-up run without optional parts; its first example is predicted as the second class.
pub(crate) fn sample(classes: &[&str]) -> Report {
    let classes: Vec<String> = classes.iter().map(|label| label.to_string()).collect();
    let labels: Vec<usize> = (0..40).map(|example| example % classes.len()).collect();
    let mut predictions = labels.clone();
    predictions[0] = 1 % classes.len();
    let point = |step: u64| Point {
        step,
        epoch: step as f32 / 5.0,
        seconds: step as f64 / 10.0,
        train_loss: Some(1.0 / (step + 1) as f32),
        validation_loss: step.is_multiple_of(5).then_some(1.1 / (step + 1) as f32),
        validation_accuracy: step.is_multiple_of(5).then_some(step as f32 / 40.0),
        learning_rate: None,
        gradient_norm: None,
    };
    Report {
        title: "Three words".into(),
        summary: "Four LSTM layers of 64 units over 20 MFCC.".into(),
        command: "stapes train recipes/words.toml --out runs/words".into(),
        created_at: "2026-01-31 12:00 UTC".into(),
        subset: "test".into(),
        evaluation: Evaluation::new(&classes, &labels, &predictions).unwrap(),
        loss: "cross-entropy, nats".into(),
        curves: (0..=30).map(point).collect(),
        best_step: 25,
        parameters: 121_219,
        training_seconds: 125.2,
        latency_ms: Some(1.234),
        recipe_toml: "[train]\nbatch_size = 20\n".into(),
        versions: vec![("stapes".into(), "0.1.0".into()), ("threads".into(), "2".into())],
        data: vec![("training".into(), "2,250 clips".into()), ("fingerprint".into(), "0123abcd".into())],
        notes: vec!["Stopped early at step 30.".into()],
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

/// Creates the report with every optional part; `name` replaces each name from outside.
pub(crate) fn complete(name: &str) -> Report {
    let mut report = sample(&WORDS);
    for point in &mut report.curves {
        point.learning_rate = Some(0.003 / (point.step + 1) as f32);
        point.gradient_norm = (point.step > 0).then_some(2.0 / point.step as f32);
    }
    let scores: Vec<f32> = (0..80).map(|example| (example * 37 % 80) as f32 / 80.0).collect();
    let positive: Vec<bool> = (0..80).map(|example| (example * 37 % 80) + (example % 5) * 8 > 60).collect();
    let chosen = OperatingPoint::measure(0.75, &scores, &positive).unwrap();
    report.detectors = Some(Detectors::binary(name, &scores, &positive).unwrap().with_point(name, chosen));
    let probabilities: Vec<f32> = scores.iter().flat_map(|&score| [score, 1.0 - score]).collect();
    let labels: Vec<usize> = positive.iter().map(|&positive| usize::from(!positive)).collect();
    report.calibration = Some(Calibration::new(&probabilities, &labels, 2, 10).unwrap());
    let group = |name: &str, correct| Group { name: name.into(), examples: 20, correct };
    report.groups = Some(Groups {
        kind: name.into(),
        groups: vec![group(name, 20), group("other", 19), group("third", 10)],
    });
    let line = |name: &str, decay: f64| GradientLine {
        name: name.into(),
        norms: (0..30).map(|frame| decay.powi(frame)).collect(),
    };
    report.errors = vec![example(name, 0, 1), example("second", 0, 1)];
    report.attention = vec![AttentionExample {
        example: Example { sound: None, ..example(name, 2, 2) },
        weights: (0..25).map(|frame| if frame == 10 { 0.76 } else { 0.01 }).collect(),
        timing: FrameTiming::Seconds { first: 0.0, hop: 0.02 },
    }];
    let prediction = |name: &str, number: usize, prediction| ExamplePrediction {
        name: name.into(),
        label: 0,
        prediction,
        probability: 0.4 + 0.01 * number as f32,
    };
    let mut predictions: Vec<ExamplePrediction> =
        (0..58).map(|number| prediction(&format!("clip {number}"), number, 0)).collect();
    predictions.extend([prediction(name, 27, 1), prediction("second", 28, 1)]);
    report.predictions = Some(Predictions::Examples(predictions));
    report.next_steps = vec![NextStep { title: name.into(), code: format!("stapes predict {name}") }];
    report.gradients = vec![line(name, 0.5), line("layer 2, backwards", 0.9)];
    report
}

/// Creates a tone that was predicted as another class.
fn example(name: &str, label: usize, prediction: usize) -> Example {
    let samples: Vec<f32> = (0..4000).map(|n| 0.4 * (0.3 * n as f32).sin()).collect();
    let mut probabilities = vec![0.0625; 3];
    probabilities[label] = 0.25;
    probabilities[prediction] = 0.6875;
    Example {
        name: name.into(),
        label,
        prediction,
        probabilities,
        sound: Some(Sound { wav: wav(&samples), samples, sample_rate_hz: 8000 }),
        frames: vec![
            frames(
                "Mel spectrogram",
                50,
                FrameAxis::Bands((1..=20).map(|band| 180.0 * f64::from(band)).collect()),
            ),
            frames("What the model reads", 25, FrameAxis::Numbers("coefficient")),
        ],
        notes: vec![format!("Of {name} the first 3 s are shown.")],
    }
}

/// Half a second of frames of 20 values.
fn frames(title: &str, count: usize, axis: FrameAxis) -> FrameView {
    FrameView {
        title: title.into(),
        caption: "Made up.".into(),
        values: (0..20 * count)
            .map(|value| ((value % 20) as f32 - 9.0).abs() - (value / 200) as f32)
            .collect(),
        width: 20,
        timing: FrameTiming::Seconds { first: 0.0, hop: 0.5 / count as f64 },
        axis,
        quantity: "level (dB)".into(),
    }
}

/// 16-bit mono at 8 kHz.
pub(crate) fn wav(samples: &[f32]) -> Vec<u8> {
    let bytes = 2 * samples.len() as u32;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| ((sample * 32767.0) as i16).to_le_bytes()));
    file
}

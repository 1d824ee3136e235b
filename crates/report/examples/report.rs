//! Writes the report page of a made-up run, to look at the page without training:
//! `cargo run -p stapes-report --example report -- report.html`
//!
//! The numbers are made up, as the summary of the page states.

use std::error::Error;

use stapes_metrics::Detectors;
use stapes_metrics::{Calibration, Evaluation, RecordingFrames};
use stapes_report::{GradientLine, terminal};
use stapes_report::{Group, Groups, Point, Report, render};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("the page's path is missing: report -- PATH [CLASSES]")?;
    let classes = std::env::args().nth(2).map_or(Ok(9), |count| count.parse::<usize>())?;
    let mut report = with_scores(sample(classes)?, classes)?;
    report.groups = Some(groups());
    println!("{}", terminal::evaluation(&report.evaluation));
    std::fs::write(path, render(&report)?)?;
    Ok(())
}

fn sample(classes: usize) -> Result<Report, Box<dyn Error>> {
    let evaluation = evaluation(classes)?;
    let test = format!("{} utterances, {classes} speakers", evaluation.total);
    Ok(Report {
        title: "Japanese Vowels, one LSTM of 64 units".into(),
        summary:
            "A sample page with made-up numbers: one LSTM layer of 64 units over 12 cepstral coefficients, \
                  trained to recognize nine speakers by their /ae/."
                .into(),
        command: "stapes quickstart --seed 1 --out runs/quickstart".into(),
        created_at: "2026-01-31 12:00 UTC".into(),
        subset: "test".into(),
        evaluation,
        loss: "cross-entropy, nats".into(),
        curves: curves(),
        best_step: 460,
        parameters: 20_553,
        training_seconds: 14.62,
        latency_ms: Some(0.214),
        recipe_toml: RECIPE.into(),
        versions: pairs(&[
            ("stapes", "0.1.0"),
            ("compiler target", "x86_64-unknown-linux-gnu"),
            ("processor", "2 cores, AVX2 and FMA"),
            ("threads", "2"),
            ("shards", "4"),
            ("date", "2026-01-31 12:00 UTC"),
        ]),
        data: pairs(&[
            ("training", "216 utterances, 9 speakers"),
            ("validation", "54 utterances, 9 speakers"),
            ("test", &test),
            ("frames", "7 to 29 per utterance, 12 coefficients"),
            ("fingerprint", "9f2c64b0a7e35d18c1f7e2a4d3b69058"),
        ]),
        notes: vec!["Stopped after step 540 of 1,080: no better validation in 80 steps.".into()],
        detectors: None,
        calibration: None,
        groups: None,
        gradients: gradients(),
        errors: Vec::new(),
        attention: Vec::new(),
        predictions: None,
        next_steps: Vec::new(),
    })
}

/// The scores' part of the page; of two classes, frames of recordings with a voice.
fn with_scores(mut report: Report, classes: usize) -> Result<Report, Box<dyn Error>> {
    let names = report.evaluation.confusion.classes().to_vec();
    let examples = if classes == 2 { 6_000 } else { 900 };
    let mut state = 7u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
    for example in 0..examples {
        let label = if classes == 2 { usize::from(example / 40 % 3 > 0) } else { example % classes };
        let raw: Vec<f32> = (0..classes)
            .map(|class| (4.5 * noise() + if class == label { 3.2 } else { 0.0 }).exp())
            .collect();
        let sum: f32 = raw.iter().sum();
        labels.push(label);
        probabilities.extend(raw.iter().map(|value| value / sum));
    }
    report.calibration = Some(Calibration::new(&probabilities, &labels, classes, 15)?);
    if classes != 2 {
        report.detectors = Some(Detectors::one_vs_rest(&names, &probabilities, &labels)?);
        return Ok(report);
    }
    let scores: Vec<f32> = probabilities.iter().skip(1).step_by(2).copied().collect();
    let voice: Vec<bool> = labels.iter().map(|&label| label == 1).collect();
    let roc = stapes_metrics::Roc::new(&scores, &voice)?;
    let mut detectors = Detectors::binary("voice", &scores, &voice)?;
    for (name, rate) in [("5 % false positives", 0.05), ("1 % false positives", 0.01)] {
        detectors = detectors.with_point(name, roc.at_false_positive_rate(rate)?);
    }
    report.detectors = Some(detectors);
    let recordings: Vec<RecordingFrames> = (0..20)
        .map(|recording| {
            let frames = recording * 300..(recording + 1) * 300;
            let scores = scores[frames.clone()].to_vec();
            let predictions = scores.iter().map(|&score| usize::from(score > 0.5)).collect();
            RecordingFrames { labels: labels[frames].to_vec(), predictions, scores }
        })
        .collect();
    report.evaluation = Evaluation::from_frames(&["silence".into(), "voice".into()], &recordings)?;
    Ok(report)
}

/// Groups of equal size, most of their examples correct.
fn groups() -> Groups {
    let names = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"];
    let group = |(index, name): (usize, &&str)| Group {
        name: name.to_string(),
        examples: 50,
        correct: 50 - (index as u64 * 7) % 5,
    };
    Groups { kind: "speaker".into(), groups: names.iter().enumerate().map(group).collect() }
}

/// Norms that fall faster in a plain recurrence than in a gated one.
fn gradients() -> Vec<GradientLine> {
    let lines = [("layer 1, forwards", 0.9), ("layer 1, backwards", 0.88), ("layer 2, forwards", 0.97)];
    let norms = |decay: f64| (0..60).map(|frame| 0.02 * decay.powi(frame)).collect();
    lines.map(|(name, decay)| GradientLine { name: name.into(), norms: norms(decay) }).to_vec()
}

/// Thirty to fifty examples per class, a few of them predicted as a neighboring class.
fn evaluation(classes: usize) -> Result<Evaluation, Box<dyn Error>> {
    let names: Vec<String> = (1..=classes).map(|number| format!("speaker {number}")).collect();
    let (mut labels, mut predictions) = (Vec::new(), Vec::new());
    for class in 0..classes {
        for example in 0..30 + (class * 37) % 21 {
            labels.push(class);
            let wrong = example < (class * 5) % 4 && class % 3 != 0;
            predictions.push(if wrong { (class + 1 + example / 2) % classes } else { class });
        }
    }
    Ok(Evaluation::new(&names, &labels, &predictions)?)
}

/// A falling loss with the noise of small batches, validated every 20 steps.
fn curves() -> Vec<Point> {
    let mut noise = 0.5f32;
    (1..=540u64)
        .map(|step| {
            noise = (noise * 3.9 * (1.0 - noise)).clamp(0.01, 0.99);
            let time = step as f32;
            let loss = 2.2 * (-time / 110.0).exp();
            let validated = step % 20 == 0;
            let validation = loss + 0.09 + 0.0001 * time + 0.04 * (noise - 0.5);
            let accuracy =
                if step == 460 { 53.0 } else { (54.0 * (1.0 - 0.8 * (-time / 75.0).exp())).min(52.0) };
            Point {
                step,
                epoch: time / 27.0,
                seconds: f64::from(time) * 0.027,
                train_loss: Some(loss * (0.6 + 0.8 * noise) + 0.015),
                validation_loss: validated.then_some(validation),
                validation_accuracy: validated.then_some(accuracy.round() / 54.0),
                learning_rate: Some(if step < 300 { 0.003 } else { 0.0003 }),
                gradient_norm: Some(4.0 * (-time / 150.0).exp() * (0.3 + noise)),
            }
        })
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

const RECIPE: &str = r#"seed = 1

[data]
set = "japanese-vowels"
validation_fraction = 0.2

[model]
kind = "lstm"
hidden_size = 64
num_layers = 1
head = "last"

[train]
optimizer = "adam"
learning_rate = 0.003
batch_size = 8
validate_every = 20
patience = 80
"#;

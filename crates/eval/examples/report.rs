//! Writes the report page of a made-up run, to look at the page without training:
//! `cargo run -p stapes-eval --example report -- report.html`
//!
//! The numbers are drawn, not measured; the page says so.

use std::error::Error;

use stapes_eval::report::{Point, Report, render};
use stapes_eval::{Evaluation, text};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("the page's path is missing: report -- PATH [CLASSES]")?;
    let classes = std::env::args().nth(2).map_or(Ok(9), |count| count.parse::<usize>())?;
    let report = sample(classes)?;
    println!("{}", text::evaluation(&report.evaluation));
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
                  told to tell nine speakers apart by how they say /ae/."
                .into(),
        command: "stapes quickstart --seed 1 --out runs/quickstart".into(),
        made_at: "2026-01-31 12:00 UTC".into(),
        partition: "test".into(),
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
            ("frames", "7 to 29 an utterance, 12 coefficients"),
            ("fingerprint", "9f2c64b0a7e35d18c1f7e2a4d3b69058"),
        ]),
        notes: vec!["Stopped after step 540 of 1,080: no better validation in 80 steps.".into()],
    })
}

/// Thirty to fifty examples a class, a few of them taken for a neighbour.
fn evaluation(classes: usize) -> Result<Evaluation, Box<dyn Error>> {
    let labels: Vec<String> = (1..=classes).map(|number| format!("speaker {number}")).collect();
    let (mut truths, mut predictions) = (Vec::new(), Vec::new());
    for class in 0..classes {
        for example in 0..30 + (class * 37) % 21 {
            truths.push(class);
            let wrong = example < (class * 5) % 4 && class % 3 != 0;
            predictions.push(if wrong { (class + 1 + example / 2) % classes } else { class });
        }
    }
    Ok(Evaluation::new(&labels, &truths, &predictions)?)
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
validation = 0.2

[model]
kind = "lstm"
hidden = 64
layers = 1
head = "last"

[train]
optimiser = "adam"
learning_rate = 0.003
batch = 8
validate_every = 20
patience = 80
"#;

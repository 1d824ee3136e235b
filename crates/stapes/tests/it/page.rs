//! The report of a run: examples with audio and figures.

use std::fs;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::support::{Scratch, TONES};
use stapes::run::{IfExists, RunFolder};
use stapes::train::SingleProcess;
use stapes::{Event, Recipe, RunResult, TrainingJob};

fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) =
        page.split_once(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("no section {id}"));
    rest.split_once("</section>").unwrap().0
}

#[test]
fn errors_have_audio_and_figures_and_attention_is_drawn_over_the_spectrogram() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let train = "train tones.toml --data tones --out run --set train.max_steps=6 --set model.recurrent.head=attention";
    scratch.run(train).succeeds();
    let page = fs::read_to_string(scratch.path("run/report.html")).unwrap();
    let (errors, attention) = (section(&page, "errors"), section(&page, "attention"));
    let pairs = errors.matches("class=\"errors\"").count();
    let shown = errors.matches("<details>").count();
    assert!((1..=5).contains(&pairs) && (pairs..=2 * pairs).contains(&shown), "{shown} of {pairs} pairs");
    // A player, a waveform, a spectrogram and the model input.
    assert_eq!(errors.matches("src=\"data:audio/wav;base64,UklGR").count(), shown);
    assert_eq!(errors.matches("<svg").count(), 3 * shown);
    assert_eq!(errors.matches("<image ").count(), 2 * shown);
    assert_eq!(page.matches("<a href=\"#errors-").count(), pairs);
    let attended = attention.matches("<h3>Attention</h3>").count();
    assert!((1..=6).contains(&attended), "{attended}");
    assert_eq!(attention.matches("<h3>Mel spectrogram</h3>").count(), attended);
    assert!(page.len() < 1_500_000, "{}", page.len());
}

#[test]
fn errors_on_frames_have_figures_without_audio() {
    let scratch = Scratch::new();
    scratch.run("quickstart --out run --set train.epochs=1").succeeds();
    let page = fs::read_to_string(scratch.path("run/report.html")).unwrap();
    let errors = section(&page, "errors");
    assert!(errors.contains("<h3>Model input (features)</h3>") && !errors.contains("Mel spectrogram"));
    assert!(!page.contains("<audio") && !page.contains("id=\"attention\""));
    assert!(section(&page, "next").contains("stapes predict run frames.csv"));
}

/// Returns the commands and the program at the end of a page.
fn next_steps(page: &str) -> Vec<String> {
    let code = section(page, "next").split("<code>").skip(1);
    code.map(|rest| rest.split_once("</code>").unwrap().0.replace("&#34;", "\"")).collect()
}

#[test]
fn the_page_lists_all_predictions_and_its_commands_run() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run("train tones.toml --data tones --out runs/one --set train.max_steps=6").succeeds();
    let page = fs::read_to_string(scratch.path("runs/one/report.html")).unwrap();
    let record = fs::read_to_string(scratch.path("runs/one/run.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let data = section(&page, "predictions").split_once("hidden>").unwrap().1.split_once("</pre>").unwrap().0;
    let rows: Vec<Vec<&str>> = data.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    let correct = rows.iter().filter(|row| row[0] == row[1]).count();
    let accuracy = correct as f64 / rows.len() as f64;
    assert!((accuracy - record["test_accuracy"].as_f64().unwrap()).abs() < 1e-9, "{accuracy}");
    // The sounds are those of the errors.
    let errors = section(&page, "errors");
    let sounds: Vec<&str> = rows.iter().map(|row| row[3]).filter(|sound| !sound.is_empty()).collect();
    assert_eq!(sounds.len(), errors.matches("<audio").count());
    assert!(!sounds.is_empty() && sounds.iter().all(|sound| errors.contains(&format!("id=\"{sound}\""))));
    let steps = next_steps(&page);
    assert_eq!(steps[..2], ["stapes predict runs/one recording.wav", "stapes eval runs/one --split test"]);
    assert_eq!(steps[2], "stapes eval runs/one --data DIR --split all");
    assert!(steps[3].contains("Classifier::load(\"runs/one/model.safetensors\".as_ref())?"), "{}", steps[3]);
    let recording = fs::read_dir(scratch.path("tones/recordings")).unwrap().next().unwrap().unwrap().path();
    fs::copy(recording, scratch.path("recording.wav")).unwrap();
    for command in &steps[..2] {
        scratch.run(command.strip_prefix("stapes ").unwrap()).succeeds();
    }
    let command = steps[2].replace("DIR", "tones");
    scratch.run(command.strip_prefix("stapes ").unwrap()).succeeds();
}

/// Deletes the recordings with these name endings.
fn delete_recordings(scratch: &Scratch, ends: &[&str]) {
    for recording in
        fs::read_dir(scratch.path("tones/recordings")).unwrap().map(|entry| entry.unwrap().path())
    {
        let name = recording.file_stem().unwrap().to_string_lossy().into_owned();
        if ends.iter().any(|end| name.ends_with(end)) {
            fs::remove_file(recording).unwrap();
        }
    }
}

/// Trains a run whose recordings with these name endings are deleted.
fn train_and_delete(scratch: &Scratch, ends: &[&str]) -> RunResult {
    let data = scratch.tones();
    let job = TrainingJob {
        recipe: Recipe::from_toml("tones.toml", TONES, &["train.max_steps=2".into()]).unwrap(),
        data: Some(data),
        cache: None,
        start: None,
        command: "a test".into(),
        checkpoint_every: Duration::from_secs(60),
        stop: &AtomicBool::new(false),
        communicator: &SingleProcess,
    };
    let folder = RunFolder::open(&scratch.path("run"), IfExists::Refuse).unwrap();
    let on_event = |event: Event<'_>| {
        if let Event::Training(_) = event {
            delete_recordings(scratch, ends);
        }
    };
    job.run(folder, &on_event).unwrap()
}

#[test]
fn deleted_recording_does_not_fail_the_run() {
    let scratch = Scratch::new();
    let result = train_and_delete(&scratch, &["ann_0", "ann_4", "bob_0", "bob_4"]);
    assert!(result.record.latency_ms.is_some());
    let page = fs::read_to_string(result.folder.join("report.html")).unwrap();
    let errors = section(&page, "errors");
    let missing = errors.matches("The recording cannot be shown: ").count();
    let shown = errors.matches("<details>").count();
    assert!(missing > 0, "none of {shown} is missing");
    assert_eq!(errors.matches("<audio").count(), shown - missing);
    // The features are still in memory.
    assert_eq!(errors.matches("<h3>Model input (features)</h3>").count(), shown);
}

#[test]
fn run_without_recordings_is_complete_without_latency() {
    let scratch = Scratch::new();
    let result = train_and_delete(&scratch, &[""]);
    assert_eq!(result.record.latency_ms, None);
    assert!(result.folder.join("run.json").is_file() && result.folder.join("report.html").is_file());
}

//! `stapes attention`.

use crate::support::Scratch;

#[test]
fn attention_weights_of_each_recording_are_plotted_and_printed() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let train = "train tones.toml --data tones --out run --set train.max_steps=3 --set model.recurrent.head=attention";
    scratch.run(train).succeeds();
    let printed = scratch.run("attention run tones/recordings/1_bob_7.wav absent.wav tones/recordings/2_bob_7.wav --out pictures --json");
    assert_eq!(printed.output.status.code(), Some(1), "one of three failed");
    let lines: Vec<serde_json::Value> =
        printed.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    for line in [&lines[0], &lines[2]] {
        let weights: Vec<f64> =
            line["weights"].as_array().unwrap().iter().map(|weight| weight.as_f64().unwrap()).collect();
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-4 && weights.len() > 5, "{line}");
        assert!(line["label"].is_string());
    }
    assert!(lines[1]["error"].as_str().unwrap().contains("absent.wav"));
    let png = std::fs::read(scratch.path("pictures/1_bob_7.wav.attention.png")).unwrap();
    assert_eq!(&png[1..4], b"PNG");
    // A file at the path of the output folder is reported before anything is plotted.
    scratch.write("taken", "");
    let printed = scratch.run("attention run tones/recordings/1_bob_7.wav --out taken");
    assert!(printed.stderr().contains("taken: is a file"), "{}", printed.stderr());
}

#[test]
fn model_without_attention_is_rejected_with_advice() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run("train tones.toml --data tones --out run --set train.max_steps=1").succeeds();
    let printed = scratch.run("attention run tones/recordings/1_bob_7.wav --out pictures");
    assert_eq!(printed.output.status.code(), Some(2));
    assert!(printed.stderr().contains("head = \"attention\""), "{}", printed.stderr());
    assert!(!scratch.path("pictures").exists());
}

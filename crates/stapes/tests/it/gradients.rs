//! `stapes gradients`, and training from given weights.

use crate::support::{Scratch, TONES};

#[test]
fn gradients_of_several_runs_are_printed_and_plotted() {
    let scratch = Scratch::new();
    for cell in ["rnn_tanh", "lstm"] {
        let set = format!("--set model.recurrent.cell={cell} --set train.epochs=1");
        scratch.run(&format!("quickstart --out runs/{cell} {set}")).succeeds();
    }
    let command = "gradients runs/rnn_tanh runs/lstm --fresh --out flow.svg --json --examples 10";
    let lines = scratch.run(command).succeeds().json();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        let flows = line["gradients"].as_array().unwrap();
        // One bidirectional layer.
        assert_eq!(flows.len(), 2, "{line}");
        for flow in flows {
            let norms: Vec<f64> =
                flow["norms"].as_array().unwrap().iter().map(|norm| norm.as_f64().unwrap()).collect();
            assert!(norms.iter().all(|norm| norm.is_finite() && *norm > 0.0), "{norms:?}");
            // The head reads the last state: the gradient is largest there and vanishes with the distance.
            assert!(norms[norms.len() - 1] < 0.1 * norms[0], "{norms:?}");
        }
    }
    let picture = std::fs::read_to_string(scratch.path("flow.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("runs/lstm, layer 1, backward"), "{picture}");
    let text = scratch.run("gradients runs/lstm").succeeds().stdout();
    assert!(text.contains("frames before the last state"), "{text}");
    scratch.run("gradients runs/none").fails(2, &["runs/none", "not a run folder"]);
}

#[test]
fn gradients_cover_all_frames_of_the_recurrent_layer() {
    let scratch = Scratch::new();
    scratch.tones();
    let model = TONES.replace(
        "[model.recurrent]\ncell = \"lstm\"\nhidden_size = 16\nhead = \"mean\"",
        "[model.crnn]\nhidden_size = 8",
    );
    scratch.write("crnn.toml", &model);
    scratch.run("train crnn.toml --data tones --out run --set train.max_steps=2").succeeds();
    let line = scratch.run("gradients run --json --examples 10").succeeds().last_json();
    // The tones have 11 to 21 frames, and the convolution has a stride of 2.
    let steps = line["gradients"][0]["norms"].as_array().unwrap().len();
    assert!((6..=11).contains(&steps), "{line}");
}

#[test]
fn training_starts_from_weights_and_names_tensors_that_do_not_match() {
    let scratch = Scratch::new();
    let trained = scratch.run("quickstart --out runs/a --json").succeeds().last_json();
    scratch.write("again.toml", std::fs::read(scratch.path("runs/a/recipe.toml")).unwrap());
    let weights = "--weights runs/a/model.safetensors";
    // The learning rate is too small to change a weight: the model is the loaded one.
    let tiny_step = "--set train.max_steps=1 --set train.learning_rate=1e-30 --set train.weight_decay=0.0";
    let again = scratch
        .run(&format!("train again.toml --out runs/b {weights} {tiny_step} --json"))
        .succeeds()
        .last_json();
    assert_eq!(again["test_accuracy"], trained["test_accuracy"]);
    let other = format!("train again.toml --out runs/c {weights} --set model.recurrent.hidden_size=8");
    scratch.run(&other).fails(2, &["of another shape", "rnn.weight_ih_l0", "runs/a/model.safetensors"]);
    let other = format!("train again.toml --out runs/c {weights} --set model.recurrent.num_layers=2");
    scratch.run(&other).fails(2, &["missing: rnn.weight_ih_l1"]);
    let names = scratch.names();
    assert!(!names.iter().any(|name| name.contains("runs/c")), "{names:?}");
}

#[test]
fn per_frame_head_is_rejected_for_recording_labels() {
    let scratch = Scratch::new();
    scratch.run("quickstart --set model.recurrent.head=per_frame").fails(2, &["one label per recording"]);
}

#[test]
fn unavailable_instruction_set_is_rejected() {
    let scratch = Scratch::new();
    scratch.run_with("STAPES_INSTRUCTIONS", "sse9", "quickstart").fails(2, &["sse9", "portable"]);
    scratch.run_with("STAPES_INSTRUCTIONS", "portable", "quickstart --set train.max_steps=2").succeeds();
}

#[test]
fn every_cell_and_bidirectional_mode_trains() {
    let scratch = Scratch::new();
    let base = "quickstart --set train.epochs=1 --set train.max_steps=2";
    for (index, (cell, mode, head)) in [
        ("rnn_tanh", None, "last"),
        ("rnn_relu", Some("interleaved"), "mean"),
        ("gru", Some("independent"), "max"),
        ("gru_reset_before", Some("shared"), "attention"),
        ("lstm", Some("interleaved"), "vote"),
    ]
    .into_iter()
    .enumerate()
    {
        // The recipe of the quickstart is bidirectional.
        let mode = match mode {
            None => "--set model.recurrent.bidirectional=false".into(),
            Some(mode) => format!("--set model.recurrent.bidirectional_mode={mode}"),
        };
        let set = format!("--set model.recurrent.cell={cell} {mode} --set model.recurrent.head={head}");
        scratch.run(&format!("{base} --out runs/{index} {set}")).succeeds();
        scratch.run(&format!("eval runs/{index}")).succeeds();
    }
}

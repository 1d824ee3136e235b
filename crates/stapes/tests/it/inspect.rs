//! `stapes inspect`.

use crate::support::{Scratch, wav};

#[test]
fn page_shows_a_recording_with_and_without_a_model() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run("inspect tones/recordings/3_ann_1.wav --out alone.html").succeeds();
    let page = std::fs::read_to_string(scratch.path("alone.html")).unwrap();
    for part in ["3_ann_1.wav", "8,000 Hz", "Waveform", "Mel spectrogram", "data:audio/wav;base64,"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("Scores"));
    scratch.run("train tones.toml --data tones --out run --set train.epochs=1").succeeds();
    scratch.run("inspect tones/recordings/3_ann_1.wav --model run --out scored.html").succeeds();
    let page = std::fs::read_to_string(scratch.path("scored.html")).unwrap();
    for part in ["Model input (features)", "probability", "needs the whole recording"] {
        assert!(page.contains(part), "{part}");
    }
    // A unidirectional model with the last state is streaming.
    scratch.run("train tones.toml --data tones --out causal --set train.epochs=1 --set model.recurrent.head=last --set features.preset=psf-mfcc --set features.sample_rate_hz=8000").succeeds();
    scratch.run("inspect tones/recordings/3_ann_1.wav --model causal --out stream.html").succeeds();
    let page = std::fs::read_to_string(scratch.path("stream.html")).unwrap();
    assert!(page.contains("Scores over time") && page.contains("parameters: streaming"));
}

#[test]
fn segment_of_a_long_recording_is_shown_and_named() {
    let scratch = Scratch::new();
    let samples: Vec<f32> =
        (0..80_000).map(|n| if n < 40_000 { 0.0 } else { 1.2 * (0.1 * n as f32).sin() }).collect();
    scratch.write("long.wav", wav(&samples, 8000));
    scratch.run("inspect long.wav --out page.html --start 4.5 --seconds 1").succeeds();
    let page = std::fs::read_to_string(scratch.path("page.html")).unwrap();
    assert!(page.contains("Shown: 4.500 s to 5.500 s"), "{page}");
    assert!(page.contains("the recording may be clipped"));
    scratch.run("inspect long.wav --out page.html --start 11").fails(2, &["has 10.000 s"]);
    scratch.run("inspect long.wav --out page.html --seconds 0").fails(2, &["change --start or --seconds"]);
    scratch.write("silent.wav", wav(&[0.0; 8000], 8000));
    scratch.run("inspect silent.wav --out silent.html").succeeds();
}

#[test]
fn errors_give_advice() {
    let scratch = Scratch::new();
    scratch.write("text.wav", "no sound");
    scratch.run("inspect text.wav --out page.html").fails(2, &["text.wav"]);
    scratch.run("inspect missing.wav --out page.html").fails(2, &["missing.wav"]);
    scratch.run("quickstart --out run --set train.epochs=1").succeeds();
    scratch.write("tone.wav", wav(&[0.1; 8000], 8000));
    scratch.run("inspect tone.wav --model run --out page.html").fails(2, &["reads frames, not recordings"]);
    scratch.run("inspect tone.wav --out no/such/folder/page.html").fails(2, &["no/such/folder"]);
}

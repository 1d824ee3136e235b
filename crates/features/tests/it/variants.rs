//! The toolkits' results under settings away from their defaults; the script `make.py` in each folder recorded
//! them.

use std::path::Path;

#[test]
fn every_setting_gives_what_librosa_gives() {
    check("librosa_variants", 80);
}

#[test]
fn every_setting_gives_what_python_speech_features_and_kaldi_give() {
    check("psf_kaldi_variants", 100);
}

#[test]
fn every_setting_gives_what_torchaudio_gives() {
    check("torchaudio_variants", 50);
}

/// Replays the cases of a folder, of which there are more than so many.
fn check(folder: &str, more_than: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let seen = crate::replay::Seen::default();
    let replays = crate::replay::list(&folder, |_| true).unwrap();
    assert!(replays.len() > more_than, "{} cases", replays.len());
    let failures: Vec<String> = replays
        .iter()
        .filter_map(|replay| replay.run(&seen).err().map(|reason| format!("{}: {reason}", replay.name())))
        .collect();
    crate::replay::report(&seen);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

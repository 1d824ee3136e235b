//! Recorded results of the toolkits with non-default settings; `make.py` in each folder recorded them.

use std::path::Path;

#[test]
fn non_default_settings_equal_librosa() {
    check("librosa_variants", 80);
}

#[test]
fn non_default_settings_equal_python_speech_features_and_kaldi() {
    check("psf_kaldi_variants", 100);
}

#[test]
fn non_default_settings_equal_torchaudio() {
    check("torchaudio_variants", 50);
}

/// Replays the cases of a folder, which must be more than `more_than`.
fn check(folder: &str, more_than: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let differences = crate::replay::Differences::default();
    let replays = crate::replay::list(&folder, |_| true).unwrap();
    assert!(replays.len() > more_than, "{} cases", replays.len());
    let failures: Vec<String> = replays
        .iter()
        .filter_map(|replay| {
            replay.run(&differences).err().map(|reason| format!("{}: {reason}", replay.name()))
        })
        .collect();
    crate::replay::report(&differences);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

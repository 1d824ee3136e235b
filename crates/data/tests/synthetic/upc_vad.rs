//! UPC voice activity.

use std::fs;
use std::path::Path;

use stapes_audio::Clip;
use stapes_data::{Counts, DataConfig, DataSet, Label, Progress, Split, UpcVadConfig, fingerprint, load};
use stapes_features::Features;
use tempfile::TempDir;

use crate::folders::write_wav;
use crate::rules;

/// Half a second of silence and half of voice, at 8 kHz.
const LABELS: &str = "0.0 0.5 S\n0.5 1.0 V\n";

/// Recordings of two terms: `a/pav_0.wav` to `a/pav_6.wav` and as many in `b`.
fn voices() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for term in ["a", "b"] {
        for number in 0..7 {
            let file = folder.path().join(format!("{term}/pav_{number}.wav"));
            write_wav(&file, &[number; 8000]);
            fs::write(file.with_extension("lab"), LABELS).unwrap();
        }
    }
    folder
}

fn config(folds: usize, fold: usize) -> UpcVadConfig {
    UpcVadConfig { folds, fold, validation_fraction: 0.2 }
}

fn open(folder: &Path) -> Result<DataSet, String> {
    DataConfig::UpcVad(config(5, 0)).open(Some(folder)).map_err(|error| error.to_string())
}

fn split(config: UpcVadConfig, dataset: &DataSet, seed: u64) -> Result<Split, String> {
    let split = DataConfig::UpcVad(config).split(dataset, seed).map_err(|error| error.to_string())?;
    rules::check(dataset, &split).unwrap();
    Ok(split)
}

#[test]
fn each_recording_has_the_segments_of_its_label_file() {
    let folder = voices();
    fs::write(folder.path().join("b/pav_3.lab"), "\n0.0 1.02 V\n").unwrap();
    fs::write(folder.path().join("b/pav_9.lab"), LABELS).unwrap();
    let dataset = open(folder.path()).unwrap();
    assert_eq!((dataset.examples.len(), dataset.missing), (14, 1));
    assert_eq!(dataset.classes, ["silence", "voice"]);
    assert_eq!(dataset.examples[1].id, "a/pav_1.wav");
    let Label::Segments(segments) = &dataset.examples[1].label else { panic!() };
    assert_eq!([0.0, 0.49, 0.5, 0.99, 1.2].map(|seconds| segments.class_at(seconds)), [0, 0, 1, 1, 1]);
    assert_eq!(dataset.examples[10].label.classes(), [1]);
    let parts = split(config(2, 0), &dataset, 1).unwrap();
    let counts = Counts::new(&dataset, &parts);
    let (all, silent) = (counts.total, counts.classes[0].examples);
    assert_eq!((all.train + all.validation, all.test), (7, 7));
    // One recording of the test fold is all voice.
    assert_eq!((silent.train + silent.validation, silent.test), (7, 6));
}

#[test]
fn every_recording_is_tested_in_one_fold_for_every_seed() {
    let folder = voices();
    let dataset = open(folder.path()).unwrap();
    let mut tested = Vec::new();
    for fold in 0..5 {
        let parts = split(config(5, fold), &dataset, 1).unwrap();
        assert_eq!(parts.validation.len(), 2);
        let other = split(config(5, fold), &dataset, 2).unwrap();
        assert_eq!(other.test, parts.test);
        tested.extend(parts.test);
    }
    tested.sort_unstable();
    assert_eq!(tested, (0..14).collect::<Vec<_>>());
    let sampled = |seed| split(config(5, 0), &dataset, seed).unwrap().validation;
    assert!((2..20).any(|seed| sampled(seed) != sampled(1)));
    let none = UpcVadConfig { validation_fraction: 0.0, ..config(5, 0) };
    assert!(split(none, &dataset, 1).unwrap().validation.is_empty());
}

#[test]
fn nonexistent_folds_are_rejected() {
    let folder = voices();
    let dataset = open(folder.path()).unwrap();
    for (config, part) in [
        (config(1, 0), "upc-vad.folds = 1: must be at least 2"),
        (config(5, 5), "upc-vad.fold = 5: must be from 0 to 4"),
        (config(15, 0), "upc-vad.folds = 15: must be at most 14"),
        (UpcVadConfig { validation_fraction: 1.0, ..config(5, 0) }, "upc-vad.validation_fraction = 1"),
        // One recording per fold: the two others leave none for validation.
        (
            UpcVadConfig { validation_fraction: 0.01, ..config(14, 0) },
            "no validation examples; increase data.upc-vad.validation_fraction",
        ),
    ] {
        let error = split(config, &dataset, 1).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn an_incomplete_label_file_is_named_with_its_line() {
    for (text, parts) in [
        ("0.0 0.5 S\n0.4 1.0 V\n", &[":2: ", "overlaps"][..]),
        ("0.0 0.5 S\n0.6 1.0 V\n", &[":2: ", "gap"]),
        ("-0.1 1.0 S\n", &[":1: ", "negative"]),
        ("0.0 0.5 S\n\n0.5 0.2 V\n", &[":3: ", "before its start"]),
        ("0.0 0.5 S\n0.5 1.0 X\n", &[":2: ", "`X` is not a class"]),
        ("0.0 0.5 s\n", &[":1: ", "`s` is not a class"]),
        ("0.0 half S\n", &[":1: ", "`half` is not a number"]),
        ("0.0 0.5\n", &[":1: ", "`0.0 0.5` is not"]),
        ("0.0 nan S\n", &[":1: ", "finite"]),
        ("", &[":1: ", "no labels"]),
    ] {
        let folder = voices();
        fs::write(folder.path().join("a/pav_2.lab"), text).unwrap();
        let error = open(folder.path()).unwrap_err();
        assert!(error.contains("pav_2.lab"), "{error}");
        assert!(parts.iter().all(|part| error.contains(part)), "{text:?}: {error}");
    }
    let folder = voices();
    fs::remove_file(folder.path().join("b/pav_0.lab")).unwrap();
    assert!(open(folder.path()).unwrap_err().contains("pav_0.lab: cannot be read"));
    let empty = tempfile::tempdir().unwrap();
    assert!(open(empty.path()).unwrap_err().contains("is not upc-vad"));
}

#[test]
fn a_folder_without_labels_is_another_data_set() {
    let other = tempfile::tempdir().unwrap();
    write_wav(&other.path().join("recordings/0_ann_1.wav"), &[1; 800]);
    let error = open(other.path()).unwrap_err();
    assert!(error.contains("is not upc-vad: expected") && error.contains("recordings/"), "{error}");
}

#[test]
fn a_byte_order_mark_before_the_labels_is_ignored() {
    let folder = voices();
    fs::write(folder.path().join("a/pav_2.lab"), format!("\u{feff}{LABELS}")).unwrap();
    assert_eq!(open(folder.path()).unwrap().examples[2].label.classes(), [0, 1]);
}

#[test]
fn labels_must_match_the_length_of_the_audio_when_it_is_read() {
    let folder = voices();
    fs::write(folder.path().join("a/pav_1.lab"), "0.0 0.6 V\n").unwrap();
    fs::write(folder.path().join("a/pav_2.lab"), "0.0 1.4 V\n").unwrap();
    fs::write(folder.path().join("a/pav_3.lab"), "0.0 0.8 V\n").unwrap();
    let dataset = open(folder.path()).unwrap();
    let outline =
        || |clip: &Clip| -> Result<Features, String> { Ok(Features::new(1, vec![clip.samples[0]])) };
    let all: Vec<usize> = (0..14).collect();
    let error = load(&dataset, &all, outline, &Progress::default()).unwrap_err().to_string();
    assert!(error.starts_with("2 of 14 files"), "{error}");
    for part in ["pav_1.wav: its labels are shorter", "pav_1.lab:1", "pav_2.wav: its labels are longer"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_fingerprint_depends_on_label_times() {
    let folder = voices();
    let print = || {
        let dataset = open(folder.path()).unwrap();
        fingerprint(&dataset, &split(config(5, 0), &dataset, 1).unwrap())
    };
    let before = print();
    assert_eq!(before, print());
    fs::write(folder.path().join("a/pav_2.lab"), "0.0 0.6 S\n0.6 1.0 V\n").unwrap();
    assert_ne!(before, print());
}

#[test]
fn folds_are_the_split_with_every_number() {
    let folder = voices();
    let dataset = open(folder.path()).unwrap();
    let folds = DataConfig::UpcVad(config(3, 2)).folds(&dataset).unwrap();
    let names: Vec<&str> = folds.iter().map(|fold| fold.name.as_str()).collect();
    assert_eq!(names, ["fold-0", "fold-1", "fold-2"]);
    assert!((0..3).all(|fold| folds[fold].data == DataConfig::UpcVad(config(3, fold))));
    // More than fits into memory.
    let error = DataConfig::UpcVad(config(9_000_000_000_000, 0)).folds(&dataset).unwrap_err().to_string();
    assert_eq!(error, "data.upc-vad.folds = 9000000000000: must be at most 14, the number of recordings");
}

//! Free Spoken Digit Dataset.

use std::fs;
use std::path::Path;

use stapes_data::{
    Counts, DataConfig, DataError, DataSet, Example, FsddConfig, FsddSplit, Split, fingerprint,
};

use crate::folders::{digits, write_wav};
use crate::rules;

const SPEAKERS: [&str; 3] = ["anna", "bo", "carl"];

fn predefined() -> FsddConfig {
    FsddConfig::default()
}

fn random() -> FsddConfig {
    FsddConfig { split: FsddSplit::Random, ..FsddConfig::default() }
}

fn without(speaker: &str) -> FsddConfig {
    FsddConfig {
        split: FsddSplit::LeaveSpeakerOut,
        speaker: Some(speaker.to_owned()),
        ..FsddConfig::default()
    }
}

fn open(folder: &Path) -> Result<DataSet, DataError> {
    DataConfig::Fsdd(predefined()).open(Some(folder))
}

fn split(config: FsddConfig, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
    let split = DataConfig::Fsdd(config).split(dataset, seed)?;
    rules::check(dataset, &split).unwrap();
    Ok(split)
}

fn message<T>(result: Result<T, DataError>) -> String {
    result.err().expect("this must be rejected").to_string()
}

#[test]
fn the_root_and_the_folder_of_recordings_are_the_same_data_set() {
    let folder = digits(&SPEAKERS, 7);
    let root = open(folder.path()).unwrap();
    let inside = open(&folder.path().join("recordings")).unwrap();
    assert_eq!(root, inside);
    assert_eq!(root.examples.len(), 210);
    assert_eq!(root.classes[9], "9");
    assert_eq!(root.groups(), SPEAKERS);
    assert_eq!(root.examples[0].id, "0_anna_0.wav");
    let config = DataConfig::Fsdd(predefined());
    assert_eq!(config.class_names(), Some(root.classes));
    assert_eq!(config.frame_width(), None);
}

#[test]
fn the_predefined_split_tests_on_the_first_five_recordings() {
    let folder = digits(&SPEAKERS, 25);
    let dataset = open(folder.path()).unwrap();
    let split = split(predefined(), &dataset, 1).unwrap();
    let index = |example: &Example| {
        example.id.trim_end_matches(".wav").rsplit('_').next().unwrap().parse::<usize>().unwrap()
    };
    assert!(split.test.iter().all(|&i| index(&dataset.examples[i]) < 5));
    assert!(split.train.iter().chain(&split.validation).all(|&i| index(&dataset.examples[i]) >= 5));
    let counts = Counts::new(&dataset, &split);
    for class in &counts.classes {
        let examples = class.examples;
        assert_eq!((examples.train, examples.validation, examples.test), (54, 6, 15), "{}", class.class);
    }
    assert_eq!(counts.groups.len(), 3);
    assert_eq!(counts.groups.iter().map(|group| group.examples.validation).sum::<usize>(), 60);
}

#[test]
fn a_random_split_depends_on_the_seed_and_the_test_not_on_validation() {
    let folder = digits(&SPEAKERS, 12);
    let dataset = open(folder.path()).unwrap();
    let first = split(random(), &dataset, 1).unwrap();
    assert_eq!((first.test.len(), first.validation.len()), (120, 20));
    assert_eq!(first, split(random(), &dataset, 1).unwrap());
    assert_ne!(first.test, split(random(), &dataset, 2).unwrap().test);
    let more = FsddConfig { validation_fraction: Some(0.5), ..random() };
    let more = split(more, &dataset, 1).unwrap();
    assert_eq!(more.test, first.test);
    assert_eq!(more.validation.len(), 120);
    let half = FsddConfig { test_fraction: Some(0.5), ..random() };
    assert_eq!(split(half, &dataset, 1).unwrap().test.len(), 180);
}

#[test]
fn a_test_speaker_is_only_in_the_test_subset() {
    let folder = digits(&SPEAKERS, 6);
    let dataset = open(folder.path()).unwrap();
    let speaker = |&index: &usize| dataset.examples[index].group.as_deref().unwrap();
    for skipped in SPEAKERS {
        let split = split(without(skipped), &dataset, 1).unwrap();
        assert_eq!(split.test.len(), 60);
        assert!(split.test.iter().all(|index| speaker(index) == skipped));
        assert!(split.train.iter().chain(&split.validation).all(|index| speaker(index) != skipped));
        assert_eq!(split.validation.len(), 10);
    }
    let both = FsddConfig { validation_speaker: Some("carl".to_owned()), ..without("bo") };
    let both = split(both, &dataset, 1).unwrap();
    assert_eq!((both.train.len(), both.validation.len(), both.test.len()), (60, 60, 60));
    assert!(both.train.iter().all(|index| speaker(index) == "anna"));
    assert!(both.validation.iter().all(|index| speaker(index) == "carl"));
    for (tested, next) in [("anna", "bo"), ("bo", "carl"), ("carl", "anna")] {
        let config = FsddConfig { validation_speaker: Some("next".to_owned()), ..without(tested) };
        let split = split(config, &dataset, 1).unwrap();
        assert!(split.validation.len() == 60 && split.validation.iter().all(|index| speaker(index) == next));
        assert!(split.test.iter().all(|index| speaker(index) == tested));
    }
}

#[test]
fn validation_may_be_empty() {
    let folder = digits(&SPEAKERS, 6);
    let dataset = open(folder.path()).unwrap();
    for config in [predefined(), random(), without("anna")] {
        let none = FsddConfig { validation_fraction: Some(0.0), ..config };
        assert!(split(none, &dataset, 1).unwrap().validation.is_empty());
    }
}

#[test]
fn contradictory_keys_and_values_out_of_range_are_rejected() {
    let cases = [
        (
            FsddConfig { split: FsddSplit::LeaveSpeakerOut, ..predefined() },
            "data.fsdd.split = leave-speaker-out: requires data.fsdd.speaker",
        ),
        (
            FsddConfig { speaker: Some("bo".to_owned()), ..predefined() },
            "data.fsdd.speaker = bo: is only valid with data.fsdd.split = \"leave-speaker-out\"",
        ),
        (
            FsddConfig { validation_speaker: Some("bo".to_owned()), ..random() },
            "data.fsdd.validation_speaker = bo: is only valid with data.fsdd.split = \"leave-speaker-out\"",
        ),
        (
            FsddConfig { validation_speaker: Some("bo".to_owned()), ..without("bo") },
            "data.fsdd.validation_speaker = bo: must not be the test speaker data.fsdd.speaker",
        ),
        (
            FsddConfig {
                validation_speaker: Some("bo".to_owned()),
                validation_fraction: Some(0.1),
                ..without("anna")
            },
            "data.fsdd.validation_fraction = 0.1: is invalid with data.fsdd.validation_speaker",
        ),
        (
            FsddConfig { test_fraction: Some(0.5), ..predefined() },
            "data.fsdd.test_fraction = 0.5: is only valid with data.fsdd.split = \"random\"",
        ),
        (
            FsddConfig { test_fraction: Some(1.0), ..random() },
            "data.fsdd.test_fraction = 1: must be greater than 0",
        ),
        (
            FsddConfig { test_fraction: Some(0.0), ..random() },
            "data.fsdd.test_fraction = 0: must be greater than 0",
        ),
        (FsddConfig { test_fraction: Some(f64::NAN), ..random() }, "data.fsdd.test_fraction = NaN: must be"),
        (
            FsddConfig { validation_fraction: Some(1.0), ..random() },
            "data.fsdd.validation_fraction = 1: must be at least 0",
        ),
        (
            FsddConfig { validation_fraction: Some(-0.1), ..random() },
            "data.fsdd.validation_fraction = -0.1: must be",
        ),
        (
            FsddConfig { validation_fraction: Some(f64::NAN), ..random() },
            "data.fsdd.validation_fraction = NaN: must be",
        ),
    ];
    let folder = digits(&SPEAKERS, 6);
    let dataset = open(folder.path()).unwrap();
    for (config, expected) in cases {
        let config = DataConfig::Fsdd(config);
        for found in [
            message(config.check()),
            message(config.open(Some(folder.path()))),
            message(config.split(&dataset, 1)),
        ] {
            assert!(found.starts_with(expected), "{found}\nexpected {expected}");
        }
    }
}

#[test]
fn an_unknown_speaker_is_rejected_with_the_known_ones() {
    let folder = digits(&SPEAKERS, 6);
    let dataset = open(folder.path()).unwrap();
    let found = message(split(without("theo"), &dataset, 1));
    assert_eq!(found, "data.fsdd.speaker = theo: must be a speaker of the data: anna, bo, carl");
    let config = FsddConfig { validation_speaker: Some("theo".to_owned()), ..without("bo") };
    assert!(message(split(config, &dataset, 1)).starts_with("data.fsdd.validation_speaker = theo: must be"));
}

#[test]
fn a_folder_must_be_given_and_exist() {
    let found = message(DataConfig::Fsdd(predefined()).open(None));
    let expected = "fsdd consists of files; set their folder with --data DIR; expected: recordings/{digit}_{speaker}_{index}.wav, ";
    assert!(found.starts_with(expected), "{found}");
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = open(&missing).unwrap_err();
    assert!(matches!(error, DataError::MissingFolder { .. }), "{error}");
    assert!(
        error.to_string().starts_with(&format!("{}: this folder does not exist", missing.display())),
        "{error}"
    );
    fs::write(&missing, "").unwrap();
    let error = open(&missing).unwrap_err();
    assert!(matches!(&error, DataError::NotThisSet { found, .. } if found == "a file"), "{error}");
}

#[test]
fn another_folder_is_rejected_with_its_content() {
    let folder = tempfile::tempdir().unwrap();
    assert!(message(open(folder.path())).contains("found nothing"));
    write_wav(&folder.path().join("bed/0_nohash_0.wav"), &[1]);
    fs::write(folder.path().join("notes.txt"), "").unwrap();
    write_wav(&folder.path().join("take1.wav"), &[1]);
    let found = message(open(folder.path()));
    let expected = format!(
        "{} is not fsdd: expected recordings/{{digit}}_{{speaker}}_{{index}}.wav, ",
        folder.path().display()
    );
    assert!(found.starts_with(&expected), "{found}");
    assert!(found.contains(", found bed/, notes.txt, take1.wav;"), "{found}");
}

#[test]
fn a_recording_with_another_name_is_reported_and_other_files_are_ignored() {
    let folder = digits(&SPEAKERS, 6);
    let recordings = folder.path().join("recordings");
    for name in ["README.md", "0_anna_1.txt", "._0_anna_0.wav"] {
        fs::write(recordings.join(name), "").unwrap();
    }
    assert_eq!(open(folder.path()).unwrap().examples.len(), 180);
    let stray = recordings.join("ten_anna_0.wav");
    write_wav(&stray, &[1]);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, DataError::FileName { paths, .. } if *paths == [stray]), "{error}");
    write_wav(&recordings.join("a.wav"), &[1]);
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("2 file names are not {digit}_{speaker}_{index}.wav"), "{error}");
    assert!(error.contains("(a.wav, ten_anna_0.wav)"), "{error}");
}

#[test]
fn a_digit_without_recordings_is_named() {
    let folder = digits(&["anna"], 6);
    for index in 0..6 {
        fs::remove_file(folder.path().join(format!("recordings/4_anna_{index}.wav"))).unwrap();
    }
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, DataError::EmptyClass { class, .. } if class == "4"), "{error}");
}

#[test]
fn a_class_missing_in_a_subset_is_named() {
    let folder = digits(&["anna"], 6);
    let dataset = open(folder.path()).unwrap();
    // One recording of a digit remains for training, and a tenth of it is none.
    let found = message(split(predefined(), &dataset, 1));
    assert_eq!(
        found,
        "fsdd: class `0` has no validation examples; increase data.fsdd.validation_fraction, or set it to 0 for no validation"
    );
    let found = message(split(without("anna"), &dataset, 1));
    assert!(
        found.starts_with("fsdd: class `0` has no train examples; choose another data.fsdd.speaker"),
        "{found}"
    );
    let short = digits(&["anna"], 5);
    let found = message(split(predefined(), &open(short.path()).unwrap(), 1));
    assert!(
        found
            .starts_with("fsdd: class `0` has no train examples; the predefined split tests on index 0 to 4")
    );
}

#[test]
fn the_fingerprint_depends_on_ids_sizes_and_split_but_not_on_the_folder() {
    let (one, other) = (digits(&SPEAKERS, 9), digits(&SPEAKERS, 9));
    let config = DataConfig::Fsdd(predefined());
    let of = |folder: &Path, seed: u64| {
        let dataset = config.open(Some(folder)).unwrap();
        fingerprint(&dataset, &config.split(&dataset, seed).unwrap())
    };
    let first = of(one.path(), 1);
    assert_eq!(first, of(other.path(), 1));
    assert_ne!(first, of(other.path(), 2));
    write_wav(&other.path().join("recordings/3_bo_2.wav"), &[1]);
    assert_ne!(first, of(other.path(), 1));
    let dataset = config.open(Some(one.path())).unwrap();
    fs::remove_file(one.path().join("recordings/3_bo_2.wav")).unwrap();
    let gone = fingerprint(&dataset, &config.split(&dataset, 1).unwrap());
    assert_ne!(first, gone);
}

#[test]
fn another_data_set_is_not_split() {
    let folder = digits(&SPEAKERS, 6);
    let mut dataset = open(folder.path()).unwrap();
    dataset.name = "other".to_owned();
    let error = split(predefined(), &dataset, 1).unwrap_err();
    assert!(matches!(error, DataError::OtherSet { expected: "fsdd", .. }), "{error}");
}

#[test]
fn folds_test_every_speaker_and_keep_the_other_keys() {
    let folder = digits(&SPEAKERS, 3);
    let dataset = open(folder.path()).unwrap();
    let config = FsddConfig { validation_fraction: Some(0.3), ..without("bo") };
    let folds = DataConfig::Fsdd(config.clone()).folds(&dataset).unwrap();
    assert_eq!(folds.len(), 3);
    for (fold, speaker) in folds.iter().zip(SPEAKERS) {
        assert_eq!(fold.name, speaker);
        let expected = FsddConfig { speaker: Some(speaker.to_owned()), ..config.clone() };
        assert_eq!(fold.data, DataConfig::Fsdd(expected));
    }
    let listener = FsddConfig { validation_speaker: Some("carl".to_owned()), ..without("bo") };
    let error = message(DataConfig::Fsdd(listener).folds(&dataset));
    assert!(error.starts_with("data.fsdd.validation_speaker = carl: is invalid with folds"), "{error}");
    let listener = FsddConfig { validation_speaker: Some("next".to_owned()), ..without("bo") };
    assert_eq!(DataConfig::Fsdd(listener).folds(&dataset).unwrap().len(), 3);
    let error = message(DataConfig::Fsdd(predefined()).folds(&dataset));
    assert!(error.starts_with("data.fsdd has no folds; set data.fsdd.split"), "{error}");
}

//! Free Spoken Digit Dataset.

use std::fs;
use std::path::Path;

use stapes_data::{
    Counts, DataConfig, DataError, DataSet, Example, FsddConfig, FsddSplit, Split, fingerprint,
};

use crate::folders::{digits, write_wav};
use crate::rules;

const SPEAKERS: [&str; 3] = ["anna", "bo", "carl"];

fn official() -> FsddConfig {
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
    DataConfig::Fsdd(official()).open(Some(folder))
}

fn split(config: FsddConfig, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
    let split = DataConfig::Fsdd(config).split(dataset, seed)?;
    rules::check(dataset, &split).unwrap();
    Ok(split)
}

fn message<T>(result: Result<T, DataError>) -> String {
    result.err().expect("this must be refused").to_string()
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
    let config = DataConfig::Fsdd(official());
    assert_eq!(config.class_names(), Some(root.classes));
    assert_eq!(config.frame_width(), None);
}

#[test]
fn the_official_split_tests_on_the_first_five_and_validates_on_a_share_of_the_others() {
    let folder = digits(&SPEAKERS, 25);
    let dataset = open(folder.path()).unwrap();
    let split = split(official(), &dataset, 1).unwrap();
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
fn a_random_split_depends_on_the_seed_and_validation_does_not_move_the_test() {
    let folder = digits(&SPEAKERS, 12);
    let dataset = open(folder.path()).unwrap();
    let first = split(random(), &dataset, 1).unwrap();
    assert_eq!((first.test.len(), first.validation.len()), (120, 20));
    assert_eq!(first, split(random(), &dataset, 1).unwrap());
    assert_ne!(first.test, split(random(), &dataset, 2).unwrap().test);
    let more = FsddConfig { validation_share: Some(0.5), ..random() };
    let more = split(more, &dataset, 1).unwrap();
    assert_eq!(more.test, first.test);
    assert_eq!(more.validation.len(), 120);
    let half = FsddConfig { test_share: Some(0.5), ..random() };
    assert_eq!(split(half, &dataset, 1).unwrap().test.len(), 180);
}

#[test]
fn a_speaker_left_out_is_heard_in_the_test_only() {
    let folder = digits(&SPEAKERS, 6);
    let dataset = open(folder.path()).unwrap();
    let speaker = |&index: &usize| dataset.examples[index].group.as_deref().unwrap();
    for left_out in SPEAKERS {
        let split = split(without(left_out), &dataset, 1).unwrap();
        assert_eq!(split.test.len(), 60);
        assert!(split.test.iter().all(|index| speaker(index) == left_out));
        assert!(split.train.iter().chain(&split.validation).all(|index| speaker(index) != left_out));
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
fn validation_may_be_empty_when_asked() {
    let folder = digits(&SPEAKERS, 6);
    let dataset = open(folder.path()).unwrap();
    for config in [official(), random(), without("anna")] {
        let none = FsddConfig { validation_share: Some(0.0), ..config };
        assert!(split(none, &dataset, 1).unwrap().validation.is_empty());
    }
}

#[test]
fn keys_that_contradict_each_other_or_are_out_of_range_are_refused() {
    let cases = [
        (
            FsddConfig { split: FsddSplit::LeaveSpeakerOut, ..official() },
            "fsdd.split = leave-speaker-out: needs fsdd.speaker",
        ),
        (
            FsddConfig { speaker: Some("bo".to_owned()), ..official() },
            "fsdd.speaker = bo: goes with split = \"leave-speaker-out\" only",
        ),
        (
            FsddConfig { validation_speaker: Some("bo".to_owned()), ..random() },
            "fsdd.validation_speaker = bo: goes with split = \"leave-speaker-out\" only",
        ),
        (
            FsddConfig { validation_speaker: Some("bo".to_owned()), ..without("bo") },
            "fsdd.validation_speaker = bo: must not be fsdd.speaker",
        ),
        (
            FsddConfig {
                validation_speaker: Some("bo".to_owned()),
                validation_share: Some(0.1),
                ..without("anna")
            },
            "fsdd.validation_share = 0.1: does not go with fsdd.validation_speaker",
        ),
        (
            FsddConfig { test_share: Some(0.5), ..official() },
            "fsdd.test_share = 0.5: goes with split = \"random\" only",
        ),
        (FsddConfig { test_share: Some(1.0), ..random() }, "fsdd.test_share = 1: must be greater than 0"),
        (FsddConfig { test_share: Some(0.0), ..random() }, "fsdd.test_share = 0: must be greater than 0"),
        (FsddConfig { test_share: Some(f64::NAN), ..random() }, "fsdd.test_share = NaN: must be"),
        (
            FsddConfig { validation_share: Some(1.0), ..random() },
            "fsdd.validation_share = 1: must be at least 0",
        ),
        (FsddConfig { validation_share: Some(-0.1), ..random() }, "fsdd.validation_share = -0.1: must be"),
        (FsddConfig { validation_share: Some(f64::NAN), ..random() }, "fsdd.validation_share = NaN: must be"),
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
fn a_speaker_that_is_not_there_is_refused_with_those_who_are() {
    let folder = digits(&SPEAKERS, 6);
    let dataset = open(folder.path()).unwrap();
    let found = message(split(without("theo"), &dataset, 1));
    assert_eq!(found, "fsdd.speaker = theo: must be a speaker of the data: anna, bo, carl");
    let config = FsddConfig { validation_speaker: Some("theo".to_owned()), ..without("bo") };
    assert!(message(split(config, &dataset, 1)).starts_with("fsdd.validation_speaker = theo: must be"));
}

#[test]
fn a_folder_must_be_given_and_exist() {
    let found = message(DataConfig::Fsdd(official()).open(None));
    assert_eq!(
        found,
        "fsdd needs its files: give their folder with --data DIR; expected is recordings/{digit}_{speaker}_{index}.wav"
    );
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");
    let error = open(&absent).unwrap_err();
    assert!(matches!(error, DataError::MissingFolder { .. }), "{error}");
    assert!(
        error.to_string().starts_with(&format!("{}: there is no such folder", absent.display())),
        "{error}"
    );
    fs::write(&absent, "").unwrap();
    let error = open(&absent).unwrap_err();
    assert!(matches!(&error, DataError::NotThisSet { found, .. } if found == "a file"), "{error}");
}

#[test]
fn another_folder_is_refused_with_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    assert!(message(open(folder.path())).contains("found nothing"));
    write_wav(&folder.path().join("bed/0_nohash_0.wav"), &[1]);
    fs::write(folder.path().join("notes.txt"), "").unwrap();
    write_wav(&folder.path().join("take1.wav"), &[1]);
    let found = message(open(folder.path()));
    let expected = format!(
        "{} is not fsdd: looked for recordings/{{digit}}_{{speaker}}_{{index}}.wav, found bed/, notes.txt, take1.wav;",
        folder.path().display()
    );
    assert!(found.starts_with(&expected), "{found}");
}

#[test]
fn a_recording_called_otherwise_is_named_and_other_files_are_left_alone() {
    let folder = digits(&SPEAKERS, 6);
    let recordings = folder.path().join("recordings");
    for name in ["README.md", "0_anna_1.txt", "._0_anna_0.wav"] {
        fs::write(recordings.join(name), "").unwrap();
    }
    assert_eq!(open(folder.path()).unwrap().examples.len(), 180);
    let stray = recordings.join("ten_anna_0.wav");
    write_wav(&stray, &[1]);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, DataError::FileName { path, .. } if *path == stray), "{error}");
}

#[test]
fn a_digit_that_nobody_says_is_named() {
    let folder = digits(&["anna"], 6);
    for index in 0..6 {
        fs::remove_file(folder.path().join(format!("recordings/4_anna_{index}.wav"))).unwrap();
    }
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, DataError::EmptyClass { class, .. } if class == "4"), "{error}");
}

#[test]
fn a_class_that_a_part_lacks_is_named_with_the_part() {
    let folder = digits(&["anna"], 6);
    let dataset = open(folder.path()).unwrap();
    // One recording of a digit is left for training, and a tenth of one is none.
    let found = message(split(official(), &dataset, 1));
    assert_eq!(
        found,
        "fsdd: class `0` has no example for validation: raise fsdd.validation_share, or set it to 0 to go without validation"
    );
    let found = message(split(without("anna"), &dataset, 1));
    assert!(
        found.starts_with("fsdd: class `0` has no example for train: leave another fsdd.speaker out"),
        "{found}"
    );
    let short = digits(&["anna"], 5);
    let found = message(split(official(), &open(short.path()).unwrap(), 1));
    assert!(
        found.starts_with(
            "fsdd: class `0` has no example for train: the official split tests on index 0 to 4"
        )
    );
}

#[test]
fn a_fingerprint_knows_ids_sizes_and_split_but_not_the_folder() {
    let (one, other) = (digits(&SPEAKERS, 9), digits(&SPEAKERS, 9));
    let config = DataConfig::Fsdd(official());
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
    let error = split(official(), &dataset, 1).unwrap_err();
    assert!(matches!(error, DataError::OtherSet { expected: "fsdd", .. }), "{error}");
}

#[test]
fn folds_leave_out_every_speaker_and_keep_the_other_keys() {
    let folder = digits(&SPEAKERS, 3);
    let dataset = open(folder.path()).unwrap();
    let config = FsddConfig { validation_share: Some(0.3), ..without("bo") };
    let folds = DataConfig::Fsdd(config.clone()).folds(&dataset).unwrap();
    assert_eq!(folds.len(), 3);
    for (fold, speaker) in folds.iter().zip(SPEAKERS) {
        assert_eq!(fold.name, speaker);
        let expected = FsddConfig { speaker: Some(speaker.to_owned()), ..config.clone() };
        assert_eq!(fold.data, DataConfig::Fsdd(expected));
    }
    let listener = FsddConfig { validation_speaker: Some("carl".to_owned()), ..without("bo") };
    let error = message(DataConfig::Fsdd(listener).folds(&dataset));
    assert!(error.starts_with("fsdd.validation_speaker = carl: does not go with folds"), "{error}");
    let listener = FsddConfig { validation_speaker: Some("next".to_owned()), ..without("bo") };
    assert_eq!(DataConfig::Fsdd(listener).folds(&dataset).unwrap().len(), 3);
    let error = message(DataConfig::Fsdd(official()).folds(&dataset));
    assert!(error.starts_with("data.fsdd has no folds: set split"), "{error}");
}

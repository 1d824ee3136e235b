//! UCI Japanese Vowels, embedded and from text files.

use std::fs;

use stapes_data::{Counts, DataConfig, DataError, DataSet, JapaneseVowelsConfig, Source, fingerprint};

use crate::rules;

fn config(validation_fraction: f64) -> DataConfig {
    DataConfig::JapaneseVowels(JapaneseVowelsConfig { validation_fraction })
}

fn embedded() -> DataSet {
    config(0.1).open(None).unwrap()
}

#[test]
fn the_embedded_set_has_the_published_counts_and_lengths() {
    let dataset = embedded();
    let split = config(0.0).split(&dataset, 1).unwrap();
    rules::check(&dataset, &split).unwrap();
    let counts = Counts::new(&dataset, &split);
    let train: Vec<usize> = counts.classes.iter().map(|class| class.examples.train).collect();
    let test: Vec<usize> = counts.classes.iter().map(|class| class.examples.test).collect();
    assert_eq!(train, [30; 9]);
    assert_eq!(test, [31, 35, 88, 44, 29, 24, 40, 50, 29]);
    let lengths: Vec<usize> = dataset
        .examples
        .iter()
        .map(|example| match &example.source {
            Source::Frames(frames) => {
                assert_eq!(Some(frames.width()), config(0.1).frame_width());
                frames.frames()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((lengths.iter().min(), lengths.iter().max()), (Some(&7), Some(&29)));
    assert_eq!(lengths.iter().sum::<usize>(), 9961);
    assert_eq!(dataset.examples[271].id, "test/1");
    assert_eq!(dataset.classes[8], "speaker 9");
}

#[test]
fn validation_is_a_fraction_of_each_speakers_training_by_seed() {
    let dataset = embedded();
    let split = config(0.2).split(&dataset, 7).unwrap();
    rules::check(&dataset, &split).unwrap();
    let counts = Counts::new(&dataset, &split);
    assert!(counts.classes.iter().all(|class| class.examples.validation == 6 && class.examples.train == 24));
    assert!(split.test.iter().eq((270..640).collect::<Vec<_>>().iter()));
    assert_eq!(split, config(0.2).split(&dataset, 7).unwrap());
    assert_ne!(split.validation, config(0.2).split(&dataset, 8).unwrap().validation);
}

#[test]
fn data_and_split_never_change() {
    let dataset = embedded();
    let split = config(0.1).split(&dataset, 1).unwrap();
    assert_eq!(split.validation[..6], [0, 3, 16, 38, 43, 46]);
    assert_eq!(fingerprint(&dataset, &split), "d94288c7cff0e58f");
}

#[test]
fn a_fraction_out_of_range_is_rejected() {
    for fraction in [1.0, -0.1, f64::INFINITY] {
        let found = config(fraction).check().unwrap_err().to_string();
        let expected = format!("data.japanese-vowels.validation_fraction = {fraction}: must be at least 0");
        assert!(found.starts_with(&expected), "{found}");
    }
    let error = config(0.01).split(&embedded(), 1).unwrap_err().to_string();
    assert!(
        error.starts_with("japanese-vowels: class `speaker 1` has no validation examples; increase"),
        "{error}"
    );
}

fn text(labels: &str, cases: &str) -> String {
    format!("@problemName Made\n@dimensions 12\n@classLabel true {labels}\n@data\n{cases}")
}

#[test]
fn text_files_replace_the_embedded_data() {
    let folder = tempfile::tempdir().unwrap();
    let case = |value: &str, label: usize| format!("{}{label}\n", format!("{value}:").repeat(12));
    let (mut train, mut test) = (String::new(), String::new());
    for label in 1..=9 {
        train += &(case("1,2", label) + &case("3,4,5", label));
        test += &case("6.25", label);
    }
    let labels = "1 2 3 4 5 6 7 8 9";
    fs::write(folder.path().join("JapaneseVowels_TRAIN.ts"), text(labels, &train)).unwrap();
    let error = config(0.5).open(Some(folder.path())).unwrap_err();
    assert!(matches!(error, DataError::NotThisSet { .. }), "{error}");
    let second = folder.path().join("JapaneseVowels_TEST.ts");
    fs::write(&second, text(labels, &test)).unwrap();
    let dataset = config(0.5).open(Some(folder.path())).unwrap();
    let split = config(0.5).split(&dataset, 1).unwrap();
    rules::check(&dataset, &split).unwrap();
    assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (9, 9, 9));
    let Source::Frames(frames) = &dataset.examples[26].source else { panic!("not frames") };
    assert_eq!((dataset.examples[26].label.class(), frames.values()), (Some(8), [6.25; 12].as_slice()));

    fs::write(&second, text(labels, &format!("{test}1:2:3\n"))).unwrap();
    let error = config(0.5).open(Some(folder.path())).unwrap_err();
    assert!(matches!(&error, DataError::Line { path, line: 14, .. } if *path == second), "{error}");
    fs::write(&second, text("1 2", &case("1", 1))).unwrap();
    let error = config(0.5).open(Some(folder.path())).unwrap_err().to_string();
    assert!(error.contains("found JapaneseVowels_TEST.ts with 12 dimensions and labels 1 2;"), "{error}");
}

#[test]
fn a_folder_that_does_not_exist_is_not_replaced_by_the_embedded_set() {
    let folder = tempfile::tempdir().unwrap();
    let error = config(0.1).open(Some(&folder.path().join("missing"))).unwrap_err();
    assert!(matches!(error, DataError::MissingFolder { .. }), "{error}");
}

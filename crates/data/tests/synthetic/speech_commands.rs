//! Google Speech Commands.

use std::fs;
use std::path::Path;

use stapes_data::{
    DataConfig, DataError, DataSet, Source, SpeechCommandsConfig, SpeechCommandsSplit, Subset,
};

use crate::folders::{words, write_wav};
use crate::rules;

fn config(classes: &[&str]) -> DataConfig {
    let classes = classes.iter().map(|&class| class.to_owned()).collect();
    DataConfig::SpeechCommands(SpeechCommandsConfig { classes, ..SpeechCommandsConfig::default() })
}

fn open(classes: &[&str], folder: &Path) -> Result<DataSet, DataError> {
    config(classes).open(Some(folder))
}

fn message<T>(result: Result<T, DataError>) -> String {
    result.err().expect("this must be rejected").to_string()
}

#[test]
fn classes_keep_the_recipes_order_and_the_lists_give_the_split() {
    let folder = words(&["bed", "cat", "dog"]);
    let dataset = open(&["dog", "bed"], folder.path()).unwrap();
    assert_eq!(dataset.classes, ["dog", "bed"]);
    assert_eq!(dataset.examples.len(), 8);
    assert_eq!(
        (dataset.examples[0].id.as_str(), dataset.examples[0].label.class()),
        ("dog/0_nohash_0.wav", Some(0))
    );
    assert_eq!(dataset.groups(), ["0", "1", "2", "3"]);
    let split = config(&["dog", "bed"]).split(&dataset, 1).unwrap();
    rules::check(&dataset, &split).unwrap();
    let ids = |subset: Subset| {
        split.subset(subset).iter().map(|&index| dataset.examples[index].id.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(ids(Subset::Validation), ["dog/0_nohash_0.wav", "bed/0_nohash_0.wav"]);
    assert_eq!(ids(Subset::Test), ["dog/1_nohash_0.wav", "bed/1_nohash_0.wav"]);
    assert_eq!(split, config(&["dog", "bed"]).split(&dataset, 2).unwrap());
}

#[test]
fn listed_recordings_that_are_missing_are_counted_for_the_chosen_words() {
    let folder = words(&["bed", "cat", "dog"]);
    let list = folder.path().join("testing_list.txt");
    let more = "bed/7_nohash_0.wav\r\n\nbed/8_nohash_0.wav\ncat/9_nohash_0.wav\nzebra/1_nohash_0.wav\n";
    fs::write(&list, fs::read_to_string(&list).unwrap() + more).unwrap();
    assert_eq!(open(&["bed", "dog"], folder.path()).unwrap().missing, 2);
    assert_eq!(open(&["cat", "dog"], folder.path()).unwrap().missing, 1);
}

#[test]
fn a_file_with_another_name_has_no_speaker_and_other_files_are_ignored() {
    let folder = words(&["bed", "cat"]);
    write_wav(&folder.path().join("bed/mine.wav"), &[1]);
    fs::write(folder.path().join("bed/notes.txt"), "").unwrap();
    let dataset = open(&["bed", "cat"], folder.path()).unwrap();
    let mine = dataset.examples.iter().find(|example| example.id == "bed/mine.wav").unwrap();
    assert_eq!((mine.group.as_ref(), mine.predefined), (None, Some(Subset::Train)));
    assert_eq!(dataset.examples.len(), 9);
}

#[test]
fn a_class_list_must_name_words_once() {
    let cases: [(&[&str], &str); 6] = [
        (&[], "speech-commands.classes = []: must name at least two words"),
        (&["bed"], "speech-commands.classes = [\"bed\"]: must name at least two words"),
        (&["bed", "cat", "bed"], "speech-commands.classes = \"bed\": must be in the list once"),
        (
            &["bed", "_background_noise_"],
            "speech-commands.classes = \"_background_noise_\": must be the folder of a word",
        ),
        (&["bed", "../cat"], "speech-commands.classes = \"../cat\": must be the folder of a word"),
        (&["bed", ""], "speech-commands.classes = \"\": must be the folder of a word"),
    ];
    for (classes, expected) in cases {
        let found = message(config(classes).check());
        assert!(found.starts_with(&format!("data.{expected}")), "{found}");
    }
}

#[test]
fn an_unknown_word_is_named_with_the_known_ones() {
    let folder = words(&["bed", "cat"]);
    let error = open(&["bed", "zebra"], folder.path()).unwrap_err();
    assert!(matches!(&error, DataError::UnknownClass { class, .. } if class == "zebra"), "{error}");
    let expected = format!(
        "data.speech-commands.classes: {} has no class `zebra`; its classes are bed, cat",
        folder.path().display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_empty_word_is_rejected() {
    let folder = words(&["bed", "cat"]);
    fs::create_dir(folder.path().join("dog")).unwrap();
    fs::write(folder.path().join("dog/notes.txt"), "").unwrap();
    let error = open(&["bed", "dog"], folder.path()).unwrap_err();
    assert!(matches!(&error, DataError::EmptyClass { class, .. } if class == "dog"), "{error}");
    assert!(error.to_string().starts_with(&folder.path().join("dog").display().to_string()), "{error}");
}

#[test]
fn a_word_missing_in_a_subset_is_named() {
    for (file, subset) in [("0_nohash_0.wav", Subset::Validation), ("1_nohash_0.wav", Subset::Test)] {
        let folder = words(&["bed", "cat"]);
        fs::remove_file(folder.path().join("cat").join(file)).unwrap();
        let dataset = open(&["bed", "cat"], folder.path()).unwrap();
        let error = config(&["bed", "cat"]).split(&dataset, 1).unwrap_err();
        assert!(
            matches!(&error, DataError::EmptySubset { class, subset: found, .. } if class == "cat" && *found == subset),
            "{error}"
        );
    }
    let folder = words(&["bed", "cat"]);
    for speaker in [2, 3] {
        fs::remove_file(folder.path().join(format!("cat/{speaker}_nohash_0.wav"))).unwrap();
    }
    let dataset = open(&["bed", "cat"], folder.path()).unwrap();
    let found = message(config(&["bed", "cat"]).split(&dataset, 1));
    assert!(
        found.starts_with("speech-commands: class `cat` has no train examples; all recordings"),
        "{found}"
    );
}

#[test]
fn a_folder_without_the_lists_is_another_data_set() {
    let folder = words(&["bed", "cat"]);
    fs::remove_file(folder.path().join("testing_list.txt")).unwrap();
    let found = message(open(&["bed", "cat"], folder.path()));
    let expected = format!(
        "{} is not speech-commands: expected one folder per word, with validation_list.txt and testing_list.txt, ",
        folder.path().display()
    );
    assert!(found.starts_with(&expected), "{found}");
    assert!(found.contains(", found _background_noise_/, bed/, cat/, validation_list.txt;"), "{found}");
    assert!(matches!(config(&["bed", "cat"]).open(None), Err(DataError::NoFolder { .. })));
}

#[test]
fn an_unreadable_list_is_named() {
    let folder = words(&["bed", "cat"]);
    let list = folder.path().join("testing_list.txt");
    fs::write(&list, b"bed/\xff.wav\n").unwrap();
    let error = open(&["bed", "cat"], folder.path()).unwrap_err();
    assert!(matches!(&error, DataError::Line { path, line: 1, .. } if *path == list), "{error}");
    fs::remove_file(&list).unwrap();
    fs::create_dir(&list).unwrap();
    let error = open(&["bed", "cat"], folder.path()).unwrap_err();
    assert!(matches!(&error, DataError::NotAFile { path, .. } if *path == list), "{error}");
}

#[test]
fn an_invalid_line_of_a_list_is_named_by_its_number() {
    let cases = [
        ("bed/1_nohash_0.wav\ncat.wav\n", 2, "`cat.wav` is not word/file.wav"),
        ("/etc/passwd\n", 1, "`/etc/passwd` is not word/file.wav"),
        ("\n\nbed/a/b.wav\n", 3, "`bed/a/b.wav` is not word/file.wav"),
        ("bed/\n", 1, "`bed/` is not word/file.wav"),
        ("cat/1_nohash_0.wav\nbed/0_nohash_0.wav\n", 2, "bed/0_nohash_0.wav is also in validation_list.txt"),
    ];
    for (text, expected_line, expected) in cases {
        let folder = words(&["bed", "cat"]);
        let list = folder.path().join("testing_list.txt");
        fs::write(&list, text).unwrap();
        match open(&["bed", "cat"], folder.path()) {
            Err(DataError::Line { path, line, reason }) => {
                assert_eq!((path, line), (list, expected_line), "{text}");
                assert!(reason.starts_with(expected), "{reason}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

fn with_the_rest() -> DataConfig {
    DataConfig::SpeechCommands(SpeechCommandsConfig {
        classes: vec!["cat".to_owned(), "bed".to_owned()],
        unknown: true,
        silence: true,
        split: SpeechCommandsSplit::Lists,
    })
}

#[test]
fn other_words_and_silence_are_classes_as_large_as_the_mean_word() {
    let folder = words(&["bed", "cat", "dog", "owl", "pig"]);
    write_wav(&folder.path().join("_background_noise_/pink.wav"), &[5; 8000 * 21]);
    let config = with_the_rest();
    assert_eq!(config.class_names().unwrap(), ["cat", "bed", "_unknown_", "_silence_"]);
    let dataset = config.open(Some(folder.path())).unwrap();
    assert_eq!(Some(&dataset.classes), config.class_names().as_ref());
    let split = config.split(&dataset, 1).unwrap();
    rules::check(&dataset, &split).unwrap();
    // Each word has two recordings for training, one for validation and one for testing.
    let of = |part: Subset, class: usize| -> Vec<&stapes_data::Example> {
        let examples = split.subset(part).iter().map(|&index| &dataset.examples[index]);
        examples.filter(|example| example.label.class() == Some(class)).collect()
    };
    for class in 0..4 {
        let counts = Subset::ALL.map(|part| of(part, class).len());
        assert_eq!(counts, [2, 1, 1], "class {class}");
    }
    for part in Subset::ALL {
        for example in of(part, 2) {
            assert!(
                ["dog/", "owl/", "pig/"].iter().any(|word| example.id.starts_with(word)),
                "{}",
                example.id
            );
        }
        for example in of(part, 3) {
            let Source::Segment { path, start_seconds, end_seconds: Some(end) } = &example.source else {
                panic!()
            };
            assert!(path.ends_with("_background_noise_/pink.wav"));
            assert!((end - start_seconds - 1.0).abs() < 1e-9);
            let span = match part {
                Subset::Train => 0.0..=16.8,
                Subset::Validation => 16.8..=18.9,
                Subset::Test => 18.9..=21.0,
            };
            assert!(span.contains(start_seconds) && span.contains(end), "{part}: {}", example.id);
        }
    }
    assert_eq!(dataset, config.open(Some(folder.path())).unwrap());
}

#[test]
fn silence_requires_noises_of_sufficient_length() {
    let folder = words(&["bed", "cat", "dog"]);
    let found = message(with_the_rest().open(Some(folder.path())));
    assert!(found.contains("_background_noise_: 2 segments of 1 s for train do not fit"), "{found}");
    assert!(found.ends_with("or set data.speech-commands.silence = false"), "{found}");
    fs::remove_dir_all(folder.path().join("_background_noise_")).unwrap();
    fs::create_dir(folder.path().join("_background_noise_")).unwrap();
    fs::write(folder.path().join("_background_noise_/README.md"), "").unwrap();
    let found = message(with_the_rest().open(Some(folder.path())));
    assert!(found.contains("_background_noise_: has no .wav files, but _silence_ is"), "{found}");
    assert!(found.ends_with("or set data.speech-commands.silence = false"), "{found}");
    fs::remove_dir_all(folder.path().join("_background_noise_")).unwrap();
    let found = message(with_the_rest().open(Some(folder.path())));
    assert!(found.contains("_background_noise_: is missing"), "{found}");
}

#[test]
fn the_hash_split_needs_no_lists_and_keeps_speakers_together() {
    let folder = tempfile::tempdir().unwrap();
    for word in ["bed", "cat"] {
        for speaker in 0..60 {
            write_wav(&folder.path().join(format!("{word}/{speaker}_nohash_0.wav")), &[1]);
        }
    }
    let classes = vec!["bed".to_owned(), "cat".to_owned()];
    let split = SpeechCommandsSplit::Hash;
    let config = DataConfig::SpeechCommands(SpeechCommandsConfig {
        classes,
        split,
        ..SpeechCommandsConfig::default()
    });
    let dataset = config.open(Some(folder.path())).unwrap();
    let split = config.split(&dataset, 1).unwrap();
    rules::check(&dataset, &split).unwrap();
    assert_eq!(split.shared_groups(&dataset), []);
    // Computed by Python's hashlib and the rule of the authors.
    assert_eq!([split.train.len(), split.validation.len(), split.test.len()], [94, 14, 12]);
}

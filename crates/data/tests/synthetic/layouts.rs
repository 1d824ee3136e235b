//! Errors about a folder that has another layout than its data set.

use std::path::Path;

use stapes_data::{DataConfig, DataError};

/// Name, further keys, part of the layout, and source of each data set.
const SETS: [(&str, &str, &str, &str); 7] = [
    ("fsdd", "", "recordings/7_theo_0.wav", "https://github.com/Jakobovski/free-spoken-digit-dataset"),
    (
        "speech-commands",
        "classes = ['bed', 'cat']",
        "one folder per word, with validation_list.txt and testing_list.txt",
        "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
    ),
    ("upc-vad", "", "2014/pav_4152.lab", "https://github.com/albino-pav/P2"),
    (
        "japanese-vowels",
        "",
        "JapaneseVowels_TRAIN.ts",
        "https://archive.ics.uci.edu/dataset/128/japanese+vowels",
    ),
    (
        "arabic-digits",
        "",
        "Train_Arabic_Digit.txt",
        "https://archive.ics.uci.edu/dataset/195/spoken+arabic+digit",
    ),
    ("handwriting", "", "a/train/1.txt", "course CS671, without a public home page"),
    ("consonant-vowel", "", "sa/Train/01_sa_139_8.mfcc", "course CS671, without a public home page"),
];

#[test]
fn every_data_set_names_its_layout_and_its_source() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("readme.md"), "").unwrap();
    let missing = folder.path().join("missing");
    for (name, keys, layout, source) in SETS {
        let config: DataConfig = toml::from_str(&format!("[{name}]\n{keys}")).unwrap();
        let check = |folder: Option<&Path>, expected: &str| {
            let error = config.open(folder).expect_err(name).to_string();
            for part in [expected, layout, source] {
                assert!(error.contains(part), "no {part:?} in {error}");
            }
        };
        check(Some(folder.path()), &format!("is not {name}: expected"));
        check(Some(&missing), "this folder does not exist");
        if name != "japanese-vowels" {
            assert!(matches!(config.open(None), Err(DataError::NoFolder { .. })), "{name}");
            check(None, "set their folder with --data DIR");
        }
    }
}

//! Nothing is skipped silently: notes about data that is not used, and errors where it would change the split.

use std::fs;
use std::path::Path;

use stapes_data::{
    CustomDataConfig, CustomSplit, DataConfig, DataError, DataSet, DataStatistics, FoldersConfig,
    LoadOptions, ManifestConfig, Progress, Source, Split, Subset, check_unreadable, load_with_options,
};
use stapes_features::Features;
use tempfile::TempDir;

use crate::channels::with_channels;
use crate::folders::write_wav;

/// Writes recordings of different content.
fn sounds(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (number, name) in names.iter().enumerate() {
        write_wav(&folder.path().join(name), &[number as i16 + 1000; 100]);
    }
    folder
}

fn folders(speaker: Option<&str>, split: Option<CustomSplit>) -> DataConfig {
    let custom = CustomDataConfig { split, ..CustomDataConfig::default() };
    DataConfig::Folders(FoldersConfig {
        speaker: speaker.map(|rule| rule.parse().unwrap()),
        custom,
        ..FoldersConfig::default()
    })
}

fn manifest(custom: CustomDataConfig) -> DataConfig {
    DataConfig::Manifest(ManifestConfig { custom, ..ManifestConfig::default() })
}

fn open(config: &DataConfig, folder: &Path) -> Result<DataSet, String> {
    config.open(Some(folder)).map_err(|error| error.to_string())
}

fn notes(dataset: &DataSet) -> Vec<String> {
    dataset.notes.iter().map(ToString::to_string).collect()
}

#[test]
fn recordings_beside_the_class_folders_are_an_error_that_names_them() {
    let folder = sounds(&["yes/1.wav", "no/1.wav", "b.wav", "a.flac"]);
    let error = open(&folders(None, None), folder.path()).unwrap_err();
    assert!(
        error.contains("2 recordings are beside the class folders (a.flac, b.wav); move them"),
        "{error}"
    );
    let folder = sounds(&["train/yes/1.wav", "train/no/1.wav", "test/yes/1.wav", "test/no/1.wav"]);
    assert!(open(&folders(None, None), folder.path()).unwrap().notes.is_empty());
    for name in ["3.wav", "train/4.wav"] {
        let path = folder.path().join(name);
        write_wav(&path, &[1]);
        let error = open(&folders(None, None), folder.path()).unwrap_err();
        assert!(error.contains(&format!("1 recording is beside the class folders ({name})")), "{error}");
        fs::remove_file(path).unwrap();
    }
    // Without any class folder, there is none into which they could be moved.
    let flat = sounds(&["yes_1.wav", "no_1.wav"]);
    let error = open(&folders(None, None), flat.path()).unwrap_err();
    for part in [
        "2 recordings are not in a class folder (no_1.wav, yes_1.wav)",
        "one folder per class",
        "manifest.csv",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[test]
fn folders_that_begin_with_an_underscore_are_classes_if_the_recipe_names_them() {
    let folder =
        sounds(&["yes/1.wav", "no/1.wav", "_silence_/1.wav", "_silence_/more/2.wav", "_unknown_/1.wav"]);
    let dataset = open(&folders(None, None), folder.path()).unwrap();
    assert_eq!((dataset.classes.len(), dataset.examples.len()), (2, 2));
    assert_eq!(
        notes(&dataset),
        [
            "2 folders whose names begin with _ are not used: _silence_ (2 recordings), _unknown_ (1 recordings); to use one as \
             a class, name it in data.folders.classes"
        ]
    );
    let classes = Some(["yes", "no", "_silence_"].map(str::to_owned).to_vec());
    let config = FoldersConfig {
        custom: CustomDataConfig { classes, ..CustomDataConfig::default() },
        ..FoldersConfig::default()
    };
    let dataset = open(&DataConfig::Folders(config), folder.path()).unwrap();
    assert_eq!((dataset.classes.len(), dataset.examples.len()), (3, 4));
    assert!(notes(&dataset)[0].starts_with("1 folder whose name begins with _ is not used: _unknown_"));
}

#[test]
fn sound_files_of_other_formats_are_named() {
    let folder = sounds(&["yes/1.wav", "no/1.wav"]);
    for name in ["yes/2.wma", "yes/deep/3.WebM", "no/4.amr", "5.webm", "no/notes.txt"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    let dataset = open(&folders(None, None), folder.path()).unwrap();
    assert_eq!(
        notes(&dataset),
        [
            "4 sound files have formats that are not read: 5.webm, no/4.amr, yes/2.wma, yes/deep/3.WebM; convert them to WAV or \
          FLAC"
        ]
    );
    fs::create_dir(folder.path().join("go")).unwrap();
    fs::write(folder.path().join("go/1.wma"), "x").unwrap();
    let error = open(&folders(None, None), folder.path()).unwrap_err();
    assert!(
        error.ends_with(
            "go: has only files of formats that are not read (go/1.wma); convert them to WAV or FLAC"
        ),
        "{error}"
    );
}

#[test]
fn a_speaker_rule_must_fit_where_the_split_needs_speakers() {
    let names = ["yes/anna-1.wav", "yes/bo_1.wav", "no/anna-2.wav", "no/bo_2.wav"];
    let folder = sounds(&names);
    use CustomSplit::{BySpeaker, Folds, LeaveOneOut, Random};
    for split in [None, Some(BySpeaker), Some(Folds), Some(LeaveOneOut)] {
        for (rule, count) in [("before _", 2), ("before last _", 4), ("folder", 4), ("^(.+)_\\d", 2)] {
            let error = open(&folders(Some(rule), split), folder.path()).unwrap_err();
            let expected =
                format!("data.folders.speaker = \"{rule}\": does not fit {count} of 4 files: no/anna-2.wav");
            assert!(error.starts_with(&expected), "{split:?}: {error}");
        }
    }
    let dataset = open(&folders(Some("before _"), Some(Random)), folder.path()).unwrap();
    assert!(
        notes(&dataset)[0]
            .starts_with("2 files do not fit the rule of the speaker: no/anna-2.wav, yes/anna-1.wav;")
    );
    let dataset = open(&folders(Some("^([a-z]+)[-_]\\d+"), None), folder.path()).unwrap();
    assert_eq!(dataset.groups(), ["anna", "bo"]);
    assert!(dataset.notes.is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn recordings_with_names_that_are_not_utf8_are_read() {
    use std::os::unix::ffi::OsStrExt;
    let folder = sounds(&["a/1.wav", "b/1.wav"]);
    for name in [&b"\xff.wav"[..], b"\xfe.wav"] {
        write_wav(&folder.path().join("a").join(std::ffi::OsStr::from_bytes(name)), &[1; 60]);
    }
    let dataset = open(&folders(None, None), folder.path()).unwrap();
    let ids: Vec<&str> = dataset.examples.iter().map(|example| example.id.as_str()).collect();
    assert_eq!(ids, ["a/1.wav", "a/\\xfe.wav", "a/\\xff.wav", "b/1.wav"]);
    assert!(dataset.examples.iter().all(|example| example.read().unwrap().is_ok()));
}

/// Returns a data set of a manifest with these columns and rows in a folder with the recordings 0.wav to 9.wav.
fn listed(config: &DataConfig, columns: &str, row: impl Fn(usize) -> String) -> Result<DataSet, String> {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..10).map(|number| format!("{number}.wav,{}\n", row(number))).collect();
    fs::write(folder.path().join("manifest.csv"), format!("{columns}\n{rows}")).unwrap();
    open(config, folder.path())
}

#[test]
fn columns_that_are_not_used_are_named() {
    let row = |number: usize| format!("{},0,x,y", ["a", "b"][number % 2]);
    let dataset = listed(&manifest(CustomDataConfig::default()), "path,label,fold,Room,dB", row).unwrap();
    assert_eq!(
        notes(&dataset),
        [
            "3 columns of the manifest are not used: Room, dB, fold; to use the column fold, set data.manifest.split = \"folds\""
        ]
    );
    let folder = tempfile::tempdir().unwrap();
    let text = "{\"path\": \"a.wav\", \"label\": \"x\", \"lang\": \"de\"}\n{\"path\": \"b.wav\", \"label\": \"y\", \"text\": 1}\n";
    fs::write(folder.path().join("manifest.jsonl"), text).unwrap();
    let dataset = open(&manifest(CustomDataConfig::default()), folder.path()).unwrap();
    assert!(notes(&dataset)[0].starts_with("2 columns of the manifest are not used: lang, text; "));
}

#[test]
fn the_column_fold_defines_the_folds() {
    let custom = |fold, folds| CustomDataConfig {
        split: Some(CustomSplit::Folds),
        fold: Some(fold),
        folds,
        validation_fraction: Some(0.0),
        ..CustomDataConfig::default()
    };
    // Folds 10, 2 and 9: numbers in their order.
    let fold = |number: usize| [10, 2, 9, 9, 10][number / 2];
    let row = |number: usize| format!("{},{}", ["a", "b"][number % 2], fold(number));
    let config = manifest(custom(2, None));
    let dataset = listed(&config, "path,label,fold", row).unwrap();
    assert!(dataset.notes.is_empty());
    assert_eq!(config.split(&dataset, 1).unwrap().test, [0, 1, 8, 9]);
    let names: Vec<String> = config.folds(&dataset).unwrap().into_iter().map(|fold| fold.name).collect();
    assert_eq!(names, ["fold-2", "fold-9", "fold-10"]);
    for (config, part) in [
        (custom(3, None), "data.manifest.fold = 3: must be from 0 to 2, one of the 3 folds"),
        (custom(0, Some(5)), "data.manifest.folds = 5: the column fold has 3 values"),
    ] {
        let error = manifest(config).split(&dataset, 1).unwrap_err().to_string();
        assert!(error.starts_with(part), "{error}");
    }
    let partly = |number: usize| if number == 3 { "b,".to_owned() } else { row(number) };
    let dataset = listed(&config, "path,label,fold", partly).unwrap();
    let error = config.split(&dataset, 1).unwrap_err().to_string();
    assert!(error.contains("1 of 10 have none (3.wav); complete the column fold"), "{error}");
}

#[test]
fn all_invalid_rows_are_named_at_once() {
    let config = manifest(CustomDataConfig::default());
    let row = |number: usize| if number < 7 { "x,-1,".to_owned() } else { "x,,".to_owned() };
    let error = listed(&config, "path,label,start,end", row).unwrap_err();
    assert!(error.contains("manifest.csv: 7 lines are invalid:\n  line 2: start = -1 s"), "{error}");
    assert!(error.contains("line 6: ") && error.ends_with("and 2 more"), "{error}");
    let one = |number: usize| if number == 4 { "x,-1,".to_owned() } else { "x,,".to_owned() };
    let error = listed(&config, "path,label,start,end", one).unwrap_err();
    assert!(error.contains("manifest.csv:6: start = -1 s must not be negative"), "{error}");
}

#[test]
fn a_class_without_validation_or_test_examples_is_noted() {
    let folder = sounds(&["a/1.wav", "a/2.wav", "b/1.wav", "c/1.wav"]);
    let dataset = open(&folders(None, Some(CustomSplit::Random)), folder.path()).unwrap();
    let split = Split { train: vec![0, 2, 3], validation: vec![], test: vec![1] };
    let found: Vec<String> = split.notes(&dataset).iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 1, "an empty validation subset is intended: {found:?}");
    assert!(found[0].starts_with("2 classes have no test example: b, c; "), "{found:?}");
    let split = Split { train: vec![0], validation: vec![1, 2], test: vec![1, 2, 3] };
    let found: Vec<String> = split.notes(&dataset).iter().map(ToString::to_string).collect();
    assert!(found.len() == 1 && found[0].starts_with("1 class has no validation example: c; "), "{found:?}");
}

/// Extractor that needs 50 samples for a frame.
fn outline(clip: &stapes_audio::Clip) -> Result<Features, String> {
    match clip.samples.len() {
        0..50 => Err(format!("{} samples are too few", clip.samples.len())),
        length => Ok(Features::new(1, vec![length as f32])),
    }
}

#[test]
fn statistics_and_loading_reject_the_same_files() {
    let folder = sounds(&["a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav", "b/3.wav"]);
    write_wav(&folder.path().join("a/2.wav"), &[7; 49]);
    write_wav(&folder.path().join("b/2.wav"), &[]);
    fs::write(folder.path().join("b/3.wav"), "version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
        .unwrap();
    let config = folders(None, Some(CustomSplit::Random));
    let dataset = open(&config, folder.path()).unwrap();
    let statistics = DataStatistics::with_features(&dataset, || outline, &Progress::default()).unwrap();
    let expected: Vec<(usize, String)> = statistics.unreadable.clone();
    assert_eq!(expected.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(expected[0].1, "49 samples are too few");
    assert_eq!(expected[2].1, "a git-lfs pointer, not the recording; run `git lfs pull` in its repository");
    let options = LoadOptions { max_unreadable_fraction: 1.0, cache: None };
    let load = |indices: &[usize]| {
        load_with_options(&dataset, indices, options, || outline, &Progress::default()).unwrap()
    };
    let [train, test] = [load(&[0, 1, 2]), load(&[3, 4])];
    let skipped = [&train.skipped[..], &test.skipped[..]].concat();
    let reasons: Vec<String> = skipped.into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons, expected.iter().map(|(_, reason)| reason.clone()).collect::<Vec<_>>());
    // Both subsets in one message.
    let check = |fraction| {
        let subsets = [&train, &test].map(|loaded| (loaded.indices.len(), &loaded.skipped[..]));
        check_unreadable(&dataset.name, fraction, &subsets)
    };
    let error = check(0.5).unwrap_err();
    assert!(matches!(&error, DataError::Files { failed, total: 5, .. } if failed.len() == 3), "{error}");
    let error = error.to_string();
    assert!(
        error.contains("a/2.wav: 49 samples are too few") && error.contains("b/3.wav: a git-lfs pointer"),
        "{error}"
    );
    assert!(error.ends_with("or permit some with data.folders.max_unreadable_fraction"), "{error}");
    assert!(check(1.0).is_ok());
}

#[test]
fn copies_of_silent_and_unreadable_files_are_no_leaks() {
    let folder = sounds(&["a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav"]);
    let config = folders(None, Some(CustomSplit::Random));
    let check = |write: &dyn Fn(&Path)| {
        write(&folder.path().join("a/2.wav"));
        write(&folder.path().join("b/2.wav"));
        let dataset = open(&config, folder.path()).unwrap();
        assert!(matches!(&dataset.examples[3].source, Source::File(path) if path.ends_with("b/2.wav")));
        let split = Split { train: vec![0, 1, 2], validation: vec![], test: vec![3] };
        assert_eq!(split.subset(Subset::Test), [3]);
        config.check_files(&dataset, &split, &Progress::default()).map_err(|error| error.to_string())
    };
    assert!(check(&|path| write_wav(path, &[900; 60])).unwrap_err().contains("a/2.wav and b/2.wav"));
    check(&|path| write_wav(path, &[0; 60])).unwrap();
    check(&|path| write_wav(path, &[])).unwrap();
    check(&|path| fs::write(path, "").unwrap()).unwrap();
}

#[test]
fn channels_are_counted_and_explain_silence() {
    let folder = sounds(&["a/mono.wav", "b/1.wav"]);
    for (name, samples) in [
        ("a/opposite.wav", [[5000, -5000]; 80]),
        ("a/dead.wav", [[5000, 0]; 80]),
        ("b/both.wav", [[5000, 4000]; 80]),
        ("b/silent.wav", [[0, 0]; 80]),
    ] {
        fs::write(folder.path().join(name), with_channels(2, samples.as_flattened())).unwrap();
    }
    let dataset = open(&folders(None, None), folder.path()).unwrap();
    let name = |index: &usize| dataset.examples[*index].id.as_str();
    let blocks = DataStatistics::new(&dataset, &Progress::default()).unwrap();
    let clips = DataStatistics::with_features(&dataset, || outline, &Progress::default()).unwrap();
    assert_eq!(blocks, clips);
    assert_eq!(blocks.channels, [(1, 2), (2, 4)].into());
    assert_eq!(blocks.silent.iter().map(name).collect::<Vec<_>>(), ["a/opposite.wav", "b/silent.wav"]);
    assert_eq!(blocks.canceled.iter().map(name).collect::<Vec<_>>(), ["a/opposite.wav"]);
    assert_eq!(blocks.dead_channel.iter().map(name).collect::<Vec<_>>(), ["a/dead.wav"]);
}

#[test]
fn a_sample_far_beyond_full_scale_is_found_without_a_recipe() {
    let folder = sounds(&["a/1.wav", "b/1.wav"]);
    let mut bytes =
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x03\0\x01\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x20\0data".to_vec();
    let samples: Vec<u8> =
        (0..80).flat_map(|n| (if n == 30 { -1e29f32 } else { 0.1 }).to_le_bytes()).collect();
    bytes.extend((samples.len() as u32).to_le_bytes());
    bytes.extend(samples);
    let length = bytes.len() as u32 - 8;
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    fs::write(folder.path().join("b/1.wav"), bytes).unwrap();
    let dataset = open(&folders(None, None), folder.path()).unwrap();
    let statistics = DataStatistics::new(&dataset, &Progress::default()).unwrap();
    assert_eq!(statistics.beyond_full_scale, [(1, "sample 30 has the magnitude 1e29".to_owned())]);
}

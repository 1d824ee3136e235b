//! Arrays of frames in class folders.

use std::fs;
use std::path::Path;

use ndarray::Array2;
use ndarray_npy::WriteNpyExt;
use stapes_data::{
    CustomDataConfig, CustomSplit, DataConfig, DataStatistics, FoldersConfig, Progress, Source, Subset,
};
use tempfile::TempDir;

use crate::custom::message;

fn npy(path: &Path, array: &Array2<f64>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    array.write_npy(fs::File::create(path).unwrap()).unwrap();
}

/// Two classes with three arrays [4 + number, 3] each, all different.
fn arrays() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (number, name) in
        ["no/ann_1", "no/bo_1", "no/cy_1", "yes/ann_1", "yes/bo_1", "yes/cy_1"].iter().enumerate()
    {
        let array = Array2::from_shape_fn((4 + number, 3), |(t, f)| (100 * number + 3 * t + f) as f64 / 8.0);
        npy(&folder.path().join(format!("{name}.npy")), &array);
    }
    folder
}

fn of_width(frame_width: usize) -> FoldersConfig {
    FoldersConfig { frame_width: Some(frame_width), ..FoldersConfig::default() }
}

#[test]
fn arrays_and_text_in_class_folders_are_sequences_of_frames() {
    let folder = arrays();
    fs::write(folder.path().join("yes/dee_1.csv"), "1,2,3\n-4,5e-1,6\n").unwrap();
    fs::write(folder.path().join("yes/README.md"), "notes").unwrap();
    let config = DataConfig::detect(folder.path());
    assert_eq!(config, DataConfig::Folders(of_width(3)));
    let dataset = config.open(Some(folder.path())).unwrap();
    assert_eq!((dataset.classes.join(" "), dataset.examples.len()), ("no yes".to_owned(), 7));
    let last = dataset.examples.last().unwrap();
    let Source::Frames(frames) = &last.source else { panic!("{:?}", last.source) };
    assert_eq!((&*last.id, frames.values()), ("yes/dee_1.csv", &[1.0, 2.0, 3.0, -4.0, 0.5, 6.0][..]));
    let Source::Frames(frames) = &dataset.examples[1].source else { panic!() };
    assert_eq!((frames.frames(), frames.frame(4)), (5, &[14.0, 14.125, 14.25][..]));
    let lengths = DataStatistics::new(&dataset, &Progress::default()).unwrap().frames.unwrap();
    assert_eq!((lengths.min, lengths.max), (2.0, 9.0));

    // The rule for speakers and the kinds of split are those of recordings.
    let custom = CustomDataConfig { split: Some(CustomSplit::LeaveOneOut), ..CustomDataConfig::default() };
    let by_speaker = FoldersConfig { speaker: Some("before _".parse().unwrap()), custom, ..of_width(3) };
    let config = DataConfig::Folders(by_speaker);
    let dataset = config.open(Some(folder.path())).unwrap();
    assert_eq!(config.folds(&dataset).unwrap().len(), 4);
}

#[test]
fn recordings_have_priority_over_arrays() {
    let folder = arrays();
    for class in ["no", "yes"] {
        crate::folders::write_wav(&folder.path().join(class).join("a.wav"), &[1, 2]);
    }
    assert_eq!(DataConfig::detect(folder.path()), DataConfig::Folders(FoldersConfig::default()));
}

#[test]
fn files_that_are_not_frames_of_one_width_are_named() {
    let folder = arrays();
    let path = folder.path();
    npy(&path.join("no/wide.npy"), &Array2::zeros((2, 5)));
    npy(&path.join("no/empty.npy"), &Array2::zeros((0, 3)));
    npy(&path.join("no/nan.npy"), &Array2::from_elem((1, 3), f64::NAN));
    fs::write(path.join("yes/notes.txt"), "1 2 3\n1 x 3\n").unwrap();
    fs::write(path.join("yes/whole.npy"), "not an array").unwrap();
    let error = message(DataConfig::detect(path).open(Some(path)));
    for part in [
        "5 of 11 files",
        "wide.npy: its frames have 5 values; expected frame_width = 3",
        "empty.npy: the array is empty",
        "nan.npy: frame 0 has the value NaN",
        "notes.txt: line 2: \"x\" is not a finite number",
        "whole.npy: not an array [frames, features]",
        "repair or remove them",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
    assert!(!error.contains("max_unreadable_fraction"), "{error}");
    // If no file can be read, the reasons are reported, too.
    let bad = tempfile::tempdir().unwrap();
    for name in ["a/1.npy", "b/1.npy"] {
        fs::create_dir_all(bad.path().join(name).parent().unwrap()).unwrap();
        fs::write(bad.path().join(name), "x").unwrap();
    }
    let error = message(DataConfig::detect(bad.path()).open(Some(bad.path())));
    assert!(error.contains("2 of 2 files") && error.contains("float32 or float64"), "{error}");
}

#[test]
fn equal_frames_in_two_subsets_are_a_leak() {
    let folder = tempfile::tempdir().unwrap();
    let array = |number: usize| Array2::from_elem((3, 2), number as f64);
    for (number, subset) in ["train", "test"].iter().enumerate() {
        for (class, name) in ["no", "yes"].iter().enumerate() {
            let path = folder.path().join(subset).join(name);
            npy(&path.join("1.npy"), &array(10 * number + class));
            npy(&path.join("2.npy"), &array(10 * number + class + 5));
        }
    }
    let custom = CustomDataConfig { validation_fraction: Some(0.0), ..CustomDataConfig::default() };
    let config = DataConfig::Folders(FoldersConfig { custom, ..of_width(2) });
    let check = || {
        let dataset = config.open(Some(folder.path())).unwrap();
        let split = config.split(&dataset, 1).unwrap();
        assert_eq!((split.subset(Subset::Train).len(), split.subset(Subset::Test).len()), (4, 4));
        config.check_files(&dataset, &split, &Progress::default())
    };
    check().unwrap();
    npy(&folder.path().join("test/yes/2.npy"), &array(1));
    let error = message(check());
    assert!(error.contains("1 pair of files has equal content"), "{error}");
    assert!(
        error.contains("train/yes/1.npy and test/yes/2.npy") || error.contains("test/yes/2.npy and train"),
        "{error}"
    );
}

#[test]
fn keys_of_recordings_are_rejected() {
    let with = |keys: &str| {
        let config: Result<DataConfig, _> = toml::from_str(&format!("[folders]\n{keys}"));
        match config {
            Ok(config) => message(config.check()),
            Err(error) => error.to_string(),
        }
    };
    assert!(with("frame_width = 0").contains("data.folders.frame_width = 0: must be at least 1"));
    assert!(
        with("frame_width = 2\nchannel = 1")
            .contains("data.folders.channel = 1: is only valid for recordings")
    );
    assert!(with("frame_width = 2\nmax_unreadable_fraction = 0.1").contains("must be 0 with frame_width"));
    let error = toml::from_str::<DataConfig>("[manifest]\nframe_width = 2").unwrap_err().to_string();
    assert!(error.contains("data.manifest.frame_width: is only valid in [data.folders]"), "{error}");
}

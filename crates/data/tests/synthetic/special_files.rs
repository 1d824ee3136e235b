//! Pipes, sockets, devices and folders in place of files: rejected by name, without waiting.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use stapes_audio::Clip;
use stapes_data::{
    ArabicDigitsConfig, ConsonantVowelConfig, CustomDataConfig, DataConfig, DataError, DataSet,
    DataStatistics, FoldersConfig, FrameCache, FsddConfig, HandwritingConfig, JapaneseVowelsConfig,
    LoadOptions, ManifestConfig, Progress, Source, SpeechCommandsConfig, UpcVadConfig, load,
    load_with_options,
};
use stapes_features::Features;
use stapes_testkit::hang::{fifo, finishes};
use tempfile::TempDir;

use crate::folders::{digits, words, write_wav};

fn level(clip: &Clip) -> Result<Features, String> {
    Ok(Features::new(1, vec![clip.samples[0]]))
}

/// Five recordings of each of two classes.
fn classes() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..10 {
        let class = if number % 2 == 0 { "no" } else { "yes" };
        write_wav(&folder.path().join(format!("{class}/{number}.wav")), &[number; 100]);
    }
    folder
}

/// Creates one special file of each kind with the name of a recording, and returns its description in messages.
fn special_recordings(folder: &Path) -> [&'static str; 5] {
    let at = |name: &str| folder.join(name);
    fifo(&at("pipe.wav"));
    symlink("pipe.wav", at("link.wav")).unwrap();
    symlink("/dev/zero", at("zero.wav")).unwrap();
    UnixListener::bind(at("socket.wav")).unwrap();
    write_wav(&at("folder.wav/inside.wav"), &[9; 100]);
    [
        "pipe.wav: is a pipe,",
        "link.wav: is a pipe,",
        "zero.wav: is a device,",
        "socket.wav: is a socket,",
        "folder.wav: is a folder,",
    ]
}

/// Opens a data set in a folder, and loads every example that has a file.
fn loaded(config: DataConfig, folder: &Path) -> Result<(), String> {
    let folder = folder.to_owned();
    finishes(move || {
        let dataset = config.open(Some(&folder)).map_err(|error| error.to_string())?;
        let indices: Vec<usize> = (0..dataset.examples.len()).collect();
        load(&dataset, &indices, || level, &Progress::default())
            .map(|_| ())
            .map_err(|error| error.to_string())
    })
}

#[track_caller]
fn is_refused(config: DataConfig, folder: &Path, part: &str) {
    let message = loaded(config, folder).unwrap_err();
    assert!(message.contains(part), "no {part:?} in {message}");
}

fn checked(config: DataConfig, folder: &Path) -> (DataSet, Result<(), DataError>) {
    let folder = folder.to_owned();
    finishes(move || {
        let dataset = config.open(Some(&folder)).unwrap();
        let split = config.split(&dataset, 1).unwrap();
        let found = config.check_files(&dataset, &split, &Progress::default());
        (dataset, found)
    })
}

#[test]
fn all_special_files_in_class_folders_are_named() {
    let folder = classes();
    let expected = special_recordings(&folder.path().join("yes"));
    let config = |max_unreadable_fraction| {
        let custom = CustomDataConfig { max_unreadable_fraction, ..CustomDataConfig::default() };
        DataConfig::Folders(FoldersConfig { custom, ..FoldersConfig::default() })
    };
    let message = loaded(config(0.0), folder.path()).unwrap_err();
    assert!(message.contains("5 of 15 files"), "{message}");
    assert!(expected.iter().all(|part| message.contains(part)), "{message}");
    // They are not leaks.
    let (dataset, found) = checked(config(0.4), folder.path());
    found.unwrap();
    // `data info` names the same files.
    let statistics = finishes(move || DataStatistics::new(&dataset, &Progress::default()).unwrap());
    let mut reasons: Vec<&str> = statistics.unreadable.iter().map(|(_, reason)| reason.as_str()).collect();
    reasons.sort_unstable();
    let short = |text: &str| text.split(',').next().unwrap().to_owned();
    let reasons: Vec<String> = reasons.into_iter().map(short).collect();
    assert_eq!(reasons, ["is a device", "is a folder", "is a pipe", "is a pipe", "is a socket"]);
}

#[test]
fn files_of_a_manifest_are_regular_files() {
    let folder = classes();
    let expected = special_recordings(folder.path());
    let mut rows = "path,label\n".to_owned();
    for number in 0..10 {
        let class = if number % 2 == 0 { "no" } else { "yes" };
        rows += &format!("{class}/{number}.wav,{class}\n");
    }
    for (at, part) in expected.iter().enumerate() {
        rows += &format!("{},{}\n", part.split(':').next().unwrap(), ["no", "yes"][at % 2]);
    }
    fs::write(folder.path().join("manifest.csv"), rows).unwrap();
    let config = DataConfig::Manifest(ManifestConfig::default());
    let message = loaded(config, folder.path()).unwrap_err();
    assert!(expected.iter().all(|part| message.contains(part)), "{message}");
}

#[test]
fn a_manifest_is_a_regular_file() {
    let folder = tempfile::tempdir().unwrap();
    for extension in ["csv", "tsv", "jsonl", "parquet"] {
        let name = format!("manifest.{extension}");
        let path = folder.path().join(&name);
        fifo(&path);
        let found = DataConfig::Manifest(ManifestConfig::default());
        let named =
            DataConfig::Manifest(ManifestConfig { file: Some(name.clone()), ..ManifestConfig::default() });
        let of_parquet = extension == "parquet" && !cfg!(feature = "parquet");
        let part = if of_parquet { "--features parquet" } else { "is a pipe, not a regular file" };
        is_refused(found.clone(), folder.path(), part);
        is_refused(named, folder.path(), part);
        // The path itself.
        is_refused(found, &path, &format!("{name}: is a pipe, not a regular file"));
        assert!(matches!(DataConfig::detect(&path), DataConfig::Manifest(_)));
        assert!(matches!(DataConfig::detect(folder.path()), DataConfig::Manifest(_)));
        fs::remove_file(path).unwrap();
    }
    is_refused(DataConfig::Folders(FoldersConfig::default()), Path::new("/dev/null"), "found a device");
}

#[test]
fn recordings_and_labels_of_known_data_sets_are_regular_files() {
    for name in ["7_anna_9.wav", "7_bo_0.wav"] {
        let folder = digits(&["anna"], 2);
        let path = folder.path().join("recordings").join(name);
        let kind = if name.contains("bo") {
            fs::create_dir(path).unwrap();
            "folder"
        } else {
            fifo(&path);
            "pipe"
        };
        is_refused(DataConfig::Fsdd(FsddConfig::default()), folder.path(), &format!("{name}: is a {kind}"));
    }

    let folder = tempfile::tempdir().unwrap();
    write_wav(&folder.path().join("a/1.wav"), &[1; 800]);
    fifo(&folder.path().join("a/1.lab"));
    is_refused(DataConfig::UpcVad(UpcVadConfig::default()), folder.path(), "1.lab: is a pipe");
}

#[test]
fn lists_and_noises_of_speech_commands_are_regular_files() {
    let classes = vec!["bed".to_owned(), "cat".to_owned()];
    let config = SpeechCommandsConfig { classes, ..SpeechCommandsConfig::default() };
    let folder = words(&["bed", "cat"]);
    fifo(&folder.path().join("_background_noise_/pipe.wav"));
    let silence = SpeechCommandsConfig { silence: true, ..config.clone() };
    is_refused(DataConfig::SpeechCommands(silence), folder.path(), "pipe.wav: is a pipe");
    for list in ["validation_list.txt", "testing_list.txt"] {
        let folder = words(&["bed", "cat"]);
        fs::remove_file(folder.path().join(list)).unwrap();
        fifo(&folder.path().join(list));
        let part = format!("{list}: is a pipe");
        is_refused(DataConfig::SpeechCommands(config.clone()), folder.path(), &part);
    }
}

#[test]
fn text_files_of_frames_are_regular_files() {
    let folder = tempfile::tempdir().unwrap();
    fifo(&folder.path().join("JapaneseVowels_TRAIN.ts"));
    let vowels = DataConfig::JapaneseVowels(JapaneseVowelsConfig::default());
    is_refused(vowels, folder.path(), "JapaneseVowels_TRAIN.ts: is a pipe");
    for name in ["Train_Arabic_Digit.txt", "Train_Arabic_Digit.txt.gz"] {
        let folder = tempfile::tempdir().unwrap();
        fifo(&folder.path().join(name));
        let digits = DataConfig::ArabicDigits(ArabicDigitsConfig::default());
        is_refused(digits, folder.path(), &format!("{name}: is a pipe"));
    }
    let folder = tempfile::tempdir().unwrap();
    for part in ["a/train", "a/dev", "sa/Train", "sa/Test"] {
        fs::create_dir_all(folder.path().join(part)).unwrap();
    }
    fifo(&folder.path().join("a/train/1.txt"));
    let strokes = DataConfig::Handwriting(HandwritingConfig::default());
    is_refused(strokes.clone(), folder.path(), "1.txt: is a pipe");
    fs::remove_file(folder.path().join("a/train/1.txt")).unwrap();
    fs::create_dir(folder.path().join("a/train/2.txt")).unwrap();
    is_refused(strokes, folder.path(), "2.txt: is a folder");
    fifo(&folder.path().join("sa/Train/1.mfcc"));
    let segments = DataConfig::ConsonantVowel(ConsonantVowelConfig::default());
    is_refused(segments, folder.path(), "1.mfcc: is a pipe");
}

#[test]
fn cached_frames_are_regular_files() {
    let folder = digits(&["anna"], 1);
    let kept = tempfile::tempdir().unwrap();
    let place = kept.path().to_owned();
    let dataset = DataConfig::Fsdd(FsddConfig::default()).open(Some(folder.path())).unwrap();
    let all = move |dataset: DataSet| {
        let cache = FrameCache::open(&place, "a".to_owned()).unwrap();
        let options = LoadOptions { max_unreadable_fraction: 0.5, cache: Some(&cache) };
        let loaded =
            load_with_options(&dataset, &[0, 1, 2], options, || level, &Progress::default()).unwrap();
        (loaded, cache.write_error().map(str::to_owned))
    };
    let (first, write_error) = all(dataset.clone());
    assert_eq!((first.indices.len(), write_error), (3, None));
    for inner in fs::read_dir(kept.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if inner.is_dir() {
            for file in fs::read_dir(inner).unwrap().map(|entry| entry.unwrap().path()) {
                fs::remove_file(&file).unwrap();
                fifo(&file);
            }
        }
    }
    // The frames are computed again, and the write error is reported.
    let (again, of_pipes) = (all.clone(), dataset.clone());
    let (again, write_error) = finishes(move || again(of_pipes));
    assert_eq!(again, first);
    assert!(write_error.unwrap().contains("it is a pipe"));
    // Hashing a recording for the cache does not wait either.
    let mut with_pipe = dataset;
    let pipe = folder.path().join("pipe.wav");
    fifo(&pipe);
    with_pipe.examples[1].source = Source::File(pipe.clone());
    with_pipe.examples[2].source = Source::Segment { path: pipe, start_seconds: 0.0, end_seconds: None };
    let refused = finishes(move || {
        let cache = FrameCache::open(kept.path(), "a".to_owned()).unwrap();
        let options = LoadOptions { max_unreadable_fraction: 0.0, cache: Some(&cache) };
        load_with_options(&with_pipe, &[0, 1, 2], options, || level, &Progress::default())
            .unwrap_err()
            .to_string()
    });
    assert!(refused.contains("2 of 3 files") && refused.contains("pipe.wav: is a pipe"), "{refused}");
    // Description of the folder.
    let kept = tempfile::tempdir().unwrap();
    fifo(&kept.path().join("about.txt"));
    let error = finishes(move || FrameCache::open(kept.path(), "a".to_owned()).err().unwrap());
    assert!(error.to_string().contains("about.txt: frames cannot be cached here: it is a pipe"), "{error}");
}

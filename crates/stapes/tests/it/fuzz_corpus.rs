//! Replay of the fuzz corpus: its first inputs, and every input that once failed, through the functions of the fuzz targets.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use stapes_testkit::hang::finishes;

#[allow(dead_code, unreachable_pub, reason = "a library of its own for fuzzers")]
#[path = "../../../../fuzz/src/lib.rs"]
mod targets;

/// Maximum memory of a target in bytes.
const MAX_BYTES: u64 = 256 << 20;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Replays an input in a thread of its own, where its allocations are counted.
fn replay(name: &'static str, path: PathBuf) {
    println!("{}", path.display());
    let bytes = fs::read(path).unwrap();
    let used = finishes(move || allocation_counter::measure(|| targets::run(name, &bytes)));
    assert!(used.bytes_max <= MAX_BYTES, "{name} takes {} bytes", used.bytes_max);
}

macro_rules! replays {
    ($($(#[$attribute:meta])* $name:ident $($extension:literal)?),* $(,)?) => {
        $(
            #[test]
            $(#[$attribute])*
            fn $name() {
                let inputs = files(concat!("fuzz/corpus/", stringify!($name)));
                assert!(!inputs.is_empty());
                inputs.into_iter().for_each(|path| replay(stringify!($name), path));
                $(
                    let recordings = files("crates/audio/tests/fixtures").into_iter();
                    let mut recordings = recordings.filter(|path| path.extension().unwrap() == $extension).peekable();
                    assert!(recordings.peek().is_some());
                    recordings.for_each(|path| replay(stringify!($name), path));
                )?
            }
        )*
    };
}

replays!(
    wav "wav",
    aiff "aiff",
    au "au",
    caf "caf",
    flac "flac",
    mp3 "mp3",
    adts "aac",
    mp4 "m4a",
    vorbis "ogg",
    opus "opus",
    model,
    checkpoint,
    recipe,
    sweep,
    manifest_csv,
    manifest_tsv,
    manifest_jsonl,
    #[cfg_attr(not(feature = "parquet"), ignore = "needs the feature parquet")]
    manifest_parquet,
    segments,
    run_record,
    predictions,
);

#[test]
fn every_target_has_a_program_and_inputs() {
    let names = |folder: &str| -> BTreeSet<String> {
        files(folder).iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let targets: BTreeSet<String> = targets::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz/fuzz_targets"), targets);
    assert_eq!(names("fuzz/corpus"), targets);
}

#[test]
fn the_corpus_is_small() {
    let bytes: u64 = targets::TARGETS
        .iter()
        .flat_map(|(name, _)| files(&format!("fuzz/corpus/{name}")))
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(bytes <= 2 << 20, "{bytes} bytes");
}

//! Fuzz targets: everything that stapes reads from files, from any bytes.
//!
//! A target must return: with an error, or with a value that survives its uses. A panic, more than two seconds, or an
//! allocation of more than 256 MiB is a fault. The corpus is replayed by a test of `crates/stapes`, which includes this file.

use std::fs;
use std::panic;
use std::path::Path;
use std::sync::Mutex;

use stapes::Recipe;
use stapes::audio::{Clip, Recording, read, read_segment};
use stapes::data::{DataConfig, LabeledRecordings, ManifestConfig, UpcVadConfig};
use stapes::infer::{Classifier, Model, StreamClassifier};
use stapes::run::{CHECKPOINT, PREDICTIONS, RECORD, Run, RunRecord, SavedRun, TestPredictions};
use stapes::sweep::{Search, Sweep};

/// Target of a fuzzer: reads any bytes.
pub type Target = fn(&[u8]);

/// Names of all targets, which are also the names of their programs and folders in `corpus`.
pub const TARGETS: [(&str, Target); 21] = [
    ("wav", audio),
    ("aiff", audio),
    ("au", audio),
    ("caf", audio),
    ("flac", audio),
    ("mp3", audio),
    ("adts", audio),
    ("mp4", audio),
    ("vorbis", ogg),
    ("opus", ogg),
    ("model", model),
    ("checkpoint", checkpoint),
    ("recipe", recipe),
    ("sweep", sweep),
    ("manifest_csv", |bytes| manifest("manifest.csv", false, bytes)),
    ("manifest_tsv", |bytes| manifest("manifest.tsv", false, bytes)),
    ("manifest_jsonl", |bytes| manifest("manifest.jsonl", false, bytes)),
    ("manifest_parquet", |bytes| manifest("manifest.parquet", false, bytes)),
    ("segments", segments),
    ("run_record", run_record),
    ("predictions", predictions),
];

/// Prepares a fuzzer, whose panic hook would end it even where a panic is contained.
pub fn start() {
    panic::set_hook(Box::new(|panic| *LAST_PANIC.lock().expect("one panic at a time") = panic.to_string()));
}

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Runs a target by its name in a fuzzer; prints what made it fail.
pub fn fuzz(name: &str, bytes: &[u8]) {
    if let Err(payload) = panic::catch_unwind(|| run(name, bytes)) {
        eprintln!("{}", LAST_PANIC.lock().expect("one panic at a time"));
        panic::resume_unwind(payload);
    }
}

/// Runs a target by its name.
///
/// # Panics
/// If there is no such target, or it finds a fault.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(found, _)| *found == name);
    target.unwrap_or_else(|| panic!("no target {name}")).1(bytes);
}

/// Calls `use_folder` with a folder that has one file of these bytes.
fn with_file<T>(name: &str, bytes: &[u8], use_folder: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
    use_folder(folder.path())
}

/// Compressed silence of a few bytes may be hours long; only this much of a recording is decoded.
const MAX_SAMPLES: usize = 1 << 21;

/// Sets the checksums of Ogg pages, which hardly any changed input would pass otherwise.
fn ogg(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    let mut start = 0;
    while let Some(count) = bytes.get(start + 26).filter(|_| bytes[start..].starts_with(b"OggS")) {
        let body = start + 27 + usize::from(*count);
        let Some(lacing) = bytes.get(start + 27..body) else { break };
        let end = body + lacing.iter().map(|&length| usize::from(length)).sum::<usize>();
        let Some(page) = bytes.get_mut(start..end) else { break };
        page[22..26].fill(0);
        let sum = page.iter().fold(0u32, |sum, &byte| {
            (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| {
                sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 }
            })
        });
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        start = end;
    }
    audio(&bytes);
}

fn audio(bytes: &[u8]) {
    with_file("recording", bytes, |folder| {
        let path = folder.join("recording");
        let Ok(mut recording) = Recording::open(&path) else { return };
        let mut samples = 0;
        let end = loop {
            match recording.next_block() {
                Ok(Some(block)) => samples += block.len(),
                end => break end.map(|_| ()),
            }
            if samples > MAX_SAMPLES {
                return;
            }
        };
        assert_eq!(read(&path).map(|clip| clip.samples.len()).ok(), end.ok().map(|()| samples));
        let _ = read_segment(&path, 0.01, Some(0.02));
        let _ = read_segment(&path, 0.5, None);
    });
}

fn model(bytes: &[u8]) {
    let path = Path::new("model.safetensors");
    let Ok(model) = Model::from_bytes(bytes, path) else { return };
    if let Ok(written) = model.to_bytes() {
        assert_eq!(Model::from_bytes(&written, path).expect("the written model"), model);
    }
    let clip = Clip { samples: (0..8000).map(|n| (n as f32 * 0.3).sin()).collect(), sample_rate_hz: 16_000 };
    if let Ok(mut classifier) = Classifier::new(&model) {
        let _ = classifier.classify(&clip);
    }
    if let Ok(mut stream) = StreamClassifier::new(&model) {
        let _ = stream.push(&clip.samples, |_| ());
        let _ = stream.finish(|_| ());
    }
}

fn checkpoint(bytes: &[u8]) {
    if let Ok(saved) = SavedRun::parse(Path::new(CHECKPOINT), bytes) {
        let _ = saved.checkpoint.progress.best_point();
    }
}

fn recipe(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(recipe) = Recipe::from_toml("recipe.toml", text, &[]) else { return };
    let again = Recipe::from_toml("again.toml", &recipe.to_toml(), &[]);
    assert_eq!(again.expect("the written recipe"), recipe);
    let _ = recipe.resolve(None);
}

fn sweep(bytes: &[u8]) {
    with_file("sweep.toml", bytes, |folder| {
        fs::write(folder.join("recipe.toml"), include_str!("../../recipes/quickstart.toml"))
            .expect("a recipe");
        let _ = Sweep::read(&folder.join("sweep.toml"));
        let _ = Search::read(&folder.join("sweep.toml"));
    });
}

fn manifest(name: &str, frame_labels: bool, bytes: &[u8]) {
    with_file(name, bytes, |folder| {
        let config = DataConfig::Manifest(ManifestConfig { frame_labels, ..ManifestConfig::default() });
        if let Ok(dataset) = config.open(Some(&folder.join(name))) {
            let _ = config.split(&dataset, 1);
        }
    });
}

/// Segments in a manifest, and in label files beside recordings.
fn segments(bytes: &[u8]) {
    manifest("manifest.csv", true, bytes);
    with_file("manifest.csv", bytes, |folder| drop(LabeledRecordings::open(folder)));
    with_file("term/a.lab", bytes, |folder| {
        fs::write(folder.join("term/a.wav"), []).expect("a file");
        let _ = LabeledRecordings::open(folder);
        let _ = DataConfig::UpcVad(UpcVadConfig::default()).open(Some(folder));
    });
}

fn run_record(bytes: &[u8]) {
    with_file(RECORD, bytes, |folder| {
        if let Ok(record) = Run::read_record(folder) {
            let _ = record.divergence();
            let written = record.to_json();
            with_file(RECORD, written.as_bytes(), |folder| {
                let again: RunRecord = Run::read_record(folder).expect("the written record");
                assert_eq!(again.to_json(), written);
            });
        }
    });
}

fn predictions(bytes: &[u8]) {
    with_file(PREDICTIONS, bytes, |folder| {
        let Ok(predictions) = TestPredictions::read(folder) else { return };
        let written = predictions.to_bytes();
        with_file(PREDICTIONS, &written, |folder| {
            let again = TestPredictions::read(folder).expect("the written predictions");
            assert_eq!(again.to_bytes(), written);
        });
        let _ = predictions.evaluation();
        let _ = predictions.detectors();
        let _ = predictions.calibration();
        let _ = predictions.binary_scores();
        let _ = predictions.correct();
    });
}

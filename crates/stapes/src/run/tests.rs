//! Tests of run folders and their files.

use std::fs;

use proptest::collection::vec;
use proptest::num::f32::ANY as ANY_SINGLE;
use proptest::num::f64::ANY;
use proptest::option;
use proptest::prelude::*;
use stapes_files::tensors::{Tensor, TensorFile};
use stapes_train::{Checkpoint, Point, Progress, Snapshot, Validation};

use super::*;
use crate::sweep::Timing;

/// Generates texts: empty ones, quotes, control characters, any script.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("a \"b\"\\c\n\t\u{0}\u{1b}[31m\u{202e}\u{feff}".into()),
        vec(any::<char>(), 0..6).prop_map(String::from_iter)
    ]
}

fn chosen_points() -> impl Strategy<Value = ChosenPoint> {
    // A threshold is never NaN.
    let threshold = ANY_SINGLE.prop_map(|number| if number.is_nan() { f32::INFINITY } else { number });
    (texts(), threshold, ANY, ANY).prop_map(|(name, threshold, false_positive_rate, miss_rate)| ChosenPoint {
        name,
        threshold,
        false_positive_rate,
        miss_rate,
    })
}

fn records() -> impl Strategy<Value = RunRecord> {
    let texts = (
        [texts(), texts(), texts(), texts()],
        [option::of(texts()), option::of(texts()), option::of(texts())],
    );
    let counts = ([any::<usize>(); 3], any::<u64>(), option::of(any::<u64>()), any::<bool>());
    let numbers = ([ANY; 3], vec(option::of(ANY), 8));
    let lists = (vec(chosen_points(), 0..3), vec((any::<String>(), any::<String>()), 0..3));
    (texts, counts, numbers, lists).prop_map(|(texts, counts, numbers, lists)| {
        let ([title, command, created_at, data_fingerprint], [data_folder, augment_fingerprint, data_set]) =
            texts;
        let ([steps, best_step, parameters], model_bytes, macs_per_second, stopped) = counts;
        let ([seconds, seconds_to_best, examples_per_second], figures) = numbers;
        let (operating_points, versions) = lists;
        RunRecord {
            title,
            command,
            created_at,
            data_folder,
            data_set,
            data_fingerprint,
            augment_fingerprint,
            seconds,
            steps,
            best_step,
            seconds_to_best,
            stopped,
            diverged_loss: figures[0],
            examples_per_second,
            data_wait_fraction: figures[1],
            validation_accuracy: figures[2],
            test_accuracy: figures[3],
            test_macro_f1: figures[4],
            test_f1: figures[5],
            test_auc: figures[6],
            operating_points,
            parameters,
            macs_per_second,
            model_bytes,
            latency_ms: figures[7],
            versions,
        }
    })
}

fn points() -> impl Strategy<Value = Point> {
    let validation = option::of((ANY, ANY).prop_map(|(loss, accuracy)| Validation { loss, accuracy }));
    (any::<u32>(), [ANY; 5], validation).prop_map(|(step, numbers, validation)| {
        let [epoch, seconds, train_loss, learning_rate, gradient_norm] = numbers;
        let step = step as usize;
        Point { step, epoch, seconds, train_loss, learning_rate, gradient_norm, validation }
    })
}

/// Returns a value as text with all digits, in which NaN equals NaN.
fn shown(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

proptest! {
    #[test]
    fn a_written_record_is_read_back(record in records()) {
        let text = record.to_json();
        let read: RunRecord = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(shown(&read), shown(&record), "{}", text);
    }

    #[test]
    fn a_written_curve_is_read_back(points in vec(points(), 0..4)) {
        let text = metrics(&points);
        for (line, point) in text.lines().zip(&points) {
            prop_assert_eq!(shown(&serde_json::from_str::<Point>(line).unwrap()), shown(point));
            let drawn: stapes_report::Point = serde_json::from_str(line).unwrap();
            prop_assert_eq!((drawn.step, drawn.train_loss.is_some()), (point.step as u64, true));
            prop_assert_eq!(shown(&drawn.gradient_norm.unwrap()), shown(&(point.gradient_norm as f32)));
            prop_assert_eq!(drawn.validation_loss.is_some(), point.validation.is_some());
        }
        prop_assert_eq!(text.lines().count(), points.len());
    }

    #[test]
    fn a_written_timing_is_read_back(numbers in [ANY; 2], options in vec(option::of(ANY), 2)) {
        let [step_ms, examples_per_second] = numbers;
        let timing = Timing { step_ms, examples_per_second, clip_ms: options[0], frame_ms: options[1], threads: 2 };
        let folder = tempfile::tempdir().unwrap();
        timing.write(folder.path()).unwrap();
        prop_assert_eq!(shown(&Timing::read(folder.path()).unwrap().unwrap()), shown(&timing));
    }

    #[test]
    fn a_written_checkpoint_is_read_back(
        points in vec(points(), 0..3),
        texts in [texts(), texts()],
        noise in option::of(texts()),
        buffers in [vec(ANY_SINGLE, 0..5), vec(ANY_SINGLE, 0..2)],
    ) {
        let scratch = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(&scratch.path().join("run"), IfExists::Refuse).unwrap();
        let [data_fingerprint, program] = texts;
        let provenance = Provenance { data_fingerprint, augment_fingerprint: noise, program };
        let mut progress = Progress::default();
        progress.best = points.len().checked_sub(1);
        progress.points = points;
        let named = ["average", "parameters"].into_iter().zip(buffers.iter().map(|buffer| &buffer[..]));
        let snapshot = Snapshot { progress: &progress, buffers: named.collect() };
        SavedRun::write(&folder, &snapshot, &provenance).unwrap();
        let file = SavedRun::read(folder.path()).unwrap().unwrap();
        let read = SavedRun::parse(folder.path(), &file).unwrap();
        prop_assert_eq!(read.provenance, provenance);
        let Checkpoint { progress: read_progress, buffers: mut read_buffers } = read.checkpoint;
        prop_assert_eq!(shown(&read_progress), shown(&progress));
        read_buffers.sort_by(|a, b| a.0.cmp(&b.0));
        let bits = |buffer: &[f32]| buffer.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        let read_bits: Vec<_> = read_buffers.iter().map(|(name, buffer)| (&**name, bits(buffer))).collect();
        let written: Vec<_> = snapshot.buffers.iter().map(|(name, buffer)| (*name, bits(buffer))).collect();
        prop_assert_eq!(read_bits, written);
    }
}

#[test]
fn a_flipped_bit_of_a_checkpoint_is_refused_or_changes_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = RunFolder::open(&scratch.path().join("run"), IfExists::Refuse).unwrap();
    let provenance = Provenance::current("data".into(), None);
    let mut progress = Progress::default();
    (progress.step, progress.seconds, progress.examples_seen) = (3, 0.5, 9);
    let snapshot =
        Snapshot { progress: &progress, buffers: vec![("best", &[0.5, -1.0]), ("parameters", &[2.0])] };
    SavedRun::write(&folder, &snapshot, &provenance).unwrap();
    let bytes = SavedRun::read(folder.path()).unwrap().unwrap();
    let content = |bytes: &[u8]| {
        let SavedRun { provenance, checkpoint } = SavedRun::parse(folder.path(), bytes)?;
        let mut buffers = checkpoint.buffers;
        buffers.sort_by(|a, b| a.0.cmp(&b.0));
        Ok::<_, Error>(shown(&(provenance, checkpoint.progress, buffers)))
    };
    let written = content(&bytes).unwrap();
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match content(&flipped) {
            Ok(read) => assert_eq!(read, written, "bit {bit}"),
            Err(error) => assert!(error.to_string().contains("start again with --force"), "{error}"),
        }
    }
}

#[test]
fn a_checkpoint_of_another_type_or_shape_is_refused() {
    let file = TensorFile { entry: "stapes.checkpoint", format: 2 };
    let progress = Progress::default();
    let origin = Provenance::current("data".into(), None);
    let header = serde_json::json!({ "format": 2, "origin": origin, "progress": progress });
    let refused = |tensor: Tensor<'_>| {
        let error = SavedRun::parse(Path::new("run"), &file.to_bytes(&header, &[tensor])).err().unwrap();
        error.to_string()
    };
    let matrix = refused(Tensor::f32("parameters", vec![1, 2], &[1.0, 2.0]));
    assert!(matrix.contains("tensor parameters has the type F32 and the shape [1, 2]"), "{matrix}");
    let bytes = vec![0; 8];
    let wide = refused(Tensor { name: "best", dtype: safetensors::Dtype::F64, shape: vec![1], bytes });
    assert!(wide.contains("tensor best has the type F64"), "{wide}");
}

/// Record with plus infinity as `null`, which an earlier version wrote.
const WITH_NULL: &str = r#"{
  "title": "Two classes",
  "command": "stapes train two.toml --data two --out run",
  "created_at": "2026-01-31T12:00:00Z",
  "data_folder": "two",
  "data_fingerprint": "0011223344556677",
  "seconds": 0.5,
  "steps": 60,
  "best_step": 20,
  "seconds_to_best": 0.2,
  "stopped": false,
  "examples_per_second": null,
  "validation_accuracy": 0.5,
  "test_accuracy": 0.5,
  "test_macro_f1": null,
  "operating_points": [
    { "name": "equal errors on validation", "threshold": 0.5, "false_positive_rate": 0.25, "miss_rate": 0.5 },
    { "name": "1 % false positives on validation", "threshold": null, "false_positive_rate": 0.0, "miss_rate": 1.0 }
  ],
  "parameters": 690,
  "model_bytes": 4096,
  "latency_ms": 0.25,
  "versions": []
}"#;

#[test]
fn a_record_with_null_is_read() {
    let record: RunRecord = serde_json::from_str(WITH_NULL).unwrap();
    let thresholds: Vec<f32> = record.operating_points.iter().map(|point| point.threshold).collect();
    assert_eq!(thresholds, [0.5, f32::INFINITY]);
    assert!(record.examples_per_second.is_nan());
    assert_eq!((record.test_macro_f1, record.diverged_loss), (None, None));
    // The value is written as a string now.
    let text = record.to_json();
    assert!(
        text.contains(r#""threshold": "Infinity""#) && text.contains(r#""examples_per_second": "NaN""#),
        "{text}"
    );
    assert_eq!(shown(&serde_json::from_str::<RunRecord>(&text).unwrap()), shown(&record));
}

#[test]
fn a_threshold_that_is_missing_is_not_infinite() {
    let without = WITH_NULL.replace("\"threshold\": null, ", "");
    assert!(serde_json::from_str::<RunRecord>(&without).unwrap_err().to_string().contains("threshold"));
}

#[test]
fn a_divergence_is_reported_with_advice() {
    let record: RunRecord = serde_json::from_str(WITH_NULL).unwrap();
    assert_eq!(record.divergence(), None);
    let diverged = RunRecord { diverged_loss: Some(1.23e29), ..record };
    let words = diverged.divergence().unwrap();
    assert!(
        words.starts_with("training diverged: the loss rose to 1.2e29")
            && words.contains("train.max_grad_norm")
    );
}

/// Starts a run, moves its folder away and calls `replace` with the old path.
fn moved(scratch: &Path, replace: impl Fn(&Path)) -> (RunFolder, PathBuf) {
    let (here, there) = (scratch.join("run"), scratch.join("elsewhere"));
    let folder = RunFolder::open(&here, IfExists::Refuse).unwrap();
    folder.write(RECIPE, b"recipe").unwrap();
    folder.write(CHECKPOINT, b"checkpoint").unwrap();
    fs::rename(&here, &there).unwrap();
    replace(&here);
    (folder, there)
}

#[test]
fn nothing_is_written_in_the_place_of_a_moved_folder() {
    let scratch = tempfile::tempdir().unwrap();
    let (folder, there) = moved(scratch.path(), |_| {});
    let error = folder.write(MODEL, b"model").unwrap_err();
    assert!(matches!(&error, Error::FolderGone(place) if place.ends_with("run")), "{error}");
    assert!(!folder.has_checkpoint() && folder.finish().is_err());
    assert!(!scratch.path().join("run").exists());
    // The checkpoint is in the moved folder.
    assert_eq!(RunState::of(&there).unwrap(), RunState::Partial);
    drop(RunFolder::open(&there, IfExists::Resume).unwrap());
}

#[test]
fn a_new_folder_in_the_place_of_a_moved_one_is_not_changed() {
    let scratch = tempfile::tempdir().unwrap();
    let (folder, _) = moved(scratch.path(), |here| {
        fs::create_dir(here).unwrap();
        fs::write(here.join(RECIPE), "of another run").unwrap();
        fs::write(here.join(".lock"), "").unwrap();
    });
    assert!(matches!(folder.write(RECORD, b"{}"), Err(Error::FolderGone(_))));
    drop(folder);
    let left = fs::read_dir(scratch.path().join("run")).unwrap().count();
    assert_eq!(
        (left, fs::read(scratch.path().join("run").join(RECIPE)).unwrap()),
        (2, b"of another run".to_vec())
    );
}

#[test]
fn a_replaced_run_is_restored_when_the_new_one_is_moved() {
    let scratch = tempfile::tempdir().unwrap();
    let here = scratch.path().join("run");
    fs::create_dir(&here).unwrap();
    fs::write(here.join(RECORD), "{}").unwrap();
    let folder = RunFolder::open(&here, IfExists::Replace).unwrap();
    fs::rename(&here, scratch.path().join("elsewhere")).unwrap();
    drop(folder);
    assert_eq!(fs::read_to_string(here.join(RECORD)).unwrap(), "{}");
}

/// Writes the recipe and the record of a run.
fn written_run(recipe: &str, record: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(RECIPE), recipe).unwrap();
    fs::write(folder.path().join(RECORD), record).unwrap();
    folder
}

#[test]
fn a_run_with_renamed_keys_must_be_trained_again() {
    let old = written_run(
        "title = 't'\n[train]\nbatch = 3",
        &WITH_NULL.replace("examples_per_second", "examples_a_second"),
    );
    for error in [Run::open(old.path()).err().unwrap(), Run::read_record(old.path()).unwrap_err()] {
        let text = error.to_string();
        assert!(matches!(error, Error::OldRun { .. }), "{text}");
        assert!(
            text.contains("written before keys were renamed") && text.contains("train.batch_size"),
            "{text}"
        );
        assert!(text.contains("CHANGELOG.md") && text.ends_with("train it again"), "{text}");
    }
    let damaged = written_run("title = 't'\n[train]\nbatch_size = 3", "{}");
    assert!(matches!(Run::read_record(damaged.path()), Err(Error::Damaged { .. })));
}

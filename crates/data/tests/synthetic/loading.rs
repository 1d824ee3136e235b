//! Loading features of many files.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use stapes_audio::Clip;
use stapes_data::{
    DataConfig, DataError, DataSet, FrameCache, FsddConfig, JapaneseVowelsConfig, Label, LoadOptions,
    Progress, Segment, Segments, Source, load, load_with_options,
};
use stapes_features::Features;

use crate::folders::{digits, write_wav};

fn open(folder: &std::path::Path) -> DataSet {
    DataConfig::Fsdd(FsddConfig::default()).open(Some(folder)).unwrap()
}

/// One frame per clip: its number of samples, and its first sample as an integer.
fn outline(clip: &Clip) -> Result<Features, String> {
    Ok(Features::new(2, vec![clip.samples.len() as f32, clip.samples[0] * 32768.0]))
}

#[test]
fn features_are_in_the_requested_order() {
    let folder = digits(&["anna", "bo"], 3);
    let dataset = open(folder.path());
    let indices: Vec<usize> = (0..dataset.examples.len()).rev().collect();
    // The pause makes all threads take part on every machine.
    let slowly = |clip: &Clip| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        outline(clip)
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let features = pool.install(|| load(&dataset, &indices, || slowly, &Progress::default())).unwrap();
    assert_eq!(features.len(), 60);
    // The folder was filled in the order of names, each file one sample longer than the previous one.
    for (&index, features) in indices.iter().zip(&features) {
        assert_eq!(
            features.values(),
            [(index + 1) as f32, dataset.examples[index].label.class().unwrap() as f32]
        );
    }
    assert_eq!(load(&dataset, &[], || outline, &Progress::default()).unwrap(), []);
}

#[test]
fn progress_counts_every_example_once_and_each_thread_has_one_extractor() {
    let folder = digits(&["anna", "bo"], 3);
    let dataset = open(folder.path());
    let seen = Mutex::new(Vec::new());
    let progress = |done: usize| seen.lock().unwrap().push(done);
    let made = AtomicUsize::new(0);
    let extractor = || {
        made.fetch_add(1, Ordering::Relaxed);
        outline
    };
    let indices: Vec<usize> = (0..60).collect();
    let stop = AtomicBool::new(false);
    load(&dataset, &indices, extractor, &Progress { on_example: &progress, stop: &stop }).unwrap();
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (1..=60).collect::<Vec<_>>());
    let made = made.into_inner();
    assert!((1..=rayon::current_num_threads()).contains(&made), "{made}");
}

#[test]
fn all_unusable_files_are_named() {
    let folder = digits(&["anna"], 2);
    let recordings = folder.path().join("recordings");
    std::fs::write(recordings.join("0_anna_1.wav"), "this is text").unwrap();
    std::fs::remove_file(recordings.join("5_anna_0.wav")).unwrap();
    let mut dataset = open(folder.path());
    let gone = recordings.join("9_anna_9.wav");
    dataset.examples[7].source = Source::File(gone.clone());
    let refuse_fours = |clip: &Clip| match outline(clip) {
        Ok(features) if features.values()[1] == 4.0 => Err("is a four".to_owned()),
        other => other,
    };
    let indices: Vec<usize> = (0..dataset.examples.len()).collect();
    let error = load(&dataset, &indices, || refuse_fours, &Progress::default()).unwrap_err();
    let text = error.to_string();
    let DataError::Files { failed, total, .. } = error else { panic!("{text}") };
    assert_eq!(total, 19);
    let paths: BTreeSet<_> = failed.iter().map(|(path, _)| path.clone()).collect();
    let four = |index: usize| recordings.join(format!("4_anna_{index}.wav"));
    let expected = BTreeSet::from([recordings.join("0_anna_1.wav"), gone, four(0), four(1)]);
    assert_eq!(paths, expected);
    assert!(failed.iter().filter(|(_, reason)| reason == "is a four").count() == 2, "{text}");
    assert!(text.starts_with("4 of 19 files cannot be used:\n"), "{text}");
    // The path occurs once in the message.
    let text_file = recordings.join("0_anna_1.wav").display().to_string();
    assert!(text.contains(&format!("\n  {text_file}: not a WAV, AIFF")), "{text}");
    assert!(text.contains(&format!("{}: is a four\n", four(0).display())), "{text}");
}

#[test]
fn a_message_shows_the_first_failures_and_counts_the_others() {
    let folder = digits(&["anna"], 2);
    let dataset = open(folder.path());
    let indices: Vec<usize> = (0..dataset.examples.len()).collect();
    let refuse = || |_: &Clip| -> Result<Features, &str> { Err("refused") };
    let text = load(&dataset, &indices, refuse, &Progress::default()).unwrap_err().to_string();
    assert!(text.starts_with("20 of 20 files cannot be used:\n"), "{text}");
    assert_eq!(text.matches(": refused").count(), 5);
    assert!(text.contains("\n  and 15 more\n"), "{text}");
}

#[test]
fn a_fraction_of_unusable_files_is_skipped_and_reported() {
    let folder = digits(&["anna"], 2);
    let recordings = folder.path().join("recordings");
    std::fs::write(recordings.join("0_anna_1.wav"), "this is text").unwrap();
    std::fs::remove_file(recordings.join("5_anna_0.wav")).unwrap();
    let whole = digits(&["anna"], 2);
    let mut dataset = open(whole.path());
    for example in &mut dataset.examples {
        example.source = Source::File(recordings.join(&example.id));
    }
    let indices: Vec<usize> = (0..20).rev().collect();
    let load = |max_unreadable_fraction| {
        let options = LoadOptions { max_unreadable_fraction, cache: None };
        load_with_options(&dataset, &indices, options, || outline, &Progress::default())
    };
    let loaded = load(0.1).unwrap();
    let left: Vec<usize> = indices.iter().copied().filter(|&index| index != 1 && index != 10).collect();
    assert_eq!(loaded.indices, left);
    assert_eq!(loaded.features.len(), 18);
    assert_eq!(loaded.features[0].values()[0], 20.0);
    let names: Vec<_> = loaded.skipped.iter().map(|(path, _)| path.file_name().unwrap()).collect();
    assert_eq!(names, ["5_anna_0.wav", "0_anna_1.wav"]);
    assert!(matches!(load(0.09), Err(DataError::Files { failed, total: 20, .. }) if failed.len() == 2));
    let options = LoadOptions { max_unreadable_fraction: 0.99, cache: None };
    let only = load_with_options(&dataset, &[1], options, || outline, &Progress::default());
    assert!(matches!(only, Err(DataError::Files { total: 1, .. })), "nothing is left");
}

#[test]
fn a_clip_without_frames_is_rejected() {
    let folder = digits(&["anna"], 1);
    write_wav(&folder.path().join("recordings/3_anna_0.wav"), &[1, 2]);
    let dataset = open(folder.path());
    let windows = |clip: &Clip| -> Result<Features, String> {
        Ok(Features::new(1, clip.samples.windows(3).map(|window| window[0]).collect()))
    };
    let error = load(&dataset, &[3, 5], || windows, &Progress::default()).unwrap_err().to_string();
    assert!(error.contains("3_anna_0.wav: its 2 samples are shorter than one window"), "{error}");
}

#[test]
fn loading_stops_on_request() {
    let folder = digits(&["anna", "bo"], 3);
    let dataset = open(folder.path());
    let indices: Vec<usize> = (0..60).collect();
    let stop = AtomicBool::new(false);
    let progress = |done: usize| {
        if done == 10 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let error =
        load(&dataset, &indices, || outline, &Progress { on_example: &progress, stop: &stop }).unwrap_err();
    let DataError::Stopped { done, total: 60 } = error else { panic!("{error}") };
    // Each thread may finish its current file.
    assert!((10..10 + rayon::current_num_threads()).contains(&done), "{done}");
    let before = load(&dataset, &indices, || outline, &Progress { on_example: &|_| {}, stop: &stop });
    assert!(matches!(before, Err(DataError::Stopped { done: 0, total: 60 })));
}

#[test]
fn frames_do_not_need_an_extractor() {
    let dataset = DataConfig::JapaneseVowels(JapaneseVowelsConfig::default()).open(None).unwrap();
    let never = || -> fn(&Clip) -> Result<Features, String> { |_| panic!("there is no clip") };
    let features = load(&dataset, &[639, 0], never, &Progress::default()).unwrap();
    let Source::Frames(expected) = &dataset.examples[639].source else { panic!("not frames") };
    assert_eq!(&features[0], expected);
}

/// Loads examples with a cache and returns the number of extracted clips.
fn load_kept(dataset: &DataSet, indices: &[usize], cache: &FrameCache) -> (Vec<Features>, usize) {
    let calls = AtomicUsize::new(0);
    let extract = |clip: &Clip| {
        calls.fetch_add(1, Ordering::Relaxed);
        outline(clip)
    };
    let options = LoadOptions { max_unreadable_fraction: 0.0, cache: Some(cache) };
    let loaded = load_with_options(dataset, indices, options, || extract, &Progress::default()).unwrap();
    (loaded.features, calls.into_inner())
}

/// Returns the files of cached frames.
fn kept_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let folders =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_dir());
    folders.flat_map(|f| std::fs::read_dir(f).unwrap().map(|entry| entry.unwrap().path())).collect()
}

#[test]
fn cached_frames_are_not_computed_again() {
    let folder = digits(&["anna", "bo"], 3);
    let kept = tempfile::tempdir().unwrap();
    let place = kept.path().join("new/frames");
    let open_cache = |front_end: &str| FrameCache::open(&place, front_end.into()).unwrap();
    let mut dataset = open(folder.path());
    let indices: Vec<usize> = (0..60).collect();
    let (first, calls) = load_kept(&dataset, &indices, &open_cache("a"));
    assert_eq!((calls, kept_files(&place).len()), (60, 60));
    assert_eq!(load_kept(&dataset, &indices, &open_cache("a")), (first.clone(), 0));
    // Another front end and a segment have different files.
    assert_eq!(load_kept(&dataset, &indices, &open_cache("b")), (first.clone(), 60));
    let path = dataset.examples[7].source.path().unwrap().to_owned();
    let whole = dataset.examples[7].source.clone();
    dataset.examples[7].source =
        Source::Segment { path: path.clone(), start_seconds: 0.0, end_seconds: None };
    assert_eq!(load_kept(&dataset, &[7, 8], &open_cache("a")), (first[7..9].to_vec(), 1));
    assert_eq!(load_kept(&dataset, &[7, 8], &open_cache("a")).1, 0);
    // A renamed recording is found; another recording of the same name is not.
    let moved = path.with_file_name("7_moved_0.wav");
    std::fs::rename(&path, &moved).unwrap();
    dataset.examples[7].source = Source::File(moved);
    assert_eq!(load_kept(&dataset, &[7], &open_cache("a")), (first[7..8].to_vec(), 0));
    write_wav(&path, &[5, 6, 7]);
    dataset.examples[7].source = whole;
    let (changed, calls) = load_kept(&dataset, &[7], &open_cache("a"));
    assert_eq!((changed[0].values(), calls), (&[3.0, 5.0][..], 1));
}

#[test]
fn damaged_frames_are_computed_again_and_a_full_disk_is_reported() {
    let folder = digits(&["anna"], 1);
    let kept = tempfile::tempdir().unwrap();
    let dataset = open(folder.path());
    let open_cache = || FrameCache::open(kept.path(), "a".into()).unwrap();
    let (frames, _) = load_kept(&dataset, &[0, 1, 2], &open_cache());
    let files = kept_files(kept.path());
    // Truncated, changed, and empty.
    let mut bytes = std::fs::read(&files[0]).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&files[0], &bytes).unwrap();
    std::fs::write(&files[1], &bytes[..bytes.len() - 3]).unwrap();
    std::fs::write(&files[2], b"").unwrap();
    let cache = open_cache();
    assert_eq!(load_kept(&dataset, &[0, 1, 2], &cache), (frames.clone(), 3));
    assert_eq!((load_kept(&dataset, &[0, 1, 2], &cache), cache.write_error()), ((frames.clone(), 0), None));
    // A folder in place of a file cannot be replaced, like a file on a full disk.
    for file in &files {
        std::fs::remove_file(file).unwrap();
        std::fs::create_dir_all(file.join("inside")).unwrap();
    }
    assert_eq!(load_kept(&dataset, &[0, 1, 2], &cache), (frames, 3));
    assert!(cache.write_error().unwrap().contains("frames cannot be cached: "), "{:?}", cache.write_error());
    let error = FrameCache::open(&files[0].join("inside").join("../../../about.txt/x"), "a".into());
    let error = error.err().unwrap().to_string();
    assert!(error.contains("frames cannot be cached here: "), "{error}");
}

#[test]
fn cached_frames_do_not_hide_labels_that_are_too_long() {
    let folder = digits(&["anna"], 1);
    let kept = tempfile::tempdir().unwrap();
    let cache = FrameCache::open(kept.path(), "a".into()).unwrap();
    let mut dataset = open(folder.path());
    load_kept(&dataset, &[0], &cache);
    let minute = Segment { start_seconds: 0.0, end_seconds: 60.0, class: 0 };
    let labels = Segments::new("a.lab".into(), vec![(1, minute)]).unwrap();
    dataset.examples[0].label = Label::Segments(labels);
    let options = LoadOptions { max_unreadable_fraction: 0.0, cache: Some(&cache) };
    let error =
        load_with_options(&dataset, &[0], options, || outline, &Progress::default()).unwrap_err().to_string();
    assert!(error.contains("60"), "{error}");
}

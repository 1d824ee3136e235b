//! Features of many files at once.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use stapes_audio::Clip;
use stapes_data::{
    DataConfig, DataError, DataSet, FsddConfig, JapaneseVowelsConfig, Source, Watch, load, load_usable,
};
use stapes_features::Features;

use crate::folders::{digits, write_wav};

fn open(folder: &std::path::Path) -> DataSet {
    DataConfig::Fsdd(FsddConfig::default()).open(Some(folder)).unwrap()
}

/// One frame a clip: its number of samples and its first sample as an integer.
fn outline(clip: &Clip) -> Result<Features, String> {
    Ok(Features::new(2, vec![clip.samples.len() as f32, clip.samples[0] * 32768.0]))
}

#[test]
fn features_come_in_the_order_asked_for() {
    let folder = digits(&["anna", "bo"], 3);
    let dataset = open(folder.path());
    let indices: Vec<usize> = (0..dataset.examples.len()).rev().collect();
    // The pause makes all threads take part, whatever the machine.
    let slowly = |clip: &Clip| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        outline(clip)
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let features = pool.install(|| load(&dataset, &indices, || slowly, &Watch::default())).unwrap();
    assert_eq!(features.len(), 60);
    // The folder was filled in the order of names, each file one sample longer than the one before.
    for (&index, features) in indices.iter().zip(&features) {
        assert_eq!(
            features.values(),
            [(index + 1) as f32, dataset.examples[index].truth.class().unwrap() as f32]
        );
    }
    assert_eq!(load(&dataset, &[], || outline, &Watch::default()).unwrap(), []);
}

#[test]
fn progress_counts_every_example_once_and_a_thread_makes_one_extractor() {
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
    load(&dataset, &indices, extractor, &Watch { progress: &progress, stop: &stop }).unwrap();
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (1..=60).collect::<Vec<_>>());
    let made = made.into_inner();
    assert!((1..=rayon::current_num_threads()).contains(&made), "{made}");
}

#[test]
fn every_file_that_cannot_be_used_is_named() {
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
    let error = load(&dataset, &indices, || refuse_fours, &Watch::default()).unwrap_err();
    let text = error.to_string();
    let DataError::Files { failed, total } = error else { panic!("{text}") };
    assert_eq!(total, 19);
    let paths: BTreeSet<_> = failed.iter().map(|(path, _)| path.clone()).collect();
    let four = |index: usize| recordings.join(format!("4_anna_{index}.wav"));
    let expected = BTreeSet::from([recordings.join("0_anna_1.wav"), gone, four(0), four(1)]);
    assert_eq!(paths, expected);
    assert!(failed.iter().filter(|(_, reason)| reason == "is a four").count() == 2, "{text}");
    assert!(text.starts_with("4 of 19 files cannot be used:\n"), "{text}");
    // A path is said once.
    let text_file = recordings.join("0_anna_1.wav").display().to_string();
    assert!(text.contains(&format!("\n  {text_file}: not a WAV file")), "{text}");
    assert!(text.contains(&format!("{}: is a four\n", four(0).display())), "{text}");
}

#[test]
fn a_message_shows_the_first_failures_and_counts_the_others() {
    let folder = digits(&["anna"], 2);
    let dataset = open(folder.path());
    let indices: Vec<usize> = (0..dataset.examples.len()).collect();
    let refuse = || |_: &Clip| -> Result<Features, &str> { Err("refused") };
    let text = load(&dataset, &indices, refuse, &Watch::default()).unwrap_err().to_string();
    assert!(text.starts_with("20 of 20 files cannot be used:\n"), "{text}");
    assert_eq!(text.matches(": refused").count(), 5);
    assert!(text.contains("\n  and 15 more\n"), "{text}");
}

#[test]
fn a_share_of_unusable_files_is_left_out_and_named() {
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
    let load = |share| load_usable(&dataset, &indices, share, || outline, &Watch::default());
    let usable = load(0.1).unwrap();
    let left: Vec<usize> = indices.iter().copied().filter(|&index| index != 1 && index != 10).collect();
    assert_eq!(usable.indices, left);
    assert_eq!(usable.features.len(), 18);
    assert_eq!(usable.features[0].values()[0], 20.0);
    let names: Vec<_> = usable.left_out.iter().map(|(path, _)| path.file_name().unwrap()).collect();
    assert_eq!(names, ["5_anna_0.wav", "0_anna_1.wav"]);
    assert!(matches!(load(0.09), Err(DataError::Files { failed, total: 20 }) if failed.len() == 2));
    let only = load_usable(&dataset, &[1], 0.99, || outline, &Watch::default());
    assert!(matches!(only, Err(DataError::Files { total: 1, .. })), "nothing is left");
}

#[test]
fn a_clip_without_frames_is_refused() {
    let folder = digits(&["anna"], 1);
    write_wav(&folder.path().join("recordings/3_anna_0.wav"), &[1, 2]);
    let dataset = open(folder.path());
    let windows = |clip: &Clip| -> Result<Features, String> {
        Ok(Features::new(1, clip.samples.windows(3).map(|window| window[0]).collect()))
    };
    let error = load(&dataset, &[3, 5], || windows, &Watch::default()).unwrap_err().to_string();
    assert!(error.contains("3_anna_0.wav: its 2 samples give no frame"), "{error}");
}

#[test]
fn loading_stops_when_told() {
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
        load(&dataset, &indices, || outline, &Watch { progress: &progress, stop: &stop }).unwrap_err();
    let DataError::Stopped { done, total: 60 } = error else { panic!("{error}") };
    // Each thread may still finish the file it has begun.
    assert!((10..10 + rayon::current_num_threads()).contains(&done), "{done}");
    let before = load(&dataset, &indices, || outline, &Watch { progress: &|_| {}, stop: &stop });
    assert!(matches!(before, Err(DataError::Stopped { done: 0, total: 60 })));
}

#[test]
fn examples_that_come_as_frames_need_no_extractor() {
    let dataset = DataConfig::JapaneseVowels(JapaneseVowelsConfig::default()).open(None).unwrap();
    let never = || -> fn(&Clip) -> Result<Features, String> { |_| panic!("there is no clip") };
    let features = load(&dataset, &[639, 0], never, &Watch::default()).unwrap();
    let Source::Frames(expected) = &dataset.examples[639].source else { panic!("not frames") };
    assert_eq!(&features[0], expected);
}

//! Parallel loading of files as features.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use stapes_audio::Clip;
use stapes_features::Features;

use crate::cache::{CachedFrames, FrameCache};
use crate::dataset::{DataSet, Example, Source};
use crate::error::DataError;
use crate::label::Label;

static NEVER_STOP: AtomicBool = AtomicBool::new(false);

/// Progress callback and stop flag of [`load`].
#[derive(Clone, Copy)]
pub struct Progress<'a> {
    /// Called after each example with the number of finished examples; each number occurs once, from any thread, in
    /// any order.
    pub on_example: &'a (dyn Fn(usize) + Sync),
    /// When this becomes true, no further file is started.
    pub stop: &'a AtomicBool,
}

impl Default for Progress<'static> {
    /// Returns a progress without callback that never stops.
    fn default() -> Progress<'static> {
        Progress { on_example: &|_| {}, stop: &NEVER_STOP }
    }
}

/// Loads the features of the examples `indices`, in that order.
///
/// Files are read by all threads of rayon's pool. `extractor` is called once per thread and returns a function from a
/// clip to features or an error. Examples that are frames are copied.
///
/// # Errors
/// [`DataError::Files`] with every file that cannot be read, is rejected by the extractor, is shorter than a frame,
/// or does not match the length of its labels; [`DataError::Stopped`] if `progress.stop` became true before the last
/// example was finished.
///
/// # Panics
/// If an index is out of range.
///
/// # Example
/// ```
/// use stapes_data::{DataConfig, JapaneseVowelsConfig, Progress, load};
/// use stapes_audio::Clip;
/// use stapes_features::Features;
///
/// let vowels = DataConfig::JapaneseVowels(JapaneseVowelsConfig::default()).open(None)?;
/// // Level in frames of 10 ms at 8 kHz; these examples come as frames, so nothing is left to extract.
/// let level = || |clip: &Clip| -> Result<Features, String> {
///     let frames = clip.samples.chunks(80).map(|frame| frame.iter().map(|x| x * x).sum());
///     Ok(Features::new(1, frames.collect()))
/// };
/// let features = load(&vowels, &[0, 5], level, &Progress::default())?;
/// assert_eq!((features[0].frames(), features[0].width()), (20, 12));
/// assert_eq!(features[0].frame(0)[0], 1.860936);
/// # Ok::<(), stapes_data::DataError>(())
/// ```
pub fn load<E, X>(
    dataset: &DataSet,
    indices: &[usize],
    extractor: impl Fn() -> E + Sync,
    progress: &Progress<'_>,
) -> Result<Vec<Features>, DataError>
where
    E: FnMut(&Clip) -> Result<Features, X>,
    X: Display,
{
    Ok(load_with_options(dataset, indices, LoadOptions::default(), extractor, progress)?.features)
}

/// Options of [`load_with_options`].
#[derive(Clone, Copy, Default)]
pub struct LoadOptions<'a> {
    /// Maximum fraction of unusable examples, in [0, 1); 1 leaves the decision to [`check_unreadable`].
    pub max_unreadable_fraction: f64,
    /// Cache of frames.
    pub cache: Option<&'a FrameCache>,
}

/// Features of the usable examples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadedFeatures {
    /// Indices of the examples, in the requested order.
    pub indices: Vec<usize>,
    /// Features of the examples.
    pub features: Vec<Features>,
    /// Durations of the recordings in seconds; 0 for examples that are frames.
    pub seconds: Vec<f64>,
    /// Files of the skipped examples, each with the reason.
    pub skipped: Vec<(PathBuf, String)>,
}

/// Loads features like [`load`], but skips and reports a limited fraction of unusable examples, and uses a cache. The
/// cache must have been opened for the same front end.
///
/// # Errors
/// Errors of [`load`]; [`DataError::Files`] only if more than the permitted fraction, or all examples, are unusable.
pub fn load_with_options<E, X>(
    dataset: &DataSet,
    indices: &[usize],
    options: LoadOptions<'_>,
    extractor: impl Fn() -> E + Sync,
    progress: &Progress<'_>,
) -> Result<LoadedFeatures, DataError>
where
    E: FnMut(&Clip) -> Result<Features, X>,
    X: Display,
{
    let read =
        |extractor: &mut E, index: usize| features_of(&dataset.examples[index], options.cache, extractor);
    let results = in_parallel(indices, extractor, read, progress)?;
    let mut loaded = LoadedFeatures::default();
    for (&index, result) in indices.iter().zip(results) {
        match result {
            Ok(CachedFrames { features, seconds }) => {
                loaded.indices.push(index);
                loaded.features.push(features);
                loaded.seconds.push(seconds);
            }
            Err(failure) => loaded.skipped.push(failure),
        }
    }
    check_unreadable(
        &dataset.name,
        options.max_unreadable_fraction,
        &[(loaded.indices.len(), &loaded.skipped)],
    )?;
    Ok(loaded)
}

/// Checks that each of several subsets has at most this fraction of unusable files, and a usable one if it has any. Each
/// subset is given as its number of usable examples, and its unusable files with the reasons.
///
/// # Errors
/// [`DataError::Files`] with the unusable files of all subsets, if one subset has too many.
pub fn check_unreadable(
    set: &str,
    max_unreadable_fraction: f64,
    subsets: &[(usize, &[(PathBuf, String)])],
) -> Result<(), DataError> {
    let is_wrong = |&(usable, failed): &(usize, &[(PathBuf, String)])| {
        let total = (usable + failed.len()) as f64;
        failed.len() as f64 > max_unreadable_fraction * total
            || (usable == 0 && !failed.is_empty() && max_unreadable_fraction < 1.0)
    };
    if !subsets.iter().any(is_wrong) {
        return Ok(());
    }
    let failed: Vec<_> = subsets.iter().flat_map(|(_, failed)| failed.iter().cloned()).collect();
    let total = failed.len() + subsets.iter().map(|(usable, _)| usable).sum::<usize>();
    Err(DataError::Files { set: set.to_owned(), failed, total })
}

/// Applies `read` to each item and returns the results in the order of the items; each thread has its own state.
pub(crate) fn in_parallel<I: Copy + Sync, S, R: Send>(
    items: &[I],
    state: impl Fn() -> S + Sync,
    read: impl Fn(&mut S, I) -> R + Sync,
    progress: &Progress<'_>,
) -> Result<Vec<R>, DataError> {
    let total = items.len();
    // Each thread takes the next item when it is free, because files differ in length.
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let work = |_thread: usize| {
        let mut own_state: Option<S> = None;
        let mut results = Vec::new();
        while !progress.stop.load(Ordering::Relaxed) {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(&item) = items.get(position) else { break };
            results.push((position, read(own_state.get_or_insert_with(&state), item)));
            (progress.on_example)(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
        results
    };
    let workers = rayon::current_num_threads().min(total).max(1);
    let mut results: Vec<(usize, R)> =
        (0..workers).into_par_iter().with_max_len(1).flat_map_iter(work).collect();
    if results.len() < total {
        return Err(DataError::Stopped { done: results.len(), total });
    }
    results.sort_unstable_by_key(|&(position, _)| position);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

type Failure = (PathBuf, String);

fn features_of<X: Display>(
    example: &Example,
    cache: Option<&FrameCache>,
    extract: impl FnMut(&Clip) -> Result<Features, X>,
) -> Result<CachedFrames, Failure> {
    match (&example.source, example.source.path()) {
        (Source::Frames(frames), _) => Ok(CachedFrames { features: frames.clone(), seconds: 0.0 }),
        (_, path) => {
            let path = path.unwrap_or_else(|| Path::new(&example.id));
            let frames = cached_frames(example, path, cache, extract).and_then(|frames| {
                if let Label::Segments(segments) = &example.label {
                    segments.check_length(frames.seconds)?;
                }
                Ok(frames)
            });
            frames.map_err(|reason| (path.to_owned(), reason))
        }
    }
}

/// Returns the cached frames of a recording, or computes and caches them.
fn cached_frames<X: Display>(
    example: &Example,
    path: &Path,
    cache: Option<&FrameCache>,
    extract: impl FnMut(&Clip) -> Result<Features, X>,
) -> Result<CachedFrames, String> {
    let Some((cache, location)) = cache.and_then(|cache| Some((cache, cache.path(example)?))) else {
        return from_file(example, path, extract);
    };
    if let Some(frames) = FrameCache::read(&location) {
        return Ok(frames);
    }
    let frames = from_file(example, path, extract)?;
    cache.store(&location, &frames);
    Ok(frames)
}

fn from_file<X: Display>(
    example: &Example,
    path: &Path,
    mut extract: impl FnMut(&Clip) -> Result<Features, X>,
) -> Result<CachedFrames, String> {
    let clip = example.read().ok_or("the example has no recording")?;
    let clip = clip.map_err(|error| without_path(path, &error.to_string()))?;
    frames_of(&clip, &mut extract)
}

/// Returns the frames of a clip, or the reason why it is unusable: the rule of training and of
/// [`DataStatistics`](crate::DataStatistics).
pub(crate) fn frames_of<X: Display>(
    clip: &Clip,
    extract: &mut impl FnMut(&Clip) -> Result<Features, X>,
) -> Result<CachedFrames, String> {
    let features = extract(clip).map_err(|error| error.to_string())?;
    if features.frames() == 0 {
        return Err(format!(
            "its {} samples are shorter than one window; use a longer recording",
            clip.samples.len()
        ));
    }
    Ok(CachedFrames { features, seconds: clip.seconds() })
}

/// Removes the path at the start of a message, because the path is reported separately.
pub(crate) fn without_path(path: &Path, message: &str) -> String {
    let reason = message.strip_prefix(&path.display().to_string()).and_then(|rest| rest.strip_prefix(": "));
    reason.unwrap_or(message).to_owned()
}

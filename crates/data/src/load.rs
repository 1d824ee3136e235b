//! From files to features, on all threads.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use stapes_audio::Clip;
use stapes_features::Features;

use crate::cache::{FrameCache, Kept};
use crate::dataset::{DataSet, Example, Source};
use crate::error::DataError;
use crate::truth::Truth;

static NEVER: AtomicBool = AtomicBool::new(false);

/// Who is told how far a [`load`] is, and may end it.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Called after each example with how many are done: each number once, from any thread, in any order.
    pub progress: &'a (dyn Fn(usize) + Sync),
    /// Once this is true no further file is begun.
    pub stop: &'a AtomicBool,
}

impl Default for Watch<'static> {
    /// Nobody: no progress, no end before the last example.
    fn default() -> Watch<'static> {
        Watch { progress: &|_| {}, stop: &NEVER }
    }
}

/// The features of the examples `indices`, in that order.
///
/// Files are read by all threads of rayon's pool. `extractor` is called once a thread, for a front end with buffers
/// of its own; what it makes turns a clip into features, or says why it cannot. Examples that come as frames are
/// copied.
///
/// # Errors
/// [`DataError::Files`] with every file that cannot be read, is refused by the extractor, gives no
/// frames, or is shorter or longer than its labels;
/// [`DataError::Stopped`] when `watch.stop` became true before the last example was done.
///
/// # Panics
/// If an index is out of range.
///
/// # Example
/// ```
/// use stapes_data::{DataConfig, JapaneseVowelsConfig, Watch, load};
/// use stapes_audio::Clip;
/// use stapes_features::Features;
///
/// let vowels = DataConfig::JapaneseVowels(JapaneseVowelsConfig::default()).open(None)?;
/// // Level in frames of 10 ms at 8 kHz; these examples come as frames, so nothing is left to extract.
/// let level = || |clip: &Clip| -> Result<Features, String> {
///     let frames = clip.samples.chunks(80).map(|frame| frame.iter().map(|x| x * x).sum());
///     Ok(Features::new(1, frames.collect()))
/// };
/// let features = load(&vowels, &[0, 5], level, &Watch::default())?;
/// assert_eq!((features[0].frames(), features[0].width()), (20, 12));
/// assert_eq!(features[0].frame(0)[0], 1.860936);
/// # Ok::<(), stapes_data::DataError>(())
/// ```
pub fn load<E, X>(
    dataset: &DataSet,
    indices: &[usize],
    extractor: impl Fn() -> E + Sync,
    watch: &Watch<'_>,
) -> Result<Vec<Features>, DataError>
where
    E: FnMut(&Clip) -> Result<Features, X>,
    X: Display,
{
    Ok(load_usable(dataset, indices, Terms::default(), extractor, watch)?.features)
}

/// What is asked of a loading.
#[derive(Clone, Copy, Default)]
pub struct Terms<'a> {
    /// The share of the examples that may be unusable, in [0, 1).
    pub unreadable_share: f64,
    /// Where frames are kept, and taken from.
    pub cache: Option<&'a FrameCache>,
}

/// What could be used of the examples asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usable {
    /// The examples, in the order asked for.
    pub indices: Vec<usize>,
    /// Their features.
    pub features: Vec<Features>,
    /// The files of the others, each with what is wrong with it.
    pub left_out: Vec<(PathBuf, String)>,
}

/// As [`load`], but up to a share of the examples may be unusable: they are left out and named. Frames that are kept are
/// taken from there; `extractor` must be what the cache was opened for.
///
/// # Errors
/// As [`load`]; [`DataError::Files`] where more than that share of the examples, or all of them, cannot be used.
pub fn load_usable<E, X>(
    dataset: &DataSet,
    indices: &[usize],
    terms: Terms<'_>,
    extractor: impl Fn() -> E + Sync,
    watch: &Watch<'_>,
) -> Result<Usable, DataError>
where
    E: FnMut(&Clip) -> Result<Features, X>,
    X: Display,
{
    let total = indices.len();
    let read = |own: &mut E, index: usize| features_of(&dataset.examples[index], terms.cache, own);
    let results = in_parallel(indices, extractor, read, watch)?;
    let mut usable = Usable::default();
    for (&index, result) in indices.iter().zip(results) {
        match result {
            Ok(frames) => {
                usable.indices.push(index);
                usable.features.push(frames);
            }
            Err(failure) => usable.left_out.push(failure),
        }
    }
    let failed = usable.left_out.len();
    if failed as f64 > terms.unreadable_share * total as f64 || (failed == total && total > 0) {
        return Err(DataError::Files { failed: usable.left_out, total });
    }
    Ok(usable)
}

/// What `read` makes of each item, in their order; each thread has a state of its own.
pub(crate) fn in_parallel<I: Copy + Sync, S, R: Send>(
    items: &[I],
    state: impl Fn() -> S + Sync,
    read: impl Fn(&mut S, I) -> R + Sync,
    watch: &Watch<'_>,
) -> Result<Vec<R>, DataError> {
    let total = items.len();
    // Threads take the next item as they get free: files differ in length.
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let work = |_worker: usize| {
        let mut own: Option<S> = None;
        let mut results = Vec::new();
        while !watch.stop.load(Ordering::Relaxed) {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(&item) = items.get(position) else { break };
            results.push((position, read(own.get_or_insert_with(&state), item)));
            (watch.progress)(done.fetch_add(1, Ordering::Relaxed) + 1);
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
) -> Result<Features, Failure> {
    match (&example.source, example.source.path()) {
        (Source::Frames(frames), _) => Ok(frames.clone()),
        (source, path) => {
            let path = path.unwrap_or_else(|| Path::new(&example.id));
            let heard = heard(source, path, cache, extract).and_then(|heard| {
                if let Truth::Intervals(intervals) = &example.truth {
                    intervals.check_length(heard.seconds)?;
                }
                Ok(heard.features)
            });
            heard.map_err(|reason| (path.to_owned(), reason))
        }
    }
}

/// The frames of a recording that are kept, or else those of the file, which are kept from now on.
fn heard<X: Display>(
    source: &Source,
    path: &Path,
    cache: Option<&FrameCache>,
    extract: impl FnMut(&Clip) -> Result<Features, X>,
) -> Result<Kept, String> {
    let Some((cache, place)) = cache.and_then(|cache| Some((cache, cache.place(source)?))) else {
        return from_file(source, path, extract);
    };
    if let Some(kept) = FrameCache::read(&place) {
        return Ok(kept);
    }
    let heard = from_file(source, path, extract)?;
    cache.keep(&place, &heard);
    Ok(heard)
}

fn from_file<X: Display>(
    source: &Source,
    path: &Path,
    mut extract: impl FnMut(&Clip) -> Result<Features, X>,
) -> Result<Kept, String> {
    let clip = source.read().ok_or("comes as frames")?;
    let clip = clip.map_err(|error| without_path(path, &error.to_string()))?;
    let features = extract(&clip).map_err(|error| error.to_string())?;
    if features.frames() == 0 {
        return Err(format!(
            "its {} samples give no frame: they are less than one window",
            clip.samples.len()
        ));
    }
    Ok(Kept { features, seconds: clip.seconds() })
}

/// The message without the path that it begins with: a failure carries the path apart.
pub(crate) fn without_path(path: &Path, message: &str) -> String {
    let reason = message.strip_prefix(&path.display().to_string()).and_then(|rest| rest.strip_prefix(": "));
    reason.unwrap_or(message).to_owned()
}

//! Check that no content is in two subsets of a split.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use stapes_random::Fnv1a;

use crate::dataset::{DataSet, Source};
use crate::error::DataError;
use crate::load::{Progress, in_parallel};
use crate::split::Split;
use crate::statistics::{content_of_frames, is_silent_or_unreadable};
use crate::subset::Subset;

/// Number of bytes from the middle of a file that are hashed; they distinguish most files of equal length.
const SAMPLED_BYTES: u64 = 4096;
/// Maximum number of pairs in a message.
const MAX_PAIRS: usize = 5;

/// Finds files of equal content, overlapping segments of them, or equal frames, in different subsets.
///
/// Files are compared by length and a hash of their middle; only files equal in both are read completely. An
/// unreadable file is equal to no other, and neither is a silent one, as in [`DataStatistics`](crate::DataStatistics).
pub(crate) fn check(
    set: &'static str,
    dataset: &DataSet,
    split: &Split,
    progress: &Progress<'_>,
) -> Result<(), DataError> {
    let mut extents = extents(dataset, split);
    let mut files: Vec<&Path> = extents.iter().map(|extent| extent.path).collect();
    files.dedup();
    let digests = in_parallel(&files, || (), |(), path| digest(path).ok(), progress)?;
    let contents = contents(&files, &digests, progress)?;
    let mut file = 0;
    for extent in &mut extents {
        while files[file] != extent.path {
            file += 1;
        }
        extent.content = contents[file];
    }
    extents.sort_by(|a, b| {
        let by_time = a.start_seconds.total_cmp(&b.start_seconds);
        a.content.cmp(&b.content).then(by_time).then(a.index.cmp(&b.index))
    });
    let mut pairs: Vec<[usize; 2]> =
        extents.chunk_by(|a, b| a.content == b.content).flat_map(shared).collect();
    let quiet = Progress { on_example: &|_| {}, stop: progress.stop };
    let leaks = in_parallel(&pairs, || (), |(), pair| is_leak(dataset, pair), &quiet)?;
    let mut leaks = leaks.into_iter();
    pairs.retain(|_| leaks.next().unwrap_or(true));
    pairs.extend(shared_frames(dataset, split));
    if pairs.is_empty() {
        return Ok(());
    }
    pairs.sort_unstable();
    let name = |index: usize| &dataset.examples[index].id;
    // Only these are formatted.
    let named: Vec<String> =
        pairs.iter().take(MAX_PAIRS).map(|&[a, b]| format!("{} and {}", name(a), name(b))).collect();
    let more = pairs.len() - named.len();
    let named = named.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(DataError::SharedContent { set, count: pairs.len(), pairs: named })
}

/// Returns pairs of examples with equal frames in different subsets; each is paired with at most one other.
fn shared_frames(dataset: &DataSet, split: &Split) -> Vec<[usize; 2]> {
    let mut first = HashMap::new();
    let mut pairs = Vec::new();
    for subset in Subset::ALL {
        for &index in split.subset(subset) {
            let Source::Frames(frames) = &dataset.examples[index].source else { continue };
            let &mut (other, other_subset) =
                first.entry((frames.frames(), content_of_frames(frames))).or_insert((index, subset));
            if other_subset != subset && dataset.examples[other].source == dataset.examples[index].source {
                pairs.push([other.min(index), other.max(index)]);
            }
        }
    }
    pairs
}

/// Returns true for two segments of one file, and for two files with the same sound.
fn is_leak(dataset: &DataSet, [a, b]: [usize; 2]) -> bool {
    let [a, b] = [a, b].map(|index| &dataset.examples[index]);
    a.source.path() == b.source.path() || !is_silent_or_unreadable(a)
}

/// Example that is a file or a segment of one.
#[derive(Clone, Copy)]
struct Extent<'a> {
    path: &'a Path,
    /// Equal for files of equal content.
    content: usize,
    index: usize,
    subset: Subset,
    start_seconds: f64,
    end_seconds: f64,
}

/// Returns the examples of a split that are in files, sorted by path.
fn extents<'a>(dataset: &'a DataSet, split: &Split) -> Vec<Extent<'a>> {
    let mut extents = Vec::new();
    for subset in Subset::ALL {
        for &index in split.subset(subset) {
            let (path, start_seconds, end_seconds) = match &dataset.examples[index].source {
                Source::File(path) => (path, 0.0, f64::INFINITY),
                Source::Segment { path, start_seconds, end_seconds } => {
                    (path, *start_seconds, end_seconds.unwrap_or(f64::INFINITY))
                }
                Source::Frames(_) => continue,
            };
            extents.push(Extent { path, content: 0, index, subset, start_seconds, end_seconds });
        }
    }
    // Comparing text is faster than comparing path components.
    extents.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    extents
}

/// Returns, for each file, the index of the first file with the same content, possibly itself.
fn contents(
    files: &[&Path],
    digests: &[Option<(u64, u64)>],
    progress: &Progress<'_>,
) -> Result<Vec<usize>, DataError> {
    let mut order: Vec<usize> = (0..files.len()).filter(|&file| digests[file].is_some()).collect();
    order.sort_by_key(|&file| (digests[file], file));
    let candidates: Vec<usize> = order
        .chunk_by(|&a, &b| digests[a] == digests[b])
        .filter(|candidates| candidates.len() > 1)
        .flatten()
        .copied()
        .collect();
    let quiet = Progress { on_example: &|_| {}, stop: progress.stop };
    let hashes = in_parallel(&candidates, || (), |(), file| hash(files[file]).ok(), &quiet)?;
    let mut hashed: Vec<((u64, u64), u64, usize)> = candidates
        .iter()
        .zip(hashes)
        .filter_map(|(&file, hash)| Some((digests[file]?, hash?, file)))
        .collect();
    hashed.sort_unstable();
    let mut contents: Vec<usize> = (0..files.len()).collect();
    for same in hashed.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        same.iter().for_each(|&(.., file)| contents[file] = same[0].2);
    }
    Ok(contents)
}

/// Overlap that may be rounding.
const TIME_TOLERANCE_SECONDS: f64 = 1e-3;

/// Returns pairs of segments that overlap in time and are in different subsets. The segments have one content and are
/// sorted by start; each is paired with at most one earlier segment.
fn shared(extents: &[Extent<'_>]) -> Vec<[usize; 2]> {
    // For each subset, the segment with the latest end.
    let mut furthest: [Option<Extent<'_>>; 3] = [None; 3];
    let mut pairs = Vec::new();
    for &extent in extents {
        let overlaps = |other: &&Extent<'_>| {
            other.subset != extent.subset && other.end_seconds > extent.start_seconds + TIME_TOLERANCE_SECONDS
        };
        if let Some(other) = furthest.iter().flatten().find(overlaps) {
            pairs.push([other.index.min(extent.index), other.index.max(extent.index)]);
        }
        let last = &mut furthest[extent.subset as usize];
        if last.is_none_or(|last| last.end_seconds < extent.end_seconds) {
            *last = Some(extent);
        }
    }
    pairs
}

/// Returns the length of a file and a hash of bytes from its middle.
fn digest(path: &Path) -> io::Result<(u64, u64)> {
    let mut file = stapes_files::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(SAMPLED_BYTES) / 2))?;
    Ok((length, hash_of(file.take(SAMPLED_BYTES))?))
}

fn hash(path: &Path) -> io::Result<u64> {
    hash_of(stapes_files::open(path)?)
}

fn hash_of(mut bytes: impl Read) -> io::Result<u64> {
    let mut hash = Fnv1a::default();
    let mut buffer = [0; 1 << 14];
    loop {
        match bytes.read(&mut buffer)? {
            0 => return Ok(hash.value()),
            count => hash.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(index: usize, subset: Subset, start_seconds: f64, end_seconds: f64) -> Extent<'static> {
        Extent { path: Path::new("a"), content: 0, index, subset, start_seconds, end_seconds }
    }

    #[test]
    fn overlapping_segments_in_different_subsets_are_found() {
        use Subset::{Test, Train, Validation};
        let extents = [
            extent(0, Train, 0.0, 10.0),
            extent(1, Train, 2.0, 3.0),
            extent(2, Test, 9.5, 11.0),
            extent(3, Validation, 11.0, 12.0),
            extent(4, Validation, 11.5, 13.0),
            extent(5, Test, 12.9, 14.0),
        ];
        assert_eq!(shared(&extents), [[0, 2], [4, 5]]);
        assert_eq!(shared(&[extent(0, Train, 0.0, 1.0), extent(1, Test, 1.0, 2.0)]), [[0usize; 2]; 0]);
        let rounded = [extent(0, Train, 0.0, 0.1 + 0.2), extent(1, Test, 0.3, 2.0)];
        assert_eq!(shared(&rounded), [[0usize; 2]; 0], "0.30000000000000004 is 0.3");
    }
}

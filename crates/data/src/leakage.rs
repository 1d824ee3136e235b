//! What is looked at in files before any is used: whether they can be opened, and whether one is in two parts of a split.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use stapes_audio::{AudioError, Recording};

use crate::dataset::{DataSet, Source};
use crate::error::DataError;
use crate::load::{Watch, in_parallel, without_path};
use crate::split::{Partition, Split};

/// Bytes from the middle of a file that tell most files of one length apart.
const GLANCE: u64 = 4096;
/// Pairs that a message names.
const NAMED: usize = 5;

/// Opens every file, of which a share may fail, and looks for files of the same content, or overlapping parts of them, in
/// different parts of the split.
///
/// Files are told apart by their lengths and a glance at the middle; only those that are equal in both are read whole. What
/// cannot be read is equal to nothing.
pub(crate) fn check(
    (set, unreadable_share): (&'static str, f64),
    dataset: &DataSet,
    split: &Split,
    watch: &Watch<'_>,
) -> Result<(), DataError> {
    let mut pieces = pieces(dataset, split);
    let mut files: Vec<&Path> = pieces.iter().map(|piece| piece.path).collect();
    files.dedup();
    let looked =
        in_parallel(&files, || (), |(), path| (glance(path).ok(), Recording::open(path).err()), watch)?;
    let (glances, refused): (Vec<_>, Vec<_>) = looked.into_iter().unzip();
    let failure = |(&path, refused): (&&Path, Option<AudioError>)| {
        Some((path.to_owned(), without_path(path, &refused?.to_string())))
    };
    let failed: Vec<_> = files.iter().zip(refused).filter_map(failure).collect();
    if failed.len() as f64 > unreadable_share * files.len() as f64 {
        return Err(DataError::Files { failed, total: files.len() });
    }
    let contents = contents(&files, &glances, watch)?;
    let mut file = 0;
    for piece in &mut pieces {
        while files[file] != piece.path {
            file += 1;
        }
        piece.content = contents[file];
    }
    pieces.sort_by(|a, b| {
        let by_time = a.start_seconds.total_cmp(&b.start_seconds);
        a.content.cmp(&b.content).then(by_time).then(a.index.cmp(&b.index))
    });
    let mut pairs: Vec<[usize; 2]> =
        pieces.chunk_by(|a, b| a.content == b.content).flat_map(shared).collect();
    if pairs.is_empty() {
        return Ok(());
    }
    pairs.sort_unstable();
    let name = |index: usize| &dataset.examples[index].id;
    // No more are named.
    let named: Vec<String> =
        pairs.iter().take(NAMED).map(|&[a, b]| format!("{} and {}", name(a), name(b))).collect();
    let more = pairs.len() - named.len();
    let named = named.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(DataError::SharedContent { set, count: pairs.len(), pairs: named })
}

/// An example that is a file or a part of one.
#[derive(Clone, Copy)]
struct Piece<'a> {
    path: &'a Path,
    /// Equal for files of the same content.
    content: usize,
    index: usize,
    partition: Partition,
    start_seconds: f64,
    end_seconds: f64,
}

/// The examples of a split that are of files, by their paths.
fn pieces<'a>(dataset: &'a DataSet, split: &Split) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for partition in Partition::ALL {
        for &index in split.part(partition) {
            let (path, start_seconds, end_seconds) = match &dataset.examples[index].source {
                Source::File(path) => (path, 0.0, f64::INFINITY),
                Source::Part { path, start_seconds, end_seconds } => {
                    (path, *start_seconds, end_seconds.unwrap_or(f64::INFINITY))
                }
                Source::Frames(_) => continue,
            };
            pieces.push(Piece { path, content: 0, index, partition, start_seconds, end_seconds });
        }
    }
    // As text, which is faster than name by name.
    pieces.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    pieces
}

/// For each file the first file of the same content, which may be itself.
fn contents(
    files: &[&Path],
    glances: &[Option<(u64, u64)>],
    watch: &Watch<'_>,
) -> Result<Vec<usize>, DataError> {
    let mut order: Vec<usize> = (0..files.len()).filter(|&file| glances[file].is_some()).collect();
    order.sort_by_key(|&file| (glances[file], file));
    let alike: Vec<usize> = order
        .chunk_by(|&a, &b| glances[a] == glances[b])
        .filter(|alike| alike.len() > 1)
        .flatten()
        .copied()
        .collect();
    let silent = Watch { progress: &|_| {}, stop: watch.stop };
    let hashes = in_parallel(&alike, || (), |(), file| hash(files[file]).ok(), &silent)?;
    let mut hashed: Vec<((u64, u64), u64, usize)> =
        alike.iter().zip(hashes).filter_map(|(&file, hash)| Some((glances[file]?, hash?, file))).collect();
    hashed.sort_unstable();
    let mut contents: Vec<usize> = (0..files.len()).collect();
    for same in hashed.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        same.iter().for_each(|&(.., file)| contents[file] = same[0].2);
    }
    Ok(contents)
}

/// Pieces of one content, in the order of their starts, that overlap in time and are in different parts of the split: each
/// with one before it.
fn shared(pieces: &[Piece<'_>]) -> Vec<[usize; 2]> {
    // Of each part of the split the piece that reaches furthest.
    let mut furthest: [Option<Piece<'_>>; 3] = [None; 3];
    let mut pairs = Vec::new();
    for &piece in pieces {
        let overlaps = |other: &&Piece<'_>| {
            other.partition != piece.partition && other.end_seconds > piece.start_seconds
        };
        if let Some(other) = furthest.iter().flatten().find(overlaps) {
            pairs.push([other.index.min(piece.index), other.index.max(piece.index)]);
        }
        let own = &mut furthest[piece.partition as usize];
        if own.is_none_or(|own| own.end_seconds < piece.end_seconds) {
            *own = Some(piece);
        }
    }
    pairs
}

/// A file's length and a hash of a few bytes from its middle.
fn glance(path: &Path) -> io::Result<(u64, u64)> {
    let mut file = stapes_files::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(GLANCE) / 2))?;
    Ok((length, hash_of(file.take(GLANCE))?))
}

fn hash(path: &Path) -> io::Result<u64> {
    hash_of(stapes_files::open(path)?)
}

fn hash_of(mut bytes: impl Read) -> io::Result<u64> {
    let mut hash = Hash::default();
    let mut buffer = [0; 1 << 14];
    loop {
        match bytes.read(&mut buffer)? {
            0 => return Ok(hash.0),
            // A read may end anywhere, so bytes go in one by one.
            count => buffer[..count].iter().for_each(|&byte| hash.add(u32::from(byte))),
        }
    }
}

/// A hash that finds equal contents and withstands no forger.
pub(crate) struct Hash(pub(crate) u64);

impl Default for Hash {
    fn default() -> Hash {
        Hash(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    /// Takes another number in.
    pub(crate) fn add(&mut self, number: u32) {
        let mixed = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(index: usize, partition: Partition, start_seconds: f64, end_seconds: f64) -> Piece<'static> {
        Piece { path: Path::new("a"), content: 0, index, partition, start_seconds, end_seconds }
    }

    #[test]
    fn pieces_that_overlap_in_different_parts_are_found() {
        use Partition::{Test, Train, Validation};
        let pieces = [
            piece(0, Train, 0.0, 10.0),
            piece(1, Train, 2.0, 3.0),
            piece(2, Test, 9.5, 11.0),
            piece(3, Validation, 11.0, 12.0),
            piece(4, Validation, 11.5, 13.0),
            piece(5, Test, 12.9, 14.0),
        ];
        assert_eq!(shared(&pieces), [[0, 2], [4, 5]]);
        assert_eq!(shared(&[piece(0, Train, 0.0, 1.0), piece(1, Test, 1.0, 2.0)]), [[0usize; 2]; 0]);
    }
}

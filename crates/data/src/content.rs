//! What is looked at in files before any is used: whether they can be opened, and whether one is in two parts of a split.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use stapes_audio::{AudioError, Recording};

use crate::dataset::{DataSet, Source};
use crate::error::{DataError, listed};
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
    let files = files(dataset, split);
    let list: Vec<&Path> = files.keys().copied().collect();
    let looked =
        in_parallel(&list, || (), |(), path| (glance(path).ok(), Recording::open(path).err()), watch)?;
    let (glances, refused): (Vec<_>, Vec<_>) = looked.into_iter().unzip();
    let failure = |(&path, refused): (&&Path, Option<AudioError>)| {
        Some((path.to_owned(), without_path(path, &refused?.to_string())))
    };
    let failed: Vec<_> = list.iter().zip(refused).filter_map(failure).collect();
    if failed.len() as f64 > unreadable_share * list.len() as f64 {
        return Err(DataError::Files { failed, total: list.len() });
    }
    let mut suspects: HashMap<(u64, u64), Vec<&Path>> = HashMap::new();
    for (&path, glance) in list.iter().zip(glances) {
        if let Some(glance) = glance {
            suspects.entry(glance).or_default().push(path);
        }
    }
    let whole: Vec<&Path> = suspects.into_values().filter(|paths| paths.len() > 1).flatten().collect();
    let silent = Watch { progress: &|_| {}, stop: watch.stop };
    let hashes = in_parallel(&whole, || (), |(), path| hash(path).ok(), &silent)?;
    let hashes: HashMap<&Path, u64> =
        whole.iter().zip(hashes).filter_map(|(&path, hash)| Some((path, hash?))).collect();
    // A file that was not read whole is a content of its own, of which there may be several parts.
    let mut contents: BTreeMap<(Option<u64>, &Path), Vec<Piece>> = BTreeMap::new();
    for (path, pieces) in files {
        let hash = hashes.get(path).copied();
        let name = if hash.is_some() { Path::new("") } else { path };
        contents.entry((hash, name)).or_default().extend(pieces);
    }
    let mut pairs: Vec<[usize; 2]> = contents.into_values().flat_map(shared).collect();
    if pairs.is_empty() {
        return Ok(());
    }
    pairs.sort_unstable();
    let names = pairs.iter().map(|pair| {
        let [a, b] = pair.map(|index| &dataset.examples[index].id);
        format!("{a} and {b}")
    });
    let named: Vec<String> = names.collect();
    Err(DataError::SharedContent { set, count: pairs.len(), pairs: listed(&named, NAMED) })
}

/// An example that is a file or a part of one.
#[derive(Clone, Copy)]
struct Piece {
    index: usize,
    partition: Partition,
    start_seconds: f64,
    end_seconds: f64,
}

/// The files of a split, each with the examples that are of it.
fn files<'a>(dataset: &'a DataSet, split: &Split) -> BTreeMap<&'a Path, Vec<Piece>> {
    let mut files: BTreeMap<&Path, Vec<Piece>> = BTreeMap::new();
    for partition in Partition::ALL {
        for &index in split.part(partition) {
            let (path, start_seconds, end_seconds) = match &dataset.examples[index].source {
                Source::File(path) => (path, 0.0, f64::INFINITY),
                Source::Part { path, start_seconds, end_seconds } => {
                    (path, *start_seconds, end_seconds.unwrap_or(f64::INFINITY))
                }
                Source::Frames(_) => continue,
            };
            files.entry(path).or_default().push(Piece { index, partition, start_seconds, end_seconds });
        }
    }
    files
}

/// Pieces of one content that overlap in time and are in different parts of the split: each with one before it.
fn shared(mut pieces: Vec<Piece>) -> Vec<[usize; 2]> {
    pieces.sort_by(|a, b| a.start_seconds.total_cmp(&b.start_seconds).then(a.index.cmp(&b.index)));
    // Of each part of the split the piece that reaches furthest.
    let mut furthest: [Option<Piece>; 3] = [None; 3];
    let mut pairs = Vec::new();
    for piece in pieces {
        let others = furthest.iter().flatten();
        let overlaps =
            |other: &&Piece| other.partition != piece.partition && other.end_seconds > piece.start_seconds;
        if let Some(other) = others.clone().find(overlaps) {
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
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(GLANCE) / 2))?;
    Ok((length, hash_of(file.take(GLANCE))?))
}

fn hash(path: &Path) -> io::Result<u64> {
    hash_of(File::open(path)?)
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

    fn piece(index: usize, partition: Partition, start_seconds: f64, end_seconds: f64) -> Piece {
        Piece { index, partition, start_seconds, end_seconds }
    }

    #[test]
    fn pieces_that_overlap_in_different_parts_are_found() {
        use Partition::{Test, Train, Validation};
        let pieces = vec![
            piece(0, Train, 0.0, 10.0),
            piece(1, Train, 2.0, 3.0),
            piece(2, Test, 9.5, 11.0),
            piece(3, Validation, 11.0, 12.0),
            piece(4, Validation, 11.5, 13.0),
            piece(5, Test, 12.9, 14.0),
        ];
        assert_eq!(shared(pieces), [[0, 2], [4, 5]]);
        assert_eq!(shared(vec![piece(0, Train, 0.0, 1.0), piece(1, Test, 1.0, 2.0)]), [[0usize; 2]; 0]);
    }
}

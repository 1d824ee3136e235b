//! Positions of the packets of a track: packets are stored in chunks, and only chunks have positions.

use super::boxes::Mp4Box;
use crate::AudioError;
use crate::formats::big_endian;
use crate::input::Input;

/// Packets of a track, in order.
pub(super) struct Table {
    sizes: Sizes,
    /// Positions of the chunks.
    chunks: Vec<u64>,
    /// First chunk (from 0) of each run of chunks, and packets per chunk.
    runs: Vec<(u64, u64)>,
    packet: u64,
    chunk: u64,
    run: usize,
    /// Number of remaining packets of the chunk, and position of the next one.
    remaining: u64,
    byte: u64,
}

enum Sizes {
    /// Number of packets of equal size.
    Same(u64, u64),
    Each(Vec<u32>),
}

impl Table {
    pub(super) fn read(samples: &Mp4Box) -> Result<Table, AudioError> {
        let table = samples.require(b"stsz")?;
        let sizes = match (table.number(4, 4)?, table.number(8, 4)?) {
            // Numbers in these tables have 32 bits, except chunk positions in `co64`.
            (0, _) => {
                Sizes::Each(table.rows(8, 4)?.chunks_exact(4).map(|row| big_endian(row) as u32).collect())
            }
            (size, count) => Sizes::Same(count, size),
        };
        let chunks = match samples.find(b"stco")? {
            Some(table) => table.rows(4, 4)?.chunks_exact(4).map(big_endian).collect(),
            None => samples.require(b"co64")?.rows(4, 8)?.chunks_exact(8).map(big_endian).collect(),
        };
        let runs = runs(&samples.require(b"stsc")?)?;
        Ok(Table { sizes, chunks, runs, packet: 0, chunk: 0, run: 0, remaining: 0, byte: 0 })
    }

    pub(super) fn packets(&self) -> u64 {
        match &self.sizes {
            Sizes::Same(count, _) => *count,
            Sizes::Each(sizes) => sizes.len() as u64,
        }
    }

    /// Number of bytes of all packets; their numbers have 32 bits.
    pub(super) fn bytes(&self) -> u64 {
        match &self.sizes {
            Sizes::Same(count, size) => count * size,
            Sizes::Each(sizes) => sizes.iter().map(|&size| u64::from(size)).sum(),
        }
    }

    /// Returns position and length of the next packet.
    pub(super) fn next(&mut self, input: &Input) -> Result<Option<(u64, u64)>, AudioError> {
        if self.packet == self.packets() {
            return Ok(None);
        }
        if self.remaining == 0 {
            let Some(&byte) = self.chunks.get(self.chunk as usize) else {
                let (packet, packets) = (self.packet, self.packets());
                let what = format!("the MP4 tables locate {packet} of {packets} packets");
                return Err(input.damaged(input.length(), what));
            };
            if self.runs.get(self.run + 1).is_some_and(|&(first, _)| first == self.chunk) {
                self.run += 1;
            }
            (self.byte, self.remaining) = (byte, self.runs[self.run].1);
            self.chunk += 1;
        }
        let size = match &self.sizes {
            Sizes::Same(_, size) => *size,
            // The packet is one of the remaining ones.
            Sizes::Each(sizes) => u64::from(sizes[self.packet as usize]),
        };
        let byte = self.byte;
        self.byte = byte.saturating_add(size);
        self.remaining -= 1;
        self.packet += 1;
        Ok(Some((byte, size)))
    }
}

/// Reads how many packets the chunks hold; there is at least one row, and the first is of chunk 0.
fn runs(table: &Mp4Box) -> Result<Vec<(u64, u64)>, AudioError> {
    let rows = table.rows(4, 12)?.chunks_exact(12);
    let runs: Vec<_> =
        rows.map(|row| (big_endian(&row[..4]).wrapping_sub(1), big_endian(&row[4..8]))).collect();
    let ordered = runs.first().is_some_and(|&(first, _)| first == 0)
        && runs.is_sorted_by(|a, b| a.0 < b.0)
        && runs.iter().all(|&(_, packets)| packets > 0);
    if !ordered {
        return Err(table.damaged(
            "the MP4 box \"stsc\" must begin with chunk 1, increase, and assign packets to every chunk",
        ));
    }
    Ok(runs)
}

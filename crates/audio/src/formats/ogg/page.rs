//! Ogg pages.

use crate::AudioError;
use crate::input::Input;

/// Length of the fixed part of a page header.
const HEADER: u64 = 27;

/// Page with a valid checksum.
pub(super) struct Page {
    /// Position of the page.
    pub byte: u64,
    pub continued: bool,
    pub first: bool,
    pub last: bool,
    /// Granule position at its end; `None` if no packet ends in it.
    pub position: Option<i64>,
    pub stream: u32,
    pub number: u32,
    /// Lengths of the segments in the body; one below 255 ends a packet.
    pub segments: Vec<u8>,
    pub body: Vec<u8>,
}

impl Page {
    pub(super) fn read(input: &mut Input) -> Result<Page, AudioError> {
        let byte = input.position();
        let mut whole = input.read(HEADER, "Ogg page header")?;
        if !whole.starts_with(b"OggS") {
            return Err(input.damaged(byte, "no Ogg page begins here"));
        }
        if whole[4] != 0 {
            return Err(input.unsupported(byte + 4, format!("Ogg of version {}", whole[4])));
        }
        let segments = input.read(u64::from(whole[26]), "Ogg page header")?;
        let size = segments.iter().map(|&segment| u64::from(segment)).sum();
        let body = input.read(size, "Ogg page")?;
        let u32_at = |at: usize| u32::from_le_bytes([whole[at], whole[at + 1], whole[at + 2], whole[at + 3]]);
        let (stream, number, written) = (u32_at(14), u32_at(18), u32_at(22));
        let position = i64::from(u32_at(6)) | i64::from(u32_at(10)) << 32;
        if position < -1 {
            return Err(input.header(byte + 6, "granule position", position.to_string(), "-1 or more"));
        }
        // The checksum is computed with zeros in its own field.
        whole[22..26].fill(0);
        let counted = [&whole, &segments, &body].iter().fold(0, |sum, bytes| checksum(sum, bytes));
        if counted != written {
            let what = format!("the checksum of the Ogg page is {counted:#010x} instead of {written:#010x}");
            return Err(input.damaged(byte, what));
        }
        let flag = |bit: u8| whole[5] & bit != 0;
        Ok(Page {
            byte,
            continued: flag(1),
            first: flag(2),
            last: flag(4),
            position: (position != -1).then_some(position),
            stream,
            number,
            segments,
            body,
        })
    }
}

/// Remainders of all bytes for the polynomial 0x04c11db7, most significant bit first.
const REMAINDERS: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            let carry = remainder & 0x8000_0000 != 0;
            remainder = remainder << 1 ^ if carry { 0x04c1_1db7 } else { 0 };
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
};

/// Updates the checksum `sum` with more bytes.
pub(super) fn checksum(sum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(sum, |sum, &byte| sum << 8 ^ REMAINDERS[usize::from((sum >> 24) as u8 ^ byte)])
}

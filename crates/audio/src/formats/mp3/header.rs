//! MP3 frame header of four bytes.

use std::fmt;

/// kbit/s by index, for MPEG 1 and for MPEG 2 and 2.5.
const KBIT: [[u64; 16]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0],
];
const RATES_HZ: [u32; 3] = [44_100, 48_000, 32_000];

/// Content of a frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub sample_rate_hz: u32,
    pub channels: u16,
    /// Samples per channel.
    pub samples: u32,
    /// Length of the frame with its header.
    pub bytes: u64,
    /// Length of the side information, which follows the header and the optional checksum.
    pub side_bytes: usize,
}

impl Header {
    /// Parses a layer III header with a bit rate; `None` for other bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Header> {
        let &[0xff, kind, rates, mode, ..] = bytes else { return None };
        // Version 01 is reserved; layer III is 01.
        if kind & 0xe0 != 0xe0 || kind & 0x18 == 0x08 || kind & 0x06 != 0x02 {
            return None;
        }
        let (first, half) = (kind & 0x18 == 0x18, kind & 0x18 == 0);
        let kbit = KBIT[usize::from(!first)][usize::from(rates >> 4)];
        let rate_hz = *RATES_HZ.get(usize::from(rates >> 2 & 3))?;
        if kbit == 0 {
            return None;
        }
        let sample_rate_hz = rate_hz >> (u32::from(!first) + u32::from(half));
        let channels = if mode >> 6 == 3 { 1 } else { 2 };
        let samples = if first { 1152 } else { 576 };
        let padding = u64::from(rates >> 1 & 1);
        let bytes = u64::from(samples / 8) * kbit * 1000 / u64::from(sample_rate_hz) + padding;
        let side_bytes = match (first, channels) {
            (true, 1) => 17,
            (true, _) => 32,
            (false, 1) => 9,
            (false, _) => 17,
        };
        Some(Header { sample_rate_hz, channels, samples, bytes, side_bytes })
    }

    /// Returns true if a frame with this header can follow one with `other`.
    pub(crate) fn continues(&self, other: &Header) -> bool {
        (self.sample_rate_hz, self.channels) == (other.sample_rate_hz, other.channels)
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} channel(s) at {} Hz", self.channels, self.sample_rate_hz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_in_the_standard() {
        // MPEG 1, 128 kbit/s, 44.1 kHz, joint stereo; padded; MPEG 2, 16 kHz mono; MPEG 2.5, 8 kHz mono.
        let cases = [
            ([0xff, 0xfb, 0x90, 0x64], (44_100, 2, 1152, 417, 32)),
            ([0xff, 0xfb, 0x92, 0x64], (44_100, 2, 1152, 418, 32)),
            ([0xff, 0xf3, 0x48, 0xc4], (16_000, 1, 576, 144, 9)),
            ([0xff, 0xe3, 0x28, 0xc4], (8_000, 1, 576, 144, 9)),
            ([0xff, 0xfa, 0xe4, 0x00], (48_000, 2, 1152, 960, 32)),
        ];
        for (bytes, (sample_rate_hz, channels, samples, length, side_bytes)) in cases {
            let expected = Header { sample_rate_hz, channels, samples, bytes: length, side_bytes };
            assert_eq!(Header::parse(&bytes), Some(expected), "{bytes:02x?}");
        }
    }

    #[test]
    fn other_bytes_are_not_a_layer_three_header() {
        let cases = [
            [0xff, 0xeb, 0x90, 0x64],
            [0xff, 0xfd, 0x90, 0x64],
            [0xff, 0xfb, 0xf0, 0x64],
            [0xff, 0xfb, 0x00, 0x64],
            [0xff, 0xfb, 0x9c, 0x64],
            [0xfe, 0xfb, 0x90, 0x64],
            [0xff, 0xdb, 0x90, 0x64],
        ];
        for bytes in cases {
            assert_eq!(Header::parse(&bytes), None, "{bytes:02x?}");
        }
        assert_eq!(Header::parse(&[0xff, 0xfb, 0x90]), None);
    }
}

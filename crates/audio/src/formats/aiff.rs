//! AIFF and AIFC, the formats of Apple and SGI.

use super::adpcm::{self, Variant};
use super::big_endian;
use super::encoded::Encoded;
use super::pcm::{ByteOrder, Encoding, Format, Layout, check_channels, check_rate};
use crate::AudioError;
use crate::input::Input;

/// Content of the common chunk.
struct Common {
    byte: u64,
    channels: u16,
    frames: u64,
    bits: u16,
    sample_rate_hz: u32,
    compression: [u8; 4],
}

/// Position of the samples.
struct Sound {
    size_byte: u64,
    start: u64,
    bytes: u64,
}

/// Finds the samples; the chunks may have any order.
pub(crate) fn encoded(input: &mut Input) -> Result<Encoded, AudioError> {
    let start = input.position();
    let form = input.read(12, "AIFF header")?;
    if !matches!(&form[8..12], b"AIFF" | b"AIFC") {
        let found = format!("of IFF form \"{}\"", form[8..12].escape_ascii());
        return Err(AudioError::NotAudio { path: input.path().to_owned(), found });
    }
    let (mut common, mut sound) = (None, None);
    while common.is_none() || sound.is_none() {
        let byte = input.position();
        if input.remaining() == 0 {
            let missing = if common.is_none() { "the chunk \"COMM\"" } else { "the chunk \"SSND\"" };
            return Err(AudioError::NoEnd { path: input.path().to_owned(), byte, missing });
        }
        let header = input.read(8, "chunk header")?;
        let size = big_endian(&header[4..]);
        if size > input.remaining() {
            let what = format!("chunk \"{}\"", header[..4].escape_ascii());
            return Err(input.truncated(&what, byte + 8, size, input.remaining()));
        }
        match &header[..4] {
            b"COMM" => common = Some(Common::read(input, size)?),
            b"SSND" => sound = Some(sound_chunk(input, size)?),
            _ => {}
        }
        // Chunks start at even positions.
        input.seek(byte + 8 + size + (size & 1))?;
    }
    // Both were found.
    let (Some(common), Some(sound)) = (common, sound) else { return Err(input.damaged(start, "no samples")) };
    input.seek(sound.start)?;
    common.encoded(input, &sound)
}

impl Common {
    fn read(input: &mut Input, size: u64) -> Result<Common, AudioError> {
        let byte = input.position();
        if size < 18 {
            let rule = "at least 18 bytes";
            return Err(input.header(byte - 4, "chunk COMM size", format!("{size} bytes"), rule));
        }
        let content = input.read(size.min(22), "chunk \"COMM\"")?;
        let compression = content.get(18..22).map_or(*b"NONE", |name| [name[0], name[1], name[2], name[3]]);
        Ok(Common {
            byte,
            channels: check_channels(input, byte, big_endian(&content[..2]))?,
            frames: big_endian(&content[2..6]),
            bits: big_endian(&content[6..8]) as u16,
            sample_rate_hz: check_rate(input, byte + 8, extended(&content[8..18]))?,
            compression: compression.map(|letter| letter.to_ascii_lowercase()),
        })
    }

    fn encoded(&self, input: &Input, sound: &Sound) -> Result<Encoded, AudioError> {
        let Common { byte, channels, sample_rate_hz, .. } = *self;
        if &self.compression == b"ima4" {
            adpcm::check_channels(input, byte, channels)?;
            return Ok(Encoded::Adpcm(adpcm::Layout {
                variant: Variant::QuickTime,
                sample_rate_hz,
                channels,
                block_bytes: 34 * u64::from(channels),
                block_frames: 64,
                data_start: sound.start,
                data_bytes: sound.bytes,
                // In this compression, the field counts blocks.
                frames: None,
            }));
        }
        // Samples of other widths are stored in the next larger number of bytes, from the highest bit on.
        let bits = self.bits.div_ceil(8) * 8;
        let encoding = match &self.compression {
            b"none" | b"twos" | b"in24" | b"in32" => Encoding::integer(bits, ByteOrder::Big),
            b"sowt" | b"42ni" | b"23ni" => Encoding::integer(bits, ByteOrder::Little),
            b"raw " => (bits == 8).then_some(Encoding::UNSIGNED),
            b"fl32" => Encoding::float(32, ByteOrder::Big),
            b"fl64" => Encoding::float(64, ByteOrder::Big),
            b"alaw" => Some(Encoding::A_LAW),
            b"ulaw" => Some(Encoding::MU_LAW),
            _ => None,
        };
        let Some(encoding) = encoding else {
            let name = self.compression.escape_ascii();
            return Err(input.unsupported(byte, format!("AIFC \"{name}\" with {} bits", self.bits)));
        };
        let format = Format { sample_rate_hz, channels, encoding };
        let announced = self.frames * format.frame_bytes();
        if announced > sound.bytes {
            let (path, got) = (input.path().to_owned(), sound.bytes / format.frame_bytes());
            let announced = "the AIFF header announces";
            return Err(AudioError::TooFewSamples { path, announced, expected: self.frames, got });
        }
        Ok(Encoded::Pcm(Layout::here(input, format, Some(announced), sound.size_byte)?))
    }
}

/// Reads the start of the sound chunk; the samples may begin later.
fn sound_chunk(input: &mut Input, size: u64) -> Result<Sound, AudioError> {
    let byte = input.position();
    if size < 8 {
        let rule = "at least 8 bytes";
        return Err(input.header(byte - 4, "chunk SSND size", format!("{size} bytes"), rule));
    }
    let offset = big_endian(&input.read(8, "chunk \"SSND\"")?[..4]);
    if offset > size - 8 {
        return Err(input.header(
            byte,
            "offset of the samples",
            offset.to_string(),
            &format!("0..={}", size - 8),
        ));
    }
    Ok(Sound { size_byte: byte - 4, start: byte + 8 + offset, bytes: size - 8 - offset })
}

/// Returns the value of a float of 80 bits: sign and exponent, then the fraction with its first bit.
fn extended(bytes: &[u8]) -> f64 {
    let exponent = (big_endian(&bytes[..2]) & 0x7fff) as i32;
    let sign = if bytes[0] & 0x80 == 0 { 1.0 } else { -1.0 };
    sign * big_endian(&bytes[2..10]) as f64 * 2f64.powi(exponent - 16_383 - 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_from_80_bits() {
        let cases: [(u16, u64, f64); 4] = [
            (0x400e, 0xac44_0000_0000_0000, 44_100.0),
            (0x400b, 0xfa00_0000_0000_0000, 8_000.0),
            (0x400b, 0xad44_0000_0000_0000, 5_544.0 + 0.5),
            (0, 0, 0.0),
        ];
        for (exponent, fraction, expected) in cases {
            let bytes = [&exponent.to_be_bytes()[..], &fraction.to_be_bytes()].concat();
            assert_eq!(extended(&bytes), expected);
        }
    }
}

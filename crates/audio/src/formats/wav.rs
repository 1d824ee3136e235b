//! Header of a WAV, RF64 or W64 file, and its validation.

use super::adpcm::{self, Variant};
use super::encoded::Encoded;
use super::pcm::{self, ByteOrder, Encoding, Format, check_channels, check_rate};
use crate::AudioError;
use crate::input::Input;
use crate::kind::describe;

/// From here on, a size of 32 bits is a placeholder of a program that streams: 2 GiB minus 64 KiB.
const UNSET_SIZE: u64 = 0x7fff_0000;
/// From here on, a size of 64 bits is such a placeholder.
const UNSET_LONG_SIZE: u64 = 1 << 62;
/// A size of 32 bits whose value is in the chunk "ds64" of RF64.
const IN_DS64: u64 = 0xffff_ffff;

const PCM: u16 = 1;
const MICROSOFT_ADPCM: u16 = 2;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const IMA_ADPCM: u16 = 0x11;
const MP3: u16 = 0x55;
const EXTENSIBLE: u16 = 0xfffe;
/// Bytes after the format tag in the subformat GUID of an extensible header.
const SUB_FORMAT: &[u8; 14] = b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
/// First bytes of a W64 file: the GUID of its outer chunk.
pub(crate) const W64_START: &[u8; 16] = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0";
/// Last bytes of the GUIDs of all other chunks of W64.
const W64_GUID: &[u8; 12] = b"\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a";
/// Chunks that are common after one of odd length.
const COMMON_CHUNKS: [&[u8; 4]; 10] =
    [b"data", b"fact", b"LIST", b"fmt ", b"bext", b"id3 ", b"ID3 ", b"cue ", b"smpl", b"PEAK"];

/// Variants of the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    /// Chunks with sizes of 32 bits.
    Riff,
    /// RIFF whose sizes above 32 bits are in the chunk "ds64".
    Rf64,
    /// Chunks with names of 16 bytes and sizes of 64 bits.
    W64,
}

/// Name, size and position of the content of a chunk.
struct Chunk {
    name: [u8; 4],
    /// Size of the content.
    size: u64,
    /// Position of the size.
    size_byte: u64,
    start: u64,
}

/// Reader of the chunks of a file.
struct Chunks {
    container: Container,
    file_start: u64,
    /// Size of the file according to its header, without the first eight bytes.
    riff_size: u64,
    /// Size of the data chunk according to the chunk "ds64".
    long_data_size: u64,
}

/// Finds the samples or reports an error; chunks between header and samples are skipped.
pub(crate) fn encoded(input: &mut Input) -> Result<Encoded, AudioError> {
    let mut chunks = Chunks::open(input)?;
    let (mut format, mut frames) = (None, None);
    loop {
        let chunk = chunks.next(input)?;
        match &chunk.name {
            b"fmt " => {
                check_complete(input, chunk.size, "format chunk")?;
                format = Some(FormatChunk::read(input, &chunk)?);
            }
            b"fact" => {
                check_complete(input, chunk.size, "chunk \"fact\"")?;
                let content = input.read(chunk.size.min(4), "chunk \"fact\"")?;
                frames = (content.len() == 4).then(|| u64::from(u32_at(&content, 0)));
            }
            b"ds64" if chunks.container == Container::Rf64 => {
                check_complete(input, chunk.size, "chunk \"ds64\"")?;
                let content = input.read(chunk.size.min(16), "chunk \"ds64\"")?;
                if content.len() < 16 {
                    let (value, rule) = (format!("{} bytes", chunk.size), "at least 16 bytes");
                    return Err(input.header(chunk.size_byte, "chunk ds64 size", value, rule));
                }
                (chunks.riff_size, chunks.long_data_size) = (u64_at(&content, 0), u64_at(&content, 8));
            }
            b"data" => {
                let format = format.ok_or_else(|| {
                    let rule = "after the format chunk";
                    input.header(chunk.size_byte - 4, "chunk", "data".to_owned(), rule)
                })?;
                let size = chunks.data_size(input, &chunk)?;
                return format.encoded(input, size, chunk.size_byte, frames);
            }
            name => check_complete(input, chunk.size, &format!("chunk \"{}\"", name.escape_ascii()))?,
        }
        chunks.skip(input, &chunk)?;
    }
}

impl Chunks {
    /// Validates the first bytes.
    fn open(input: &mut Input) -> Result<Chunks, AudioError> {
        let file_start = input.position();
        let not_wav = |input: &Input, found| AudioError::NotAudio { path: input.path().to_owned(), found };
        let first = input.peek(21)?;
        let container = match first.get(..4) {
            Some(b"RIFF") => Container::Riff,
            Some(b"RF64" | b"BW64") => Container::Rf64,
            Some(b"riff") if first.starts_with(W64_START) => Container::W64,
            _ => return Err(not_wav(input, describe(&first))),
        };
        let (riff_size, form) = match container {
            Container::W64 => {
                let start = input.read(40, "W64 header")?;
                (u64_at(&start, 16), start[24..28].to_ascii_uppercase())
            }
            _ => {
                let start = input.read(12, "RIFF header")?;
                (u64::from(u32_at(&start, 4)), start[8..12].to_vec())
            }
        };
        if form != b"WAVE" {
            return Err(not_wav(input, format!("of RIFF form \"{}\"", form.escape_ascii())));
        }
        Ok(Chunks { container, file_start, riff_size, long_data_size: 0 })
    }

    fn next(&self, input: &mut Input) -> Result<Chunk, AudioError> {
        let byte = input.position();
        let (name, size, size_byte) = if self.container == Container::W64 {
            let header = input.read(24, "chunk header")?;
            // The size includes the header. The name of another producer has no meaning here.
            let known = header[4..16] == W64_GUID[..];
            let name = if known { [header[0], header[1], header[2], header[3]] } else { [0; 4] };
            (name, u64_at(&header, 16).saturating_sub(24), byte + 16)
        } else {
            let header = input.read(8, "chunk header")?;
            ([header[0], header[1], header[2], header[3]], u64::from(u32_at(&header, 4)), byte + 4)
        };
        Ok(Chunk { name, size, size_byte, start: input.position() })
    }

    /// Moves to the next chunk after one whose content is complete.
    fn skip(&self, input: &mut Input, chunk: &Chunk) -> Result<(), AudioError> {
        let mut next = chunk.start + chunk.size;
        if self.container == Container::W64 {
            next = self.file_start + (next - self.file_start).next_multiple_of(8);
        } else if chunk.size % 2 == 1 {
            // Chunks start at even positions, but some writers omit the padding byte.
            input.seek(next)?;
            let start = input.peek(5)?;
            let is_chunk = |name: Option<&[u8]>| COMMON_CHUNKS.iter().any(|common| name == Some(&common[..]));
            if is_chunk(start.get(1..5)) || !is_chunk(start.get(..4)) {
                next += 1;
            }
        }
        if next > input.length() {
            return Err(input.truncated("chunk header", next, 8, 0));
        }
        input.seek(next)
    }

    /// Returns the number of bytes of the data chunk that starts here; `None` if it ends with the file.
    fn data_size(&self, input: &Input, chunk: &Chunk) -> Result<Option<u64>, AudioError> {
        let in_ds64 = self.container == Container::Rf64 && chunk.size == IN_DS64;
        let claimed = if in_ds64 { self.long_data_size } else { chunk.size };
        let unset_size = if self.container == Container::Riff { UNSET_SIZE } else { UNSET_LONG_SIZE };
        let unset = |size: u64| size == 0 || size >= unset_size;
        let ends_before_data = claimed == 0 && self.riff_size.saturating_add(8) <= chunk.start;
        let believable = claimed > 0 && claimed <= input.remaining();
        if !believable && unset(claimed) && (unset(self.riff_size) || ends_before_data) {
            return Ok(None);
        }
        check_complete(input, claimed, "data chunk")?;
        Ok(Some(claimed))
    }
}

/// Content of the format chunk.
struct FormatChunk {
    /// Position of the content.
    byte: u64,
    tag: u16,
    channels: u16,
    sample_rate_hz: u32,
    block_bytes: u16,
    bits: u16,
}

impl FormatChunk {
    /// Reads the format chunk whose content starts here and is complete.
    fn read(input: &mut Input, chunk: &Chunk) -> Result<FormatChunk, AudioError> {
        let (byte, size) = (chunk.start, chunk.size);
        if size < 16 {
            let (value, rule) = (format!("{size} bytes"), "at least 16 bytes");
            return Err(input.header(chunk.size_byte, "format chunk size", value, rule));
        }
        // Later fields of the longest form are not used.
        let content = input.read(size.min(40), "format chunk")?;
        let mut tag = u16_at(&content, 0);
        if tag == EXTENSIBLE {
            tag = sub_format(input, chunk, &content)?;
        }
        let (block_bytes, bits) = (u16_at(&content, 12), u16_at(&content, 14));
        check_supported(input, tag, bits, byte)?;
        let channels = check_channels(input, byte + 2, u64::from(u16_at(&content, 2)))?;
        let sample_rate_hz = check_rate(input, byte + 4, f64::from(u32_at(&content, 4)))?;
        Ok(FormatChunk { byte, tag, channels, sample_rate_hz, block_bytes, bits })
    }

    /// Returns the samples that start here and have this many bytes.
    fn encoded(
        &self,
        input: &mut Input,
        size: Option<u64>,
        size_byte: u64,
        frames: Option<u64>,
    ) -> Result<Encoded, AudioError> {
        let encoding = match (self.tag, self.bits) {
            (MICROSOFT_ADPCM, _) => return self.adpcm(input, Variant::Microsoft, size, frames),
            (IMA_ADPCM, _) => return self.adpcm(input, Variant::Ima, size, frames),
            (MP3, _) => {
                let end = size.map_or(input.length(), |size| input.position() + size);
                return Ok(Encoded::Mp3 { end });
            }
            (A_LAW, _) => Encoding::A_LAW,
            (MU_LAW, _) => Encoding::MU_LAW,
            (PCM, 8) => Encoding::UNSIGNED,
            (FLOAT, bits) => known(input, self.byte, Encoding::float(bits, ByteOrder::Little))?,
            (_, bits) => known(input, self.byte, Encoding::integer(bits, ByteOrder::Little))?,
        };
        let expected = self.channels * encoding.bytes;
        if self.block_bytes != expected {
            let bits = 8 * encoding.bytes;
            let rule = format!("{expected}, for {} channel(s) of {bits} bits", self.channels);
            return Err(input.header(self.byte + 12, "bytes per frame", self.block_bytes.to_string(), &rule));
        }
        let format = Format { sample_rate_hz: self.sample_rate_hz, channels: self.channels, encoding };
        Ok(Encoded::Pcm(pcm::Layout::here(input, format, size, size_byte)?))
    }

    fn adpcm(
        &self,
        input: &Input,
        variant: Variant,
        size: Option<u64>,
        frames: Option<u64>,
    ) -> Result<Encoded, AudioError> {
        adpcm::check_channels(input, self.byte + 2, self.channels)?;
        let (block_bytes, channels) = (u64::from(self.block_bytes), u64::from(self.channels));
        let Some(block_frames) = variant.frames(block_bytes, channels) else {
            let rule = format!("the size of an ADPCM block with {channels} channel(s)");
            return Err(input.header(self.byte + 12, "bytes per block", block_bytes.to_string(), &rule));
        };
        let (data_start, data_bytes) = (input.position(), size.unwrap_or(input.remaining()));
        // A stream's header counts no frames.
        let frames = frames.filter(|_| size.is_some()).filter(|&frames| frames > 0);
        Ok(Encoded::Adpcm(adpcm::Layout {
            variant,
            sample_rate_hz: self.sample_rate_hz,
            channels: self.channels,
            block_bytes,
            block_frames,
            data_start,
            data_bytes,
            frames,
        }))
    }
}

/// Returns the encoding, which was checked when the format chunk was read.
fn known(input: &Input, byte: u64, encoding: Option<Encoding>) -> Result<Encoding, AudioError> {
    encoding.ok_or_else(|| input.unsupported(byte + 14, "this number of bits"))
}

/// Returns the format tag of an extensible format chunk.
fn sub_format(input: &Input, chunk: &Chunk, content: &[u8]) -> Result<u16, AudioError> {
    let Some(sub_format) = content.get(24..40) else {
        let value = format!("{} bytes", content.len());
        let rule = "at least 40 bytes";
        return Err(input.header(chunk.size_byte, "extensible format chunk size", value, rule));
    };
    if sub_format[2..] != SUB_FORMAT[..] {
        return Err(input.unsupported(chunk.start + 24, "this sub-format of the extensible header"));
    }
    Ok(u16_at(sub_format, 0))
}

fn check_supported(input: &Input, tag: u16, bits: u16, byte: u64) -> Result<(), AudioError> {
    let what = match (tag, bits) {
        (PCM, 8 | 16 | 24 | 32) | (FLOAT, 32 | 64) | (A_LAW | MU_LAW, 8) => return Ok(()),
        (MICROSOFT_ADPCM | IMA_ADPCM, 4) | (MP3, _) => return Ok(()),
        (PCM, bits) => return Err(input.unsupported(byte + 14, format!("PCM of {bits} bits"))),
        (FLOAT, bits) => return Err(input.unsupported(byte + 14, format!("float of {bits} bits"))),
        (A_LAW | MU_LAW, bits) => return Err(input.unsupported(byte + 14, format!("G.711 of {bits} bits"))),
        (MICROSOFT_ADPCM | IMA_ADPCM, bits) => {
            return Err(input.unsupported(byte + 14, format!("ADPCM of {bits} bits")));
        }
        (0x31, _) => "GSM 06.10",
        (0x50, _) => "MPEG audio layer I or II",
        (0x45, _) => "G.726",
        (0x161, _) => "Windows Media Audio",
        _ => "unknown",
    };
    Err(input.unsupported(byte, format!("format {tag} ({what})")))
}

/// Checks that the chunk that starts here is complete.
fn check_complete(input: &Input, length: u64, what: &str) -> Result<(), AudioError> {
    let rest = input.remaining();
    if length <= rest { Ok(()) } else { Err(input.truncated(what, input.position(), length, rest)) }
}

fn u16_at(bytes: &[u8], position: usize) -> u16 {
    u16::from_le_bytes([bytes[position], bytes[position + 1]])
}

fn u32_at(bytes: &[u8], position: usize) -> u32 {
    u32::from(u16_at(bytes, position)) | u32::from(u16_at(bytes, position + 2)) << 16
}

fn u64_at(bytes: &[u8], position: usize) -> u64 {
    u64::from(u32_at(bytes, position)) | u64::from(u32_at(bytes, position + 4)) << 32
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::formats::wav_fixture::Wav;

    #[test]
    fn a_true_size_of_two_gibibytes_is_accepted() {
        let size = UNSET_SIZE as u32 + 2;
        let wav = Wav { riff_size: Some(u32::MAX), data_size: Some(size), ..Wav::pcm(16, 1, &[]) };
        let mut bytes = wav.bytes();
        // The operating system does not allocate zeros that are never read.
        let mut file = vec![0; bytes.len() + size as usize + 100];
        file[..bytes.len()].swap_with_slice(&mut bytes);
        let found = encoded(&mut Input::from_bytes(Path::new("a.wav"), file).unwrap()).unwrap();
        let Encoded::Pcm(layout) = found else { panic!("not PCM") };
        assert_eq!((layout.data_start, layout.data_bytes), (44, u64::from(size)));
    }
}

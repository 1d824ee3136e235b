//! Header of a WAV file, and its validation.

use crate::AudioError;
use crate::input::Input;
use crate::kind::describe;
use crate::write::PLAIN_HEADER;

/// Maximum number of channels; a larger number means a broken header.
const MAX_CHANNELS: u16 = 256;
/// From here on, a size is a placeholder of a program that streams: 2 GiB minus 64 KiB.
const UNSET_SIZE: u32 = 0x7fff_0000;

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
/// Bytes after the format tag in the subformat GUID of an extensible header.
const SUB_FORMAT: &[u8; 14] = b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";

/// Position and layout of the samples of a WAV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub sample_rate_hz: u32,
    pub channels: u16,
    format: u16,
    bits: u16,
    pub data_start: u64,
    data_bytes: u64,
}

impl Layout {
    pub(crate) fn frames(&self) -> u64 {
        self.data_bytes / self.frame_bytes()
    }

    pub(crate) fn frame_bytes(&self) -> u64 {
        u64::from(self.channels) * u64::from(self.bits / 8)
    }
}

/// Finds the samples or reports an error; chunks between header and samples are skipped.
pub(crate) fn layout(input: &mut Input) -> Result<Layout, AudioError> {
    input.seek(0)?;
    let riff_size = form(input)?;
    let mut format = None;
    loop {
        let position = input.position();
        let header = input.read(8, "chunk header")?;
        let (id, size) = ([header[0], header[1], header[2], header[3]], u32_at(&header, 4));
        let start = position + 8;
        match &id {
            b"fmt " => {
                check_complete(input, size, "format chunk")?;
                format = Some(read_format(input, size)?);
            }
            b"data" => {
                let format = format.ok_or_else(|| {
                    let rule = "after the format chunk";
                    input.header(position, "chunk", "data".to_owned(), rule)
                })?;
                return data(input, format, size, riff_size);
            }
            _ => check_complete(input, size, &format!("chunk \"{}\"", id.escape_ascii()))?,
        }
        // Chunks start at even positions.
        let next = start + u64::from(size) + u64::from(size & 1);
        if next > input.length() {
            return Err(input.truncated("chunk header", next, 8, 0));
        }
        input.seek(next)?;
    }
}

/// Returns the simplest header: one channel, with this number of sample bytes.
///
/// The decoder does not interpret streaming sizes, extensible headers or channel layouts: it converts one row of
/// interleaved samples, which is split into frames afterwards.
pub(crate) fn plain_header(layout: &Layout, data_bytes: u64) -> Vec<u8> {
    let sample_bytes = layout.bits / 8;
    let data_size = u32::try_from(data_bytes).unwrap_or(u32::MAX);
    let mut header = Vec::with_capacity(PLAIN_HEADER);
    header.extend(b"RIFF");
    header.extend(data_size.saturating_add(36).to_le_bytes());
    header.extend(b"WAVEfmt \x10\0\0\0");
    header.extend(layout.format.to_le_bytes());
    header.extend(1u16.to_le_bytes());
    header.extend(layout.sample_rate_hz.to_le_bytes());
    header.extend(layout.sample_rate_hz.saturating_mul(u32::from(sample_bytes)).to_le_bytes());
    header.extend(sample_bytes.to_le_bytes());
    header.extend(layout.bits.to_le_bytes());
    header.extend(b"data");
    header.extend(data_size.to_le_bytes());
    header
}

/// Validated content of the format chunk.
struct Format {
    tag: u16,
    channels: u16,
    sample_rate_hz: u32,
    bits: u16,
}

/// Validates the first twelve bytes; returns the RIFF size.
fn form(input: &mut Input) -> Result<u32, AudioError> {
    let not_wav = |input: &Input, found| AudioError::NotAudio { path: input.path().to_owned(), found };
    let first = input.peek(21)?;
    if !first.starts_with(b"RIFF") {
        return Err(not_wav(input, describe(&first)));
    }
    let start = input.read(12, "RIFF header")?;
    if &start[8..12] != b"WAVE" {
        return Err(not_wav(input, format!("of RIFF form \"{}\"", start[8..12].escape_ascii())));
    }
    Ok(u32_at(&start, 4))
}

/// Reads the format chunk whose content starts here and is complete.
fn read_format(input: &mut Input, size: u32) -> Result<Format, AudioError> {
    let start = input.position();
    if size < 16 {
        let rule = "at least 16 bytes";
        return Err(input.header(start - 4, "format chunk size", format!("{size} bytes"), rule));
    }
    // Later fields of the longest form are not used.
    let content = input.read(u64::from(size.min(40)), "format chunk")?;
    let mut tag = u16_at(&content, 0);
    if tag == EXTENSIBLE {
        tag = sub_format(input, start, &content)?;
    }
    let format = Format {
        tag,
        channels: u16_at(&content, 2),
        sample_rate_hz: u32_at(&content, 4),
        bits: u16_at(&content, 14),
    };
    check_encoding(input, &format, start)?;
    if !(1..=MAX_CHANNELS).contains(&format.channels) {
        let rule = format!("1..={MAX_CHANNELS}");
        return Err(input.header(start + 2, "channels", format.channels.to_string(), &rule));
    }
    if format.sample_rate_hz == 0 {
        return Err(input.header(start + 4, "sample rate", "0 Hz".to_owned(), "above 0 Hz"));
    }
    let (frame, expected) = (u16_at(&content, 12), format.channels * (format.bits / 8));
    if frame != expected {
        let rule = format!("{expected}, for {} channel(s) of {} bits", format.channels, format.bits);
        return Err(input.header(start + 12, "bytes per frame", frame.to_string(), &rule));
    }
    Ok(format)
}

/// Returns the format tag of an extensible format chunk.
fn sub_format(input: &Input, start: u64, content: &[u8]) -> Result<u16, AudioError> {
    let Some(sub_format) = content.get(24..40) else {
        let value = format!("{} bytes", content.len());
        return Err(input.header(start - 4, "extensible format chunk size", value, "at least 40 bytes"));
    };
    if sub_format[2..] != SUB_FORMAT[..] {
        return Err(input.unsupported(start + 24, "this sub-format of the extensible header"));
    }
    Ok(u16_at(sub_format, 0))
}

fn check_encoding(input: &Input, format: &Format, start: u64) -> Result<(), AudioError> {
    let what = match (format.tag, format.bits) {
        (PCM, 8 | 16 | 24 | 32) | (FLOAT, 32 | 64) => return Ok(()),
        (PCM, bits) => return Err(input.unsupported(start + 14, format!("PCM of {bits} bits"))),
        (FLOAT, bits) => return Err(input.unsupported(start + 14, format!("float of {bits} bits"))),
        (2 | 17, _) => "ADPCM",
        (6, _) => "A-law",
        (7, _) => "mu-law",
        (49, _) => "GSM",
        (85, _) => "MP3",
        _ => "unknown",
    };
    Err(input.unsupported(start, format!("format {} ({what})", format.tag)))
}

/// Returns the layout at the start of the samples, given their size according to the header.
fn data(input: &Input, format: Format, claimed: u32, riff_size: u32) -> Result<Layout, AudioError> {
    let (start, available) = (input.position(), input.remaining());
    let frame = u64::from(format.channels * (format.bits / 8));
    let unset = |size: u32| size == 0 || size >= UNSET_SIZE;
    let ends_before_data = claimed == 0 && u64::from(riff_size) + 8 <= start;
    let believable = claimed > 0 && u64::from(claimed) <= available;
    let data_bytes = if !believable && unset(claimed) && (unset(riff_size) || ends_before_data) {
        available - available % frame
    } else {
        check_complete(input, claimed, "data chunk")?;
        u64::from(claimed)
    };
    if data_bytes % frame != 0 {
        let rule = format!("a whole number of frames of {frame} bytes");
        return Err(input.header(start - 4, "data size", format!("{data_bytes} bytes"), &rule));
    }
    if data_bytes == 0 {
        let path = input.path().to_owned();
        return Err(AudioError::NoSamples { path, what: "data chunk", byte: start });
    }
    let Format { tag, channels, sample_rate_hz, bits } = format;
    Ok(Layout { sample_rate_hz, channels, format: tag, bits, data_start: start, data_bytes })
}

/// Checks that the chunk that starts here is complete.
fn check_complete(input: &Input, length: u32, what: &str) -> Result<(), AudioError> {
    let (length, rest) = (u64::from(length), input.remaining());
    if length <= rest { Ok(()) } else { Err(input.truncated(what, input.position(), length, rest)) }
}

fn u16_at(bytes: &[u8], position: usize) -> u16 {
    u16::from_le_bytes([bytes[position], bytes[position + 1]])
}

fn u32_at(bytes: &[u8], position: usize) -> u32 {
    u32::from(u16_at(bytes, position)) | u32::from(u16_at(bytes, position + 2)) << 16
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::formats::wav_fixture::Wav;

    #[test]
    fn a_true_size_of_two_gibibytes_is_accepted() {
        let size = UNSET_SIZE + 2;
        let wav = Wav { riff_size: Some(u32::MAX), data_size: Some(size), ..Wav::pcm(16, 1, &[]) };
        let mut bytes = wav.bytes();
        // The operating system does not allocate zeros that are never read.
        let mut file = vec![0; bytes.len() + size as usize + 100];
        file[..bytes.len()].swap_with_slice(&mut bytes);
        let layout = layout(&mut Input::from_bytes(Path::new("a.wav"), file).unwrap()).unwrap();
        assert_eq!((layout.data_start, layout.data_bytes), (44, u64::from(size)));
    }
}

//! The header of a WAV file: what it says, and whether the file keeps its word.

use std::path::Path;

use crate::AudioError;
use crate::kind::describe;

/// More channels than any recording has; a header that says more is broken.
const MOST_CHANNELS: u16 = 256;
/// From here on a size is what a tool writes that cannot know it yet: 2 GiB less 64 KiB.
const UNSET_SIZE: u32 = 0x7fff_0000;
/// The bytes before the samples in the plainest WAV file.
pub(crate) const PLAIN_HEADER: usize = 44;

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
/// What follows the format tag in the sub-format of an extensible header.
const SUB_FORMAT: &[u8; 14] = b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";

/// Where the samples of a WAV file lie and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub sample_rate_hz: u32,
    pub channels: u16,
    format: u16,
    bits: u16,
    pub data_start: usize,
    data_bytes: usize,
}

impl Layout {
    pub(crate) fn frames(&self) -> usize {
        self.data_bytes / (usize::from(self.channels) * usize::from(self.bits / 8))
    }
}

/// Finds the samples, or what is wrong.
pub(crate) fn layout(path: &Path, bytes: &[u8]) -> Result<Layout, AudioError> {
    let file = File { path, bytes };
    let riff_size = file.form()?;
    let mut format = None;
    let mut position = 12;
    loop {
        let header = file.part(position, 8, "chunk header")?;
        let (id, size) = ([header[0], header[1], header[2], header[3]], u32_at(header, 4));
        let start = position + 8;
        match &id {
            b"fmt " => {
                file.part(start, size as usize, "format chunk")?;
                format = Some(file.format(start, size)?);
            }
            b"data" => {
                let format = format.ok_or_else(|| {
                    file.header(
                        position,
                        "chunks",
                        "data",
                        "in order: this data chunk comes before any format chunk",
                    )
                })?;
                return file.data(format, start, size, riff_size);
            }
            _ => {
                file.part(start, size as usize, &format!("chunk \"{}\"", id.escape_ascii()))?;
            }
        }
        // Chunks start at even bytes.
        position = start + size as usize + (size & 1) as usize;
    }
}

/// The file's samples behind the plainest header there is, as a single channel.
///
/// The decoder gets neither the sizes of a stream nor an extensible header nor channel layouts to interpret:
/// it converts one interleaved row of samples, and the frames are told apart afterwards.
pub(crate) fn canonical(mut bytes: Vec<u8>, layout: &Layout) -> Vec<u8> {
    bytes.truncate(layout.data_start + layout.data_bytes);
    // A format chunk and two chunk headers lie before the data, hence never fewer than 44 bytes.
    bytes.drain(..layout.data_start - PLAIN_HEADER);
    let sample_bytes = layout.bits / 8;
    let data_size = u32::try_from(layout.data_bytes).unwrap_or(u32::MAX);
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
    bytes[..PLAIN_HEADER].copy_from_slice(&header);
    bytes
}

/// What the format chunk says, checked.
struct Format {
    tag: u16,
    channels: u16,
    sample_rate_hz: u32,
    bits: u16,
}

/// The bytes of a file, and its name for messages.
struct File<'a> {
    path: &'a Path,
    bytes: &'a [u8],
}

impl File<'_> {
    /// Checks the first twelve bytes; the RIFF size.
    fn form(&self) -> Result<u32, AudioError> {
        let not_wav = |found| Err(AudioError::NotAudio { path: self.path.to_owned(), found });
        if !self.bytes.starts_with(b"RIFF") {
            return not_wav(describe(self.bytes));
        }
        let start = self.part(0, 12, "RIFF header")?;
        if &start[8..12] != b"WAVE" {
            return not_wav(format!("of RIFF form \"{}\"", start[8..12].escape_ascii()));
        }
        Ok(u32_at(start, 4))
    }

    /// The format chunk whose content starts at this byte and is there in full.
    fn format(&self, start: usize, size: u32) -> Result<Format, AudioError> {
        if size < 16 {
            let rule = "at least 16 bytes";
            return Err(self.header(start - 4, "format chunk size", &format!("{size} bytes"), rule));
        }
        let content = &self.bytes[start..];
        let mut tag = u16_at(content, 0);
        if tag == EXTENSIBLE {
            tag = self.sub_format(start, size)?;
        }
        let format = Format {
            tag,
            channels: u16_at(content, 2),
            sample_rate_hz: u32_at(content, 4),
            bits: u16_at(content, 14),
        };
        self.check_encoding(&format, start)?;
        if !(1..=MOST_CHANNELS).contains(&format.channels) {
            let rule = format!("1..={MOST_CHANNELS}");
            return Err(self.header(start + 2, "channels", &format.channels.to_string(), &rule));
        }
        if format.sample_rate_hz == 0 {
            return Err(self.header(start + 4, "sample rate", "0 Hz", "above 0 Hz"));
        }
        let (frame, expected) = (u16_at(content, 12), format.channels * (format.bits / 8));
        if frame != expected {
            let rule = format!("{expected}, for {} channel(s) of {} bits", format.channels, format.bits);
            return Err(self.header(start + 12, "bytes a frame", &frame.to_string(), &rule));
        }
        Ok(format)
    }

    /// The format tag inside an extensible format chunk.
    fn sub_format(&self, start: usize, size: u32) -> Result<u16, AudioError> {
        if size < 40 {
            let value = format!("{size} bytes");
            return Err(self.header(start - 4, "extensible format chunk size", &value, "at least 40 bytes"));
        }
        let sub_format = &self.bytes[start + 24..start + 40];
        if sub_format[2..] != SUB_FORMAT[..] {
            return Err(self.unsupported(start + 24, "this sub-format of the extensible header".to_owned()));
        }
        Ok(u16_at(sub_format, 0))
    }

    fn check_encoding(&self, format: &Format, start: usize) -> Result<(), AudioError> {
        let what = match (format.tag, format.bits) {
            (PCM, 8 | 16 | 24 | 32) | (FLOAT, 32 | 64) => return Ok(()),
            (PCM, bits) => return Err(self.unsupported(start + 14, format!("PCM of {bits} bits"))),
            (FLOAT, bits) => return Err(self.unsupported(start + 14, format!("float of {bits} bits"))),
            (2 | 17, _) => "ADPCM",
            (6, _) => "A-law",
            (7, _) => "mu-law",
            (49, _) => "GSM",
            (85, _) => "MP3",
            _ => "unknown",
        };
        Err(self.unsupported(start, format!("format {} ({what})", format.tag)))
    }

    /// The layout, given where the samples start and how many bytes the header claims for them.
    fn data(&self, format: Format, start: usize, claimed: u32, riff_size: u32) -> Result<Layout, AudioError> {
        let available = self.bytes.len() - start;
        let frame = usize::from(format.channels * (format.bits / 8));
        let unset = |size: u32| size == 0 || size >= UNSET_SIZE;
        let ends_before_data = claimed == 0 && riff_size as usize + 8 <= start;
        let believable = claimed > 0 && claimed as usize <= available;
        let data_bytes = if !believable && unset(claimed) && (unset(riff_size) || ends_before_data) {
            available - available % frame
        } else {
            self.part(start, claimed as usize, "data chunk")?;
            claimed as usize
        };
        if data_bytes % frame != 0 {
            let rule = format!("a whole number of frames of {frame} bytes");
            return Err(self.header(start - 4, "data size", &format!("{data_bytes} bytes"), &rule));
        }
        if data_bytes == 0 {
            return Err(AudioError::NoSamples {
                path: self.path.to_owned(),
                what: "data chunk",
                byte: start as u64,
            });
        }
        let Format { tag, channels, sample_rate_hz, bits } = format;
        Ok(Layout { sample_rate_hz, channels, format: tag, bits, data_start: start, data_bytes })
    }

    /// The bytes of one part of the file, if they are all there.
    fn part(&self, start: usize, length: usize, what: &str) -> Result<&[u8], AudioError> {
        let rest = self.bytes.get(start..).unwrap_or(&[]);
        rest.get(..length).ok_or_else(|| AudioError::Truncated {
            path: self.path.to_owned(),
            what: what.to_owned(),
            byte: start as u64,
            expected: length as u64,
            got: rest.len() as u64,
        })
    }

    fn header(&self, byte: usize, field: &'static str, value: &str, rule: &str) -> AudioError {
        let (path, value, rule) = (self.path.to_owned(), value.to_owned(), rule.to_owned());
        AudioError::Header { path, byte: byte as u64, field, value, rule }
    }

    fn unsupported(&self, byte: usize, what: String) -> AudioError {
        AudioError::Unsupported { path: self.path.to_owned(), byte: byte as u64, what }
    }
}

fn u16_at(bytes: &[u8], position: usize) -> u16 {
    u16::from_le_bytes([bytes[position], bytes[position + 1]])
}

fn u32_at(bytes: &[u8], position: usize) -> u32 {
    u32::from(u16_at(bytes, position)) | u32::from(u16_at(bytes, position + 2)) << 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::wav_fixture::Wav;

    #[test]
    fn a_size_of_two_gibibytes_that_the_file_has_is_believed() {
        let size = UNSET_SIZE + 2;
        let wav = Wav { riff_size: Some(u32::MAX), data_size: Some(size), ..Wav::pcm(16, 1, &[]) };
        let mut bytes = wav.bytes();
        // The operating system gives zeros that nobody looks at no memory.
        let mut file = vec![0; bytes.len() + size as usize + 100];
        file[..bytes.len()].swap_with_slice(&mut bytes);
        let layout = layout(Path::new("a.wav"), &file).unwrap();
        assert_eq!((layout.data_start, layout.data_bytes), (44, size as usize));
    }
}

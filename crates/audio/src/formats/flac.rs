//! FLAC: metadata blocks, and the check that all frames are present.

use std::io::{Cursor, Read};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSourceStream, ReadOnlySource};
use symphonia::core::packet::Packet;
use symphonia::default::codecs::FlacDecoder;
use symphonia::default::formats::FlacReader;

use super::big_endian;
use super::codec::{Codec, guarded};
use crate::AudioError;
use crate::blocks::{Decoder, Frames};
use crate::input::Input;

/// "fLaC", the first block header, and the STREAMINFO block.
const START: u64 = 4 + 4 + 34;
/// Maximum number of bits per sample that the decoder's predictor supports.
const MAX_BITS: u64 = 24;
/// Length of an ID3v1 tag, which some programs append.
const ID3V1: u64 = 128;

/// FLAC file.
pub(crate) struct Flac {
    position: Position,
    reader: FlacReader<'static>,
    codec: Codec,
    sample_rate_hz: u32,
    /// Number of samples according to STREAMINFO; 0 if unknown.
    announced: u64,
    decoded: u64,
}

/// Position of the next frame, and end of the last one.
struct Position {
    path: std::path::PathBuf,
    start: u64,
    byte: u64,
    end: u64,
}

impl Flac {
    pub(crate) fn open(mut input: Input) -> Result<Flac, AudioError> {
        let (info, start_bytes) = description(&mut input)?;
        let (start, end) = (input.position(), end_of_frames(&mut input)?);
        if start == end {
            let path = input.path().to_owned();
            return Err(AudioError::NoSamples { path, what: "section of FLAC frames", byte: start });
        }
        let position = Position { path: input.path().to_owned(), start, byte: start, end };
        // Only STREAMINFO precedes the frames: pictures, tables and comments are skipped.
        let frames = Cursor::new(start_bytes).chain(input.into_rest().take(end - start));
        let stream = MediaSourceStream::new(Box::new(ReadOnlySource::new(frames)), Default::default());
        let reader = guarded(|| FlacReader::try_new(stream, FormatOptions::default()));
        let reader = reader.map_err(|_| position.damaged("no complete FLAC frame begins here"))?;
        let parameters = reader.tracks().first().and_then(|track| track.codec_params.as_ref());
        let Some(parameters) = parameters.and_then(CodecParameters::audio) else {
            return Err(position.damaged("no complete FLAC frame begins here"));
        };
        let codec =
            Codec::new(FlacDecoder::try_new, parameters).map_err(|reason| position.damaged(reason))?;
        let (sample_rate_hz, announced) = (info.sample_rate_hz, info.samples);
        Ok(Flac { position, reader, codec, sample_rate_hz, announced, decoded: 0 })
    }

    /// Returns the next intact frame.
    fn packet(&mut self) -> Result<Option<Packet>, AudioError> {
        let next = guarded(|| match self.reader.next_packet() {
            Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            other => other,
        });
        next.map_err(|reason| self.position.damaged(format!("the FLAC frame cannot be read: {reason}")))
    }

    /// Checks, after the last frame, that all frames were present.
    fn finish(&self) -> Result<(), AudioError> {
        let (expected, got) = (self.announced, self.decoded);
        if got < expected {
            let announced = "the FLAC header announces";
            return Err(AudioError::TooFewSamples {
                path: self.position.path.clone(),
                announced,
                expected,
                got,
            });
        }
        if self.position.byte != self.position.end {
            return Err(self.position.damaged("the FLAC frame that begins here is truncated or damaged"));
        }
        if got > expected && expected > 0 {
            return Err(self.position.damaged(format!(
                "the FLAC header announces {expected} samples, the frames up to here hold {got}"
            )));
        }
        Ok(())
    }
}

impl Decoder for Flac {
    fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    fn next(&mut self, frames: &mut Frames) -> Result<bool, AudioError> {
        let Some(packet) = self.packet()? else {
            self.finish()?;
            return Ok(false);
        };
        if packet.pts.get() != self.decoded as i64 {
            let (expected, got) = (self.decoded, packet.pts.get());
            return Err(self.position.damaged(format!(
                "the FLAC frame of sample {expected} is damaged; the next intact one is of sample {got}"
            )));
        }
        let decoded = self.codec.decode(&packet.data, frames);
        decoded
            .map_err(|reason| self.position.damaged(format!("the FLAC frame cannot be decoded: {reason}")))?;
        self.position.byte += packet.data.len() as u64;
        self.decoded += frames.count() as u64;
        Ok(true)
    }

    fn samples_location(&self) -> (&'static str, u64) {
        ("section of FLAC frames", self.position.start)
    }
}

impl Position {
    fn damaged(&self, what: impl Into<String>) -> AudioError {
        AudioError::Damaged { path: self.path.clone(), byte: self.byte, what: what.into() }
    }
}

/// STREAMINFO block.
pub(crate) struct StreamInfo {
    pub bytes: Vec<u8>,
    pub sample_rate_hz: u32,
    /// Number of samples; 0 if unknown.
    samples: u64,
}

impl StreamInfo {
    pub(crate) const BYTES: usize = 34;

    /// Reads a block of this length; `byte` is its position, for messages.
    pub(crate) fn parse(input: &Input, byte: u64, bytes: &[u8]) -> Result<StreamInfo, AudioError> {
        let packed = big_endian(&bytes[10..18]);
        let sample_rate_hz = (packed >> 44) as u32;
        if sample_rate_hz == 0 {
            return Err(input.header(byte + 10, "sample rate", "0 Hz".to_owned(), "above 0 Hz"));
        }
        let bits = (packed >> 36 & 0x1f) + 1;
        if bits > MAX_BITS {
            return Err(input.unsupported(byte + 12, format!("FLAC of {bits} bits")));
        }
        Ok(StreamInfo { bytes: bytes.to_vec(), sample_rate_hz, samples: packed & 0xf_ffff_ffff })
    }
}

/// Reads STREAMINFO and skips the other metadata blocks; also returns the start of a file that has no others.
fn description(input: &mut Input) -> Result<(StreamInfo, Vec<u8>), AudioError> {
    let first = input.position();
    let mut bytes = input.read(START, "FLAC header")?;
    if bytes[4] & 0x7f != 0 || bytes[5..8] != [0, 0, 34] {
        let value = format!("type {} of {} bytes", bytes[4] & 0x7f, block_size(&bytes[4..8]));
        return Err(input.header(first + 4, "first FLAC block", value, "type 0 of 34 bytes"));
    }
    let mut last = bytes[4] & 0x80 != 0;
    bytes[4] |= 0x80;
    let info = StreamInfo::parse(input, first + 8, &bytes[8..])?;
    while !last {
        let byte = input.position();
        let header = input.read(4, "FLAC block header")?;
        let size = block_size(&header);
        if header[0] & 0x7f == 0x7f {
            return Err(input.header(byte, "FLAC block type", "127".to_owned(), "0..=126"));
        }
        if size > input.remaining() {
            return Err(input.truncated("FLAC block", byte + 4, size, input.remaining()));
        }
        input.seek(byte + 4 + size)?;
        last = header[0] & 0x80 != 0;
    }
    Ok((info, bytes))
}

fn block_size(header: &[u8]) -> u64 {
    big_endian(&header[1..4])
}

/// Returns the end of the frames: the end of the file, or of the part before an ID3v1 tag.
fn end_of_frames(input: &mut Input) -> Result<u64, AudioError> {
    let (start, end) = (input.position(), input.length());
    if end - start < ID3V1 {
        return Ok(end);
    }
    input.seek(end - ID3V1)?;
    let tagged = input.peek(3)? == b"TAG";
    input.seek(start)?;
    Ok(if tagged { end - ID3V1 } else { end })
}

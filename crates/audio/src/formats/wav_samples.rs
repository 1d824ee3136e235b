//! Decoding the samples of a WAV file.

use std::io::{Cursor, ErrorKind, Read};
use std::path::PathBuf;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSourceStream, ReadOnlySource};
use symphonia::default::codecs::PcmDecoder;
use symphonia::default::formats::WavReader;

use super::codec::Codec;
use super::wav::{Layout, plain_header};
use crate::AudioError;
use crate::blocks::{Frames, Source};
use crate::input::Input;

/// Samples of a WAV file, packet by packet.
pub(crate) struct WavSamples {
    path: PathBuf,
    layout: Layout,
    reader: WavReader<'static>,
    codec: Codec,
    /// First samples of a frame that continues in the next packet.
    partial: Vec<f64>,
    /// Number of frames in the file, and number decoded so far.
    expected: u64,
    decoded: u64,
}

impl WavSamples {
    /// Starts at this frame.
    pub(crate) fn open(mut input: Input, layout: Layout, first: u64) -> Result<WavSamples, AudioError> {
        let path = input.path().to_owned();
        let refused = |reason: String| AudioError::Decode { path: path.clone(), reason };
        let left = layout.frames().saturating_sub(first);
        let bytes = left * layout.frame_bytes();
        input.seek(layout.data_start + first * layout.frame_bytes())?;
        let samples = Cursor::new(plain_header(&layout, bytes)).chain(input.into_rest().take(bytes));
        let stream = MediaSourceStream::new(Box::new(ReadOnlySource::new(samples)), Default::default());
        let reader = WavReader::try_new(stream, FormatOptions::default());
        let reader = reader.map_err(|error| refused(error.to_string()))?;
        let parameters = reader.tracks().first().and_then(|track| track.codec_params.as_ref());
        let parameters = parameters.and_then(CodecParameters::audio);
        let parameters = parameters.ok_or_else(|| refused("the file does not name a codec".to_owned()))?;
        let codec = Codec::new(PcmDecoder::try_new, parameters).map_err(refused)?;
        Ok(WavSamples { path, layout, reader, codec, partial: Vec::new(), expected: left, decoded: 0 })
    }

    fn refused(&self, reason: String) -> AudioError {
        AudioError::Decode { path: self.path.clone(), reason }
    }
}

impl Source for WavSamples {
    fn sample_rate_hz(&self) -> u32 {
        self.layout.sample_rate_hz
    }

    fn next(&mut self, frames: &mut Frames) -> Result<bool, AudioError> {
        let packet = match self.reader.next_packet() {
            Ok(Some(packet)) => packet,
            Err(Error::IoError(error)) if error.kind() != ErrorKind::UnexpectedEof => {
                return Err(self.refused(error.to_string()));
            }
            Ok(None) | Err(Error::IoError(_)) => {
                let (got, expected) = (self.decoded, self.expected);
                if got != expected {
                    return Err(self.refused(format!("the decoder returned {got} of {expected} samples")));
                }
                return Ok(false);
            }
            Err(error) => return Err(self.refused(error.to_string())),
        };
        self.codec.decode(&packet.data, frames).map_err(|reason| self.refused(reason))?;
        frames.channels = usize::from(self.layout.channels);
        if !self.partial.is_empty() {
            frames.samples.splice(..0, self.partial.drain(..));
        }
        let whole = frames.count() * frames.channels;
        self.partial.extend(frames.samples.drain(whole..));
        self.decoded += frames.count() as u64;
        Ok(true)
    }

    fn samples_location(&self) -> (&'static str, u64) {
        ("data chunk", self.layout.data_start)
    }
}

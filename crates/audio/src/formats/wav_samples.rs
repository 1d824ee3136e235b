//! From the bytes of a WAV file to its samples.

use std::io::{Cursor, ErrorKind};
use std::path::{Path, PathBuf};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::MediaSourceStream;
use symphonia::default::codecs::PcmDecoder;
use symphonia::default::formats::WavReader;

use super::codec::Codec;
use super::wav::Layout;
use crate::AudioError;
use crate::blocks::{Frames, Source};

/// The samples of a WAV file, packet by packet.
pub(crate) struct WavSamples {
    path: PathBuf,
    layout: Layout,
    reader: WavReader<'static>,
    codec: Codec,
    /// The first samples of a frame whose others come with the next packet.
    begun: Vec<f64>,
    decoded: usize,
}

impl WavSamples {
    /// Takes a file of one channel, as [`super::wav::canonical`] makes it, and the layout it had before.
    pub(crate) fn open(path: &Path, bytes: Vec<u8>, layout: Layout) -> Result<WavSamples, AudioError> {
        let refused = |reason: String| AudioError::Decode { path: path.to_owned(), reason };
        let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
        let reader = WavReader::try_new(stream, FormatOptions::default());
        let reader = reader.map_err(|error| refused(error.to_string()))?;
        let parameters = reader.tracks().first().and_then(|track| track.codec_params.as_ref());
        let parameters = parameters.and_then(CodecParameters::audio);
        let parameters = parameters.ok_or_else(|| refused("the file names no codec".to_owned()))?;
        let codec = Codec::new(PcmDecoder::try_new, parameters).map_err(refused)?;
        Ok(WavSamples { path: path.to_owned(), layout, reader, codec, begun: Vec::new(), decoded: 0 })
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
                let (got, expected) = (self.decoded, self.layout.frames());
                if got != expected {
                    return Err(self.refused(format!("the decoder gave {got} of {expected} samples")));
                }
                return Ok(false);
            }
            Err(error) => return Err(self.refused(error.to_string())),
        };
        self.codec.decode(&packet.data, frames).map_err(|reason| self.refused(reason))?;
        frames.channels = usize::from(self.layout.channels);
        if !self.begun.is_empty() {
            frames.samples.splice(..0, self.begun.drain(..));
        }
        let whole = frames.count() * frames.channels;
        self.begun.extend(frames.samples.drain(whole..));
        self.decoded += frames.count();
        Ok(true)
    }

    fn place(&self) -> (&'static str, u64) {
        ("data chunk", self.layout.data_start as u64)
    }
}

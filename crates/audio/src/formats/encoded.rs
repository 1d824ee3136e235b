//! Samples that a container holds, and the decoder for them.

use super::adpcm::{self, Adpcm};
use super::alac::{self, Alac};
use super::mp3::Mp3;
use super::pcm::{self, PcmSamples};
use crate::AudioError;
use crate::blocks::Decoder;
use crate::input::Input;

/// Encoding and position of the samples of a container.
pub(crate) enum Encoded {
    Pcm(pcm::Layout),
    Adpcm(adpcm::Layout),
    Alac(alac::Layout),
    /// MP3 frames from here to this position.
    Mp3 {
        end: u64,
    },
}

impl Encoded {
    /// Returns the decoder.
    ///
    /// `first` is the first frame to decode, if the encoding is seekable.
    pub(crate) fn open(self, mut input: Input, first: u64) -> Result<Box<dyn Decoder>, AudioError> {
        Ok(match self {
            Encoded::Pcm(layout) => Box::new(PcmSamples::open(input, layout, first)?),
            Encoded::Adpcm(layout) => Box::new(Adpcm::open(input, layout)?),
            Encoded::Alac(layout) => Box::new(Alac::open(input, layout)?),
            Encoded::Mp3 { end } => {
                input.end_at(end);
                Box::new(Mp3::open(input)?)
            }
        })
    }
}

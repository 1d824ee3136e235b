//! ADPCM: blocks of equal length, each of which is decoded by itself.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_ADPCM_IMA_QT, CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS,
};
use symphonia::default::codecs::AdpcmDecoder;

use super::codec::{Codec, parameters};
use crate::AudioError;
use crate::blocks::{Decoder, Frames, Trim};
use crate::input::Input;

/// Variants of ADPCM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Microsoft's.
    Microsoft,
    /// IMA's, as in WAV.
    Ima,
    /// IMA's, as in QuickTime: 64 samples in 34 bytes per channel.
    QuickTime,
}

impl Variant {
    /// Returns the number of frames in a block of this many bytes; `None` if there is no such block.
    pub(crate) fn frames(self, block_bytes: u64, channels: u64) -> Option<u64> {
        let samples = |header: u64, first: u64| {
            let nibbles = 2 * block_bytes.checked_sub(header * channels)?;
            nibbles.is_multiple_of(channels).then(|| first + nibbles / channels)
        };
        match self {
            Variant::Microsoft => samples(7, 2),
            Variant::Ima => samples(4, 1).filter(|frames| channels == 1 || frames % 8 == 1),
            Variant::QuickTime => (block_bytes == 34 * channels).then_some(64),
        }
    }

    fn codec(self) -> AudioCodecId {
        match self {
            Variant::Microsoft => CODEC_ID_ADPCM_MS,
            Variant::Ima => CODEC_ID_ADPCM_IMA_WAV,
            Variant::QuickTime => CODEC_ID_ADPCM_IMA_QT,
        }
    }
}

/// Position and format of the blocks of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub variant: Variant,
    pub sample_rate_hz: u32,
    /// 1 or 2.
    pub channels: u16,
    pub block_bytes: u64,
    pub block_frames: u64,
    pub data_start: u64,
    pub data_bytes: u64,
    /// Number of frames of the recording, if the file states it.
    pub frames: Option<u64>,
}

/// Checks the number of channels, which is at this position of the header.
pub(crate) fn check_channels(input: &Input, byte: u64, channels: u16) -> Result<(), AudioError> {
    match channels {
        1 | 2 => Ok(()),
        _ => Err(input.unsupported(byte, format!("ADPCM with {channels} channels"))),
    }
}

/// Blocks of a file.
pub(crate) struct Adpcm {
    input: Input,
    layout: Layout,
    codec: Codec,
    trim: Trim,
    block: Vec<u8>,
    /// Number of bytes that were not read.
    remaining: u64,
    decoded: u64,
}

impl Adpcm {
    pub(crate) fn open(mut input: Input, layout: Layout) -> Result<Adpcm, AudioError> {
        let mut parameters = parameters(layout.sample_rate_hz, layout.channels);
        parameters
            .for_codec(layout.variant.codec())
            .with_max_frames_per_packet(layout.block_frames)
            .with_frames_per_block(layout.block_frames);
        let codec = Codec::new(AdpcmDecoder::try_new, &parameters);
        let codec = codec.map_err(|reason| input.refused(reason))?.with_packet_frames(layout.block_frames);
        input.seek(layout.data_start)?;
        let trim = Trim::new(0, layout.frames);
        Ok(Adpcm { input, codec, trim, block: Vec::new(), remaining: layout.data_bytes, decoded: 0, layout })
    }

    /// Checks, after the last block, that all frames were present.
    fn finish(&self) -> Result<(), AudioError> {
        match self.layout.frames {
            Some(expected) if expected > self.decoded => Err(AudioError::TooFewSamples {
                path: self.input.path().to_owned(),
                announced: "the header announces",
                expected,
                got: self.decoded,
            }),
            _ => Ok(()),
        }
    }
}

impl Decoder for Adpcm {
    fn sample_rate_hz(&self) -> u32 {
        self.layout.sample_rate_hz
    }

    fn next(&mut self, frames: &mut Frames) -> Result<bool, AudioError> {
        let Layout { variant, block_bytes, channels, .. } = self.layout;
        let count = self.remaining.min(block_bytes);
        // A last block may be short; whether it has a whole number of frames does not matter.
        let valid = match count == block_bytes {
            true => self.layout.block_frames,
            false => variant
                .frames(count / (4 * u64::from(channels)) * 4 * u64::from(channels), channels.into())
                .unwrap_or(0),
        };
        if count == 0 || valid == 0 {
            self.finish()?;
            return Ok(false);
        }
        let byte = self.input.position();
        self.block.clear();
        self.input.append(&mut self.block, count, "ADPCM block")?;
        self.block.resize(block_bytes as usize, 0);
        self.remaining -= count;
        let decoded = self.codec.decode(&self.block, frames);
        decoded.map_err(|reason| {
            self.input.damaged(byte, format!("the ADPCM block cannot be decoded: {reason}"))
        })?;
        frames.samples.truncate(valid as usize * frames.channels);
        self.decoded += valid;
        self.trim.apply(frames);
        Ok(true)
    }

    fn samples_location(&self) -> (&'static str, u64) {
        ("data chunk", self.layout.data_start)
    }
}

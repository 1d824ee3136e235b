//! Samples of equal width: integers, floats, and the logarithmic codes of G.711.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::*;
use symphonia::default::codecs::PcmDecoder;

use super::codec::{Codec, parameters};
use crate::AudioError;
use crate::blocks::{Decoder, Frames};
use crate::input::Input;

/// Maximum number of channels; a larger number means a broken header.
const MAX_CHANNELS: u16 = 256;
/// Approximate number of bytes that are decoded at once.
const BLOCK_BYTES: u64 = 1 << 14;

/// Order of the bytes of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

/// Encoding of a sample, and its number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    codec: AudioCodecId,
    pub bytes: u16,
}

impl Encoding {
    pub(crate) const UNSIGNED: Encoding = Encoding { codec: CODEC_ID_PCM_U8, bytes: 1 };
    pub(crate) const A_LAW: Encoding = Encoding { codec: CODEC_ID_PCM_ALAW, bytes: 1 };
    pub(crate) const MU_LAW: Encoding = Encoding { codec: CODEC_ID_PCM_MULAW, bytes: 1 };

    /// Returns the encoding of signed integers of this many bits.
    pub(crate) fn integer(bits: u16, order: ByteOrder) -> Option<Encoding> {
        let codec = match (bits, order) {
            (8, _) => CODEC_ID_PCM_S8,
            (16, ByteOrder::Little) => CODEC_ID_PCM_S16LE,
            (16, ByteOrder::Big) => CODEC_ID_PCM_S16BE,
            (24, ByteOrder::Little) => CODEC_ID_PCM_S24LE,
            (24, ByteOrder::Big) => CODEC_ID_PCM_S24BE,
            (32, ByteOrder::Little) => CODEC_ID_PCM_S32LE,
            (32, ByteOrder::Big) => CODEC_ID_PCM_S32BE,
            _ => return None,
        };
        Some(Encoding { codec, bytes: bits / 8 })
    }

    /// Returns the encoding of floating-point numbers of this many bits.
    pub(crate) fn float(bits: u16, order: ByteOrder) -> Option<Encoding> {
        let codec = match (bits, order) {
            (32, ByteOrder::Little) => CODEC_ID_PCM_F32LE,
            (32, ByteOrder::Big) => CODEC_ID_PCM_F32BE,
            (64, ByteOrder::Little) => CODEC_ID_PCM_F64LE,
            (64, ByteOrder::Big) => CODEC_ID_PCM_F64BE,
            _ => return None,
        };
        Some(Encoding { codec, bytes: bits / 8 })
    }
}

/// Rate, channels and encoding of the samples of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub sample_rate_hz: u32,
    pub channels: u16,
    pub encoding: Encoding,
}

impl Format {
    pub(crate) fn frame_bytes(&self) -> u64 {
        u64::from(self.channels) * u64::from(self.encoding.bytes)
    }
}

/// Position and format of the samples of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub format: Format,
    pub data_start: u64,
    pub data_bytes: u64,
}

impl Layout {
    /// Returns the layout of samples that start here and have `size` bytes, or end with the file.
    ///
    /// `size_byte` is the position of the size in the file.
    pub(crate) fn here(
        input: &Input,
        format: Format,
        size: Option<u64>,
        size_byte: u64,
    ) -> Result<Layout, AudioError> {
        let (data_start, available) = (input.position(), input.remaining());
        let frame = format.frame_bytes();
        let data_bytes = size.unwrap_or(available - available % frame);
        if data_bytes > available {
            return Err(input.truncated("data chunk", data_start, data_bytes, available));
        }
        if !data_bytes.is_multiple_of(frame) {
            let rule = format!("a whole number of frames of {frame} bytes");
            return Err(input.header(size_byte, "data size", format!("{data_bytes} bytes"), &rule));
        }
        if data_bytes == 0 {
            return Err(input.no_samples("data chunk", data_start));
        }
        Ok(Layout { format, data_start, data_bytes })
    }

    pub(crate) fn frames(&self) -> u64 {
        self.data_bytes / self.format.frame_bytes()
    }
}

/// Checks the number of channels, which is at this position of the header.
pub(crate) fn check_channels(input: &Input, byte: u64, channels: u64) -> Result<u16, AudioError> {
    match u16::try_from(channels) {
        Ok(channels @ 1..=MAX_CHANNELS) => Ok(channels),
        _ => Err(input.header(byte, "channels", channels.to_string(), &format!("1..={MAX_CHANNELS}"))),
    }
}

/// Checks the sample rate, which is at this position of the header.
pub(crate) fn check_rate(input: &Input, byte: u64, rate_hz: f64) -> Result<u32, AudioError> {
    if rate_hz >= 1.0 && rate_hz <= f64::from(u32::MAX) && rate_hz.fract() == 0.0 {
        return Ok(rate_hz as u32);
    }
    let rule = if rate_hz == 0.0 { "above 0 Hz" } else { "a whole number of Hz in 1..=4294967295" };
    Err(input.header(byte, "sample rate", format!("{rate_hz} Hz"), rule))
}

/// Samples of a file, in blocks of a few thousand.
pub(crate) struct PcmSamples {
    input: Input,
    layout: Layout,
    codec: Codec,
    block: Vec<u8>,
    /// Number of bytes that were not read.
    remaining: u64,
}

impl PcmSamples {
    /// Starts at this frame.
    pub(crate) fn open(mut input: Input, layout: Layout, first: u64) -> Result<PcmSamples, AudioError> {
        let Format { sample_rate_hz, encoding, .. } = layout.format;
        // The decoder converts one row of interleaved samples, so that it does not need a layout of channels.
        let mut parameters = parameters(sample_rate_hz, 1);
        parameters.for_codec(encoding.codec);
        let codec = Codec::new(PcmDecoder::try_new, &parameters);
        let codec = codec.map_err(|reason| input.refused(reason))?;
        let skipped = first.min(layout.frames()) * layout.format.frame_bytes();
        input.seek(layout.data_start + skipped)?;
        Ok(PcmSamples { input, codec, block: Vec::new(), remaining: layout.data_bytes - skipped, layout })
    }
}

impl Decoder for PcmSamples {
    fn sample_rate_hz(&self) -> u32 {
        self.layout.format.sample_rate_hz
    }

    fn next(&mut self, frames: &mut Frames) -> Result<bool, AudioError> {
        if self.remaining == 0 {
            return Ok(false);
        }
        let frame = self.layout.format.frame_bytes();
        let count = (BLOCK_BYTES / frame).max(1) * frame;
        let count = count.min(self.remaining);
        self.block.clear();
        self.input.append(&mut self.block, count, "data chunk")?;
        self.remaining -= count;
        match self.layout.format.encoding.codec {
            CODEC_ID_PCM_S16LE => decode_16(&self.block, frames),
            _ => {
                self.codec.decode(&self.block, frames).map_err(|reason| self.input.refused(reason))?;
            }
        }
        frames.channels = usize::from(self.layout.format.channels);
        Ok(true)
    }

    fn samples_location(&self) -> (&'static str, u64) {
        ("data chunk", self.layout.data_start)
    }
}

/// Decodes 16-bit samples, little-endian: most recordings. One loop; the codec has three.
fn decode_16(bytes: &[u8], frames: &mut Frames) {
    frames.samples.clear();
    let samples = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    frames.samples.extend(samples.map(|sample| f64::from(sample) / 32_768.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_16_bit_samples_have_the_values_of_the_codec() {
        let bytes: Vec<u8> = (i16::MIN..=i16::MAX).flat_map(i16::to_le_bytes).collect();
        let mut parameters = parameters(8000, 1);
        parameters.for_codec(CODEC_ID_PCM_S16LE);
        let mut codec = Codec::new(PcmDecoder::try_new, &parameters).unwrap();
        let [mut expected, mut found] = [(); 2].map(|()| Frames::default());
        codec.decode(&bytes, &mut expected).unwrap();
        decode_16(&bytes, &mut found);
        assert_eq!(found.samples, expected.samples);
    }
}

//! Samples as bytes, in pieces of any length.

use std::str::FromStr;

/// Format of samples, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SampleFormat {
    /// Signed integers of 16 bits.
    S16,
    /// Signed integers of 32 bits.
    S32,
    /// Floats of 32 bits in [-1, 1].
    F32,
}

/// Format of samples, and the number of channels, which are averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) format: SampleFormat,
    pub(crate) channels: usize,
}

impl FromStr for SampleFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<SampleFormat, ()> {
        match text {
            "s16le" => Ok(SampleFormat::S16),
            "f32le" => Ok(SampleFormat::F32),
            _ => Err(()),
        }
    }
}

impl SampleFormat {
    fn bytes(self) -> usize {
        match self {
            SampleFormat::S16 => 2,
            SampleFormat::S32 | SampleFormat::F32 => 4,
        }
    }

    /// Returns a sample in [-1, 1].
    fn sample(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (SampleFormat::S16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            // Rounded once to f32.
            (SampleFormat::S32, &[a, b, c, d]) => {
                (f64::from(i32::from_le_bytes([a, b, c, d])) / 2_147_483_648.0) as f32
            }
            (SampleFormat::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            _ => 0.0,
        }
    }
}

impl Encoding {
    /// Returns the duration of bytes, s.
    pub(crate) fn seconds(self, bytes: usize, sample_rate_hz: u32) -> f64 {
        let frame = self.format.bytes() * self.channels.max(1);
        bytes as f64 / (frame as f64 * f64::from(sample_rate_hz))
    }
}

/// Decoder of pieces; a sample may be in two of them.
#[derive(Debug)]
pub(crate) struct Samples {
    encoding: Encoding,
    /// Bytes of an incomplete sample.
    rest: Vec<u8>,
    samples: Vec<f32>,
}

impl Samples {
    pub(crate) fn new(encoding: Encoding) -> Samples {
        Samples { encoding, rest: Vec::new(), samples: Vec::new() }
    }

    /// Returns the samples that the bytes complete, the mean of the channels.
    pub(crate) fn decode(&mut self, mut bytes: &[u8]) -> &[f32] {
        let Encoding { format, channels } = self.encoding;
        let size = format.bytes() * channels.max(1);
        self.samples.clear();
        if !self.rest.is_empty() {
            let missing = (size - self.rest.len()).min(bytes.len());
            self.rest.extend_from_slice(&bytes[..missing]);
            bytes = &bytes[missing..];
            if self.rest.len() < size {
                return &self.samples;
            }
            self.samples.push(mean(format, &self.rest));
            self.rest.clear();
        }
        let frames = bytes.chunks_exact(size);
        self.rest.extend_from_slice(frames.remainder());
        self.samples.extend(frames.map(|frame| mean(format, frame)));
        &self.samples
    }
}

/// Returns the mean of the channels of a frame; a single channel keeps its bits.
fn mean(format: SampleFormat, frame: &[u8]) -> f32 {
    let size = format.bytes();
    if frame.len() == size {
        return format.sample(frame);
    }
    let samples = frame.chunks_exact(size);
    let count = samples.len().max(1);
    (samples.map(|sample| f64::from(format.sample(sample))).sum::<f64>() / count as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_independent_of_the_pieces() {
        let bytes: Vec<u8> = (0..240u8).map(|byte| byte.wrapping_mul(37)).collect();
        for format in [SampleFormat::S16, SampleFormat::S32, SampleFormat::F32] {
            for channels in [1, 2, 3] {
                let encoding = Encoding { format, channels };
                let bits =
                    |samples: &[f32]| samples.iter().map(|sample| sample.to_bits()).collect::<Vec<_>>();
                let whole = bits(Samples::new(encoding).decode(&bytes));
                assert_eq!(whole.len(), 240 / format.bytes() / channels);
                for piece in [1, 3, 7, 100] {
                    let mut samples = Samples::new(encoding);
                    let found: Vec<u32> =
                        bytes.chunks(piece).flat_map(|piece| bits(samples.decode(piece))).collect();
                    assert_eq!(found, whole, "{format:?} {channels} {piece}");
                }
            }
        }
    }

    #[test]
    fn formats_have_their_scale() {
        let mono = |format| Encoding { format, channels: 1 };
        let s16: Vec<u8> = [i16::MIN, 16_384].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(Samples::new(mono(SampleFormat::S16)).decode(&s16), [-1.0, 0.5]);
        let s32: Vec<u8> = [i32::MIN, 1 << 29].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(Samples::new(mono(SampleFormat::S32)).decode(&s32), [-1.0, 0.25]);
        let stereo = Encoding { format: SampleFormat::S16, channels: 2 };
        assert_eq!(Samples::new(stereo).decode(&s16), [-0.25]);
        assert_eq!(stereo.seconds(64_000, 8000), 2.0);
    }
}

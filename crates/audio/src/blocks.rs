//! Decoding block by block, with memory independent of the length of the recording.

use std::path::{Path, PathBuf};

use crate::clip::are_finite;
use crate::options::Channel;
use crate::{AudioError, Clip};

/// Maximum number of samples of a compressed file in memory: 4 GiB, 18 hours at 16 kHz, 6 at 48 kHz.
///
/// A few bytes of a compressed file can represent a minute of silence.
pub(crate) const MAX_SAMPLES: u64 = 1 << 30;

/// Interleaved frames; f64 represents every sample of every format exactly.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    pub samples: Vec<f64>,
    pub channels: usize,
}

impl Frames {
    pub(crate) fn count(&self) -> usize {
        self.samples.len() / self.channels.max(1)
    }
}

/// Decoder of one file, which returns its frames block by block.
pub(crate) trait Decoder {
    fn sample_rate_hz(&self) -> u32;

    /// Replaces the frames in the buffer by the next ones, possibly none; returns false at the end.
    fn next(&mut self, frames: &mut Frames) -> Result<bool, AudioError>;

    /// Name and position of the part of the file that contains the samples.
    fn samples_location(&self) -> (&'static str, u64);
}

/// Samples that an encoder added before and after the recording; they are removed while decoding.
#[derive(Debug)]
pub(crate) struct Trim {
    skip: u64,
    keep: u64,
}

impl Trim {
    /// Skips `skip` frames, then keeps `keep` frames; all if `None`.
    pub(crate) fn new(skip: u64, keep: Option<u64>) -> Trim {
        Trim { skip, keep: keep.unwrap_or(u64::MAX) }
    }

    /// Sets how many more frames to keep.
    pub(crate) fn end_after(&mut self, keep: u64) {
        self.keep = keep;
    }

    pub(crate) fn apply(&mut self, frames: &mut Frames) {
        let count = frames.count() as u64;
        let skip = self.skip.min(count);
        self.skip -= skip;
        let keep = self.keep.min(count - skip);
        self.keep -= keep;
        // Both are at most the number of frames in the block.
        let (skip, keep) = (skip as usize * frames.channels, keep as usize * frames.channels);
        frames.samples.truncate(skip + keep);
        frames.samples.drain(..skip);
    }
}

/// Calls a decoder; its panic is the error of a damaged file.
pub(crate) fn contained<T>(
    path: &Path,
    decode: impl FnOnce() -> Result<T, AudioError>,
) -> Result<T, AudioError> {
    stapes_files::contain_panic(decode).unwrap_or_else(|panic| {
        let reason =
            format!("the file is damaged, the decoder failed ({panic}); copy it again or convert it to WAV");
        Err(AudioError::Decode { path: path.to_owned(), reason })
    })
}

/// Blocks of a recording: the mean of its channels, computed in f64, or one channel.
pub(crate) struct Blocks {
    path: PathBuf,
    decoder: Box<dyn Decoder>,
    channel: Channel,
    max_samples: u64,
    read: u64,
    frames: Frames,
    mono: Vec<f32>,
    /// Largest magnitude of each channel so far.
    channel_peaks: Vec<f32>,
}

impl Blocks {
    /// Returns an error after this many samples.
    pub(crate) fn new(path: PathBuf, decoder: Box<dyn Decoder>, max_samples: u64) -> Blocks {
        Blocks {
            path,
            decoder,
            channel: Channel::Mean,
            max_samples,
            read: 0,
            frames: Frames::default(),
            mono: Vec::new(),
            channel_peaks: Vec::new(),
        }
    }

    /// Starts at this sample of the recording.
    pub(crate) fn starting_at(self, sample: u64) -> Blocks {
        Blocks { read: sample, ..self }
    }

    /// Reads this channel.
    pub(crate) fn of_channel(self, channel: Channel) -> Blocks {
        Blocks { channel, ..self }
    }

    pub(crate) fn sample_rate_hz(&self) -> u32 {
        self.decoder.sample_rate_hz()
    }

    pub(crate) fn channel_peaks(&self) -> &[f32] {
        &self.channel_peaks
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the next samples; `None` at the end of the recording.
    ///
    /// # Errors
    /// [`AudioError::NoSamples`] if there are none, [`AudioError::NotFinite`], [`AudioError::NoChannel`],
    /// [`AudioError::TooManySamples`], and errors of the decoder.
    pub(crate) fn next(&mut self) -> Result<Option<&[f32]>, AudioError> {
        self.mono.clear();
        while self.mono.is_empty() {
            let (decoder, frames) = (&mut self.decoder, &mut self.frames);
            if !contained(&self.path, || decoder.next(frames))? {
                let (what, byte) = self.decoder.samples_location();
                return match self.read {
                    0 => Err(AudioError::NoSamples { path: self.path.clone(), what, byte }),
                    _ => Ok(None),
                };
            }
            self.mix()?;
        }
        self.read += self.mono.len() as u64;
        if self.read > self.max_samples {
            return Err(AudioError::TooManySamples {
                path: self.path.clone(),
                max_samples: self.max_samples,
            });
        }
        Ok(Some(&self.mono))
    }

    /// Averages the channels of the block, or copies one.
    fn mix(&mut self) -> Result<(), AudioError> {
        let channels = self.frames.channels.max(1);
        let samples = &self.frames.samples;
        if let Channel::Index(channel) = self.channel
            && channel >= channels
            && !samples.is_empty()
        {
            return Err(AudioError::NoChannel { path: self.path.clone(), channel, channels });
        }
        let frames = samples.chunks_exact(channels);
        let value = |frame: &[f64]| match self.channel {
            Channel::Mean => frame.iter().sum::<f64>() / channels as f64,
            Channel::Index(channel) => frame[channel],
        };
        let peak = match channels {
            1 => {
                self.mono.extend(samples.iter().map(|sample| *sample as f32));
                largest_magnitude(&self.mono)
            }
            _ => {
                self.mono.extend(frames.clone().map(|frame| value(frame) as f32));
                are_finite(&self.mono).then_some(0.0)
            }
        };
        let Some(peak) = peak else {
            let is_finite = |frame: &[f64]| (value(frame) as f32).is_finite();
            let at = frames.clone().position(|frame| !is_finite(frame)).unwrap_or_default();
            let (sample, value) = (self.read as usize + at, value(&samples[at * channels..][..channels]));
            return Err(AudioError::NotFinite { path: self.path.clone(), sample, value });
        };
        self.channel_peaks.resize(channels, 0.0);
        match &mut self.channel_peaks[..] {
            [largest] => *largest = largest.max(peak),
            peaks => {
                for frame in frames {
                    for (peak, sample) in peaks.iter_mut().zip(frame) {
                        *peak = peak.max(sample.abs() as f32);
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns all blocks as one clip; `capacity` is the expected number of samples.
    pub(crate) fn into_clip(mut self, capacity: usize) -> Result<Clip, AudioError> {
        let mut samples = Vec::with_capacity(capacity);
        self.append_range(0, u64::MAX, &mut samples)?;
        Ok(Clip { samples, sample_rate_hz: self.decoder.sample_rate_hz() })
    }

    /// Appends the samples in `first..end` as far as they exist; returns the end of the last block that was read. Must be
    /// called before any other block is read.
    pub(crate) fn append_range(
        &mut self,
        first: u64,
        end: u64,
        samples: &mut Vec<f32>,
    ) -> Result<u64, AudioError> {
        let mut position = self.read;
        while position < end {
            let Some(block) = self.next()? else { break };
            let length = block.len() as u64;
            // Both are at most the length of the block.
            let from = first.saturating_sub(position).min(length) as usize;
            let to = (end - position).min(length) as usize;
            let wanted = &block[from.min(to)..to];
            if samples.try_reserve(wanted.len()).is_err() {
                let source = std::io::ErrorKind::OutOfMemory.into();
                return Err(AudioError::Io { path: self.path.clone(), source });
            }
            samples.extend_from_slice(wanted);
            position += length;
        }
        Ok(position)
    }
}

/// Returns the largest magnitude, 0 for no samples; `None` if a sample is not finite.
fn largest_magnitude(samples: &[f32]) -> Option<f32> {
    const LANES: usize = 16;
    let (mut peaks, mut finite) = ([0.0f32; LANES], [true; LANES]);
    let mut update = |chunk: &[f32]| {
        for ((peak, finite), sample) in peaks.iter_mut().zip(&mut finite).zip(chunk) {
            let magnitude = sample.abs();
            *finite &= magnitude < f32::INFINITY;
            *peak = if magnitude > *peak { magnitude } else { *peak };
        }
    };
    let mut chunks = samples.chunks_exact(LANES);
    chunks.by_ref().for_each(&mut update);
    update(chunks.remainder());
    finite.iter().all(|finite| *finite).then(|| peaks.into_iter().fold(0.0, f32::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of these lengths; each frame has values around its index.
    struct Ramp(std::vec::IntoIter<usize>, usize);

    impl Decoder for Ramp {
        fn sample_rate_hz(&self) -> u32 {
            8000
        }

        fn next(&mut self, frames: &mut Frames) -> Result<bool, AudioError> {
            let Some(length) = self.0.next() else { return Ok(false) };
            frames.channels = 2;
            frames.samples =
                (self.1..self.1 + length).flat_map(|n| [n as f64 - 1.0, n as f64 + 1.0]).collect();
            self.1 += length;
            Ok(true)
        }

        fn samples_location(&self) -> (&'static str, u64) {
            ("ramp", 7)
        }
    }

    fn blocks(lengths: Vec<usize>, max_samples: u64) -> Blocks {
        Blocks::new(PathBuf::from("a"), Box::new(Ramp(lengths.into_iter(), 0)), max_samples)
    }

    #[test]
    fn blocks_of_any_length_make_one_clip() {
        let clip = blocks(vec![3, 0, 1, 2, 0], 6).into_clip(0).unwrap();
        assert_eq!(clip.samples, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn one_channel_is_read_and_a_missing_one_is_named() {
        let read = |channel| blocks(vec![3, 0, 1], 6).of_channel(channel).into_clip(0);
        assert_eq!(read(Channel::Index(0)).unwrap().samples, [-1.0, 0.0, 1.0, 2.0]);
        assert_eq!(read(Channel::Index(1)).unwrap().samples, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(read(Channel::Mean).unwrap().samples, [0.0, 1.0, 2.0, 3.0]);
        let message = read(Channel::Index(2)).unwrap_err().to_string();
        let expected = "a: channel 2 does not exist: the file has 2 channels, and the first is channel 0; choose another \
                        channel, or remove the file";
        assert_eq!(message, expected);
    }

    #[test]
    fn magnitudes_and_faults_are_found_at_every_position() {
        for length in [1, 2, 15, 16, 17, 40] {
            for at in 0..length {
                let mut samples = vec![0.25; length];
                samples[at] = -0.5;
                assert_eq!(
                    (largest_magnitude(&samples), are_finite(&samples)),
                    (Some(0.5), true),
                    "{at} of {length}"
                );
                for fault in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    samples[at] = fault;
                    assert_eq!(
                        (largest_magnitude(&samples), are_finite(&samples)),
                        (None, false),
                        "{fault} at {at}"
                    );
                }
            }
        }
        assert_eq!(largest_magnitude(&[]), Some(0.0));
    }

    #[test]
    fn a_recording_beyond_the_limit_is_rejected() {
        let message = blocks(vec![3, 3], 5).into_clip(0).unwrap_err().to_string();
        assert_eq!(message, "a: decodes to more than 5 samples; cut it into shorter files");
    }

    #[test]
    fn a_recording_without_samples_is_an_error_with_its_location() {
        let message = blocks(vec![0, 0], 5).into_clip(0).unwrap_err().to_string();
        assert_eq!(message, "a: no samples: the ramp at byte 7 is empty; record or copy it again");
    }

    #[test]
    fn a_decoder_that_panics_is_the_error_of_a_damaged_file() {
        struct Broken;
        impl Decoder for Broken {
            fn sample_rate_hz(&self) -> u32 {
                8000
            }

            fn next(&mut self, _: &mut Frames) -> Result<bool, AudioError> {
                panic!("offset is negative")
            }

            fn samples_location(&self) -> (&'static str, u64) {
                ("stream", 0)
            }
        }
        let mut blocks = Blocks::new(PathBuf::from("a"), Box::new(Broken), 5);
        let message = blocks.next().unwrap_err().to_string();
        assert!(message.starts_with("a: ") && message.contains("offset is negative"), "{message}");
    }

    #[test]
    fn delay_and_padding_are_removed_for_all_block_lengths() {
        for lengths in [vec![10], vec![4, 6], vec![1; 10], vec![0, 3, 0, 5, 2]] {
            for (skip, keep) in [(0, None), (3, None), (3, Some(4)), (0, Some(10)), (10, None), (12, Some(1))]
            {
                let mut trim = Trim::new(skip, keep);
                let mut source = Ramp(lengths.clone().into_iter(), 0);
                let (mut frames, mut kept) = (Frames::default(), Vec::new());
                while source.next(&mut frames).unwrap() {
                    trim.apply(&mut frames);
                    kept.extend(frames.samples.chunks(2).map(|frame| frame[0] + 1.0));
                }
                let first = skip.min(10);
                let last = first + keep.unwrap_or(10).min(10 - first);
                let expected: Vec<f64> = (first..last).map(|n| n as f64).collect();
                assert_eq!(kept, expected, "{lengths:?} {skip} {keep:?}");
            }
        }
    }
}

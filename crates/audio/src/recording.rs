//! A recording that is read once, block by block.

use std::path::Path;

use crate::AudioError;
use crate::blocks::Blocks;
use crate::input::Input;
use crate::options::Channel;
use crate::read::blocks;

/// Sound file that is decoded block by block, with memory independent of its length.
///
/// The blocks together are the samples of [`read`](crate::read).
///
/// # Example
/// ```
/// use stapes_audio::{Clip, Recording, write_wav};
///
/// let path = std::env::temp_dir().join(format!("stapes-pieces-{}.wav", std::process::id()));
/// write_wav(&path, &Clip { samples: vec![0.25; 10_000], sample_rate_hz: 8000 })?;
/// let mut recording = Recording::open(&path)?;
/// let mut length = 0;
/// while let Some(block) = recording.next_block()? {
///     length += block.len();
/// }
/// assert_eq!((length, recording.sample_rate_hz()), (10_000, 8000));
/// assert_eq!(recording.channel_peaks(), [0.25]);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recording {
    blocks: Blocks,
    /// Number of samples; 0 if the header does not determine it.
    samples: usize,
}

impl Recording {
    /// Opens a file of any format that [`read`](crate::read) supports.
    ///
    /// # Errors
    /// Errors of [`read`](crate::read) that are visible at the beginning of the file.
    pub fn open(path: &Path) -> Result<Recording, AudioError> {
        Recording::open_channel(path, Channel::Mean)
    }

    /// Opens a file like [`Recording::open`] to read this channel.
    ///
    /// # Errors
    /// Errors of [`Recording::open`]. A missing channel is an error of [`Recording::next_block`].
    pub fn open_channel(path: &Path, channel: Channel) -> Result<Recording, AudioError> {
        let (blocks, samples) = blocks(Input::open(path)?, channel, 0.0)?;
        Ok(Recording { blocks, samples })
    }

    /// Opens the content of a file in memory to read this channel; `name` is used in error messages.
    ///
    /// # Errors
    /// Those of [`Recording::open_channel`].
    ///
    /// # Example
    /// ```
    /// use stapes_audio::{Channel, Clip, Recording, wav_bytes};
    ///
    /// let bytes = wav_bytes("upload.wav".as_ref(), &Clip { samples: vec![0.25; 100], sample_rate_hz: 8000 })?;
    /// let mut recording = Recording::from_bytes("upload.wav".as_ref(), bytes, Channel::Mean)?;
    /// assert_eq!(recording.next_block()?, Some(&[0.25; 100][..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_bytes(
        name: &Path,
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        channel: Channel,
    ) -> Result<Recording, AudioError> {
        let (blocks, samples) = blocks(Input::from_bytes(name, bytes)?, channel, 0.0)?;
        Ok(Recording { blocks, samples })
    }

    /// Samples per second.
    pub fn sample_rate_hz(&self) -> u32 {
        self.blocks.sample_rate_hz()
    }

    /// Number of samples of the recording, if it is known before decoding: for samples of equal width, such as PCM.
    ///
    /// # Example
    /// ```
    /// use stapes_audio::{Channel, Clip, Recording, wav_bytes};
    ///
    /// let bytes = wav_bytes("a.wav".as_ref(), &Clip { samples: vec![0.25; 100], sample_rate_hz: 8000 })?;
    /// assert_eq!(Recording::from_bytes("a.wav".as_ref(), bytes, Channel::Mean)?.samples(), Some(100));
    /// # Ok::<(), stapes_audio::AudioError>(())
    /// ```
    pub fn samples(&self) -> Option<usize> {
        (self.samples > 0).then_some(self.samples)
    }

    /// Returns the largest magnitude of each channel in the blocks that were read; empty before the first.
    pub fn channel_peaks(&self) -> &[f32] {
        self.blocks.channel_peaks()
    }

    /// Returns the next samples, one packet of the format; `None` at the end.
    ///
    /// # Errors
    /// Errors of [`read`](crate::read) in the rest of the file; [`AudioError::NoChannel`].
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        self.blocks.next()
    }
}

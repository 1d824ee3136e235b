//! Options of reading: channel and segment.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::input::Input;
use crate::{AudioError, Clip, read, read_segment};

/// Channel of a recording that becomes its samples. Its text is `mean` or a number.
///
/// # Example
/// ```
/// use stapes_audio::Channel;
///
/// assert_eq!("1".parse(), Ok(Channel::Index(1)));
/// assert_eq!(Channel::Mean.to_string(), "mean");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Mean of all channels, computed in f64.
    #[default]
    Mean,
    /// One channel, counted from 0.
    Index(usize),
}

const MEAN: &str = "mean";

impl fmt::Display for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Channel::Mean => formatter.write_str(MEAN),
            Channel::Index(index) => write!(formatter, "{index}"),
        }
    }
}

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Channel, String> {
        match text {
            MEAN => Ok(Channel::Mean),
            number => match number.parse() {
                Ok(index) => Ok(Channel::Index(index)),
                Err(_) => Err(format!("expected {MEAN}, or the number of a channel: 0, 1, …")),
            },
        }
    }
}

/// Options of [`read_with`]. The default reads the mean of all channels of a whole file, as [`read`](crate::read) does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// Channel that is read.
    pub channel: Channel,
    /// Start and end in seconds, as in [`read_segment`](crate::read_segment); `None` for the whole file.
    pub segment: Option<(f64, Option<f64>)>,
}

/// Reads an audio file, or a segment of it, with options.
///
/// # Errors
/// [`AudioError::NoChannel`] if the file does not have the channel; those of [`read`](crate::read) and
/// [`read_segment`](crate::read_segment).
///
/// # Example
/// ```
/// use stapes_audio::{AudioError, Channel, Clip, ReadOptions, read_with, write_wav};
///
/// let path = std::env::temp_dir().join(format!("stapes-channel-{}.wav", std::process::id()));
/// write_wav(&path, &Clip { samples: vec![0.25; 100], sample_rate_hz: 8000 })?;
/// let first = ReadOptions { channel: Channel::Index(0), ..ReadOptions::default() };
/// assert_eq!(read_with(&path, &first)?.samples.len(), 100);
/// let second = ReadOptions { channel: Channel::Index(1), ..first };
/// assert!(matches!(read_with(&path, &second), Err(AudioError::NoChannel { channels: 1, .. })));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_with(path: &Path, options: &ReadOptions) -> Result<Clip, AudioError> {
    if let Some((start_seconds, end_seconds)) = options.segment {
        read_segment::check(path, start_seconds, end_seconds)?;
    }
    from_input(Input::open(path)?, options)
}

pub(crate) fn from_input(input: Input, options: &ReadOptions) -> Result<Clip, AudioError> {
    match options.segment {
        Some((start_seconds, end_seconds)) => {
            read_segment::read_from(input, options.channel, start_seconds, end_seconds)
        }
        None => {
            let (blocks, samples) = read::blocks(input, options.channel, 0.0)?;
            blocks.into_clip(samples)
        }
    }
}

//! Audio files as mono f32 clips: decoding, mix-down, resampling.
//!
//! Start with [`read`]: it returns a file of any of the [`FORMATS`] as a [`Clip`], or an error with the byte position.
//! [`read_segment`] reads a segment of a long recording without the rest, [`read_with`] one channel, and a [`Recording`]
//! returns the samples block by block. [`Clip::resampled`] converts the sample rate without shifting time, and [`write_wav`] writes a 16-bit file.
//!
//! Two default features can be disabled: `decode` reads files, `resample` converts the sample rate. Without them, clips can
//! be written as WAV.
//!
//! # Example
//! ```
//! use stapes_audio::{Clip, read, write_wav};
//!
//! let folder = std::env::temp_dir().join(format!("stapes-audio-{}", std::process::id()));
//! std::fs::create_dir_all(&folder)?;
//! let path = folder.join("click.wav");
//! write_wav(&path, &Clip { samples: vec![0.0, 0.5, -0.25], sample_rate_hz: 8000 })?;
//! let clip = read(&path)?;
//! assert_eq!(clip.samples, [0.0, 0.5, -0.25]);
//! assert_eq!(clip.resampled(16_000)?.samples.len(), 6);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "resample")]
mod block_filter;
#[cfg(feature = "decode")]
mod blocks;
mod clip;
mod error;
#[cfg(feature = "decode")]
mod formats;
#[cfg(feature = "decode")]
mod input;
#[cfg(feature = "decode")]
mod kind;
#[cfg(feature = "decode")]
mod options;
#[cfg(feature = "decode")]
mod read;
#[cfg(feature = "decode")]
mod read_segment;
#[cfg(feature = "decode")]
mod recording;
#[cfg(feature = "resample")]
mod resample;
#[cfg(feature = "resample")]
mod stream_resampler;
mod write;

pub use clip::Clip;
pub use error::AudioError;
#[cfg(feature = "decode")]
pub use kind::{FORMATS, FileFormat, has_audio_extension};
#[cfg(feature = "decode")]
pub use options::{Channel, ReadOptions, read_with};
#[cfg(feature = "decode")]
pub use read::read;
#[cfg(feature = "decode")]
pub use read_segment::read_segment;
#[cfg(feature = "decode")]
pub use recording::Recording;
pub use stapes_files::SpecialFile;
#[cfg(feature = "resample")]
pub use stream_resampler::StreamResampler;
pub use write::{wav_bytes, write_wav};

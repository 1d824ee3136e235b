//! Audio files as mono f32 clips: decoding, mix-down, resampling.
//!
//! Start with [`read`]: it returns a WAV, FLAC, MP3, AAC, M4A, Ogg Vorbis or Opus file as a [`Clip`], or an error with the byte
//! position. [`read_part`] reads a segment of a long recording without the rest, and a [`Recording`] returns it block by
//! block. [`Clip::resampled`] converts the sample rate without shifting time, and [`write_wav`] writes a 16-bit file.
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

mod blocks;
mod clip;
mod error;
mod formats;
mod input;
mod kind;
mod part;
mod read;
mod recording;
mod resample;
mod write;

pub use clip::Clip;
pub use error::AudioError;
pub use part::read_part;
pub use read::read;
pub use recording::Recording;
pub use stapes_files::SpecialFile;
pub use write::{wav_bytes, write_wav};

//! A sound file becomes a mono f32 clip: decoding, mix-down, resampling.
//!
//! Start at [`read`]: it turns a WAV, FLAC, MP3, AAC, M4A, Ogg Vorbis or Opus file into a [`Clip`], or says
//! what is wrong with the file and at which byte. [`read_part`] reads a stretch of a long recording without the rest, and
//! a [`Recording`] gives one piece by piece. [`Clip::resampled`] brings a clip to another rate with every
//! sound staying at its time, and [`write_wav`] puts a clip into a 16-bit file.
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

//! A sound file becomes a mono f32 clip: decoding, mix-down, resampling.

mod clip;

pub use clip::Clip;

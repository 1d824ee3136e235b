//! Augmentation: training examples are changed a little, differently in each pass.
//!
//! Every entry of a recipe has a `probability`, and what it draws depends on the seed, the pass and the example
//! alone: not on threads, and, but for three entries of frames that share a stream, not on which others there are.

mod draw;
mod frames;
mod waveform;

pub use frames::{
    AugmentConfig, DropConfig, JitterConfig, LevelConfig, Misfit, RotationConfig, ScaleConfig, ShiftConfig,
    SpecAugmentConfig, StretchConfig, WarpConfig,
};
pub use waveform::{
    ClippingConfig, CodecConfig, GainConfig, NoiseColour, NoiseConfig, ReverbConfig, SpeedConfig,
    WaveformAugmentConfig, WaveformAugmenter, WaveformShiftConfig,
};

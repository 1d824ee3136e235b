//! Augmentation of training examples, drawn anew for every repetition.
//!
//! Every augmentation has a `probability`. Its draws depend only on the seed, the repetition and the example: not on
//! threads, and not on other augmentations, except for three augmentations of frames that share a stream.

mod draws;
mod frames;
mod waveform;

pub use frames::{
    AugmentConfig, DropConfig, Incompatible, JitterConfig, LevelConfig, RotationConfig, ScaleConfig,
    ShiftConfig, SpecAugmentConfig, StretchConfig, WarpConfig,
};
pub use waveform::{
    ClippingConfig, CodecConfig, GainConfig, NoiseColor, NoiseConfig, ReverbConfig, SpeedConfig,
    WaveformAugmentConfig, WaveformAugmenter, WaveformShiftConfig,
};

//! Augmentation of training examples, drawn anew for every repetition: samples to samples before the front end, and
//! frames to frames after normalization.
//!
//! Start with [`AugmentConfig`], the table `augment` of a recipe. Every augmentation has a `probability`. Its draws
//! depend only on the seed, the repetition and the example: not on threads, and not on other augmentations, except for
//! three augmentations of frames that share a stream.
//!
//! With the default feature `recordings`, noise and impulse responses can be read from files.
//!
//! # Example
//! ```
//! use stapes_augment::{AugmentConfig, ScaleConfig};
//! use stapes_features::Features;
//!
//! let scale = ScaleConfig { probability: 1.0, factor: [2.0, 2.0] };
//! let augment = AugmentConfig { scale: Some(scale), ..AugmentConfig::default() };
//! let mut features = Features::new(2, vec![1.0, -1.0, 0.5, 0.0]);
//! augment.apply(&mut features, usize::MAX, 1, [0, 0]);
//! assert_eq!(features.values(), [2.0, -2.0, 1.0, 0.0]);
//! ```

mod config;
mod draws;
mod error;
mod frames;
mod waveform;

pub use config::AugmentConfig;
pub use error::{AugmentError, Incompatible};
pub use frames::{
    DropConfig, JitterConfig, LevelConfig, RotationConfig, ScaleConfig, ShiftConfig, SpecAugmentConfig,
    StretchConfig, WarpConfig,
};
pub use waveform::{
    ClippingConfig, CodecConfig, GainConfig, NoiseColor, NoiseConfig, ReverbConfig, SpeedConfig, SpeedFilter,
    WaveformAugmentConfig, WaveformAugmenter, WaveformShiftConfig,
};

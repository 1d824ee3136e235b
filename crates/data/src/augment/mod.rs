//! Augmentation: training examples are changed a little, differently in each pass.
//!
//! Every entry of a recipe has a `probability`, and what it draws depends on the seed, the pass and the example
//! alone: not on threads, and not on which other entries there are.

mod draw;
mod frames;

pub use frames::{
    AugmentConfig, DropConfig, JitterConfig, LevelConfig, Misfit, RotationConfig, ScaleConfig, ShiftConfig,
    SpecAugmentConfig, StretchConfig, WarpConfig,
};

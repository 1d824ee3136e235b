//! Augmentation of frames, one file per kind.

mod drop;
mod jitter;
mod level;
mod rotation;
mod scale;
mod shift;
mod spec_augment;
mod stretch;
mod warp;

pub use drop::DropConfig;
pub use jitter::JitterConfig;
pub use level::LevelConfig;
pub use rotation::RotationConfig;
pub use scale::ScaleConfig;
pub use shift::ShiftConfig;
pub use spec_augment::SpecAugmentConfig;
pub use stretch::StretchConfig;
pub use warp::WarpConfig;

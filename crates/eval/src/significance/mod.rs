//! Whether a difference between classifiers is more than chance.
//!
//! Two runs: [`McNemar`]. Two configurations, each trained with several seeds: [`compare_accuracy`] and
//! [`compare_frames`]. Many comparisons at once: [`holm`] on their p.

mod holm;
mod mcnemar;
mod paired;

pub use holm::holm;
pub use mcnemar::McNemar;
pub use paired::{Difference, FrameDifferences, compare_accuracy, compare_frames};

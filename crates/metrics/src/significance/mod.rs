//! Tests of significance for differences between classifiers.
//!
//! [`compare_accuracy`] and [`compare_frames`] compare two configurations, each trained with several seeds; [`holm`] corrects
//! the p-values of many comparisons.

mod holm;
mod paired;

pub use holm::holm;
pub use paired::{Difference, FrameDifferences, compare_accuracy, compare_frames};

//! Batch normalisation over ragged batches, and what follows a convolution in one pass: normalise, rectify,
//! average.
//!
//! A *channel* is whatever shares a mean: a channel of a convolution, a feature of a vector, or a channel's
//! band of rows (give the C S bands of an example as so many channels). An example is [C, H, W] of its own
//! size, a vector is [C, 1, 1]; statistics are over all positions of all examples, and nothing is padded.
//!
//! Training cuts a batch into shards that know nothing of each other, so each pass has three parts:
//! ```text
//! forward    each shard: add_moments    all: Moments::add in the order of the shards, Channel::trained
//!            each shard: finish
//! backward   each shard: add_gradient_sums    all: GradientSums::add, ChannelGradient::trained
//!            each shard: spread (or a convolution's backward pass, which does it on the way)
//! ```
//!
//! # Example
//! ```
//! use stapes_kernels::InstructionSet;
//! use stapes_kernels::norm::*;
//!
//! let (set, size, epsilon) = (InstructionSet::best(), [1, 3], 0.0);
//! let (y, [weight, bias]) = ([-1.0, -1.0, 2.0], [2.0f32.sqrt(), 0.5]);
//! let mut moments = [Moments::default()];
//! add_moments(set, &y, &mut moments);
//! let channels = [Channel::trained(&moments[0], [weight, bias], epsilon)];
//! let steps = Finish { channels: Some(&channels), ..Finish::default() };
//! let mut z = [0.0; 3];
//! finish(set, steps, (&y, size), &mut z, None);
//! assert_eq!(z, [-0.5, -0.5, 2.5]);
//!
//! let (mut sums, mut d_y) = ([GradientSums::default()], [0.0; 3]);
//! let gradient = FinishedGradient::plain(&[1.0, 0.0, 0.0]);
//! add_gradient_sums(set, gradient, (&y, size), &channels, &mut sums);
//! let (back, [d_weight, d_bias]) = ChannelGradient::trained(&moments[0], weight, epsilon, &sums[0]);
//! let normalised = Some(Normalised { y: &y, channels: &[back] });
//! spread(set, FinishedGradient { normalised, ..gradient }, size, &mut d_y);
//! assert!((d_y[0] - 0.5).abs() + (d_y[1] + 0.5).abs() + d_y[2].abs() < 1e-6);
//! assert!((d_weight + 0.5f32.sqrt()).abs() < 1e-6 && d_bias == 1.0);
//! ```

mod finish;
mod gradient_sums;
mod moments;
mod pairs;
mod spread;
pub mod twin;
mod walk;

pub use finish::{Average, Channel, Finish, finish, sign_bytes};
pub(crate) use finish::{Finished, Rows, finish_rows, load, row_bytes, store};
pub(crate) use gradient_sums::total;
pub use gradient_sums::{GradientSums, add_gradient_sums};
pub use moments::{Moments, Running, add_moments};
pub(crate) use pairs::Pairs;
pub use spread::{ChannelGradient, FinishedGradient, Normalised, spread};
pub(crate) use spread::{Spread, spread_rows};

//! Batch normalization over ragged batches, and the epilogue of a convolution in one pass: normalization, ReLU,
//! average pooling.
//!
//! A *channel* is a set of values with a common mean: a channel of a convolution, a feature of a vector, or a band of
//! rows of a channel (pass the C S bands of an example as C S channels). An example is [C, H, W] of its own size, a
//! vector is [C, 1, 1]. Statistics are over all positions of all examples; nothing is padded.
//!
//! Training splits a batch into independent shards, so each pass has three parts:
//! ```text
//! forward    each shard: add_moments          all: Moments::merge in the order of the shards, Channel::from_batch
//!            each shard: epilogue
//! backward   each shard: add_gradient_sums    all: GradientSums::add, ChannelGradient::from_batch
//!            each shard: epilogue_backward (or the backward pass of a convolution, which includes it)
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
//! let channels = [Channel::from_batch(&moments[0], [weight, bias], epsilon)];
//! let steps = Epilogue { channels: Some(&channels), ..Epilogue::default() };
//! let mut z = [0.0; 3];
//! epilogue(set, steps, (&y, size), &mut z, None);
//! assert_eq!(z, [-0.5, -0.5, 2.5]);
//!
//! let (mut sums, mut d_y) = ([GradientSums::default()], [0.0; 3]);
//! let gradient = EpilogueGradient::plain(&[1.0, 0.0, 0.0]);
//! add_gradient_sums(set, gradient, (&y, size), &channels, &mut sums);
//! let (back, [d_weight, d_bias]) = ChannelGradient::from_batch(&moments[0], weight, epsilon, &sums[0]);
//! let normalized = Some(Normalized { y: &y, channels: &[back] });
//! epilogue_backward(set, EpilogueGradient { normalized, ..gradient }, size, &mut d_y);
//! assert!((d_y[0] - 0.5).abs() + (d_y[1] + 0.5).abs() + d_y[2].abs() < 1e-6);
//! assert!((d_weight + 0.5f32.sqrt()).abs() < 1e-6 && d_bias == 1.0);
//! ```

mod epilogue;
mod epilogue_backward;
mod for_each_vector;
mod gradient;
mod gradient_sums;
mod moments;
mod pool_simd;
#[cfg(any(test, feature = "reference"))]
pub mod reference;

pub use epilogue::{AvgPool, Channel, Epilogue, epilogue, sign_bytes};
pub(crate) use epilogue::{EpilogueOutput, Rows, epilogue_generic, epilogue_rows, load, row_bytes, store};
pub use epilogue_backward::epilogue_backward;
pub(crate) use epilogue_backward::{RowsMut, epilogue_backward_generic, epilogue_backward_rows};
pub use gradient::{ChannelGradient, EpilogueGradient, Normalized};
pub(crate) use gradient_sums::total;
pub use gradient_sums::{GradientSums, add_gradient_sums};
pub use moments::{Moments, RunningStats, add_moments};
pub(crate) use pool_simd::PoolSimd;

//! Gradients w.r.t. the output of an epilogue.

use super::epilogue::AvgPool;

/// Gradient w.r.t. the output of an epilogue, for one example.
#[derive(Clone, Copy, Debug)]
pub struct EpilogueGradient<'a> {
    /// Gradient w.r.t. the pooled output, [C, H', W'].
    pub d: &'a [f32],
    /// Average pooling of the epilogue.
    pub pool: AvgPool,
    /// Signs from the forward pass of the ReLU; `None` without ReLU.
    pub signs: Option<&'a [u8]>,
    /// Backward pass of the normalization, if there was one.
    pub normalized: Option<Normalized<'a>>,
}

impl<'a> EpilogueGradient<'a> {
    /// Gradient w.r.t. the output of an empty epilogue.
    pub fn plain(d: &'a [f32]) -> EpilogueGradient<'a> {
        EpilogueGradient { d, pool: AvgPool::None, signs: None, normalized: None }
    }
}

/// Values that the backward pass of a normalization needs.
#[derive(Clone, Copy, Debug)]
pub struct Normalized<'a> {
    /// Input of the normalization, [C, H, W].
    pub y: &'a [f32],
    /// Gradient of each channel, `[C]`.
    pub channels: &'a [ChannelGradient],
}

/// Backward pass of a channel's normalization: with d the gradient w.r.t. the normalized value, the gradient w.r.t. y
/// is d scale + (y - center) slope + shift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelGradient {
    /// Center of the normalization.
    pub center: f32,
    /// Derivative of the normalized value w.r.t. y, with constant statistics.
    pub scale: f32,
    /// Contribution of the variance.
    pub slope: f32,
    /// Contribution of the mean.
    pub shift: f32,
}

//! Convolutions over sequences as images, and along the values of each frame.

mod block;
mod frames;
mod geometry;
mod image;
mod mean;

pub(crate) use frames::LOG_RELU_FLOOR;

pub use block::{BlockConfig, ConvolutionBlock};
pub use frames::{Activation, FrameConvolution, FrameConvolutionConfig};
pub use image::{FramesAsImage, ImageAsFrames};
pub use mean::ImageMean;

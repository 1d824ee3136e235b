//! Convolutions over whole sequences as images, and over the values of each frame.

mod block;
mod frames;
mod geometry;
mod image;
mod mean;

pub use block::{BlockConfig, ConvolutionBlock};
pub use frames::{FrameConvolution, FrameConvolutionConfig, Rectification};
pub use image::{FramesAsImage, ImageAsFrames};
pub use mean::ImageMean;

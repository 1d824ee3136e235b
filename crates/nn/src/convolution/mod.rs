//! Convolutions over whole sequences as images, and over the values of each frame.

mod block;
mod frames;
mod image;

pub use block::{BlockConfig, ConvolutionBlock};
pub use frames::{FrameConvolution, FrameConvolutionConfig, Rectification};
pub use image::FramesAsImage;

//! Convolutions one behind the other, with errors that say which did not fit.

use stapes_kernels::convolution::{ConvolutionShape, ShapeError};

use super::ModelError;
use crate::convolution::{BlockConfig, ConvolutionBlock, FramesAsImage};
use crate::layer::Shape;
use crate::network::{Place, Plan};

/// The plan of a model whose layers pass images on.
pub(super) struct Images {
    model: &'static str,
    pub(super) plan: Plan,
}

impl Images {
    /// Frames of this shape, laid as an image.
    pub(super) fn new(model: &'static str, input: Shape, image: FramesAsImage) -> Images {
        let mut plan = Plan::new(input);
        plan.push(image);
        Images { model, plan }
    }

    /// The channels of the image that came last.
    pub(super) fn channels(&self) -> usize {
        self.image(self.plan.place()).0
    }

    /// The rows of the image that came last.
    pub(super) fn height(&self) -> usize {
        self.image(self.plan.place()).1
    }

    /// Channels, height and width at a place.
    fn image(&self, place: Place) -> (usize, usize, Option<usize>) {
        match self.plan.shape_at(place) {
            Shape::Image { channels, height, width } => (channels, height, width),
            other => unreachable!("{other} where a model has an image"),
        }
    }

    /// Adds a convolution of what came last, with the prefixes of its names and its normalisation's.
    pub(super) fn convolve(
        &mut self,
        config: BlockConfig,
        names: (&str, Option<&str>),
    ) -> Result<(), ModelError> {
        self.convolve_at(self.plan.place(), config, names)
    }

    /// Adds a convolution of what stands at a place.
    pub(super) fn convolve_at(
        &mut self,
        place: Place,
        config: BlockConfig,
        names: (&str, Option<&str>),
    ) -> Result<(), ModelError> {
        let (_, height, width) = self.image(place);
        let input = self.plan.shape_at(place);
        let block = ConvolutionBlock::new(config, (height, width), names, self.plan.layout());
        let block = block.map_err(|source| {
            let ConvolutionShape { kernel, outputs, .. } = config.shape;
            let fix = match source {
                ShapeError::Window { axis: "width", .. } => "set features.fixed_length_samples larger",
                ShapeError::Window { .. } => "take more features",
                _ => "make the layers smaller",
            };
            ModelError::Layer {
                model: self.model,
                layer: format!("convolution {}x{} with {outputs} channels", kernel[0], kernel[1]),
                input,
                source: source.into(),
                fix,
            }
        })?;
        self.plan.push_at(place, Box::new(block));
        Ok(())
    }
}

/// Zeros that leave an image its size, where the window goes step by step: of an odd number one more behind.
pub(super) fn same(kernel: [usize; 2], dilation: [usize; 2]) -> [[usize; 2]; 2] {
    [0, 1].map(|axis| {
        let all = (kernel[axis] - 1) * dilation[axis];
        [all / 2, all - all / 2]
    })
}

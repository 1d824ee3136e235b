//! Plans of models on images, with errors that name the layer.

use stapes_kernels::convolution::{ConvolutionShape, ShapeError};

use super::ModelError;
use crate::convolution::{BlockConfig, ConvolutionBlock, FramesAsImage};
use crate::layer::Shape;
use crate::network::{Outlet, Plan};

/// Plan of a model whose layers read images.
pub(super) struct ImagePlan {
    model: &'static str,
    pub(super) plan: Plan,
}

impl ImagePlan {
    /// Creates a plan that starts with frames of this shape as an image.
    pub(super) fn new(model: &'static str, input: Shape, image: FramesAsImage) -> ImagePlan {
        let mut plan = Plan::new(input);
        plan.push(image);
        ImagePlan { model, plan }
    }

    /// Number of channels of the most recent image.
    pub(super) fn channels(&self) -> usize {
        self.image(self.plan.outlet()).0
    }

    /// Number of rows of the most recent image.
    pub(super) fn height(&self) -> usize {
        self.image(self.plan.outlet()).1
    }

    /// Channels, height and width at an outlet.
    fn image(&self, outlet: Outlet) -> (usize, usize, Option<usize>) {
        match self.plan.shape_at(outlet) {
            Shape::Image { channels, height, width } => (channels, height, width),
            other => unreachable!("{other} is not an image"),
        }
    }

    /// Adds a convolution that reads the most recent image; `norm` is the prefix of its batch normalization,
    /// if any.
    pub(super) fn convolve(
        &mut self,
        config: BlockConfig,
        prefix: &str,
        norm: Option<&str>,
    ) -> Result<(), ModelError> {
        self.convolve_at(self.plan.outlet(), config, prefix, norm)
    }

    /// Adds a convolution that reads this outlet.
    pub(super) fn convolve_at(
        &mut self,
        outlet: Outlet,
        config: BlockConfig,
        prefix: &str,
        norm: Option<&str>,
    ) -> Result<(), ModelError> {
        let (_, height, width) = self.image(outlet);
        let input = self.plan.shape_at(outlet);
        let block = ConvolutionBlock::new(config, (height, width), prefix, norm, self.plan.layout());
        let block = block.map_err(|source| {
            let ConvolutionShape { kernel, outputs, .. } = config.shape;
            let fix = match source {
                ShapeError::Window { axis: "width", .. } => "increase features.fixed_length_samples",
                ShapeError::Window { .. } => "use more features",
                _ => "reduce the size of the layers",
            };
            ModelError::Layer {
                model: self.model,
                layer: format!("convolution {}x{} with {outputs} channels", kernel[0], kernel[1]),
                input,
                source: source.into(),
                fix,
            }
        })?;
        self.plan.push_at(outlet, Box::new(block));
        Ok(())
    }
}

/// Padding that keeps the size of an image with stride 1, as PyTorch's `padding="same"`: the extra zero of an
/// odd number is at the end.
pub(super) fn same_padding(kernel: [usize; 2], dilation: [usize; 2]) -> [[usize; 2]; 2] {
    [0, 1].map(|axis| {
        let total = (kernel[axis] - 1) * dilation[axis];
        [total / 2, total - total / 2]
    })
}

//! Initialization of the weights of linear layers and convolutions.

use stapes_random::Rng;

use crate::parameters::TensorSpec;

/// Distribution of a layer's initial weights. Biases are uniform in +-1/sqrt(I), where I is the fan-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightInit {
    /// Uniform in +-1/sqrt(I), as in PyTorch.
    #[default]
    Uniform,
    /// Uniform in +-sqrt(6 / (I + O)), where O is the fan-out (Glorot and Bengio 2010).
    Xavier,
}

impl WeightInit {
    /// Fills the weight, and the bias if there is one; `fans` are I and O.
    pub(crate) fn fill(
        self,
        weight: &TensorSpec,
        bias: Option<&TensorSpec>,
        fans: [usize; 2],
        parameters: &mut [f32],
        rng: &mut Rng,
    ) {
        let plain = 1.0 / (fans[0] as f32).sqrt();
        let bound = match self {
            WeightInit::Uniform => plain,
            WeightInit::Xavier => (6.0 / (fans[0] + fans[1]) as f32).sqrt(),
        };
        weight.slice_mut(parameters).fill_with(|| rng.symmetric(bound));
        if let Some(bias) = bias {
            bias.slice_mut(parameters).fill_with(|| rng.symmetric(plain));
        }
    }
}

//! What the weights of linear layers and convolutions start from.

use stapes_random::Stream;

use crate::parameters::View;

/// How a layer's weights are drawn; its biases are uniform in +-1/sqrt(I), I being the values that one output
/// reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightStart {
    /// Uniform in +-1/sqrt(I), as PyTorch does.
    #[default]
    Uniform,
    /// Uniform in +-sqrt(6 / (I + O)), O being the outputs that one value goes to (Glorot and Bengio 2010).
    Xavier,
}

impl WeightStart {
    /// Fills the weight, and the bias where there is one; `fans` are I and O.
    pub(crate) fn fill(
        self,
        (weight, bias): (&View, Option<&View>),
        fans: [usize; 2],
        parameters: &mut [f32],
        stream: &mut Stream,
    ) {
        let plain = 1.0 / (fans[0] as f32).sqrt();
        let bound = match self {
            WeightStart::Uniform => plain,
            WeightStart::Xavier => (6.0 / (fans[0] + fans[1]) as f32).sqrt(),
        };
        weight.of_mut(parameters).fill_with(|| stream.symmetric(bound));
        if let Some(bias) = bias {
            bias.of_mut(parameters).fill_with(|| stream.symmetric(plain));
        }
    }
}

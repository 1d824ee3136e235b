//! The models `cdnn` and `cdnn-raw`: a convolution along each frame, an LSTM, and one decision per frame.

use serde::{Deserialize, Serialize};

use super::{ModelError, check_size};
use crate::convolution::{Activation, FrameConvolution, FrameConvolutionConfig};
use crate::layer::{Layer, Shape};
use crate::linear::Linear;
use crate::network::Network;
use crate::objective::Objective;
use crate::parameters::Layout;
use crate::recurrent::{CellKind, Directions, RecurrentConfig, RecurrentStack};

/// A convolution of 8 values along the features of each frame, max pooling of 3, ReLU, an LSTM, and one
/// decision per frame.
///
/// # Shapes
/// [T, F] -> [T, C*((F - 7)/3)] -> [T, H] -> [T, K]; 49,762 parameters with F = 40, C = H = 32, one layer and
/// K = 2
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CdnnConfig {
    /// C, number of filters.
    pub filters: usize,
    /// H, hidden size of the LSTM.
    pub hidden_size: usize,
    /// Number of layers of the LSTM.
    pub num_layers: usize,
}

impl Default for CdnnConfig {
    fn default() -> CdnnConfig {
        CdnnConfig { filters: 32, hidden_size: 32, num_layers: 1 }
    }
}

/// Learned filters over frames of raw samples, ln(max(0, m) + 0.01) of the maximum m of each filter's output,
/// and then the layers of `cdnn`.
///
/// # Shapes
/// [T, N] -> [T, P] -> ... -> [T, K], N samples per frame; 30,850 parameters with N = 480 and K = 2
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CdnnRawConfig {
    /// P, number of filters over the samples.
    pub bands: usize,
    /// Length of these filters in samples.
    pub window_samples: usize,
    /// C, number of filters along the P values.
    pub filters: usize,
    /// H, hidden size of the LSTM.
    pub hidden_size: usize,
    /// Number of layers of the LSTM.
    pub num_layers: usize,
}

impl Default for CdnnRawConfig {
    fn default() -> CdnnRawConfig {
        CdnnRawConfig { bands: 40, window_samples: 401, filters: 16, hidden_size: 16, num_layers: 2 }
    }
}

/// Kernel size along the features, and window of max pooling.
const WINDOW: usize = 8;
const POOL: usize = 3;

impl CdnnConfig {
    pub(super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        let mut layout = Layout::new();
        let layers = self.layers("cdnn", input, "", classes, &mut layout)?;
        Ok(Network::new(input, layers, layout, Objective::FrameClasses))
    }

    /// Creates the layers over frames of this shape; `prefix` is the prefix of all names.
    fn layers(
        &self,
        model: &'static str,
        input: Shape,
        prefix: &str,
        classes: usize,
        layout: &mut Layout,
    ) -> Result<Vec<Box<dyn Layer>>, ModelError> {
        let keys = match model {
            "cdnn" => ["model.cdnn.filters", "model.cdnn.hidden_size", "model.cdnn.num_layers"],
            _ => ["model.cdnn-raw.filters", "model.cdnn-raw.hidden_size", "model.cdnn-raw.num_layers"],
        };
        for (key, value) in keys.into_iter().zip([self.filters, self.hidden_size, self.num_layers]) {
            check_size(key, value)?;
        }
        let config = FrameConvolutionConfig {
            filters: self.filters,
            window: WINDOW,
            pool: Some(POOL),
            activation: Activation::Relu,
        };
        let axes = [self.filters, 1, 1, WINDOW];
        let names = format!("{prefix}conv.");
        let convolution = FrameConvolution::new(config, input, &names, &axes, layout);
        let convolution = convolution.map_err(|source| ModelError::Layer {
            model,
            layer: format!("convolution of {WINDOW} features with max pooling of {POOL}"),
            input,
            source: source.into(),
            fix: "use at least 10 features per frame",
        })?;
        let (hidden_size, num_layers) = (self.hidden_size, self.num_layers);
        let config =
            RecurrentConfig::new(CellKind::Lstm, hidden_size, num_layers, Directions::Unidirectional);
        let stack = convolution.output_shape();
        let stack = RecurrentStack::new(config, stack, &format!("{prefix}lstm."), layout);
        let output = Linear::new(stack.output_shape(), classes, &format!("{prefix}output."), layout);
        Ok(vec![Box::new(convolution), Box::new(stack), Box::new(output)])
    }
}

impl CdnnRawConfig {
    pub(super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        let model = "cdnn-raw";
        check_size("model.cdnn-raw.bands", self.bands)?;
        check_size("model.cdnn-raw.window_samples", self.window_samples)?;
        let config = FrameConvolutionConfig {
            filters: self.bands,
            window: self.window_samples,
            pool: None,
            activation: Activation::LogRelu,
        };
        let axes = [self.bands, 1, self.window_samples];
        let mut layout = Layout::new();
        let time = FrameConvolution::new(config, input, "time.", &axes, &mut layout);
        let time = time.map_err(|source| ModelError::Layer {
            model,
            layer: format!("filters of {} samples", self.window_samples),
            input,
            source: source.into(),
            fix: "use the front end waveform with a longer frame_length, or reduce window_samples",
        })?;
        let CdnnRawConfig { filters, hidden_size, num_layers, .. } = *self;
        let cdnn = CdnnConfig { filters, hidden_size, num_layers };
        let input_of_cdnn = time.output_shape();
        let mut layers: Vec<Box<dyn Layer>> = vec![Box::new(time)];
        layers.extend(cdnn.layers(model, input_of_cdnn, "cdnn.", classes, &mut layout)?);
        Ok(Network::new(input, layers, layout, Objective::FrameClasses))
    }
}

//! The models `cdnn` and `cdnn-raw`: a convolution along each frame, a recurrent stack, and a decision a frame.

use serde::{Deserialize, Serialize};

use super::{ModelError, check_size};
use crate::convolution::{FrameConvolution, FrameConvolutionConfig, Rectification};
use crate::layer::{Layer, Shape};
use crate::linear::Linear;
use crate::network::Network;
use crate::objective::Objective;
use crate::parameters::Layout;
use crate::recurrent::{CellKind, RecurrentConfig, RecurrentStack, Wiring};

/// A convolution of width 8 along the features of each frame, the largest of three neighbours, ReLU, an LSTM,
/// and a decision a frame.
///
/// # Shapes
/// [T, F] -> [T, C*((F - 7)/3)] -> [T, H] -> [T, K]; with F = 40, C = H = 32, one layer and K = 2 there are 49,762
/// parameters
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CdnnConfig {
    /// C, filters.
    pub filters: usize,
    /// H, cells of a layer of the LSTM.
    pub cells: usize,
    /// Layers of the LSTM.
    pub layers: usize,
}

impl Default for CdnnConfig {
    fn default() -> CdnnConfig {
        CdnnConfig { filters: 32, cells: 32, layers: 1 }
    }
}

/// Learned filters over frames of raw samples, ln(max(0, m) + 0.01) of the largest output m of each, and behind
/// them the layers of `cdnn`.
///
/// # Shapes
/// [T, N] -> [T, P] -> ... -> [T, K], N samples a frame; with N = 480 and 2 classes there are 30,850 parameters
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CdnnRawConfig {
    /// P, filters over the samples.
    pub bands: usize,
    /// Samples that a filter reads.
    pub window_samples: usize,
    /// C, filters along the P values.
    pub filters: usize,
    /// H, cells of a layer of the LSTM.
    pub cells: usize,
    /// Layers of the LSTM.
    pub layers: usize,
}

impl Default for CdnnRawConfig {
    fn default() -> CdnnRawConfig {
        CdnnRawConfig { bands: 40, window_samples: 401, filters: 16, cells: 16, layers: 2 }
    }
}

/// Features that a filter reads, and neighbours of which the largest is kept.
const WINDOW: usize = 8;
const POOL: usize = 3;

impl CdnnConfig {
    pub(super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        let mut layout = Layout::new();
        let layers = self.layers("cdnn", (input, ""), classes, &mut layout)?;
        Ok(Network::new(input, layers, layout, Objective::FrameClasses))
    }

    /// The layers over frames of this shape; `prefix` stands in front of all names.
    fn layers(
        &self,
        model: &'static str,
        (input, prefix): (Shape, &str),
        classes: usize,
        layout: &mut Layout,
    ) -> Result<Vec<Box<dyn Layer>>, ModelError> {
        let keys = match model {
            "cdnn" => ["model.cdnn.filters", "model.cdnn.cells", "model.cdnn.layers"],
            _ => ["model.cdnn-raw.filters", "model.cdnn-raw.cells", "model.cdnn-raw.layers"],
        };
        for (key, value) in keys.into_iter().zip([self.filters, self.cells, self.layers]) {
            check_size(key, value)?;
        }
        let config = FrameConvolutionConfig {
            filters: self.filters,
            window: WINDOW,
            pool: Some(POOL),
            rectification: Rectification::Plain,
        };
        let axes = [self.filters, 1, 1, WINDOW];
        let names = (&format!("{prefix}conv.")[..], &axes[..]);
        let convolution = FrameConvolution::new(config, input, names, layout);
        let convolution = convolution.map_err(|source| ModelError::Layer {
            model,
            layer: format!("convolution of {WINDOW} features and the largest of {POOL}"),
            input,
            source: source.into(),
            fix: "give it frames of at least 10 features",
        })?;
        let config = RecurrentConfig::new(CellKind::Lstm, self.cells, self.layers, Wiring::Unidirectional);
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
            rectification: Rectification::Logarithm,
        };
        let axes = [self.bands, 1, self.window_samples];
        let mut layout = Layout::new();
        let time = FrameConvolution::new(config, input, ("time.", &axes), &mut layout);
        let time = time.map_err(|source| ModelError::Layer {
            model,
            layer: format!("filters of {} samples", self.window_samples),
            input,
            source: source.into(),
            fix: "use the front end waveform with a longer frame_length, or set window_samples smaller",
        })?;
        let cdnn = CdnnConfig { filters: self.filters, cells: self.cells, layers: self.layers };
        let below = (time.output_shape(), "cdnn.");
        let mut layers: Vec<Box<dyn Layer>> = vec![Box::new(time)];
        layers.extend(cdnn.layers(model, below, classes, &mut layout)?);
        Ok(Network::new(input, layers, layout, Objective::FrameClasses))
    }
}

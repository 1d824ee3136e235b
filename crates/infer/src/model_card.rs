//! Facts about a model, for people who choose one.

use serde::Serialize;

use crate::error::InferError;
use crate::model::{Input, Model};

/// Layers that are listed one by one.
const MAX_LAYERS: usize = 4;

/// Facts about a model that its file has.
///
/// # Example
/// ```
/// # use stapes_infer::{Model, ModelCard};
/// # let features = stapes_features::preset("kaldi-mfcc-39")?;
/// # let config: stapes_nn::ModelConfig = serde_json::from_str(r#"{"recurrent": {"cell": "gru", "hidden_size": 8}}"#)?;
/// # let model = Model::untrained(features, config, vec!["no".into(), "yes".into()], 1)?;
/// let card = ModelCard::new(&model)?;
/// assert_eq!(card.front_end, "kaldi-mfcc, 39 values every 10 ms");
/// assert_eq!(card.parameters, model.parameters.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelCard {
    /// Front end with the width and distance of its frames.
    pub front_end: String,
    /// Layers of the network, or the kind of a deep one with their number.
    pub network: String,
    /// Number of parameters.
    pub parameters: usize,
    /// Size of the model file.
    pub bytes: usize,
}

impl ModelCard {
    /// Returns the facts about a model.
    ///
    /// # Errors
    /// Those of [`Model::network`] and [`Model::to_bytes`].
    pub fn new(model: &Model) -> Result<ModelCard, InferError> {
        let front_end = match &model.input {
            Input::Recordings(features) => {
                let milliseconds = (features.frame_times()?.hop_seconds() * 1e6).round() / 1e3;
                let width = model.shape.features();
                let values = if width == 1 { "value" } else { "values" };
                format!("{}, {width} {values} every {milliseconds} ms", features.front_end.name())
            }
            Input::Frames(_) => format!("none: frames of {} values", model.shape.features()),
        };
        Ok(ModelCard {
            front_end,
            network: network(model)?,
            parameters: model.parameters.len(),
            bytes: model.to_bytes()?.len(),
        })
    }
}

/// Describes the layers, without dropout, which a trained model does not apply.
fn network(model: &Model) -> Result<String, InferError> {
    let lines = model.network()?.summary(1);
    let layers: Vec<&str> =
        lines.iter().map(|line| &*line.layer).filter(|layer| !layer.starts_with("dropout")).collect();
    if layers.len() <= MAX_LAYERS {
        return Ok(layers.join("; "));
    }
    let config = serde_json::to_value(&model.config).unwrap_or_default();
    let kind = config.as_object().and_then(|object| object.keys().next().cloned()).unwrap_or_default();
    Ok(format!("{kind}, {} layers", layers.len()))
}

//! A model in one file: weights, recipe, labels, feature settings and normalisation.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use stapes_features::{FeatureConfig, Normalisation, Standardiser};
use stapes_nn::ModelConfig;

use crate::error::InferError;

/// The version of the file's layout; a reader refuses all others.
pub const FORMAT: u64 = 1;

/// The metadata key that holds the [`Header`].
const HEADER: &str = "stapes";

/// What a model reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Recordings, through a front end.
    Recordings(FeatureConfig),
    /// Frames that come as they are.
    Frames(FramesConfig),
}

/// Frames that come as they are: a data set of features without recordings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FramesConfig {
    /// How the values are scaled.
    #[serde(default)]
    pub normalisation: Normalisation,
}

impl Input {
    /// How the frames are scaled.
    pub fn normalisation(&self) -> Normalisation {
        match self {
            Input::Recordings(features) => features.normalisation,
            Input::Frames(frames) => frames.normalisation,
        }
    }
}

/// A trained model and all that is needed to use it.
///
/// On disk a safetensors file: the parameters under their PyTorch names, `features.mean` and
/// `features.scale` where features are normalised a coefficient, and one metadata entry `stapes` with the
/// rest as JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// What the model reads.
    pub input: Input,
    /// The model.
    pub model: ModelConfig,
    /// The class labels, in the order of the scores.
    pub labels: Vec<String>,
    /// F, values a frame.
    pub features: usize,
    /// Mean and scale of each coefficient over the training frames.
    pub standardiser: Option<Standardiser>,
    /// All parameters, as the model lays them out.
    pub parameters: Vec<f32>,
    /// The recipe that trained it, as TOML; for people, nothing here reads it.
    pub recipe: String,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u64,
    writer: String,
    #[serde(flatten)]
    settings: Settings,
}

#[derive(Serialize, Deserialize)]
struct Settings {
    input: Input,
    model: ModelConfig,
    labels: Vec<String>,
    features: usize,
    recipe: String,
}

/// What every version's header has.
#[derive(Deserialize)]
struct AnyHeader {
    format: u64,
    #[serde(default)]
    writer: String,
}

impl Bundle {
    /// Writes the model file, aside and renamed; the same model gives the same bytes.
    ///
    /// # Errors
    /// [`InferError::File`] if the file cannot be written; [`InferError::Model`] if the model cannot be
    /// built.
    pub fn save(&self, path: &Path) -> Result<(), InferError> {
        let bytes = self.to_bytes()?;
        stapes_files::write(path, &bytes).map_err(|source| InferError::File {
            path: path.into(),
            action: "write the model",
            source,
        })
    }

    /// The bytes of the model file.
    ///
    /// # Errors
    /// [`InferError::Model`] if the model cannot be built.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InferError> {
        let network = self.model.build(self.features, self.labels.len())?;
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for view in network.views() {
            tensors.push((view.name.clone(), view.shape.clone(), bytes_of(view.of(&self.parameters))));
        }
        if let Some(Standardiser { mean, scale }) = &self.standardiser {
            tensors.push(("features.mean".into(), vec![mean.len()], bytes_of(mean)));
            tensors.push(("features.scale".into(), vec![scale.len()], bytes_of(scale)));
        }
        let views = tensors.iter().map(|(name, shape, data)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), data);
            // The bytes were made from as many numbers as the shape says.
            (name.as_str(), view.unwrap_or_else(|error| unreachable!("{name}: {error}")))
        });
        let header = Header {
            format: FORMAT,
            writer: concat!("stapes ", env!("CARGO_PKG_VERSION")).into(),
            settings: Settings {
                input: self.input.clone(),
                model: self.model.clone(),
                labels: self.labels.clone(),
                features: self.features,
                recipe: self.recipe.clone(),
            },
        };
        // Strings, numbers and lists: nothing that JSON cannot hold.
        let header = serde_json::to_string(&header).unwrap_or_else(|error| unreachable!("header: {error}"));
        let metadata = HashMap::from([(HEADER.to_string(), header)]);
        let bytes = safetensors::serialize(views, Some(metadata));
        Ok(bytes.unwrap_or_else(|error| unreachable!("tensors that were just made: {error}")))
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// [`InferError::File`] if it cannot be read, [`InferError::Damaged`] if it is cut short, has tensors
    /// missing or misshapen or is no model file, [`InferError::Version`] if another version wrote it.
    pub fn load(path: &Path) -> Result<Bundle, InferError> {
        let bytes = std::fs::read(path).map_err(|source| InferError::File {
            path: path.into(),
            action: "read the model",
            source,
        })?;
        Bundle::from_bytes(&bytes, path)
    }

    /// Reads the bytes of a model file; `path` is for messages.
    ///
    /// # Errors
    /// As [`Bundle::load`].
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Bundle, InferError> {
        let damaged = |reason: String| InferError::Damaged { path: path.into(), reason };
        let settings = read_header(bytes, path)?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(error.to_string()))?;
        let tensor = |name: &str, shape: &[usize]| -> Result<Vec<f32>, InferError> {
            let view = file.tensor(name).map_err(|_| damaged(format!("tensor {name} is missing")))?;
            if view.dtype() != Dtype::F32 || view.shape() != shape {
                let got = format!("{:?} {:?}", view.dtype(), view.shape());
                return Err(damaged(format!("tensor {name} is {got}, expected F32 {shape:?}")));
            }
            let values = view.data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
            let values: Vec<f32> = values.collect();
            match values.iter().find(|value| !value.is_finite()) {
                Some(value) => Err(damaged(format!("tensor {name} holds {value}"))),
                None => Ok(values),
            }
        };
        let network = settings.model.build(settings.features, settings.labels.len())?;
        let mut parameters = vec![0.0; network.parameter_count()];
        for view in network.views() {
            view.of_mut(&mut parameters).copy_from_slice(&tensor(&view.name, &view.shape)?);
        }
        let standardiser = match settings.input.normalisation() {
            Normalisation::PerCoefficient => Some(Standardiser {
                mean: tensor("features.mean", &[settings.features])?,
                scale: tensor("features.scale", &[settings.features])?,
            }),
            _ => None,
        };
        let Settings { input, model, labels, features, recipe } = settings;
        Ok(Bundle { input, model, labels, features, standardiser, parameters, recipe })
    }
}

fn read_header(bytes: &[u8], path: &Path) -> Result<Settings, InferError> {
    let damaged = |reason: String| InferError::Damaged { path: path.into(), reason };
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(error.to_string()))?;
    let header = metadata.metadata().as_ref().and_then(|entries| entries.get(HEADER));
    let header = header.ok_or_else(|| damaged("a safetensors file without stapes' settings".into()))?;
    let any: AnyHeader = serde_json::from_str(header).map_err(|error| damaged(error.to_string()))?;
    if any.format != FORMAT {
        let (found, expected, writer) = (any.format, FORMAT, any.writer);
        return Err(InferError::Version { path: path.into(), found, expected, writer });
    }
    let header: Header = serde_json::from_str(header).map_err(|error| damaged(error.to_string()))?;
    Ok(header.settings)
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

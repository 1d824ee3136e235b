//! A model in one file: weights, recipe, labels, feature settings and normalisation.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use stapes_features::{FeatureConfig, Normalisation, Standardiser};
use stapes_nn::layer::Shape;
use stapes_nn::{ModelConfig, Network};

use crate::error::InferError;
use crate::weights::Tensors;

/// The version of the file's layout; a reader refuses all others.
pub const FORMAT: u64 = 1;

/// The tensors of the [`Standardiser`].
pub(crate) const MEAN: &str = "features.mean";
pub(crate) const SCALE: &str = "features.scale";

/// The metadata key that holds the [`Header`].
const HEADER: &str = "stapes";

/// What a model reads.
#[expect(clippy::large_enum_variant, reason = "there is one a model")]
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
    /// The shape of the frames.
    pub shape: Shape,
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
    /// F, values a frame.
    features: usize,
    /// T, where every recording has as many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frames: Option<usize>,
    recipe: String,
}

impl Settings {
    fn shape(&self) -> Shape {
        Shape::Sequence { features: self.features, frames: self.frames }
    }
}

/// What every version's header has.
#[derive(Deserialize)]
struct AnyHeader {
    format: u64,
    #[serde(default)]
    writer: String,
}

impl Bundle {
    /// The same model with other parameters.
    pub fn with_parameters(&self, parameters: &[f32]) -> Bundle {
        Bundle { parameters: parameters.to_vec(), ..self.clone() }
    }

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
        let network = self.network()?;
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for view in network.views() {
            tensors.push((view.name.clone(), view.shape.clone(), bytes_of(view.of(&self.parameters))));
        }
        if let Some(Standardiser { mean, scale }) = &self.standardiser {
            tensors.push((MEAN.into(), vec![mean.len()], bytes_of(mean)));
            tensors.push((SCALE.into(), vec![scale.len()], bytes_of(scale)));
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
                features: self.shape.features(),
                frames: match self.shape {
                    Shape::Sequence { frames, .. } => frames,
                    Shape::Vector { .. } | Shape::Image { .. } => None,
                },
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
    /// [`InferError::File`] if it cannot be read, [`InferError::Damaged`] if it is cut short or is no model
    /// file, [`InferError::Weights`] if tensors are missing or misshapen, [`InferError::Version`] if another
    /// version wrote it.
    pub fn load(path: &Path) -> Result<Bundle, InferError> {
        let bytes = stapes_files::read(path).map_err(|source| InferError::File {
            path: path.into(),
            action: "read the model",
            source,
        })?;
        Bundle::from_bytes(&bytes, path)
    }

    /// A network for the parameters.
    ///
    /// # Errors
    /// [`InferError::Model`] if the model cannot be built.
    pub fn network(&self) -> Result<Network, InferError> {
        Ok(self.model.build(self.shape, self.labels.len())?)
    }

    /// Reads the bytes of a model file; `path` is for messages.
    ///
    /// # Errors
    /// As [`Bundle::load`].
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Bundle, InferError> {
        let settings = read_header(bytes, path)?;
        let tensors = Tensors::new(bytes, path)?;
        let shape = settings.shape();
        let network = settings.model.build(shape, settings.labels.len())?;
        let (standardiser, others): (_, &[&str]) = match settings.input.normalisation() {
            Normalisation::PerCoefficient => {
                let standardiser = Standardiser {
                    mean: tensors.tensor(MEAN, &[settings.features])?,
                    scale: tensors.tensor(SCALE, &[settings.features])?,
                };
                (Some(standardiser), &[MEAN, SCALE])
            }
            _ => (None, &[]),
        };
        let parameters = tensors.parameters(network.views(), others)?;
        let Settings { input, model, labels, recipe, .. } = settings;
        Ok(Bundle { input, model, labels, shape, standardiser, parameters, recipe })
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

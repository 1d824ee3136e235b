//! The model file: network configuration, parameters, labels, feature settings and normalizer.

use std::path::Path;

use serde::{Deserialize, Serialize};
use stapes_features::{FeatureConfig, Normalization, StandardScaler};
use stapes_files::tensors::{Tensor, TensorFile, TensorFileError};
use stapes_nn::layer::Shape;
use stapes_nn::{ModelConfig, Network};

use crate::error::InferError;
use crate::keyword_settings::KeywordSettings;
use crate::weights::Tensors;

/// Version of the file format; readers reject all others.
pub const FORMAT: u64 = 2;

/// Names of the [`StandardScaler`]'s tensors.
pub(crate) const MEAN: &str = "features.mean";
pub(crate) const SCALE: &str = "features.scale";

/// Model files, with a [`Header`].
pub(crate) const FILE: TensorFile = TensorFile { entry: "stapes", format: FORMAT };

/// Input of a model.
#[expect(clippy::large_enum_variant, reason = "there is one per model")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Recordings, from which a front end computes frames.
    Recordings(FeatureConfig),
    /// Frames without a front end.
    Frames(FramesConfig),
}

/// Settings of frames without a front end, from a data set of features.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FramesConfig {
    /// Normalization of the values.
    #[serde(default)]
    pub normalization: Normalization,
}

impl Input {
    /// Returns the shape of the frames; `None` for frames without a front end, whose width is that of the data.
    ///
    /// # Errors
    /// [`InferError::Features`] if the settings are impossible.
    pub fn shape(&self) -> Result<Option<Shape>, InferError> {
        match self {
            Input::Recordings(features) => Ok(Some(recording_shape(features)?)),
            Input::Frames(_) => Ok(None),
        }
    }

    /// Returns the normalization of the frames.
    pub fn normalization(&self) -> Normalization {
        match self {
            Input::Recordings(features) => features.normalization,
            Input::Frames(frames) => frames.normalization,
        }
    }
}

/// Returns the shape of the frames of recordings.
fn recording_shape(features: &FeatureConfig) -> Result<Shape, InferError> {
    let front_end = features.init()?;
    let frames = features.fixed_length_samples.map(|samples| front_end.frames_for(samples));
    Ok(Shape::Sequence { features: front_end.width(), frames })
}

/// Content of a model file: a trained model and everything needed to use it.
///
/// The file is a safetensors file. It holds the parameters under their PyTorch names, `features.mean` and
/// `features.scale` if features are normalized per coefficient, and everything else as JSON in the
/// metadata entry `stapes`, with a checksum of it all.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Input of the model.
    pub input: Input,
    /// Configuration of the network.
    pub config: ModelConfig,
    /// Class labels, in the order of the scores.
    pub labels: Vec<String>,
    /// Shape of the frames.
    pub shape: Shape,
    /// Mean and scale of each coefficient over the training frames.
    pub normalizer: Option<StandardScaler>,
    /// Parameters, in the layout of the network.
    pub parameters: Vec<f32>,
    /// Recipe of the training, as TOML; for information only.
    pub recipe: String,
    /// Default settings of keyword detection, if they were chosen.
    pub keywords: Option<KeywordSettings>,
}

#[derive(Serialize)]
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
    /// Number of values per frame, F.
    features: usize,
    /// Number of frames T, if it is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frames: Option<usize>,
    recipe: String,
    /// Files of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keywords: Option<KeywordSettings>,
}

impl Settings {
    fn shape(&self) -> Shape {
        Shape::Sequence { features: self.features, frames: self.frames }
    }

    /// Checks the labels against each other, the keywords against the labels, and the shape against the front end; returns the
    /// fault.
    fn check(&self, shape: Shape) -> Result<(), String> {
        let mut labels: Vec<&String> = self.labels.iter().collect();
        labels.sort_unstable();
        if let Some(twice) = labels.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("the label {:?} occurs twice", twice[0]));
        }
        self.keywords.as_ref().map_or(Ok(()), |keywords| keywords.check(&self.labels))?;
        match self.input.shape().map_err(|error| error.to_string())? {
            Some(expected) if expected != shape => {
                Err(format!("the model reads frames {shape}, but its front end returns {expected}"))
            }
            _ => Ok(()),
        }
    }
}

/// The parameters.
impl AsRef<[f32]> for Model {
    fn as_ref(&self) -> &[f32] {
        &self.parameters
    }
}

impl Model {
    /// Returns a model of recordings with initial parameters, which depend on the seed.
    ///
    /// # Errors
    /// [`InferError::Features`] or [`InferError::Model`] if the settings are impossible.
    ///
    /// # Example
    /// ```
    /// use stapes_infer::Model;
    /// use stapes_nn::ModelConfig;
    ///
    /// let config: ModelConfig = toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 8")?;
    /// let labels = vec!["no".to_string(), "yes".to_string()];
    /// let model = Model::untrained(stapes_features::preset("kaldi-mfcc-39")?, config, labels, 1)?;
    /// assert_eq!(model.shape.features(), 39);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn untrained(
        features: FeatureConfig,
        config: ModelConfig,
        labels: Vec<String>,
        seed: u64,
    ) -> Result<Model, InferError> {
        let shape = recording_shape(&features)?;
        let mut model = Model {
            input: Input::Recordings(features),
            config,
            labels,
            shape,
            normalizer: None,
            parameters: Vec::new(),
            recipe: String::new(),
            keywords: None,
        };
        model.parameters = model.network()?.initial_parameters(seed);
        Ok(model)
    }

    /// Returns a copy with other parameters.
    pub fn with_parameters(&self, parameters: &[f32]) -> Model {
        Model { parameters: parameters.to_vec(), ..self.clone() }
    }

    /// Writes the model file atomically; equal models give equal bytes.
    ///
    /// # Errors
    /// [`InferError::File`] if the file cannot be written; otherwise the errors of [`Model::to_bytes`].
    pub fn save(&self, path: &Path) -> Result<(), InferError> {
        let bytes = self.to_bytes()?;
        stapes_files::write_atomic(path, &bytes).map_err(|source| InferError::File {
            path: path.into(),
            action: "write the model",
            source,
        })
    }

    /// Returns the bytes of the model file.
    ///
    /// # Errors
    /// [`InferError::Model`] if the model cannot be built; [`InferError::NotFiniteModel`] if a parameter is not finite;
    /// [`InferError::Keywords`] if a setting of the keywords is invalid.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InferError> {
        let network = self.network()?;
        self.keywords
            .as_ref()
            .map_or(Ok(()), |keywords| keywords.check(&self.labels))
            .map_err(InferError::Keywords)?;
        let mut tensors = Vec::new();
        for tensor in network.tensors() {
            let values = tensor.slice(&self.parameters);
            check_finite(&tensor.name, values)?;
            tensors.push(Tensor::f32(&tensor.name, tensor.shape.clone(), values));
        }
        if let Some(StandardScaler { mean, scale }) = &self.normalizer {
            for (name, values) in [(MEAN, mean), (SCALE, scale)] {
                check_finite(name, values)?;
                tensors.push(Tensor::f32(name, vec![values.len()], values));
            }
        }
        let header = Header {
            format: FORMAT,
            writer: concat!("stapes ", env!("CARGO_PKG_VERSION")).into(),
            settings: Settings {
                input: self.input.clone(),
                model: self.config.clone(),
                labels: self.labels.clone(),
                features: self.shape.features(),
                frames: match self.shape {
                    Shape::Sequence { frames, .. } => frames,
                    Shape::Vector { .. } | Shape::Image { .. } => None,
                },
                recipe: self.recipe.clone(),
                keywords: self.keywords.clone(),
            },
        };
        Ok(FILE.to_bytes(&header, &tensors))
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// [`InferError::File`] if it cannot be read, [`InferError::Damaged`] if it is not a complete model file,
    /// [`InferError::Weights`] if tensors are missing or have the wrong shape, [`InferError::Version`] if it has
    /// another format.
    pub fn load(path: &Path) -> Result<Model, InferError> {
        let bytes = stapes_files::read(path).map_err(|source| InferError::File {
            path: path.into(),
            action: "read the model",
            source,
        })?;
        Model::from_bytes(&bytes, path)
    }

    /// Builds the network.
    ///
    /// # Errors
    /// [`InferError::Model`] if the model cannot be built.
    pub fn network(&self) -> Result<Network, InferError> {
        Ok(self.config.build(self.shape, self.labels.len())?)
    }

    /// Reads a model file from bytes; `path` is used in error messages.
    ///
    /// # Errors
    /// Those of [`Model::load`].
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Model, InferError> {
        let damaged = |reason: String| InferError::Damaged { path: path.into(), reason };
        // The header is read as a tree of values first: reading structs directly compiles twice as much code.
        let (header, tensors) = FILE.read::<serde_json::Value>(bytes).map_err(|error| match error {
            TensorFileError::Format { found, expected, writer } => {
                InferError::Version { path: path.into(), found, expected, writer }
            }
            error => damaged(error.to_string()),
        })?;
        let settings = Settings::deserialize(header).map_err(|error| damaged(error.to_string()))?;
        let shape = settings.shape();
        settings.check(shape).map_err(damaged)?;
        let tensors = Tensors::of_model(tensors, path);
        let network = settings.model.build(shape, settings.labels.len())?;
        let (normalizer, extra): (_, &[&str]) = match settings.input.normalization() {
            Normalization::PerCoefficient => {
                let normalizer = StandardScaler {
                    mean: tensors.tensor(MEAN, &[settings.features])?,
                    scale: tensors.tensor(SCALE, &[settings.features])?,
                };
                (Some(normalizer), &[MEAN, SCALE])
            }
            _ => (None, &[]),
        };
        let parameters = tensors.parameters(network.tensors(), extra)?;
        let Settings { input, model: config, labels, recipe, keywords, .. } = settings;
        Ok(Model { input, config, labels, shape, normalizer, parameters, recipe, keywords })
    }
}

/// Returns an error for the first value that is not finite.
fn check_finite(name: &str, values: &[f32]) -> Result<(), InferError> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(InferError::NotFiniteModel { name: name.into(), value: *value }),
        None => Ok(()),
    }
}

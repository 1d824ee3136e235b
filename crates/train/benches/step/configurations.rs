//! Models and batches of the comparison with other implementations.

use stapes_features::Features;
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_random::Rng;

/// A model, and the batch that it is trained on.
pub(crate) struct Configuration {
    pub(crate) name: &'static str,
    model: &'static str,
    pub(crate) optimizer: &'static str,
    features: usize,
    pub(crate) frames: usize,
    pub(crate) batch: usize,
    pub(crate) classes: usize,
}

const RECURRENT: Configuration =
    Configuration { name: "", model: "", optimizer: "adam", features: 20, frames: 32, batch: 20, classes: 3 };
const WAVE: Configuration = Configuration {
    name: "",
    model: "",
    optimizer: "sgd",
    features: 6000,
    frames: 1,
    batch: 32,
    classes: 10,
};
/// One second, with the front end of the model's paper.
const KEYWORD: Configuration = Configuration {
    name: "",
    model: "",
    optimizer: "adamw",
    features: 40,
    frames: 101,
    batch: 32,
    classes: 3,
};

pub(crate) const CONFIGURATIONS: [Configuration; 12] = [
    Configuration {
        name: "S",
        model: "[recurrent]\ncell = 'lstm'\nhidden_size = 64\nnum_layers = 4\nhead = 'last'",
        ..RECURRENT
    },
    Configuration {
        name: "S-tanh",
        model: "[recurrent]\ncell = 'rnn_tanh'\nhidden_size = 64\nnum_layers = 4\nhead = 'last'",
        ..RECURRENT
    },
    Configuration {
        name: "S-relu",
        model: "[recurrent]\ncell = 'rnn_relu'\nhidden_size = 64\nnum_layers = 4\nhead = 'last'",
        ..RECURRENT
    },
    Configuration {
        name: "S-gru",
        model: "[recurrent]\ncell = 'gru'\nhidden_size = 64\nnum_layers = 4\nhead = 'last'",
        ..RECURRENT
    },
    Configuration {
        name: "G",
        model: "[recurrent]\ncell = 'gru'\nhidden_size = 64\nnum_layers = 4\nbidirectional = true\nhead = 'concatenate'",
        ..RECURRENT
    },
    Configuration {
        name: "M",
        model: "[recurrent]\ncell = 'lstm'\nhidden_size = 128\nnum_layers = 2\nbidirectional = true\nhead = 'mean'",
        features: 40,
        frames: 98,
        batch: 64,
        classes: 12,
        ..RECURRENT
    },
    Configuration {
        name: "V",
        model: "[recurrent]\ncell = 'lstm'\nhidden_size = 256\nhead = 'per_frame_binary'",
        frames: 300,
        batch: 51,
        classes: 2,
        ..RECURRENT
    },
    Configuration { name: "C", model: "[wave-cnn]", ..WAVE },
    Configuration { name: "CB", model: "[wave-cnn]\nbatch_norm = true", ..WAVE },
    Configuration { name: "DS", model: "[ds-cnn]\nsize = 'small'", features: 10, frames: 50, ..KEYWORD },
    Configuration { name: "TC", model: "[tc-resnet]", ..KEYWORD },
    Configuration { name: "BC", model: "[bc-resnet]", ..KEYWORD },
];

impl Configuration {
    pub(crate) fn model(&self) -> ModelConfig {
        toml::from_str(self.model).expect("a model of this bench")
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape::Sequence { features: self.features, frames: Some(self.frames) }
    }

    pub(crate) fn sequences(&self, count: usize) -> Vec<Features> {
        let mut rng = Rng::new(1, "bench");
        let mut sequence = |_| {
            let values = (0..self.frames * self.features).map(|_| rng.symmetric(1.0)).collect();
            Features::new(self.features, values)
        };
        (0..count).map(&mut sequence).collect()
    }
}

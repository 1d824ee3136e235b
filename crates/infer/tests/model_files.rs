//! Model files are read as they were written, and outputs that are not finite are errors.

use std::path::Path;

use proptest::prelude::*;
use stapes_features::{Features, Normalization, StandardScaler};
use stapes_infer::{Classifier, FramesConfig, InferError, Input, Model};
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;

fn model_with(labels: Vec<String>) -> Model {
    let input = Input::Frames(FramesConfig { normalization: Normalization::PerCoefficient });
    let config: ModelConfig =
        toml::from_str("[recurrent]\ncell = 'rnn_relu'\nhidden_size = 3\nhead = 'mean'").unwrap();
    let shape = Shape::frames(2);
    let parameters = config.build(shape, labels.len()).unwrap().initial_parameters(1);
    let normalizer = Some(StandardScaler { mean: vec![0.0, 1.0], scale: vec![1.0, 0.5] });
    Model { input, config, labels, shape, normalizer, parameters, recipe: String::new() }
}

fn two() -> Model {
    model_with(vec!["no".into(), "yes".into()])
}

proptest! {
    #[test]
    fn a_model_is_read_as_it_was_written(
        names in proptest::collection::vec(proptest::collection::vec(any::<char>(), 0..4), 2..4),
        recipe in proptest::collection::vec(any::<char>(), 0..8),
        numbers in proptest::collection::vec(proptest::num::f32::ANY, 64),
    ) {
        // Labels of any text, each once.
        let labels = names.iter().enumerate().map(|(at, name)| format!("{at}{}", String::from_iter(name)));
        let mut written = model_with(labels.collect());
        written.recipe = String::from_iter(recipe);
        let finite = numbers.into_iter().map(|number| if number.is_finite() { number } else { 0.0 });
        written.parameters.iter_mut().zip(finite).for_each(|(parameter, number)| *parameter = number);
        let bytes = written.to_bytes().unwrap();
        prop_assert_eq!(Model::from_bytes(&bytes, Path::new("model.safetensors")).unwrap(), written);
    }
}

#[test]
fn a_model_that_is_not_finite_is_not_written() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut broken = two();
        broken.parameters[2] = value;
        let error = broken.to_bytes().unwrap_err();
        let InferError::NotFiniteModel { name, .. } = &error else { panic!("{error}") };
        assert_eq!(*name, broken.network().unwrap().tensors()[0].name);
        assert!(error.to_string().contains(&value.to_string()), "{error}");
        let mut broken = two();
        broken.normalizer.as_mut().unwrap().scale[1] = value;
        assert!(broken.to_bytes().unwrap_err().to_string().starts_with("features.scale contains"));
    }
}

#[test]
fn probabilities_that_are_not_finite_are_an_error() {
    let frames = Features::new(2, vec![1e30, -1e30, 1e30, 1e30]);
    assert!(Classifier::new(&two()).unwrap().classify_frames(&Features::new(2, vec![1.0; 4])).is_ok());
    let mut large = two();
    large.parameters.fill(1e30);
    let error = Classifier::new(&large).unwrap().classify_frames(&frames).unwrap_err();
    assert!(matches!(error, InferError::NotFinite), "{error}");
}

#[test]
fn a_prediction_is_the_most_probable_class_of_a_classifier_that_owns_its_model() {
    let owned = std::thread::spawn(|| Classifier::from_model(two()).unwrap());
    let mut classifier = owned.join().unwrap();
    let frames = Features::new(2, vec![0.5, -1.0, 2.0, 0.25]);
    let prediction = classifier.predict_frames(&frames).unwrap();
    let probabilities = Classifier::new(&two()).unwrap().classify_frames(&frames).unwrap();
    assert_eq!(prediction.probabilities, probabilities);
    let class = usize::from(probabilities[1] > probabilities[0]);
    assert_eq!((prediction.class, prediction.probability), (class, probabilities[class]));
    assert_eq!(prediction.label, ["no", "yes"][class]);
    let clip = stapes_audio::Clip { samples: vec![0.0; 100], sample_rate_hz: 8000 };
    let error = classifier.segments(&clip).unwrap_err().to_string();
    assert_eq!(error, "the model predicts one class per recording; use `predict`");
}

/// Changes a bit of every byte, and every bit of some.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..8 * bytes.len()).filter(|bit| bit / 8 % 7 == 0 || bit % 8 == bit / 8 % 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit, flipped)
    })
}

#[test]
fn a_flipped_bit_is_refused_or_gives_the_same_model() {
    let path = Path::new("model.safetensors");
    let bytes = two().to_bytes().unwrap();
    let mut refused = 0;
    for (bit, bytes) in flipped(&bytes) {
        match Model::from_bytes(&bytes, path) {
            Ok(model) => assert_eq!(model, two(), "bit {bit}"),
            Err(error) => {
                refused += 1;
                let message = error.to_string();
                assert!(message.contains("model.safetensors: ") && message.contains("again"), "{message}");
            }
        }
    }
    assert!(refused > bytes.len() / 2, "{refused}");
}

#[test]
fn a_damaged_model_is_not_imported_as_weights() {
    let folder = std::env::temp_dir().join(format!("stapes-weights-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("model.safetensors");
    two().save(&path).unwrap();
    let network = two().network().unwrap();
    assert_eq!(stapes_infer::read_weights(&path, &network).unwrap().parameters, two().parameters);
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = stapes_infer::read_weights(&path, &network).unwrap_err().to_string();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(error.contains("its checksum is wrong"), "{error}");
}

#[test]
fn labels_and_shapes_are_checked() {
    let path = Path::new("model.safetensors");
    let read = |model: &Model| Model::from_bytes(&model.to_bytes().unwrap(), path).unwrap_err().to_string();
    let twice = model_with(vec!["no".into(), "yes".into(), "no".into()]);
    assert!(read(&twice).contains("the label \"no\" occurs twice"), "{}", read(&twice));
    // The front end of the recordings returns 39 values per frame.
    let preset = stapes_features::preset("kaldi-mfcc-39").unwrap();
    let wrong = Model { input: Input::Recordings(preset), normalizer: None, ..two() };
    assert!(read(&wrong).contains("its front end returns"), "{}", read(&wrong));
    let error = two().config.build(Shape::frames(0), 2).err().unwrap().to_string();
    assert!(error.contains("every size must be at least 1"), "{error}");
}

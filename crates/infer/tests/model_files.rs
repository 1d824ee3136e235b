//! Model files are read as they were written, and outputs that are not finite are errors.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use stapes_features::{Features, Normalization, StandardScaler};
use stapes_files::tensors::{Tensor, TensorFile};
use stapes_infer::{Classifier, FORMAT, FramesConfig, InferError, Input, KeywordSettings, Model};
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;

fn model_with(labels: Vec<String>) -> Model {
    let input = Input::Frames(FramesConfig { normalization: Normalization::PerCoefficient });
    let config: ModelConfig =
        toml::from_str("[recurrent]\ncell = 'rnn_relu'\nhidden_size = 3\nhead = 'mean'").unwrap();
    let shape = Shape::frames(2);
    let parameters = config.build(shape, labels.len()).unwrap().initial_parameters(1);
    let normalizer = Some(StandardScaler { mean: vec![0.0, 1.0], scale: vec![1.0, 0.5] });
    Model { input, config, labels, shape, normalizer, parameters, recipe: String::new(), keywords: None }
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
        threshold in any::<u8>(),
    ) {
        // Labels of any text, each once.
        let labels = names.iter().enumerate().map(|(at, name)| format!("{at}{}", String::from_iter(name)));
        let mut written = model_with(labels.collect());
        written.recipe = String::from_iter(recipe);
        let threshold = f32::from(threshold) / 255.0;
        written.keywords = threshold.gt(&0.1).then(|| KeywordSettings {
            thresholds: written.labels.iter().take(1).map(|label| (label.clone(), threshold)).collect(),
            ..KeywordSettings::with_window(1.0 / 3.0)
        });
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

#[test]
fn keywords_are_checked_and_files_without_them_are_read() {
    let (file, path) = (TensorFile { entry: "stapes", format: FORMAT }, Path::new("model.safetensors"));
    let bytes = two().to_bytes().unwrap();
    let (header, tensors) = file.read::<Value>(&bytes).unwrap();
    // As in files of earlier versions.
    assert!(header.get("keywords").is_none());
    let tensors = tensors.tensors();
    let tensors: Vec<Tensor<'_>> = tensors
        .iter()
        .map(|(name, view)| Tensor {
            name,
            dtype: view.dtype(),
            shape: view.shape().to_vec(),
            bytes: view.data().to_vec(),
        })
        .collect();
    let read = |changes: &[(&str, Value)]| {
        let mut header = header.clone();
        header["keywords"] = json!(KeywordSettings::with_window(1.0));
        for (key, value) in changes {
            header["keywords"][key] = value.clone();
        }
        Model::from_bytes(&file.to_bytes(&header, &tensors), path).map_err(|error| error.to_string())
    };
    let changed = read(&[("thresholds", json!({ "yes": 0.5 })), ("hop_seconds", json!(0.02))]).unwrap();
    let keywords = changed.keywords.unwrap();
    assert_eq!((keywords.thresholds["yes"], keywords.hop_seconds), (0.5, 0.02));
    for (key, value, part) in [
        ("thresholds", json!({ "on": 0.5 }), "\"on\" is not a label"),
        ("thresholds", json!({ "yes": 1.5 }), "the threshold of \"yes\" is 1.5"),
        ("thresholds", json!({ "yes": null }), "null"),
        ("window_seconds", json!(0), "keywords.window_seconds = 0"),
        ("hop_seconds", json!(1e300), "keywords.hop_seconds = "),
        ("refractory_seconds", json!(-1), "keywords.refractory_seconds = -1"),
        ("smoothing_seconds", json!("Infinity"), "Infinity"),
    ] {
        let error = read(&[(key, value)]).unwrap_err();
        assert!(error.contains(part) && error.contains("model.safetensors: "), "{error}");
    }
    let mut unknown = two();
    let thresholds = [("on".to_owned(), 0.5)].into();
    unknown.keywords = Some(KeywordSettings { thresholds, ..KeywordSettings::with_window(1.0) });
    assert!(unknown.to_bytes().unwrap_err().to_string().contains("\"on\" is not a label"));
}

//! Examples of a run or of other data, for `stapes eval` and the calibration of integers.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use clap::ValueEnum;
use stapes::data::{DataSet, LoadOptions, Progress, Split};
use stapes::experiment::{self, Experiment, LoadedExamples, open_labeled};
use stapes::infer::Model;
use stapes::quantize::{Calibration, QuantizedNetwork};
use stapes::report::visible;
use stapes::run::{self, Run};
use stapes::{Error, Recipe};

use super::console::{Console, thousands};
use super::progress;

/// Subset of the data, as a command-line value.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum EvalSubset {
    Train,
    Validation,
    Test,
    All,
}

impl EvalSubset {
    /// Returns the indices of the subset's examples.
    pub(crate) fn indices(self, split: &Split) -> Vec<usize> {
        match self {
            EvalSubset::Train => split.train.clone(),
            EvalSubset::Validation => split.validation.clone(),
            EvalSubset::Test => split.test.clone(),
            EvalSubset::All => [&split.train[..], &split.validation, &split.test].concat(),
        }
    }
}

/// Examples to evaluate a model on.
pub(super) struct EvalData {
    pub(super) model: Model,
    pub(super) dataset: DataSet,
    /// Examples to evaluate.
    pub(super) indices: Vec<usize>,
    /// Examples to calibrate integers on: the training subset, or all data without a split.
    training: Vec<usize>,
    max_unreadable_fraction: f64,
}

/// Reopens the experiment of a run; `data` replaces the data folder that was used in training.
pub(crate) fn reopen(run: &Run, data: Option<PathBuf>, console: &Console) -> Result<Experiment> {
    let recipe = Recipe::from_toml(&run.folder.join(run::RECIPE).display().to_string(), &run.recipe, &[])?;
    let folder = data.or(run.record.data_folder.clone().map(PathBuf::from));
    let experiment = Experiment::open(recipe, folder.as_deref())?;
    if experiment.dataset.classes != run.model.labels {
        let (data, model) = (experiment.dataset.classes.join(", "), run.model.labels.join(", "));
        return Err(Error::ClassMismatch { data, model }.into());
    }
    let fingerprint = stapes::data::fingerprint(&experiment.dataset, &experiment.split);
    if fingerprint != run.record.data_fingerprint {
        console.eprint(&format!(
            "warning: the data or its split differs from training (fingerprint {fingerprint}, in training {})",
            visible(&run.record.data_fingerprint)
        ));
    }
    Ok(experiment)
}

impl EvalData {
    /// Opens a subset of the data of a run, or all labeled examples of a data set, which may be that of `data`.
    pub(super) fn open(
        run: &Path,
        split: EvalSubset,
        data: Option<&Path>,
        console: &Console,
    ) -> Result<EvalData> {
        match split {
            EvalSubset::All => EvalData::all(run, data, console),
            _ => EvalData::subset(run, split, data, console),
        }
    }

    /// Opens a subset of the data that the model was trained on.
    fn subset(run: &Path, split: EvalSubset, data: Option<&Path>, console: &Console) -> Result<EvalData> {
        let run = Run::open(run)?;
        let experiment = reopen(&run, data.map(Path::to_owned), console)?;
        Ok(EvalData {
            indices: split.indices(&experiment.split),
            training: experiment.split.train,
            max_unreadable_fraction: experiment.recipe.data.max_unreadable_fraction(),
            dataset: experiment.dataset,
            model: run.model,
        })
    }

    /// Opens all labeled examples of a data set.
    fn all(run: &Path, data: Option<&Path>, console: &Console) -> Result<EvalData> {
        let model = Run::load_model(run)?;
        let recipe = Recipe::from_toml(&run.display().to_string(), &model.recipe, &[])?;
        let trained_on = || -> Result<Option<PathBuf>> {
            Ok(if run.is_dir() { Run::open(run)?.record.data_folder.map(PathBuf::from) } else { None })
        };
        let dataset = match data {
            Some(folder) => open_labeled(&recipe, Some(folder), &model.labels)?,
            None => match trained_on()? {
                Some(folder) => recipe.data.open(Some(&folder))?,
                None => open_labeled(&recipe, None, &model.labels)?,
            },
        };
        dataset.notes.iter().for_each(|note| console.warning(&note.to_string()));
        let indices: Vec<usize> = (0..dataset.examples.len()).collect();
        Ok(EvalData {
            training: indices.clone(),
            indices,
            max_unreadable_fraction: recipe.data.max_unreadable_fraction(),
            dataset,
            model,
        })
    }

    /// Computes the features of examples.
    pub(super) fn load(&self, indices: &[usize], stop: &AtomicBool) -> Result<LoadedExamples> {
        let bar = progress::bar(indices.len(), "features");
        let options =
            LoadOptions { max_unreadable_fraction: self.max_unreadable_fraction, ..LoadOptions::default() };
        let progress = Progress { on_example: &|done| bar.set_position(done as u64), stop };
        let loaded = experiment::load(&self.dataset, options, &self.model.input, indices, &progress);
        bar.finish_and_clear();
        Ok(loaded?)
    }

    /// Quantizes the model, and prints the accuracy of floating point and of integers.
    pub(super) fn compare_quantized(&self, console: &Console) -> Result<QuantizedNetwork> {
        let stop = progress::stop_on_interrupt();
        let network = self.quantize(&stop)?;
        let loaded = self.load(&self.indices, &stop)?;
        let labels = &self.model.labels;
        let float = experiment::classify(&self.model, &loaded, &stop)?;
        let int8 = experiment::classify_quantized(&self.model, &network, &loaded, &stop)?;
        let mut results = serde_json::Map::new();
        for (name, probabilities) in [("float32", &float), ("int8", &int8)] {
            let evaluation = experiment::evaluate(labels, &loaded.labels, probabilities)?;
            let auc = evaluation.detection.as_ref().and_then(|detection| detection.auc);
            let auc = auc.map_or(String::new(), |auc| format!(", ROC AUC {:.4}", auc.value));
            console.print(&format!(
                "{name:<8} accuracy {:.2} %, {} of {}{auc}",
                100.0 * evaluation.accuracy,
                thousands(evaluation.correct),
                thousands(evaluation.total)
            ));
            results.insert(name.into(), serde_json::to_value(&evaluation)?);
        }
        let classes = |probabilities: &[Vec<f32>]| -> Vec<usize> {
            probabilities.iter().flat_map(|rows| experiment::argmax_frames(rows, labels.len())).collect()
        };
        let (float, int8) = (classes(&float), classes(&int8));
        let different = float.iter().zip(&int8).filter(|(float, int8)| float != int8).count();
        console.print(&format!(
            "{} of {} decisions differ; weights, biases and factors need {} bytes",
            thousands(different as u64),
            thousands(float.len() as u64),
            thousands(network.bytes() as u64)
        ));
        console.json(&results);
        console.skipped(&loaded.skipped);
        Ok(network)
    }

    /// Quantizes the model on training examples.
    pub(super) fn quantize(&self, stop: &AtomicBool) -> Result<QuantizedNetwork> {
        // A layer that integers cannot run is refused before the data is read.
        Calibration::new(&self.model).map_err(Error::from)?;
        let examples = self.load(&experiment::calibration_indices(&self.training), stop)?;
        Ok(experiment::quantize(&self.model, &examples, stop)?)
    }
}

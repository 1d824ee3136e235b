//! Training of one run: from a recipe and its data to a run folder with a model.
//!
//! The command line and `sweep/runner.rs` call it; it calls `experiment.rs` and writes the files of the run.

mod checkpointer;
mod estimate;
mod evaluate;
mod resume;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use stapes_augment::WaveformAugmenter;
use stapes_data::DataError;
use stapes_infer::Model;
use stapes_metrics::Evaluation;
use stapes_train::{Checkpoint, Communicator, Start, TrainingResult};

use crate::distributed::{Command, check_same_data};
use crate::error::Error;
use crate::event::{Event, OnEvent};
use crate::experiment::{Experiment, ExperimentInputs, LoadedExamples};
use crate::recipe::Recipe;
use crate::run::{self, Provenance, Run, RunFolder, RunRecord, RunState, SavedRun, TestPredictions};
use checkpointer::{CheckpointSchedule, Checkpointer};
pub use estimate::TrainingEstimate;
pub(crate) use estimate::steps_only;
use evaluate::{TestResult, chosen_points};
use resume::{read_checkpoint, reload};

pub(crate) use resume::{recipe_of, same_recipe};

/// Inputs and settings of one run.
#[derive(Clone)]
pub struct TrainingJob<'a> {
    /// Recipe.
    pub recipe: Recipe,
    /// Folder of the data set, if it has one.
    pub data: Option<PathBuf>,
    /// Cache folder for features; see [`Experiment::with_cache`].
    pub cache: Option<PathBuf>,
    /// Initial parameters; `None` for random initialization.
    pub start: Option<&'a [f32]>,
    /// Command line, for the record.
    pub command: String,
    /// Minimum time between two checkpoints.
    pub checkpoint_every: Duration,
    /// When this becomes true, the run ends with the result so far.
    pub stop: &'a AtomicBool,
    /// Communicator of the processes that train together. Each process has its own job, with the same recipe and data.
    pub communicator: &'a dyn Communicator,
}

/// Result of a run that was trained, tested and written.
pub struct RunResult {
    /// Run folder.
    pub folder: PathBuf,
    /// Record of the run.
    pub record: RunRecord,
    /// Evaluation on the test examples.
    pub evaluation: Evaluation,
    /// Predictions on the test examples.
    pub predictions: TestPredictions,
    /// Number of skipped files.
    pub skipped: usize,
}

impl TrainingJob<'_> {
    /// Trains, tests and writes a run, or continues the run in the folder. With several processes only process 0 calls this;
    /// the others call [`TrainingJob::run_worker`].
    ///
    /// # Errors
    /// [`Error::DifferentRecipe`] and [`Error::DifferentData`] if the run was started with others; [`Error::Resumable`] with
    /// the cause for errors after the first checkpoint; the error itself before.
    pub fn run(self, folder: RunFolder, on_event: OnEvent<'_>) -> Result<RunResult, Error> {
        let experiment = self.open(&folder, on_event)?;
        if folder.state() == RunState::Complete {
            Command::Skip.broadcast(self.communicator);
            return reload(&experiment, folder, on_event);
        }
        let tested = &experiment.split.test;
        let trained = resumable(&folder, self.train(&experiment, &folder, on_event, tested))?;
        let result = resumable(&folder, self.finish(&experiment, trained, &folder))?;
        match result.record.stopped {
            true => Ok(result),
            false => Ok(RunResult { folder: folder.finish()?, ..result }),
        }
    }

    /// Trains like [`TrainingJob::run`], but does not use the test examples: for the selection of hyperparameters by
    /// validation.
    ///
    /// # Errors
    /// Errors of [`TrainingJob::run`].
    pub fn train_without_test(self, folder: RunFolder, on_event: OnEvent<'_>) -> Result<RunRecord, Error> {
        let experiment = self.open(&folder, on_event)?;
        if folder.state() == RunState::Complete {
            return Ok(Run::open(folder.path())?.record);
        }
        let trained = resumable(&folder, self.train(&experiment, &folder, on_event, &[]))?;
        let record = self.record(&experiment, &trained)?;
        folder.write(run::METRICS, run::metrics(&trained.result.points).as_bytes())?;
        folder.write(run::RECORD, record.to_json().as_bytes())?;
        if !record.stopped {
            folder.finish()?;
        }
        Ok(record)
    }

    /// Opens the experiment, and checks that an existing run has the same recipe.
    fn open(&self, folder: &RunFolder, on_event: OnEvent<'_>) -> Result<Experiment, Error> {
        let experiment = self.experiment()?;
        if folder.state() != RunState::Empty {
            same_recipe(folder.path(), &experiment.recipe)?;
        }
        on_event(Event::Opened(&experiment));
        if folder.state() != RunState::Complete {
            folder.write(run::RECIPE, experiment.recipe.to_toml().as_bytes())?;
        }
        Ok(experiment)
    }

    fn experiment(&self) -> Result<Experiment, Error> {
        let experiment = Experiment::open(self.recipe.clone(), self.data.as_deref())?;
        match &self.cache {
            Some(cache) => experiment.with_cache(cache),
            None => Ok(experiment),
        }
    }

    /// Trains as one of several processes, without writing files; process 0 calls [`TrainingJob::run`].
    ///
    /// # Errors
    /// Errors of opening, loading and training.
    pub fn run_worker(self) -> Result<(), Error> {
        let experiment = self.experiment()?;
        let checkpoint = match Command::receive(self.communicator) {
            Command::Skip => return Ok(()),
            Command::Start => None,
            Command::Resume(file) => Some(SavedRun::parse(Path::new(""), &file)?.checkpoint),
        };
        let [train, validation] = self.load_subsets(&experiment, &|_| {})?;
        experiment.check_unreadable(&[&train, &validation])?;
        let model = experiment.untrained_model(&train)?;
        let inputs = self.inputs(&model, [&train, &validation], checkpoint.as_ref());
        experiment.train(&inputs, |_| Ok(()))?;
        Ok(())
    }

    /// Trains and writes the models. The `tested` examples are loaded before the training, so that unreadable test files are
    /// found first.
    fn train(
        &self,
        experiment: &Experiment,
        folder: &RunFolder,
        on_event: OnEvent<'_>,
        tested: &[usize],
    ) -> Result<TrainedModel, Error> {
        let noise = experiment.waveform_augmenter()?.and_then(WaveformAugmenter::fingerprint);
        let fingerprint = stapes_data::fingerprint(&experiment.dataset, &experiment.split);
        let provenance = Provenance::current(fingerprint, noise);
        let file = SavedRun::read(folder.path())?;
        let checkpoint = match &file {
            Some(file) => Some(read_checkpoint(folder.path(), file, &provenance, on_event)?),
            None => None,
        };
        file.map_or(Command::Start, Command::Resume).broadcast(self.communicator);
        let files = experiment.dataset.examples.len();
        let [train, validation] = self.load_subsets(experiment, on_event)?;
        let test = load(experiment, tested, self.stop, on_event)?;
        let subsets = [&train, &validation, &test];
        // All faults of all subsets are reported together.
        let unreadable = experiment.check_unreadable(&subsets);
        let on_check = |done| on_event(Event::Checked { done, total: files });
        let leaks = experiment.check_files(subsets, self.stop, &on_check);
        together(unreadable, leaks)?;
        subsets.iter().for_each(|loaded| on_event(Event::Skipped(&loaded.skipped)));
        if let Some(warning) = experiment.cut_warning(&subsets) {
            on_event(Event::Warning(&warning));
        }
        if let Some(reason) = experiment.cache_error() {
            on_event(Event::Warning(reason));
        }
        let model = experiment.untrained_model(&train)?;
        let schedule = CheckpointSchedule {
            interval: self.checkpoint_every,
            // The first checkpoint contains initial weights from a file, so that resuming does not need the file.
            immediately: self.start.is_some() && checkpoint.is_none(),
        };
        let mut checkpointer = Checkpointer::new(folder, &model, &provenance, checkpoint.as_ref(), schedule)?;
        let inputs = self.inputs(&model, [&train, &validation], checkpoint.as_ref());
        let result = experiment.train(&inputs, |event| {
            on_event(Event::Training(&event));
            checkpointer.on_event(&event)
        })?;
        let bytes = model.with_parameters(&result.parameters).to_bytes()?;
        folder.write(run::MODEL, &bytes)?;
        folder.write(run::LAST, &model.with_parameters(&result.last).to_bytes()?)?;
        let skipped = train.skipped.len() + validation.skipped.len();
        Ok(TrainedModel { result, provenance, model_bytes: bytes.len() as u64, skipped, validation, test })
    }

    /// Loads the training and validation examples, which every process needs.
    fn load_subsets(
        &self,
        experiment: &Experiment,
        on_event: OnEvent<'_>,
    ) -> Result<[LoadedExamples; 2], Error> {
        let split = &experiment.split;
        check_same_data(self.communicator, &stapes_data::fingerprint(&experiment.dataset, split))?;
        let load = |indices: &[usize]| -> Result<LoadedExamples, Error> {
            let total = indices.len().div_ceil(self.communicator.size());
            let on_example = |done| on_event(Event::Loaded { done, total });
            experiment.load_distributed(indices, self.communicator, self.stop, &on_example)
        };
        Ok([load(&split.train)?, load(&split.validation)?])
    }

    fn inputs<'s>(
        &'s self,
        model: &'s Model,
        [train, validation]: [&'s LoadedExamples; 2],
        checkpoint: Option<&'s Checkpoint>,
    ) -> ExperimentInputs<'s> {
        let start = match (checkpoint, self.start) {
            (Some(checkpoint), _) => Start::Checkpoint(checkpoint),
            (None, Some(parameters)) => Start::Parameters(parameters),
            (None, None) => Start::Random,
        };
        ExperimentInputs { model, train, validation, start, communicator: self.communicator, stop: self.stop }
    }

    /// Tests the model and writes all files of the run, the record last.
    ///
    /// The test examples are classified only here, once, by the selected model; also after a stop.
    fn finish(
        &self,
        experiment: &Experiment,
        trained: TrainedModel,
        folder: &RunFolder,
    ) -> Result<RunResult, Error> {
        folder.check_exists()?;
        let mut record = self.record(experiment, &trained)?;
        let TrainedModel { result, skipped, validation, test, .. } = trained;
        let model = Run::load_model(folder.path())?;
        // A stopped run is tested too; the flag is set already then.
        let never = AtomicBool::new(false);
        let stop = if record.stopped { &never } else { self.stop };
        let tested = TestResult::new(experiment, &model, test, stop)?;
        if !validation.indices.is_empty() {
            let validated = TestResult::new(experiment, &model, validation, stop)?;
            record.operating_points = chosen_points(&validated.predictions, &tested.predictions)?;
        }
        record.set_test(&tested.evaluation);
        record.latency_ms = experiment.latency_ms(&model, &tested.loaded)?;
        folder.write(run::METRICS, run::metrics(&result.points).as_bytes())?;
        tested.predictions.write(folder)?;
        let page = tested.page(folder.path(), experiment, &model, &record, &result.points)?;
        folder.write(run::REPORT, page.as_bytes())?;
        folder.write(run::RECORD, record.to_json().as_bytes())?;
        let result = tested.into_result(folder.path(), record);
        Ok(RunResult { skipped: result.skipped + skipped, ..result })
    }

    /// Returns the record of a run without the fields of the test.
    fn record(&self, experiment: &Experiment, trained: &TrainedModel) -> Result<RunRecord, Error> {
        let TrainedModel { result, provenance, .. } = trained;
        let Experiment { recipe, .. } = experiment;
        let network = recipe.network()?;
        Ok(RunRecord {
            title: recipe.title.clone(),
            command: self.command.clone(),
            created_at: run::now(),
            data_folder: experiment.folder.as_ref().map(|folder| folder.to_string_lossy().into_owned()),
            data_set: Some(experiment.dataset.name.clone()),
            data_fingerprint: provenance.data_fingerprint.clone(),
            augment_fingerprint: provenance.augment_fingerprint.clone(),
            seconds: result.seconds,
            steps: result.steps,
            best_step: result.best.step,
            seconds_to_best: result.best.seconds,
            stopped: result.stopped,
            diverged_loss: result.diverged_loss,
            examples_per_second: result.examples_per_second,
            data_wait_fraction: (result.data_wait_seconds > 0.0)
                .then(|| result.data_wait_seconds / result.training_seconds),
            validation_accuracy: result.best.validation.map(|validation| validation.accuracy),
            test_accuracy: None,
            test_macro_f1: None,
            test_f1: None,
            test_auc: None,
            operating_points: Vec::new(),
            parameters: network.parameter_count(),
            macs_per_second: recipe.input_length().macs_per_second(&network),
            model_bytes: trained.model_bytes,
            latency_ms: None,
            versions: run::versions(
                rayon::current_num_threads(),
                self.communicator.size(),
                recipe.train.shards,
            ),
        })
    }
}

/// Result of a training before the test.
struct TrainedModel {
    result: TrainingResult,
    provenance: Provenance,
    /// Size of the model file.
    model_bytes: u64,
    /// Number of skipped files.
    skipped: usize,
    validation: LoadedExamples,
    /// Test examples; none if the run is not tested.
    test: LoadedExamples,
}

/// Wraps an error in [`Error::Resumable`] if the run has a checkpoint that can be used.
fn resumable<T>(folder: &RunFolder, result: Result<T, Error>) -> Result<T, Error> {
    result.map_err(|error| match folder.has_checkpoint() && !error.rejects_checkpoint() {
        true => Error::Resumable { folder: folder.path().into(), source: Box::new(error) },
        false => error,
    })
}

fn load(
    experiment: &Experiment,
    indices: &[usize],
    stop: &AtomicBool,
    on_event: OnEvent<'_>,
) -> Result<LoadedExamples, Error> {
    let total = indices.len();
    experiment.load(indices, stop, &|done| on_event(Event::Loaded { done, total }))
}

/// Returns the errors about the data of two checks as one.
fn together(unreadable: Result<(), Error>, leaks: Result<(), Error>) -> Result<(), Error> {
    match (unreadable, leaks) {
        (Err(Error::Data(unreadable)), Err(Error::Data(leaks)))
            if !matches!(leaks, DataError::Stopped { .. }) =>
        {
            Err(DataError::Several(vec![unreadable, leaks]).into())
        }
        (unreadable, leaks) => unreadable.and(leaks),
    }
}

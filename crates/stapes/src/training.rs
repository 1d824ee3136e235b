//! One run: a recipe and its data become a folder with a model, checkpoint by checkpoint.

mod begun;
mod checkpointer;
mod progress;
mod tested;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use stapes_data::WaveformAugmenter;
use stapes_eval::Evaluation;
use stapes_train::{Checkpoint, Start, Communicator, TrainingResult};

use crate::error::Error;
use crate::experiment::{Experiment, LoadedExamples};
use crate::recipe::Recipe;
use crate::report;
use crate::run::{self, Provenance, Run, RunFolder, RunRecord, SavedRun, RunState, TestPredictions};
use crate::distributed::{Command, agree};
use begun::{read_again, saved};
use checkpointer::Checkpointer;
use tested::{Tested, chosen_points};

pub(crate) use begun::{recipe_of, same_recipe};
pub use progress::{Progress, NoProgress};

/// What a run is made from.
#[derive(Clone)]
pub struct TrainingJob<'a> {
    /// The experiment.
    pub recipe: Recipe,
    /// The folder of the data set, where it has one.
    pub data: Option<PathBuf>,
    /// A folder where frames are kept and taken from; see [`Experiment::cached`].
    pub cache: Option<PathBuf>,
    /// The first parameters, if not those that the seed draws.
    pub start: Option<&'a [f32]>,
    /// The command line, for the record.
    pub command: String,
    /// The least time between two checkpoints.
    pub checkpoint_every: Duration,
    /// Once this is true, the run ends with what was reached.
    pub stop: &'a AtomicBool,
    /// The processes that train together; each has a `TrainingJob` of its own, with the same recipe and data.
    pub communicator: &'a dyn Communicator,
}

/// A run that was trained, tested and written.
pub struct RunResult {
    /// Its folder.
    pub place: PathBuf,
    /// What came out.
    pub record: RunRecord,
    /// How the model does on the test examples.
    pub evaluation: Evaluation,
    /// What the model says of each of them.
    pub outcome: TestPredictions,
    /// How many files could not be used, as many as the recipe allows.
    pub skipped: usize,
}

impl TrainingJob<'_> {
    /// Trains, tests, and writes the run into its folder; or goes on with the run that is there. In a communicator this is for
    /// process 0.
    ///
    /// # Errors
    /// [`Error::DifferentRecipe`] and [`Error::DifferentData`] for a run that was begun otherwise; [`Error::Resumable`] with the cause
    /// where something went wrong after the first checkpoint; else whatever goes wrong before.
    pub fn run(self, folder: RunFolder, progress: &dyn Progress) -> Result<RunResult, Error> {
        let experiment = self.opened(&folder, progress)?;
        if folder.standing() == RunState::Complete {
            Command::Skip.give(self.communicator);
            return read_again(&experiment, folder, progress);
        }
        let test = || load(&experiment, &experiment.split.test, self.stop, progress);
        let learned = kept(&folder, self.learned(&experiment, &folder, progress, test))?;
        let finished = kept(&folder, self.concluded(&experiment, learned, &folder))?;
        match finished.record.stopped {
            true => Ok(finished),
            false => Ok(RunResult { place: folder.finish()?, ..finished }),
        }
    }

    /// As [`TrainingJob::run`], but the test examples stay unheard: of the run it is known how well it does on the validation
    /// examples, for a choice between several.
    ///
    /// # Errors
    /// As [`TrainingJob::run`].
    pub fn train_without_test(self, folder: RunFolder, progress: &dyn Progress) -> Result<RunRecord, Error> {
        let experiment = self.opened(&folder, progress)?;
        if folder.standing() == RunState::Complete {
            return Ok(Run::open(folder.folder())?.record);
        }
        let learned = kept(&folder, self.learned(&experiment, &folder, progress, || Ok(())))?;
        let record = self.record(&experiment, &learned)?;
        folder.write(run::METRICS, run::metrics(&learned.trained.points).as_bytes())?;
        folder.write(run::RECORD, record.to_json().as_bytes())?;
        if !record.stopped {
            folder.finish()?;
        }
        Ok(record)
    }

    /// The experiment, of the recipe that the folder's run was begun with.
    fn opened(&self, folder: &RunFolder, progress: &dyn Progress) -> Result<Experiment, Error> {
        let experiment = self.experiment()?;
        if folder.standing() != RunState::Empty {
            same_recipe(folder.folder(), &experiment.recipe)?;
        }
        progress.opened(&experiment);
        if folder.standing() != RunState::Complete {
            folder.write(run::RECIPE, experiment.recipe.to_toml().as_bytes())?;
        }
        Ok(experiment)
    }

    fn experiment(&self) -> Result<Experiment, Error> {
        let experiment = Experiment::open(self.recipe.clone(), self.data.as_deref())?;
        match &self.cache {
            Some(cache) => experiment.cached(cache),
            None => Ok(experiment),
        }
    }

    /// Does a share of the work of the process that makes the run; for the other processes of a communicator.
    ///
    /// # Errors
    /// Whatever goes wrong.
    pub fn run_worker(self) -> Result<(), Error> {
        let experiment = self.experiment()?;
        let checkpoint = match Command::take(self.communicator) {
            Command::Skip => return Ok(()),
            Command::Start => None,
            Command::Resume(file) => Some(SavedRun::parse(Path::new(""), &file)?.checkpoint),
        };
        let [training, validation] = self.parts(&experiment, &NoProgress)?;
        let untrained = experiment.untrained(&training)?;
        let start = (self.start(checkpoint.as_ref()), self.communicator);
        experiment.train(&untrained, [&training, &validation], start, self.stop, |_| Ok(()))?;
        Ok(())
    }

    /// Trains and writes the models. What `test` gives is asked for before the training: what cannot be read is found then
    /// and not behind it.
    fn learned<T>(
        &self,
        experiment: &Experiment,
        folder: &RunFolder,
        progress: &dyn Progress,
        test: impl FnOnce() -> Result<T, Error>,
    ) -> Result<TrainedModel<T>, Error> {
        let noise = experiment.waveform_augmenter()?.and_then(WaveformAugmenter::fingerprint);
        let fingerprint = stapes_data::fingerprint(&experiment.dataset, &experiment.split);
        let origin = Provenance::current(fingerprint, noise);
        let file = SavedRun::read(folder.folder())?;
        let saved = match &file {
            Some(file) => Some(saved(folder.folder(), file, &origin, progress)?),
            None => None,
        };
        file.map_or(Command::Start, Command::Resume).give(self.communicator);
        let files = experiment.dataset.examples.len();
        experiment.check_files(self.stop, &|done| progress.checked(done, files))?;
        let [training, validation] = self.parts(experiment, progress)?;
        let test = test()?;
        if let Some(trouble) = experiment.cache_trouble() {
            progress.note(&format!("warning: {trouble}"));
        }
        let model = experiment.untrained(&training)?;
        // Weights that were given are in the first checkpoint: to resume they need not be given again.
        let at_once = self.start.is_some() && saved.is_none();
        let every = (saved.as_ref(), self.checkpoint_every);
        let mut checkpointer = Checkpointer::begin(folder, &model, &origin, every, at_once)?;
        let start = (self.start(saved.as_ref()), self.communicator);
        let trained = experiment.train(&model, [&training, &validation], start, self.stop, |event| {
            progress.trained(&event);
            checkpointer.hear(&event)
        })?;
        let model = model.with_parameters(&trained.parameters).to_bytes()?;
        folder.write(run::MODEL, &model)?;
        folder.write(run::LAST, &model.with_parameters(&trained.last).to_bytes()?)?;
        let skipped = training.skipped.len() + validation.skipped.len();
        Ok(TrainedModel { trained, origin, model_bytes: model.len() as u64, skipped, validation, test })
    }

    /// The training and validation examples, which all processes have.
    fn parts(&self, experiment: &Experiment, progress: &dyn Progress) -> Result<[LoadedExamples; 2], Error> {
        let split = &experiment.split;
        agree(self.communicator, &stapes_data::fingerprint(&experiment.dataset, split))?;
        let load = |indices: &[usize]| -> Result<LoadedExamples, Error> {
            let of = indices.len().div_ceil(self.communicator.size());
            let loaded =
                experiment.load_together(indices, self.communicator, self.stop, &|done| progress.loaded(done, of))?;
            progress.skipped(&loaded.skipped);
            Ok(loaded)
        };
        Ok([load(&split.train)?, load(&split.validation)?])
    }

    fn start<'s>(&'s self, checkpoint: Option<&'s Checkpoint>) -> Start<'s> {
        match (checkpoint, self.start) {
            (Some(checkpoint), _) => Start::Checkpoint(checkpoint),
            (None, Some(parameters)) => Start::Parameters(parameters),
            (None, None) => Start::Random,
        }
    }

    /// Tests the model and writes everything about the run, last of all the record.
    ///
    /// The test examples are classified here, once, by the chosen model; also after a stop.
    fn concluded(
        &self,
        experiment: &Experiment,
        learned: TrainedModel<LoadedExamples>,
        folder: &RunFolder,
    ) -> Result<RunResult, Error> {
        folder.check_exists()?;
        let mut record = self.record(experiment, &learned)?;
        let TrainedModel { trained, skipped, validation, test, .. } = learned;
        let model = Run::model(folder.folder())?;
        let tested = Tested::new(experiment, &model, test)?;
        if !validation.indices.is_empty() {
            let validated = Tested::new(experiment, &model, validation)?;
            record.operating_points = chosen_points(&validated.outcome, &tested.outcome)?;
        }
        record.set_test(&tested.evaluation);
        record.latency_ms = experiment.latency_ms(&model, &tested.loaded)?;
        folder.write(run::METRICS, run::metrics(&trained.points).as_bytes())?;
        tested.outcome.write(folder)?;
        let seen = tested.seen(experiment, &model)?;
        let told = (&tested.outcome, &tested.evaluation);
        let page = report::page(experiment, &record, &trained.points, told, seen)?;
        folder.write(run::REPORT, page.as_bytes())?;
        folder.write(run::RECORD, record.to_json().as_bytes())?;
        let finished = tested.finished(folder.folder(), record);
        Ok(RunResult { skipped: finished.skipped + skipped, ..finished })
    }

    /// What is known of a run before it is tested.
    fn record<T>(&self, experiment: &Experiment, learned: &TrainedModel<T>) -> Result<RunRecord, Error> {
        let TrainedModel { trained, origin, .. } = learned;
        let Experiment { recipe, .. } = experiment;
        let network = recipe.network()?;
        Ok(RunRecord {
            title: recipe.title.clone(),
            command: self.command.clone(),
            created_at: run::now(),
            data_folder: self.data.as_ref().map(|folder| folder.to_string_lossy().into_owned()),
            data_fingerprint: origin.data_fingerprint.clone(),
            augment_fingerprint: origin.augment_fingerprint.clone(),
            seconds: trained.seconds,
            steps: trained.steps,
            best_step: trained.best.step,
            seconds_to_best: trained.best.seconds,
            stopped: trained.stopped,
            diverged_loss: trained.diverged_loss,
            examples_per_second: trained.examples_per_second,
            data_wait_fraction: (trained.data_wait_seconds > 0.0)
                .then(|| trained.data_wait_seconds / trained.training_seconds),
            validation_accuracy: trained.best.validation.map(|validation| validation.accuracy),
            test_accuracy: None,
            test_macro_f1: None,
            test_f1: None,
            test_auc: None,
            operating_points: Vec::new(),
            parameters: network.parameter_count(),
            macs_per_second: recipe.input_length()?.macs_per_second(&network),
            model_bytes: learned.model_bytes,
            latency_ms: None,
            versions: run::versions(rayon::current_num_threads(), self.communicator.size(), recipe.train.shards),
        })
    }
}

/// What a training came to, before it is tested.
struct TrainedModel<T> {
    trained: TrainingResult,
    origin: Provenance,
    /// Size of the model file.
    model_bytes: u64,
    /// How many files could not be used.
    skipped: usize,
    validation: LoadedExamples,
    test: T,
}

/// An error with the word that something was kept, if something was.
fn kept<T>(folder: &RunFolder, result: Result<T, Error>) -> Result<T, Error> {
    result.map_err(|error| match folder.has_checkpoint() {
        true => Error::Resumable { folder: folder.folder().into(), source: Box::new(error) },
        false => error,
    })
}

fn load(
    experiment: &Experiment,
    indices: &[usize],
    stop: &AtomicBool,
    progress: &dyn Progress,
) -> Result<LoadedExamples, Error> {
    let loaded = experiment.load(indices, stop, &|done| progress.loaded(done, indices.len()))?;
    progress.skipped(&loaded.skipped);
    Ok(loaded)
}

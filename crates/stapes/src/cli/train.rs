//! `stapes train`: a recipe and its data become a run.

mod seeds;
pub(super) mod several;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use stapes::data::DataError;
use stapes::eval::{Detection, Estimate, Evaluation};
use stapes::experiment::{self, Experiment, Loaded, Truths};
use stapes::infer::Bundle;
use stapes::report;
use stapes::run::{self, RunFolder, RunRecord};
use stapes::train::{Event, Trained};
use stapes::{Error, Recipe};

use super::console::{Console, duration, percent, thousands};
use super::folds::train_folds;
use super::progress;
use seeds::{folder_name, print_seeds};
use several::train_several;

/// Train a model as a recipe says, keep the one of the best validation and test it once
#[derive(Args)]
#[command(after_help = "Example:\n  stapes train recipes/fsdd-lstm.toml --data ../fsdd --out runs/fsdd")]
pub(crate) struct Train {
    /// The recipe, a TOML file
    recipe: PathBuf,
    /// The folder of the data set
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder of the run, to be made
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Start from the weights in a .safetensors file, such as a PyTorch state dict saved with safetensors
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Replace the run that is there
    #[arg(long)]
    force: bool,
    /// Train with the seeds 1 to N, each in a folder seed-K of RUN, and report the median
    #[arg(long, value_name = "N", conflicts_with = "seed", value_parser = clap::value_parser!(u16).range(1..))]
    seeds: Option<u16>,
    /// Train a model for each fold of the recipe's split, each in a folder of RUN, and report what they do together
    #[arg(long, conflicts_with = "seeds")]
    folds: bool,
    #[command(flatten)]
    changes: Changes,
}

/// What the command line changes in a recipe.
#[derive(Args)]
pub(crate) struct Changes {
    /// Another seed than the recipe's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Change a key of the recipe, such as train.epochs=2; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Changes {
    /// The seed, if it is given.
    pub(crate) fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// The recipe that `read` makes of the `--set` changes, with the seed.
    pub(crate) fn recipe(&self, read: impl Fn(&[String]) -> Result<Recipe, Error>) -> Result<Recipe, Error> {
        let mut recipe = read(&self.set)?;
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        Ok(recipe)
    }
}

/// What `--json` prints last.
#[derive(Serialize)]
struct Summary<'a> {
    run: &'a str,
    seconds: f64,
    steps: usize,
    best_step: usize,
    validation_accuracy: f64,
    test_accuracy: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_f1: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_auc: Option<f64>,
    parameters: usize,
    examples_a_second: f64,
    latency_ms: f64,
    stopped: bool,
}

impl Train {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        self.trained(console).map_err(|error| with_name(&self.recipe, error))
    }

    fn trained(&self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        // Absolute, so that `eval` finds the data from anywhere.
        let data = match &self.data {
            Some(data) => Some(std::path::absolute(data).with_context(|| data.display().to_string())?),
            None => None,
        };
        let recipe = self.changes.recipe(|changes| Recipe::read(&self.recipe, changes))?;
        let start = match &self.weights {
            Some(weights) => {
                let network = recipe.clone().resolved(data.as_deref())?.network()?;
                Some(stapes::infer::read_weights(weights, &network)?)
            }
            None => None,
        };
        let from = StartingPoint { data, start };
        if self.folds {
            return train_folds(&recipe, &from, (&self.out, self.force), &stop, console);
        }
        let Some(seeds) = self.seeds else {
            let folder = RunFolder::begin(&self.out, self.force)?;
            let finished = train(recipe, from, folder, &stop, console)?;
            return Ok(if finished.left_out > 0 { super::SOME_FAILED } else { super::DONE });
        };
        let recipes =
            (1..=u64::from(seeds)).map(|seed| (folder_name(seed), Recipe { seed, ..recipe.clone() }));
        let several = train_several(recipes.collect(), &from, (&self.out, self.force), &stop, console)?;
        print_seeds(console, &self.out.display().to_string(), &several);
        Ok(several.exit_code())
    }
}

/// An error about a key of the recipe with the recipe's name in front.
fn with_name(recipe: &Path, error: anyhow::Error) -> anyhow::Error {
    let of_key = matches!(
        error.downcast_ref(),
        Some(
            Error::Data(
                DataError::Setting { .. }
                    | DataError::NoFolds { .. }
                    | DataError::NoExamples { .. }
                    | DataError::SharedSpeakers { .. }
                    | DataError::SharedContent { .. }
            ) | Error::NoValidation { .. }
                | Error::UnknownClasses { .. }
        )
    );
    match of_key {
        true => Error::Recipe { name: recipe.display().to_string(), reason: error.to_string() }.into(),
        false => error,
    }
}

/// What a run starts from, beside its recipe.
#[derive(Clone, Default)]
pub(crate) struct StartingPoint {
    /// The folder of the data set, where it has one.
    pub(crate) data: Option<PathBuf>,
    /// The first parameters, if not those that the seed draws.
    start: Option<Vec<f32>>,
}

/// A run that was trained, tested and written.
pub(crate) struct Finished {
    /// Its folder.
    pub(crate) place: PathBuf,
    pub(crate) record: RunRecord,
    pub(crate) evaluation: Evaluation,
    /// What is true of the test examples.
    pub(crate) truths: Truths,
    /// What the model says of them.
    pub(crate) probabilities: Vec<Vec<f32>>,
    /// How many files could not be used, as many as the recipe allows.
    pub(crate) left_out: usize,
}

/// Trains, tests, and writes the run.
pub(crate) fn train(
    recipe: Recipe,
    StartingPoint { data: data_folder, start }: StartingPoint,
    folder: RunFolder,
    stop: &AtomicBool,
    console: &Console,
) -> Result<Finished> {
    let experiment = Experiment::open(recipe, data_folder.as_deref())?;
    console.note(&format!("{}\n{}", experiment.recipe.title, sizes(&experiment)));
    let bar = progress::bar(experiment.dataset.examples.len(), "files");
    let checked = experiment.check_files(stop, &|done| bar.set_position(done as u64));
    bar.finish_and_clear();
    checked?;
    let load = |indices: &[usize]| -> Result<Loaded, Error> {
        let bar = progress::bar(indices.len(), "features");
        let loaded = experiment.load(indices, stop, &|done| bar.set_position(done as u64));
        bar.finish_and_clear();
        loaded.inspect(|loaded| console.left_out(&loaded.left_out))
    };
    let training = load(&experiment.split.train)?;
    let validation = load(&experiment.split.validation)?;
    let (bundle, trained) = fit(&experiment, [&training, &validation], start.as_deref(), stop, console)?;
    bundle.save(&folder.path(run::MODEL))?;
    if trained.stopped {
        console.note(&format!("stopped at step {}: what was reached is kept", trained.steps));
    }

    // From here on there is a model, which no later failure may take away.
    match conclude(&experiment, data_folder, (&bundle, &trained), &folder, console) {
        Ok(finished) => {
            let left_out = [&training, &validation].iter().map(|part| part.left_out.len()).sum::<usize>();
            let left_out = left_out + finished.left_out;
            let finished = Finished { place: folder.finish()?, left_out, ..finished };
            print(console, &finished);
            Ok(finished)
        }
        Err(error) => Err(error.context(format!("the trained model is kept in {}", folder.keep().display()))),
    }
}

/// Tests the model and writes everything about the run.
///
/// The test split is touched here, once, for the chosen model; also after Ctrl-C.
fn conclude(
    experiment: &Experiment,
    data_folder: Option<PathBuf>,
    (bundle, trained): (&Bundle, &Trained),
    folder: &RunFolder,
    console: &Console,
) -> Result<Finished> {
    let bar = progress::bar(experiment.split.test.len(), "features");
    let test = experiment.load(&experiment.split.test, &AtomicBool::new(false), &|done| {
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    console.left_out(&test.left_out);
    let probabilities = experiment::classify(bundle, &test)?;
    let evaluation = experiment::evaluate(&bundle.labels, &test.truths, &probabilities)?;
    let latency_ms = experiment.latency_ms(bundle, &test)?;
    let record = record(experiment, data_folder, trained, &evaluation, latency_ms)?;
    folder.write(run::RECIPE, &experiment.recipe.to_toml())?;
    folder.write(run::METRICS, &run::metrics(&trained.points))?;
    folder.write(run::RECORD, &(serde_json::to_string_pretty(&record)? + "\n"))?;
    folder.write(run::REPORT, &report::page(experiment, &record, &trained.points, &evaluation)?)?;
    let truths = test.truths;
    let left_out = test.left_out.len();
    Ok(Finished { place: folder.path(""), record, evaluation, truths, probabilities, left_out })
}

fn fit(
    experiment: &Experiment,
    parts: [&Loaded; 2],
    start: Option<&[f32]>,
    stop: &AtomicBool,
    console: &Console,
) -> Result<(Bundle, Trained)> {
    let bar = progress::bar(0, "training");
    let mut accuracy = String::new();
    let trained = experiment.train(parts, start, stop, |event| match event {
        Event::Step { step, steps, loss } => {
            bar.set_length(steps as u64);
            bar.set_position(step as u64);
            bar.set_message(format!("loss {loss:.3} {accuracy}"));
        }
        Event::Validated { point, .. } => {
            accuracy = format!("validation {}", percent(point.validation_accuracy));
            console.emit(&serde_json::json!({ "event": "validation", "point": point }));
        }
        _ => {}
    });
    bar.finish_and_clear();
    Ok(trained?)
}

fn sizes(experiment: &Experiment) -> String {
    let split = &experiment.split;
    format!(
        "{} classes; {} training, {} validation and {} test examples; seed {}",
        experiment.dataset.classes.len(),
        thousands(split.train.len() as u64),
        thousands(split.validation.len() as u64),
        thousands(split.test.len() as u64),
        experiment.recipe.seed,
    )
}

/// The command as typed, words with blanks in quotes.
fn command_line() -> String {
    let word = |word: std::ffi::OsString| match word.to_string_lossy() {
        word if word.contains(char::is_whitespace) => format!("'{word}'"),
        word => word.into_owned(),
    };
    std::env::args_os().map(word).collect::<Vec<_>>().join(" ")
}

fn record(
    experiment: &Experiment,
    data_folder: Option<PathBuf>,
    trained: &Trained,
    evaluation: &Evaluation,
    latency_ms: f64,
) -> Result<RunRecord> {
    let figure = |of: fn(&Detection) -> Option<Estimate>| {
        evaluation.detection.as_ref().and_then(of).map(|estimate| estimate.value)
    };
    Ok(RunRecord {
        title: experiment.recipe.title.clone(),
        command: command_line(),
        made_at: run::now(),
        data_folder: data_folder.map(|folder| folder.to_string_lossy().into_owned()),
        data_fingerprint: stapes::data::fingerprint(&experiment.dataset, &experiment.split),
        seconds: trained.seconds,
        steps: trained.steps,
        best_step: trained.best.step,
        stopped: trained.stopped,
        examples_a_second: trained.examples_a_second,
        validation_accuracy: trained.best.validation_accuracy,
        test_accuracy: evaluation.accuracy,
        test_f1: figure(|detection| detection.f1),
        test_auc: figure(|detection| detection.auc),
        parameters: experiment.recipe.network()?.parameter_count(),
        latency_ms,
        versions: run::versions(rayon::current_num_threads(), experiment.recipe.train.shards),
    })
}

fn print(console: &Console, finished: &Finished) {
    let Finished { place, record, evaluation, .. } = finished;
    let place = &place.display().to_string();
    let rows = [
        ("test", Some(stapes::eval::text::summary(evaluation))),
        ("", stapes::eval::text::detection(evaluation)),
        ("validation", Some(format!("{} at step {}", percent(record.validation_accuracy), record.best_step))),
        ("parameters", Some(thousands(record.parameters as u64))),
        (
            "training time",
            Some(format!("{} for {} steps", duration(record.seconds), thousands(record.steps as u64))),
        ),
        ("speed", Some(format!("{} examples a second", thousands(record.examples_a_second as u64)))),
        ("latency", Some(format!("{} an utterance, one thread", duration(record.latency_ms / 1e3)))),
        ("run", Some(place.to_string())),
    ];
    let line = |(name, value): (&str, Option<String>)| value.map(|value| format!("{name:<14} {value}"));
    let lines: Vec<String> = rows.into_iter().filter_map(line).collect();
    console.say(&lines.join("\n"));
    console.emit(&Summary {
        run: place,
        seconds: record.seconds,
        steps: record.steps,
        best_step: record.best_step,
        validation_accuracy: record.validation_accuracy,
        test_accuracy: record.test_accuracy,
        test_f1: record.test_f1,
        test_auc: record.test_auc,
        parameters: record.parameters,
        examples_a_second: record.examples_a_second,
        latency_ms: record.latency_ms,
        stopped: record.stopped,
    });
}

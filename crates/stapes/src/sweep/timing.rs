//! What a cell costs in time, measured with nothing else running.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use stapes_metrics::median;
use stapes_files::number;
use stapes_infer::{Model, Input, StreamClassifier};
use stapes_train::{SingleProcess, Schedule, Start};

use crate::error::Error;
use crate::experiment::{Experiment, LoadedExamples};
use crate::recipe::{MAX_TEXT, Recipe};
use crate::run::Run;

/// The file of a cell's timing, in its folder.
pub const TIMING: &str = "timing.json";

/// What a cell costs in time, on one machine with so many threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Median time of a training step, ms.
    #[serde(with = "number")]
    pub step_ms: f64,
    /// TrainingJob examples (or segments) a second.
    #[serde(with = "number")]
    pub examples_per_second: f64,
    /// Median time of one test utterance, from samples (or frames) to probabilities, on one thread, ms; None if its recording
    /// could not be read again.
    #[serde(default, with = "number")]
    pub clip_ms: Option<f64>,
    /// Median time of one frame of a stream, from samples to probabilities, on one thread, ms; of models that run on one.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub frame_ms: Option<f64>,
    /// Threads that a step may use.
    pub threads: usize,
}

/// Steps of the shortest measurement, and the seconds that each should take at least.
const STEPS: usize = 5;
const SECONDS: f64 = 0.25;
/// No step takes less, s: a clock may be too coarse to see one.
const LEAST_STEP: f64 = 1e-9;
/// Measurements, of which the median counts.
const REPEATS: usize = 3;

impl Timing {
    /// Times the steps of a recipe's training and the model that a run of it made.
    ///
    /// # Errors
    /// As those of [`Experiment`] and [`Run::model`].
    pub fn measure(recipe: &Recipe, data: Option<&Path>, run: &Path) -> Result<Timing, Error> {
        let mut recipe = recipe.clone();
        let batch = recipe.train.batch_size;
        // Without what needs validations, of which there are none.
        recipe.train.patience = None;
        if let Schedule::Plateau { .. } = recipe.train.schedule {
            recipe.train.schedule = Schedule::Constant;
        }
        recipe.train.max_seconds = None;
        recipe.train.validate_every_steps = Some(usize::MAX);
        recipe.train.epochs = usize::MAX;
        let mut experiment = Experiment::open(recipe, data)?;
        let never = AtomicBool::new(false);
        let load = |indices: &[usize]| experiment.load(indices, &never, &|_| {});
        let training = load(&experiment.split.train)?;
        let test = load(&experiment.split.test)?;
        let untrained = experiment.untrained(&training)?;
        let (mut steps, mut seconds) = (STEPS, Vec::new());
        while seconds.len() < REPEATS {
            experiment.recipe.train.max_steps = Some(steps);
            let a_step = step_seconds(&experiment, &untrained, &training)?;
            if a_step * (steps as f64) < SECONDS && seconds.is_empty() && steps < 10_000 {
                steps = (1.2 * SECONDS / a_step).ceil() as usize;
                continue;
            }
            seconds.push(a_step);
        }
        let a_step = median(&seconds).unwrap_or(f64::NAN);
        let model = Run::model(run)?;
        Ok(Timing {
            step_ms: 1e3 * a_step,
            examples_per_second: batch as f64 / a_step,
            clip_ms: experiment.latency_ms(&model, &test)?,
            frame_ms: frame_ms(&experiment, &model)?,
            threads: rayon::current_num_threads(),
        })
    }

    /// Reads what was measured before, if it was.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Damaged`] if it cannot be read or understood.
    pub fn read(cell: &Path) -> Result<Option<Timing>, Error> {
        let path = cell.join(TIMING);
        match stapes_files::read_text(&path, MAX_TEXT) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| Error::Damaged { path, reason: error.to_string() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::File { path, action: "read the times of a cell", source }),
        }
    }

    /// Writes it into a cell's folder.
    ///
    /// # Errors
    /// [`Error::File`] if the file system refuses.
    pub fn write(&self, cell: &Path) -> Result<(), Error> {
        let path = cell.join(TIMING);
        // Numbers and nothing else.
        let text = serde_json::to_string_pretty(self).unwrap_or_else(|error| unreachable!("{error}")) + "\n";
        stapes_files::write_regular(&path, text.as_bytes()).map_err(|source| Error::File {
            path,
            action: "write the times of a cell",
            source,
        })
    }
}

/// The seconds that a step of an experiment's training takes.
fn step_seconds(experiment: &Experiment, untrained: &Model, training: &LoadedExamples) -> Result<f64, Error> {
    let none = training.first(0);
    let never = AtomicBool::new(false);
    let trained =
        experiment.train(untrained, [training, &none], (Start::Random, &SingleProcess), &never, |_| Ok(()))?;
    Ok((trained.training_seconds / trained.steps as f64).max(LEAST_STEP))
}

/// The median time of a frame on a stream; None of models that cannot run on one.
fn frame_ms(experiment: &Experiment, model: &Model) -> Result<Option<f64>, Error> {
    let Input::Recordings(config) = &model.input else { return Ok(None) };
    let Ok(mut stream) = StreamClassifier::new(model) else { return Ok(None) };
    let example = &experiment.dataset.examples[experiment.split.test[0]];
    let Some(Ok(clip)) = example.source.read() else { return Ok(None) };
    let hop = (f64::from(config.sample_rate_hz) / config.frames_per_second()).round().max(1.0) as usize;
    let mut times = Vec::new();
    // A few seconds at most: a recording may be long, and a frame costs the same wherever it is.
    for samples in clip.samples.chunks_exact(hop).take(MOST_FRAMES) {
        let (began, mut frames) = (Instant::now(), 0);
        stream.push(samples, |_| frames += 1)?;
        if frames == 1 {
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(median(&times))
}

const MOST_FRAMES: usize = 500;

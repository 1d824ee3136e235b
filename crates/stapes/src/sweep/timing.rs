//! Timing of a configuration, measured with no other run in progress.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use stapes_files::number;
use stapes_infer::{Input, Model, StreamClassifier};
use stapes_metrics::median;
use stapes_train::{SingleProcess, Start};

use crate::error::Error;
use crate::experiment::{Experiment, ExperimentInputs, LoadedExamples};
use crate::recipe::{MAX_TEXT, Recipe};
use crate::run::Run;
use crate::training::steps_only;

/// Timing file in the folder of a configuration.
pub const TIMING: &str = "timing.json";

/// Timing of a configuration on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Median time of a training step, ms.
    #[serde(with = "number")]
    pub step_ms: f64,
    /// Training examples (or segments) per second.
    #[serde(with = "number")]
    pub examples_per_second: f64,
    /// Median time from samples (or frames) to probabilities for one test utterance, on one thread, ms; `None` if its
    /// recording could not be read again.
    #[serde(default, with = "number")]
    pub clip_ms: Option<f64>,
    /// Median time from samples to probabilities for one frame of a stream, on one thread, ms; `None` for a model that cannot
    /// run on a stream.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number")]
    pub frame_ms: Option<f64>,
    /// Number of threads of a training step.
    pub threads: usize,
}

/// Minimum number of steps of a measurement, and its minimum duration in seconds.
const MIN_STEPS: usize = 5;
const MIN_SECONDS: f64 = 0.25;
/// Lower limit of the duration of a step, s, because a clock may be too coarse to measure one.
const MIN_STEP_SECONDS: f64 = 1e-9;
/// Number of measurements, of which the median is taken.
const REPEATS: usize = 3;

impl Timing {
    /// Measures the training steps of a recipe, and the model of one of its runs.
    ///
    /// # Errors
    /// Errors of [`Experiment`] and [`Run::load_model`].
    pub fn measure(recipe: &Recipe, data: Option<&Path>, run: &Path) -> Result<Timing, Error> {
        let batch_size = recipe.train.batch_size;
        let mut experiment = Experiment::open(steps_only(recipe.clone()), data)?;
        let never = AtomicBool::new(false);
        let load = |indices: &[usize]| experiment.load(indices, &never, &|_| {});
        let train = load(&experiment.split.train)?;
        let test = load(&experiment.split.test)?;
        experiment.check_unreadable(&[&train, &test])?;
        let untrained = experiment.untrained_model(&train)?;
        let (mut steps, mut seconds) = (MIN_STEPS, Vec::new());
        while seconds.len() < REPEATS {
            experiment.recipe.set_max_steps(steps);
            let per_step = step_seconds(&experiment, &untrained, &train)?;
            if per_step * (steps as f64) < MIN_SECONDS && seconds.is_empty() && steps < 10_000 {
                steps = (1.2 * MIN_SECONDS / per_step).ceil() as usize;
                continue;
            }
            seconds.push(per_step);
        }
        let per_step = median(&seconds).unwrap_or(f64::NAN);
        let model = Run::load_model(run)?;
        Ok(Timing {
            step_ms: 1e3 * per_step,
            examples_per_second: batch_size as f64 / per_step,
            clip_ms: experiment.latency_ms(&model, &test)?,
            frame_ms: frame_ms(&experiment, &model)?,
            threads: rayon::current_num_threads(),
        })
    }

    /// Reads the timing of a configuration; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Damaged`] if it cannot be read or is invalid.
    pub fn read(folder: &Path) -> Result<Option<Timing>, Error> {
        let path = folder.join(TIMING);
        match stapes_files::read_text(&path, MAX_TEXT) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| Error::Damaged { path, reason: error.to_string() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::File { path, action: "read the timing of a configuration", source }),
        }
    }

    /// Writes the timing into the folder of a configuration.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(TIMING);
        // JSON can represent all numbers.
        let text = serde_json::to_string_pretty(self).unwrap_or_else(|error| unreachable!("{error}")) + "\n";
        stapes_files::write_regular(&path, text.as_bytes()).map_err(|source| Error::File {
            path,
            action: "write the timing of a configuration",
            source,
        })
    }
}

/// Measures the duration of a training step in seconds.
fn step_seconds(experiment: &Experiment, model: &Model, train: &LoadedExamples) -> Result<f64, Error> {
    let inputs = ExperimentInputs {
        model,
        train,
        validation: &train.first(0),
        start: Start::Random,
        communicator: &SingleProcess,
        stop: &AtomicBool::new(false),
    };
    let result = experiment.train(&inputs, |_| Ok(()))?;
    Ok((result.training_seconds / result.steps as f64).max(MIN_STEP_SECONDS))
}

/// Measures the median time per frame of a stream; `None` for a model that cannot run on one.
fn frame_ms(experiment: &Experiment, model: &Model) -> Result<Option<f64>, Error> {
    let Input::Recordings(config) = &model.input else { return Ok(None) };
    let Ok(mut stream) = StreamClassifier::new(model) else { return Ok(None) };
    let example = &experiment.dataset.examples[experiment.split.test[0]];
    let Some(Ok(clip)) = example.read() else { return Ok(None) };
    let hop = (f64::from(config.sample_rate_hz) / config.frames_per_second()).round().max(1.0) as usize;
    let mut times = Vec::new();
    // A few seconds are enough, because all frames take the same time.
    for samples in clip.samples.chunks_exact(hop).take(MAX_FRAMES) {
        let (start, mut frames) = (Instant::now(), 0);
        stream.push(samples, |_| frames += 1)?;
        if frames == 1 {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(median(&times))
}

const MAX_FRAMES: usize = 500;

//! An experiment: from a recipe and its data to a trained model and its evaluation.

mod loaded;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use stapes_audio::Clip;
use stapes_data::{DataSet, FrameCache, Partition, Split, Terms, Truth, Usable, Watch, WaveformAugmenter};
use stapes_eval::{Evaluation, RecordingFrames};
use stapes_features::{FeatureConfig, Features, Normalisation, Standardiser};
use stapes_infer::{Bundle, Classifier, Extractor, FrameTimes, InferError, Input};
use stapes_nn::loss::best_class;
use stapes_train::{Event, Examples, Loading, Start, Team, Trained, Trainer};

use crate::error::Error;
use crate::recipe::{Recipe, within_data};
use crate::together;
use crate::waveforms::{HELD_BYTES, Held, Waveforms};

pub use loaded::{Loaded, Truths};

/// A recipe with its data: found, split, and turned into frames.
pub struct Experiment {
    /// The recipe.
    pub recipe: Recipe,
    /// The data set.
    pub dataset: DataSet,
    /// Who trains, validates and tests.
    pub split: Split,
    input: Input,
    /// The folder of the data set, where it has one.
    folder: Option<PathBuf>,
    cache: Option<FrameCache>,
    augmenter: OnceLock<WaveformAugmenter>,
}

/// How far the loading is: called with the number of examples done, from any thread.
pub type Progress<'a> = &'a (dyn Fn(usize) + Sync);

impl Experiment {
    /// Finds and splits the data of a recipe; `folder` is where the data set lies.
    ///
    /// # Errors
    /// [`Error::Model`] if the model cannot be built, [`Error::Decides`], [`Error::FixedLength`] or [`Error::Train`]
    /// if the recipe's parts do not go together, [`Error::Data`] if the data set is not there or cannot be split.
    pub fn open(recipe: Recipe, folder: Option<&Path>) -> Result<Experiment, Error> {
        recipe.check_together()?;
        let dataset = recipe.data.open(folder)?;
        let recipe = Recipe { data: recipe.data.resolved(&dataset), ..recipe };
        recipe.check_together()?;
        let split = recipe.data.split(&dataset, recipe.seed).map_err(within_data)?;
        let input = recipe.input()?;
        let folder = folder.map(Path::to_owned);
        Ok(Experiment { recipe, dataset, split, input, folder, cache: None, augmenter: OnceLock::new() })
    }

    /// The same, but the frames of recordings are kept in a folder, and those that are there already are not computed again.
    /// Several processes may use one folder.
    ///
    /// # Errors
    /// [`Error::Data`] if the folder cannot be made or written to.
    pub fn cached(self, folder: &Path) -> Result<Experiment, Error> {
        let Input::Recordings(config) = &self.input else { return Ok(self) };
        // Frames are kept as they are before they are normalised. Their last digits depend on the instructions.
        let config = FeatureConfig { normalisation: Normalisation::None, ..config.clone() };
        let instructions = stapes_kernels::InstructionSet::best();
        let front_end = format!("stapes {} {instructions} {config:?}", env!("CARGO_PKG_VERSION"));
        let cache = Some(FrameCache::open(folder, front_end)?);
        Ok(Experiment { cache, ..self })
    }

    /// Why frames could not be kept, if some could not.
    pub fn cache_trouble(&self) -> Option<&str> {
        self.cache.as_ref()?.trouble()
    }

    fn terms(&self, unreadable_share: f64) -> Terms<'_> {
        Terms { unreadable_share, cache: self.cache.as_ref() }
    }

    /// Looks at the files of data of one's own before anything is trained on them: each can be opened, and none is in two parts
    /// of the split.
    ///
    /// # Errors
    /// [`Error::Data`] names the files; also when stopped.
    pub fn check_files(&self, stop: &AtomicBool, progress: Progress<'_>) -> Result<(), Error> {
        let Experiment { recipe, dataset, split, .. } = self;
        Ok(recipe.data.check_files(dataset, split, &Watch { progress, stop })?)
    }

    /// Reads examples and computes their frames, on all threads.
    ///
    /// # Errors
    /// [`Error::Data`] names every file that cannot be read or has no usable sound; also when stopped.
    pub fn load(
        &self,
        indices: &[usize],
        stop: &AtomicBool,
        progress: Progress<'_>,
    ) -> Result<Loaded, Error> {
        let terms = self.terms(self.recipe.data.unreadable_share());
        load((&self.dataset, terms), &self.input, indices, stop, progress)
    }

    /// The same by several processes: each computes the frames of a part of the examples, and all have all of them.
    ///
    /// # Errors
    /// As [`Experiment::load`], for the examples of this process's part.
    pub fn load_together(
        &self,
        indices: &[usize],
        team: &dyn Team,
        stop: &AtomicBool,
        progress: Progress<'_>,
    ) -> Result<Loaded, Error> {
        let unreadable_share = self.recipe.data.unreadable_share();
        if team.size() == 1 {
            return self.load(indices, stop, progress);
        }
        let own: Vec<usize> = indices.iter().copied().skip(team.rank()).step_by(team.size()).collect();
        // How many may be left out is for all processes to say together.
        let usable = usable((&self.dataset, self.terms(1.0)), &self.input, &own, stop, progress)?;
        let usable = together::exchange(team, indices, usable);
        if usable.left_out.len() as f64 > unreadable_share * indices.len() as f64 {
            let (failed, total) = (usable.left_out, indices.len());
            return Err(stapes_data::DataError::Files { failed, total }.into());
        }
        loaded(&self.dataset, &self.input, usable)
    }

    /// What changes the samples of training examples, if the recipe asks for it; read and computed at the first call.
    ///
    /// Folders of recordings count from the folder of the data set.
    ///
    /// # Errors
    /// [`Error::Data`] if a folder or a recording in it cannot be read, or a setting does not go with the sample rate.
    pub fn waveform_augmenter(&self) -> Result<Option<&WaveformAugmenter>, Error> {
        let config = self.recipe.augment.as_ref().and_then(|augment| augment.waveform.as_ref());
        let (Some(config), Input::Recordings(features)) = (config, &self.input) else { return Ok(None) };
        if self.augmenter.get().is_none() {
            let folder = self.folder.as_deref().unwrap_or(Path::new("."));
            let prepared = WaveformAugmenter::new(config, folder, features.sample_rate_hz)?;
            // Where another thread was faster, it made the same.
            let _ = self.augmenter.set(prepared);
        }
        Ok(self.augmenter.get())
    }

    /// The model before it is trained: it has no parameters yet. Its normalisation is fitted on these training frames
    /// alone.
    ///
    /// # Errors
    /// [`Error::Features`] if the normalisation cannot be fitted; [`Error::Data`] if of a class only unusable files are left.
    pub fn untrained(&self, train: &Loaded) -> Result<Bundle, Error> {
        self.check_classes(train)?;
        let standardiser = match self.input.normalisation() {
            Normalisation::PerCoefficient => Some(Standardiser::fit(train.features.iter())?),
            _ => None,
        };
        Ok(Bundle {
            input: self.input.clone(),
            model: self.recipe.model.clone(),
            labels: self.dataset.classes.clone(),
            shape: self.recipe.shape()?,
            standardiser,
            parameters: Vec::new(),
            recipe: self.recipe.to_toml(),
        })
    }

    /// Whether each class still has an example, where a share of the files may be unusable.
    fn check_classes(&self, train: &Loaded) -> Result<(), Error> {
        if train.left_out.is_empty() {
            return Ok(());
        }
        let examples = train.indices.iter().map(|&index| &self.dataset.examples[index]);
        let there: BTreeSet<usize> = examples.flat_map(|example| example.truth.classes()).collect();
        let Some(lost) = (0..self.dataset.classes.len()).find(|class| !there.contains(class)) else {
            return Ok(());
        };
        Err(Error::Data(stapes_data::DataError::EmptyPart {
            set: self.dataset.name.clone(),
            class: self.dataset.classes[lost].clone(),
            partition: Partition::Train,
            advice: "none of its files can be used, as is said above: repair some, or leave the class out"
                .into(),
        }))
    }

    /// Trains the model of [`Experiment::untrained`] on frames; where the recipe changes waveforms, on the frames of the
    /// training examples' changed samples, which threads make in the background.
    ///
    /// # Errors
    /// [`Error::Train`] if there is nothing to train on, a recording is gone or the loss is no number; [`Error::Data`] as
    /// [`Experiment::waveform_augmenter`]; what `report` gives.
    pub fn train(
        &self,
        untrained: &Bundle,
        [train, validation]: [&Loaded; 2],
        (start, team): (Start<'_>, &dyn Team),
        stop: &AtomicBool,
        report: impl FnMut(Event<'_>) -> Result<(), Error>,
    ) -> Result<Trained, Error> {
        let normalised = |loaded: &Loaded| -> Result<Vec<Features>, InferError> {
            loaded.features.iter().map(|frames| untrained.normalised(frames)).collect()
        };
        let (train_frames, validation_frames) = (normalised(train)?, normalised(validation)?);
        let waveforms = self.waveforms(untrained, train)?;
        let threads = rayon::current_num_threads();
        let trainer = Trainer {
            model: &self.recipe.model,
            input: untrained.shape,
            classes: self.dataset.classes.len(),
            config: &self.recipe.train,
            train: Examples::new(&train_frames, train.truths.labels())?,
            source: waveforms.as_ref().map(|source| Loading { source, threads }),
            validation: Examples::new(&validation_frames, validation.truths.labels())?,
            augment: self.recipe.augment.as_ref(),
            start,
            seed: self.recipe.seed,
            team,
        };
        stapes_train::train(&trainer, stop, report)
    }

    /// The training examples as samples, where the recipe changes these.
    fn waveforms<'a>(
        &'a self,
        bundle: &'a Bundle,
        train: &'a Loaded,
    ) -> Result<Option<Waveforms<'a>>, Error> {
        let (Some(augmenter), Input::Recordings(config)) = (self.waveform_augmenter()?, &self.input) else {
            return Ok(None);
        };
        Ok(Some(Waveforms {
            dataset: &self.dataset,
            indices: &train.indices,
            frames: train.features.iter().map(Features::frames).collect(),
            config,
            augmenter,
            bundle,
            seed: self.recipe.seed,
            held: Held::new(train.indices.len(), HELD_BYTES),
        }))
    }

    /// The median time from samples (or frames) to probabilities for a test utterance of median length, on one
    /// thread.
    ///
    /// # Units
    /// ms
    ///
    /// # Errors
    /// [`Error::Infer`] if the recording cannot be read again.
    ///
    /// # Panics
    /// If nothing was loaded.
    pub fn latency_ms(&self, bundle: &Bundle, test: &Loaded) -> Result<f64, Error> {
        let mut classifier = Classifier::new(bundle)?;
        let mut by_length: Vec<usize> = (0..test.features.len()).collect();
        by_length.sort_by_key(|&at| test.features[at].frames());
        let at = by_length[by_length.len() / 2];
        let clip = self.dataset.examples[test.indices[at]].source.read();
        let clip = clip.transpose().map_err(InferError::from)?;
        let mut times = Vec::new();
        for _ in 0..LATENCY_RUNS {
            let began = Instant::now();
            match &clip {
                Some(clip) => classifier.classify(clip)?,
                None => classifier.classify_frames(&test.features[at])?,
            };
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }
}

/// Enough for a steady median, few enough not to be noticed.
const LATENCY_RUNS: usize = 31;

/// Reads examples of a data set and computes their frames as `input` says.
///
/// # Errors
/// As [`Experiment::load`].
pub fn load(
    (dataset, terms): (&DataSet, Terms<'_>),
    input: &Input,
    indices: &[usize],
    stop: &AtomicBool,
    progress: Progress<'_>,
) -> Result<Loaded, Error> {
    loaded(dataset, input, usable((dataset, terms), input, indices, stop, progress)?)
}

fn usable(
    (dataset, terms): (&DataSet, Terms<'_>),
    input: &Input,
    indices: &[usize],
    stop: &AtomicBool,
    progress: Progress<'_>,
) -> Result<Usable, Error> {
    let extractor = match input {
        Input::Recordings(config) => Some(Extractor::new(config)?),
        Input::Frames(_) => None,
    };
    let extract = || {
        let mut extractor = extractor.clone();
        move |clip: &Clip| match &mut extractor {
            Some(extractor) => extractor.extract(clip),
            // The data set says of itself that it comes as frames, so no clip is ever read.
            None => Err(InferError::WrongInput { expected: "frames".into(), got: "a recording".into() }),
        }
    };
    let watch = Watch { progress, stop };
    Ok(stapes_data::load_usable(dataset, indices, terms, extract, &watch)?)
}

/// The same with what is true of them.
fn loaded(dataset: &DataSet, input: &Input, usable: Usable) -> Result<Loaded, Error> {
    let truths = truths(dataset, input, &usable.indices, &usable.features)?;
    Ok(Loaded { indices: usable.indices, features: usable.features, truths, left_out: usable.left_out })
}

/// What is true of examples with these frames. All examples of a data set have the same kind of truth.
fn truths(
    dataset: &DataSet,
    input: &Input,
    indices: &[usize],
    features: &[Features],
) -> Result<Truths, Error> {
    let (mut examples, mut frames) = (Vec::new(), Vec::new());
    for (&index, features) in indices.iter().zip(features) {
        match (&dataset.examples[index].truth, input) {
            (Truth::Class(class), _) => examples.push(*class),
            (Truth::Intervals(intervals), Input::Recordings(config)) => {
                let times = FrameTimes::of(config)?;
                let class = |frame| intervals.class_at(times.centre_seconds(frame));
                frames.push((0..features.frames()).map(class).collect());
            }
            (Truth::Intervals(_), Input::Frames(_)) => {
                let expected = "recordings, for the data has a class for every moment".into();
                return Err(InferError::WrongInput { expected, got: "frames".into() }.into());
            }
        }
    }
    Ok(if frames.is_empty() { Truths::Examples(examples) } else { Truths::Frames(frames) })
}

/// The probabilities of each example's labels, in order: \[K\], or [T, K] of a model that decides for every frame.
///
/// # Errors
/// [`Error::Infer`] if the frames do not fit the model.
pub fn classify(bundle: &Bundle, loaded: &Loaded) -> Result<Vec<Vec<f32>>, Error> {
    use rayon::prelude::*;
    // One classifier a chunk: it owns buffers, and the outcome does not depend on the chunks.
    let share = loaded.features.len() / (4 * rayon::current_num_threads());
    let chunks = loaded.features.par_chunks(share.clamp(1, 64)).map(|chunk| {
        let mut classifier = Classifier::new(bundle)?;
        chunk.iter().map(|frames| classifier.classify_frames(frames)).collect::<Result<Vec<_>, _>>()
    });
    let probabilities: Vec<Vec<Vec<f32>>> = chunks.collect::<Result<_, InferError>>()?;
    Ok(probabilities.into_iter().flatten().collect())
}

/// Compares the probabilities of examples with the truth.
///
/// # Errors
/// [`Error::Eval`] if there is not one row an example, or a frame of an example.
pub fn evaluate(labels: &[String], truths: &Truths, probabilities: &[Vec<f32>]) -> Result<Evaluation, Error> {
    match truths {
        Truths::Examples(classes) => {
            let predictions: Vec<usize> = probabilities.iter().map(|row| best_class(row)).collect();
            Ok(Evaluation::new(labels, classes, &predictions)?)
        }
        Truths::Frames(classes) => {
            Ok(Evaluation::of_frames(labels, &recording_frames(labels.len(), classes, probabilities))?)
        }
    }
}

/// What is said of the frames of recordings, by the probabilities of so many classes.
pub(crate) fn recording_frames(
    classes: usize,
    truths: &[Vec<usize>],
    probabilities: &[Vec<f32>],
) -> Vec<RecordingFrames> {
    let recording = |(truths, rows): (&Vec<usize>, &Vec<f32>)| RecordingFrames {
        truths: truths.clone(),
        predictions: frame_classes(rows, classes),
        scores: match classes {
            2 => rows.iter().skip(1).step_by(2).copied().collect(),
            _ => Vec::new(),
        },
    };
    truths.iter().zip(probabilities).map(recording).collect()
}

/// The decision for each frame, of probabilities [T, K].
pub fn frame_classes(probabilities: &[f32], classes: usize) -> Vec<usize> {
    probabilities.chunks_exact(classes).map(best_class).collect()
}

//! From a data set's examples to their frames.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use stapes_audio::Clip;
use stapes_data::{DataSet, FrameCache, LoadOptions, Label, LoadedFeatures, Watch};
use stapes_features::{FeatureConfig, Features, Normalization};
use stapes_infer::{ClipExtractor, FrameTimes, InferError, Input};
use stapes_train::Communicator;

use super::{Experiment, LoadedExamples, Labels};
use crate::error::Error;
use crate::distributed;

/// How far the loading is: called with the number of examples done, from any thread.
pub type Progress<'a> = &'a (dyn Fn(usize) + Sync);

impl Experiment {
    /// The experiment with a folder where frames of recordings are kept; those that are there already are not computed again.
    /// Several processes may use one folder.
    ///
    /// # Errors
    /// [`Error::Data`] if the folder cannot be made or written to.
    pub fn cached(self, folder: &Path) -> Result<Experiment, Error> {
        let Input::Recordings(config) = &self.input else { return Ok(self) };
        // Frames are kept as they are before they are normalised. Their last digits depend on the instructions.
        let config = FeatureConfig { normalization: Normalization::None, ..config.clone() };
        let instructions = stapes_kernels::InstructionSet::best();
        let front_end = format!("stapes {} {instructions} {config:?}", env!("CARGO_PKG_VERSION"));
        let cache = Some(FrameCache::open(folder, front_end)?);
        Ok(Experiment { cache, ..self })
    }

    /// Why frames could not be kept, if some could not.
    pub fn cache_trouble(&self) -> Option<&str> {
        self.cache.as_ref()?.trouble()
    }

    fn terms(&self, max_unreadable_fraction: f64) -> LoadOptions<'_> {
        LoadOptions { max_unreadable_fraction, cache: self.cache.as_ref() }
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
    ) -> Result<LoadedExamples, Error> {
        let terms = self.terms(self.recipe.data.max_unreadable_fraction());
        load((&self.dataset, terms), &self.input, indices, stop, progress)
    }

    /// The same by several processes: each computes the frames of a part of the examples, and all have all of them.
    ///
    /// # Errors
    /// As [`Experiment::load`], for the examples of this process's part.
    pub fn load_together(
        &self,
        indices: &[usize],
        communicator: &dyn Communicator,
        stop: &AtomicBool,
        progress: Progress<'_>,
    ) -> Result<LoadedExamples, Error> {
        let max_unreadable_fraction = self.recipe.data.max_unreadable_fraction();
        if communicator.size() == 1 {
            return self.load(indices, stop, progress);
        }
        let own: Vec<usize> = indices.iter().copied().skip(communicator.rank()).step_by(communicator.size()).collect();
        // How many may be left out is for all processes to say together.
        let usable = usable((&self.dataset, self.terms(1.0)), &self.input, &own, stop, progress)?;
        let usable = distributed::exchange(communicator, indices, usable);
        if usable.skipped.len() as f64 > max_unreadable_fraction * indices.len() as f64 {
            let (failed, total) = (usable.skipped, indices.len());
            return Err(stapes_data::DataError::Files { failed, total }.into());
        }
        loaded(&self.dataset, &self.input, usable)
    }
}

/// Reads examples of a data set and computes their frames as `input` says.
///
/// # Errors
/// As [`Experiment::load`].
pub fn load(
    (dataset, terms): (&DataSet, LoadOptions<'_>),
    input: &Input,
    indices: &[usize],
    stop: &AtomicBool,
    progress: Progress<'_>,
) -> Result<LoadedExamples, Error> {
    loaded(dataset, input, usable((dataset, terms), input, indices, stop, progress)?)
}

fn usable(
    (dataset, terms): (&DataSet, LoadOptions<'_>),
    input: &Input,
    indices: &[usize],
    stop: &AtomicBool,
    progress: Progress<'_>,
) -> Result<LoadedFeatures, Error> {
    let extractor = match input {
        Input::Recordings(config) => Some(ClipExtractor::new(config)?),
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
    Ok(stapes_data::load_with_options(dataset, indices, terms, extract, &watch)?)
}

/// The same with what is true of them.
fn loaded(dataset: &DataSet, input: &Input, usable: LoadedFeatures) -> Result<LoadedExamples, Error> {
    let labels = labels(dataset, input, &usable.indices, &usable.features)?;
    Ok(LoadedExamples { indices: usable.indices, features: usable.features, labels, skipped: usable.skipped })
}

/// What is true of examples with these frames. All examples of a data set have the same kind of truth.
fn labels(
    dataset: &DataSet,
    input: &Input,
    indices: &[usize],
    features: &[Features],
) -> Result<Labels, Error> {
    let (mut examples, mut frames) = (Vec::new(), Vec::new());
    for (&index, features) in indices.iter().zip(features) {
        match (&dataset.examples[index].truth, input) {
            (Label::Class(class), _) => examples.push(*class),
            (Label::Segments(intervals), Input::Recordings(config)) => {
                let times = FrameTimes::of(config)?;
                let class = |frame| intervals.class_at(times.center_seconds(frame));
                frames.push((0..features.frames()).map(class).collect());
            }
            (Label::Segments(_), Input::Frames(_)) => {
                let expected = "recordings, for the data has a class for every moment".into();
                return Err(InferError::WrongInput { expected, got: "frames".into() }.into());
            }
        }
    }
    Ok(if frames.is_empty() { Labels::PerExample(examples) } else { Labels::PerFrame(frames) })
}

//! Test examples on the page of a run: selection, sound, spectrogram and model input.

use std::path::Path;

use stapes_features::Features;
use stapes_infer::{Classifier, InferError, Input, Model};
use stapes_metrics::{ConfusedPair, Evaluation};
use stapes_nn::loss::argmax;
use stapes_report::{AttentionExample, Example, FrameTiming, FrameView};
use stapes_train::Labels;

use crate::error::Error;
use crate::experiment::{Experiment, LoadedExamples};
use crate::recording_view::{self, Attention};
use crate::run::TestPredictions;

/// Number of confused pairs of classes on the page, and of examples per pair.
const PAIRS: usize = 5;
const ERRORS: usize = 2;
/// Number of classes with an example of attention.
const CLASSES: usize = 6;
/// Maximum duration shown of a recording, s: of errors, and of attention.
const ERROR_SECONDS: f64 = 3.0;
const ATTENTION_SECONDS: f64 = 10.0;
/// Maximum number of frames shown of data without recordings.
const MAX_FRAMES: usize = 600;

/// Test examples of a run, with the model and its predictions.
#[derive(Clone, Copy)]
pub(crate) struct TestExamples<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) model: &'a Model,
    pub(crate) loaded: &'a LoadedExamples,
    pub(crate) predictions: &'a TestPredictions,
}

/// Test examples with one label per example.
struct View<'a> {
    test: TestExamples<'a>,
    labels: &'a [usize],
    /// Maximum duration shown of a recording.
    seconds: f64,
}

impl<'a> TestExamples<'a> {
    fn view(self, seconds: f64) -> Option<View<'a>> {
        let Labels::PerExample(labels) = &self.predictions.labels else { return None };
        Some(View { test: self, labels, seconds })
    }

    /// Returns the most confident errors of the most confused pairs of classes; none for a frame-level model.
    ///
    /// # Errors
    /// [`Error::Features`] if the settings of the front end are invalid.
    pub(crate) fn errors(self, evaluation: &Evaluation) -> Result<Vec<Example>, Error> {
        let Some(view) = self.view(ERROR_SECONDS) else { return Ok(Vec::new()) };
        let pairs = evaluation.confusion.most_confused(PAIRS);
        let of_pair = |pair: ConfusedPair| {
            let errors = view.most_confident(pair.label, pair.prediction).into_iter().take(ERRORS);
            errors.map(|index| view.example(index, true))
        };
        pairs.into_iter().flat_map(of_pair).collect()
    }

    /// Returns the most confident correct example of each of the first classes with its attention weights; none for a model
    /// without attention.
    ///
    /// # Errors
    /// [`Error::Infer`] if the frames do not fit the model.
    pub(crate) fn attention(self) -> Result<Vec<AttentionExample>, Error> {
        let Some(view) = self.view(ATTENTION_SECONDS) else { return Ok(Vec::new()) };
        let mut classifier = Classifier::new(self.model)?;
        let mut attended = Vec::new();
        let classes = 0..self.predictions.classes.len();
        for index in classes.filter_map(|class| view.most_confident(class, class).first().copied()) {
            let frames = &self.loaded.features[index];
            let Some(Attention { weights, .. }) = recording_view::attention(&mut classifier, frames)? else {
                break;
            };
            let timing = recording_view::model_input(&self.model.input, frames)?.timing;
            let timing = step_timing(timing, frames.frames(), weights.len());
            let shown = (view.shown_frames(frames) * weights.len()).div_ceil(frames.frames());
            // Without sound the page stays small.
            let mut example = Example { sound: None, ..view.example(index, false)? };
            if example.frames.is_empty() {
                example.frames.push(view.model_input(frames)?);
            }
            attended.push(AttentionExample { example, weights: weights[..shown].to_vec(), timing });
            if attended.len() == CLASSES {
                break;
            }
        }
        Ok(attended)
    }
}

/// Returns the timing of steps that combine several frames each.
fn step_timing(timing: FrameTiming, frames: usize, steps: usize) -> FrameTiming {
    let frames_per_step = frames as f64 / steps.max(1) as f64;
    match timing {
        FrameTiming::Seconds { first, hop } => FrameTiming::Seconds {
            first: first + (frames_per_step - 1.0) * hop / 2.0,
            hop: frames_per_step * hop,
        },
        FrameTiming::Numbers { step } => FrameTiming::Numbers { step: frames_per_step * step },
    }
}

/// Returns the examples of class `label` that are predicted as `prediction`, the most confident first.
fn most_confident(
    labels: &[usize],
    probabilities: &[Vec<f32>],
    label: usize,
    prediction: usize,
) -> Vec<usize> {
    let matches = |index: &usize| labels[*index] == label && argmax(&probabilities[*index]) == prediction;
    let mut examples: Vec<usize> = (0..labels.len()).filter(matches).collect();
    examples.sort_by(|&a, &b| probabilities[b][prediction].total_cmp(&probabilities[a][prediction]));
    examples
}

impl View<'_> {
    fn most_confident(&self, label: usize, prediction: usize) -> Vec<usize> {
        most_confident(self.labels, &self.test.predictions.probabilities, label, prediction)
    }

    /// Returns an example with sound and spectrogram and, if requested, the model input. If the recording cannot be read any
    /// more, a note says so.
    fn example(&self, index: usize, with_input: bool) -> Result<Example, Error> {
        let probabilities = self.test.predictions.probabilities[index].clone();
        let mut example = Example {
            name: self.test.predictions.examples[index].clone(),
            label: self.labels[index],
            prediction: argmax(&probabilities),
            probabilities,
            sound: None,
            frames: Vec::new(),
            notes: Vec::new(),
        };
        let frames = &self.test.loaded.features[index];
        if let Err(error) = self.add_recording(index, &mut example) {
            example.notes.push(format!("The recording cannot be shown: {error}."));
        }
        if self.shown_frames(frames) < frames.frames() && example.notes.is_empty() {
            example.notes.push(match self.test.model.input {
                Input::Recordings(_) => format!("The first {} s are shown.", self.seconds),
                Input::Frames(_) => {
                    format!("The first {MAX_FRAMES} of {} frames are shown.", frames.frames())
                }
            });
        }
        if with_input {
            example.frames.push(self.model_input(frames)?);
        }
        Ok(example)
    }

    /// Reads the recording of an example, if it has one, and adds its sound and spectrogram.
    fn add_recording(&self, index: usize, example: &mut Example) -> Result<(), Error> {
        let TestExamples { experiment, model, loaded, .. } = self.test;
        let Input::Recordings(config) = &model.input else { return Ok(()) };
        let recording = &experiment.dataset.examples[loaded.indices[index]];
        let frames = &loaded.features[index];
        // Frames of a fixed length may exceed the recording.
        let long = config.fixed_length_samples.is_none() && self.shown_frames(frames) < frames.frames();
        let clip = if long { recording.read_start(self.seconds) } else { recording.read() };
        let Some(clip) = clip else { return Ok(()) };
        let mut clip = clip.map_err(InferError::from)?;
        if clip.sample_rate_hz != config.sample_rate_hz {
            clip = clip.resampled(config.sample_rate_hz).map_err(InferError::from)?;
        }
        let max_samples = (self.seconds * f64::from(clip.sample_rate_hz)) as usize;
        if clip.samples.len() > max_samples {
            clip.samples.truncate(max_samples);
            example.notes.push(format!("The first {} s are shown.", self.seconds));
        }
        example.frames.push(recording_view::spectrogram(&clip)?);
        example.sound = Some(recording_view::sound(recording.source.path().unwrap_or(Path::new("")), clip)?);
        Ok(())
    }

    /// Returns the shown part of the model input.
    fn model_input(&self, frames: &Features) -> Result<FrameView, Error> {
        let values = frames.values()[..self.shown_frames(frames) * frames.width()].to_vec();
        recording_view::model_input(&self.test.model.input, &Features::new(frames.width(), values))
    }

    /// Returns the number of frames that are shown.
    fn shown_frames(&self, frames: &Features) -> usize {
        let max_frames = match &self.test.model.input {
            Input::Recordings(config) => (self.seconds * config.frames_per_second()).ceil() as usize + 1,
            Input::Frames(_) => MAX_FRAMES,
        };
        frames.frames().min(max_frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_confident_of_a_pair_come_first() {
        let labels = [0, 0, 1, 0, 0];
        let probabilities =
            [[0.4, 0.6], [0.1, 0.9], [0.0, 1.0], [0.8, 0.2], [0.3, 0.7]].map(|row| row.to_vec());
        let of = |label, prediction| most_confident(&labels, &probabilities, label, prediction);
        assert_eq!((of(0, 1), of(0, 0), of(1, 0)), (vec![1, 4, 0], vec![3], vec![]));
    }

    #[test]
    fn steps_of_several_frames_are_at_their_middle() {
        // Frames of 10 ms, the first centered at 0 s: each pair is centered at its middle.
        let pairs = step_timing(FrameTiming::Seconds { first: 0.0, hop: 0.01 }, 8, 4);
        let FrameTiming::Seconds { first, hop } = pairs else { panic!("{pairs:?}") };
        assert!((first - 0.005).abs() < 1e-12 && (hop - 0.02).abs() < 1e-12, "{first} {hop}");
        let numbered = FrameTiming::Numbers { step: 1.0 };
        assert_eq!(step_timing(numbered, 8, 8), numbered);
        assert_eq!(step_timing(numbered, 8, 4), FrameTiming::Numbers { step: 2.0 });
    }
}

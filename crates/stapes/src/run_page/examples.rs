//! Test examples for a run's page: which are shown, and what there is to hear and see of them.

use std::path::Path;

use stapes_audio::{AudioError, Clip};
use stapes_data::Source;
use stapes_eval::Evaluation;
use stapes_report::{Attended, Example, FrameTiming, ShownFrames};
use stapes_features::Features;
use stapes_infer::{Model, Classifier, InferError, Input};
use stapes_nn::loss::argmax;

use crate::error::Error;
use crate::experiment::{Experiment, LoadedExamples, Labels};
use crate::run::TestPredictions;
use crate::recording_view;

/// Pairs of classes whose mistakes are shown, and how many of each.
const PAIRS: usize = 5;
const MISTAKES: usize = 2;
/// Classes of which an example's attention is shown.
const CLASSES: usize = 6;
/// What is shown of a long recording, s: of mistakes, and of attention.
const MISTAKE_SECONDS: f64 = 3.0;
const ATTENTION_SECONDS: f64 = 10.0;
/// The same of data without recordings, frames.
const FRAMES: usize = 600;

/// What is shown of the test, by a model.
struct Shown<'a> {
    experiment: &'a Experiment,
    input: &'a Input,
    loaded: &'a LoadedExamples,
    outcome: &'a TestPredictions,
    labels: &'a [usize],
    seconds: f64,
}

/// Of the most confused pairs the examples that the model is surest of wrongly; none where frames are decided.
pub(crate) fn mistakes(
    experiment: &Experiment,
    model: &Model,
    (loaded, outcome): (&LoadedExamples, &TestPredictions),
    evaluation: &Evaluation,
) -> Vec<Example> {
    let Labels::PerExample(labels) = &outcome.labels else { return Vec::new() };
    let (input, seconds) = (&model.input, MISTAKE_SECONDS);
    let test = Shown { experiment, input, loaded, outcome, labels, seconds };
    let pairs = evaluation.confusion.most_confused(PAIRS);
    let of_pair = |pair: stapes_eval::ConfusedPair| {
        let mistaken = test.surest(pair.truth, pair.prediction).into_iter().take(MISTAKES);
        mistaken.map(|at| test.example(at, true))
    };
    pairs.into_iter().flat_map(of_pair).collect()
}

/// Of each of the first classes the example that a model with attention is surest of rightly, and what it looks at; none of
/// other models.
///
/// # Errors
/// [`Error::Infer`] if the frames do not fit the model.
pub(crate) fn attention(
    experiment: &Experiment,
    model: &Model,
    (loaded, outcome): (&LoadedExamples, &TestPredictions),
) -> Result<Vec<Attended>, Error> {
    let Labels::PerExample(labels) = &outcome.labels else { return Ok(Vec::new()) };
    let (input, seconds) = (&model.input, ATTENTION_SECONDS);
    let test = Shown { experiment, input, loaded, outcome, labels, seconds };
    let mut classifier = Classifier::new(model)?;
    let mut attended = Vec::new();
    for at in (0..outcome.labels.len()).filter_map(|class| test.surest(class, class).first().copied()) {
        let frames = &loaded.features[at];
        let Some(recording_view::Attention { weights, .. }) = recording_view::attention(&mut classifier, frames)? else {
            break;
        };
        let timing = spread(recording_view::read(input, frames).timing, frames.frames(), weights.len());
        let kept = (test.kept(frames) * weights.len()).div_ceil(frames.frames());
        // It is there to be seen, and the page stays small.
        let mut example = Example { sound: None, ..test.example(at, false) };
        if example.frames.is_empty() {
            example.frames.push(test.read(frames));
        }
        attended.push(Attended { example, weights: weights[..kept].to_vec(), timing });
        if attended.len() == CLASSES {
            break;
        }
    }
    Ok(attended)
}

/// When fewer moments are that so many frames were brought to.
fn spread(timing: FrameTiming, frames: usize, moments: usize) -> FrameTiming {
    let many = frames as f64 / moments.max(1) as f64;
    match timing {
        FrameTiming::Seconds { first, hop } => {
            FrameTiming::Seconds { first: first + (many - 1.0) * hop / 2.0, hop: many * hop }
        }
        FrameTiming::Numbers { step } => FrameTiming::Numbers { step: many * step },
    }
}

/// The examples of a class that are taken for a class, the surest first.
fn surest((labels, probabilities): (&[usize], &[Vec<f32>]), truth: usize, decision: usize) -> Vec<usize> {
    let fits = |at: &usize| labels[*at] == truth && argmax(&probabilities[*at]) == decision;
    let mut examples: Vec<usize> = (0..labels.len()).filter(fits).collect();
    examples.sort_by(|&a, &b| probabilities[b][decision].total_cmp(&probabilities[a][decision]));
    examples
}

impl Shown<'_> {
    fn surest(&self, truth: usize, decision: usize) -> Vec<usize> {
        surest((self.labels, &self.outcome.probabilities), truth, decision)
    }

    /// An example with its sound and spectrogram and, if wanted, what the model reads. What cannot be read any more is
    /// missing, and the notes say so.
    fn example(&self, at: usize, read: bool) -> Example {
        let probabilities = self.outcome.probabilities[at].clone();
        let mut example = Example {
            name: self.outcome.examples[at].clone(),
            truth: self.labels[at],
            decision: argmax(&probabilities),
            probabilities,
            sound: None,
            frames: Vec::new(),
            notes: Vec::new(),
        };
        let frames = &self.loaded.features[at];
        if let Err(error) = self.heard(at, &mut example) {
            example.notes.push(format!("The recording cannot be shown: {error}."));
        }
        if self.kept(frames) < frames.frames() && example.notes.is_empty() {
            example.notes.push(match self.input {
                Input::Recordings(_) => format!("The first {} s are shown.", self.seconds),
                Input::Frames(_) => format!("The first {FRAMES} of {} frames are shown.", frames.frames()),
            });
        }
        if read {
            example.frames.push(self.read(frames));
        }
        example
    }

    /// Reads the recording again, if it is one.
    fn heard(&self, at: usize, example: &mut Example) -> Result<(), Error> {
        let Input::Recordings(config) = self.input else { return Ok(()) };
        let source = &self.experiment.dataset.examples[self.loaded.indices[at]].source;
        let frames = &self.loaded.features[at];
        // Frames of a fixed length may reach beyond the recording.
        let long = config.fixed_length_samples.is_none() && self.kept(frames) < frames.frames();
        let Some(clip) = beginning(source, long.then_some(self.seconds)) else { return Ok(()) };
        let mut clip = clip.map_err(InferError::from)?;
        if clip.sample_rate_hz != config.sample_rate_hz {
            clip = clip.resampled(config.sample_rate_hz).map_err(InferError::from)?;
        }
        let most = (self.seconds * f64::from(clip.sample_rate_hz)) as usize;
        if clip.samples.len() > most {
            clip.samples.truncate(most);
            example.notes.push(format!("The first {} s are shown.", self.seconds));
        }
        example.frames.push(recording_view::spectrogram(&clip)?);
        example.sound = Some(recording_view::sound(source.path().unwrap_or(Path::new("")), clip)?);
        Ok(())
    }

    /// What the model reads, as much of it as is shown.
    fn read(&self, frames: &Features) -> ShownFrames {
        let values = frames.values()[..self.kept(frames) * frames.width()].to_vec();
        recording_view::read(self.input, &Features::new(frames.width(), values))
    }

    /// How many of the frames are shown.
    fn kept(&self, frames: &Features) -> usize {
        let most = match self.input {
            Input::Recordings(config) => (self.seconds * config.frames_per_second()).ceil() as usize + 1,
            Input::Frames(_) => FRAMES,
        };
        frames.frames().min(most)
    }
}

/// Reads a recording; of a long one so many seconds from its beginning.
fn beginning(source: &Source, seconds: Option<f64>) -> Option<Result<Clip, AudioError>> {
    match (source, seconds) {
        (Source::File(path), Some(seconds)) => Some(stapes_audio::read_part(path, 0.0, Some(seconds))),
        (Source::Part { path, start_seconds, .. }, Some(seconds)) => {
            Some(stapes_audio::read_part(path, *start_seconds, Some(start_seconds + seconds)))
        }
        (source, _) => source.read(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surest_of_a_pair_come_first() {
        let labels = [0, 0, 1, 0, 0];
        let probabilities =
            [[0.4, 0.6], [0.1, 0.9], [0.0, 1.0], [0.8, 0.2], [0.3, 0.7]].map(|row| row.to_vec());
        let of = |truth, decision| surest((&labels, &probabilities), truth, decision);
        assert_eq!((of(0, 1), of(0, 0), of(1, 0)), (vec![1, 4, 0], vec![3], vec![]));
    }

    #[test]
    fn fewer_moments_reach_as_far_as_their_frames() {
        // Frames of 10 ms, centred on 0 s and so on: each pair of them is centred on its middle.
        let spread_in_pairs = spread(FrameTiming::Seconds { first: 0.0, hop: 0.01 }, 8, 4);
        let FrameTiming::Seconds { first, hop } = spread_in_pairs else { panic!("{spread_in_pairs:?}") };
        assert!((first - 0.005).abs() < 1e-12 && (hop - 0.02).abs() < 1e-12, "{first} {hop}");
        let numbered = FrameTiming::Numbers { step: 1.0 };
        assert_eq!(spread(numbered, 8, 8), numbered);
        assert_eq!(spread(numbered, 8, 4), FrameTiming::Numbers { step: 2.0 });
    }
}

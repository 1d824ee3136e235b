//! Predictions of a run on the test examples, stored for comparisons as a safetensors file.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::Dtype;
use serde::{Deserialize, Serialize};
use stapes_files::tensors::{Tensor, TensorFile};
use stapes_metrics::{Calibration, Detectors, Evaluation, MetricsError};
use stapes_report::{Group, Groups};
use stapes_train::Labels;

use super::PREDICTIONS;
use super::folder::RunFolder;
use crate::error::Error;
use crate::experiment::{append_labels, argmax_frames, evaluate};

/// Predictions of a model on the test examples, with the labels.
#[derive(Clone, Debug, PartialEq)]
pub struct TestPredictions {
    /// Class names, in the order of the probabilities.
    pub classes: Vec<String>,
    /// Identifiers of the examples; equal in all runs on the same data.
    pub examples: Vec<String>,
    /// Group of each example, usually the speaker, if it is known.
    pub groups: Vec<Option<String>>,
    /// Labels of the examples.
    pub labels: Labels,
    /// Probabilities of each example: \[K\], or [T, K] for a frame-level model.
    pub probabilities: Vec<Vec<f32>>,
}

/// Number of bins of the calibration figure.
const BINS: usize = 10;
const FORMAT: u64 = 2;
const FILE: TensorFile = TensorFile { entry: "stapes.predictions", format: FORMAT };
const PROBABILITIES: &str = "probabilities";
const LABELS: &str = "labels";
const LENGTHS: &str = "lengths";

#[derive(Serialize, Deserialize)]
struct Header {
    format: u64,
    classes: Vec<String>,
    examples: Vec<String>,
    groups: Vec<Option<String>>,
}

impl TestPredictions {
    /// Evaluates the predictions against the labels.
    ///
    /// # Errors
    /// [`Error::Metrics`] if there are no examples.
    pub fn evaluation(&self) -> Result<Evaluation, Error> {
        evaluate(&self.classes, &self.labels, &self.probabilities)
    }

    /// Returns the labels of all examples, or of all their frames.
    pub fn all_labels(&self) -> Vec<usize> {
        match &self.labels {
            Labels::PerExample(classes) => classes.clone(),
            Labels::PerFrame(frames) => frames.concat(),
        }
    }

    /// Returns, for two classes, the scores of the second class for all examples or frames, and whether each belongs to it;
    /// `None` for more classes.
    pub fn binary_scores(&self) -> Option<(Vec<f32>, Vec<bool>)> {
        let scores = || self.probabilities.iter().flat_map(|rows| rows.iter().skip(1).step_by(2).copied());
        let positive = || self.all_labels().into_iter().map(|class| class == 1);
        (self.classes.len() == 2).then(|| (scores().collect(), positive().collect()))
    }

    /// Returns the error rates at every threshold: for two classes of the second against the first, for more classes of
    /// each against the rest.
    ///
    /// # Errors
    /// Errors of [`Detectors::binary`] and [`Detectors::one_vs_rest`].
    pub fn detectors(&self) -> Result<Detectors, MetricsError> {
        match self.binary_scores() {
            Some((scores, positive)) => Detectors::binary(&self.classes[1], &scores, &positive),
            None => Detectors::one_vs_rest(&self.classes, &self.probabilities.concat(), &self.all_labels()),
        }
    }

    /// Returns the calibration of the probabilities in ten bins.
    ///
    /// # Errors
    /// Errors of [`Calibration::new`].
    pub fn calibration(&self) -> Result<Calibration, MetricsError> {
        Calibration::new(&self.probabilities.concat(), &self.all_labels(), self.classes.len(), BINS)
    }

    /// Returns, per example, the number of correct predictions and of all predictions: one, or one per frame.
    pub fn correct(&self) -> Vec<(u64, u64)> {
        let count = |index: usize, labels: &[usize]| {
            let predicted = argmax_frames(&self.probabilities[index], self.classes.len());
            let correct = predicted.iter().zip(labels).filter(|(class, label)| class == label).count();
            (correct as u64, labels.len() as u64)
        };
        match &self.labels {
            Labels::PerExample(classes) => {
                (0..classes.len()).map(|index| count(index, &classes[index..=index])).collect()
            }
            Labels::PerFrame(frames) => (0..frames.len()).map(|index| count(index, &frames[index])).collect(),
        }
    }

    /// Appends the examples of another test, such as that of another fold.
    ///
    /// # Panics
    /// If one has frame-level labels and the other does not; within a data set all labels are of one kind.
    pub fn append(&mut self, other: TestPredictions) {
        self.examples.extend(other.examples);
        self.groups.extend(other.groups);
        append_labels(&mut self.labels, other.labels);
        self.probabilities.extend(other.probabilities);
    }

    /// Returns the bytes of the file.
    ///
    /// # Shapes
    /// `probabilities` [N, K] in F32 and `labels` \[N\] in I64, where N counts examples, or the frames of all examples in
    /// order; for frames also `lengths` \[examples\]
    pub fn to_bytes(&self) -> Vec<u8> {
        let classes = self.classes.len();
        let probabilities: Vec<f32> = self.probabilities.concat();
        let (labels, lengths): (Vec<usize>, Option<Vec<usize>>) = match &self.labels {
            Labels::PerExample(classes) => (classes.clone(), None),
            Labels::PerFrame(frames) => (frames.concat(), Some(frames.iter().map(Vec::len).collect())),
        };
        let rows = probabilities.len() / classes.max(1);
        let mut tensors =
            vec![Tensor::f32(PROBABILITIES, vec![rows, classes], &probabilities), integers(LABELS, &labels)];
        tensors.extend(lengths.map(|lengths| integers(LENGTHS, &lengths)));
        let header = Header {
            format: FORMAT,
            classes: self.classes.clone(),
            examples: self.examples.clone(),
            groups: self.groups.clone(),
        };
        FILE.to_bytes(&header, &tensors)
    }

    /// Writes the file into the folder of its run.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<(), Error> {
        folder.write(PREDICTIONS, &self.to_bytes())
    }

    /// Reads the file from a run folder.
    ///
    /// # Errors
    /// [`Error::NoRun`] if it is missing, as in runs of earlier versions; [`Error::File`] or [`Error::Damaged`] if it cannot
    /// be read or is invalid.
    pub fn read(folder: &Path) -> Result<TestPredictions, Error> {
        let path = folder.join(PREDICTIONS);
        let bytes = match stapes_files::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::NoRun { folder: folder.into(), file: PREDICTIONS });
            }
            Err(source) => return Err(Error::File { path, action: "read a file of the run", source }),
        };
        parse(&bytes).map_err(|reason| {
            let reason = format!("the predictions cannot be used: {reason}; train the run again");
            Error::Damaged { path, reason }
        })
    }
}

/// Returns the accuracy per speaker over all predictions; `None` unless each example has a speaker and there are several.
pub(crate) fn speaker_groups<'a>(all: impl IntoIterator<Item = &'a TestPredictions>) -> Option<Groups> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for predictions in all {
        for (name, (correct, examples)) in predictions.groups.iter().zip(predictions.correct()) {
            let name = name.as_deref()?;
            let group = groups.entry(name).or_insert(Group { name: name.into(), examples: 0, correct: 0 });
            group.examples += examples;
            group.correct += correct;
        }
    }
    (groups.len() > 1).then(|| Groups { kind: "speaker".into(), groups: groups.into_values().collect() })
}

fn integers<'a>(name: &'a str, numbers: &[usize]) -> Tensor<'a> {
    let bytes = numbers.iter().flat_map(|&number| (number as i64).to_le_bytes()).collect();
    Tensor { name, dtype: Dtype::I64, shape: vec![numbers.len()], bytes }
}

fn parse(bytes: &[u8]) -> Result<TestPredictions, String> {
    let message = |error: safetensors::SafeTensorError| error.to_string();
    let (header, tensors) = FILE.read(bytes).map_err(|error| error.to_string())?;
    let Header { classes, examples, groups, .. } = header;
    let numbers = |name: &str| -> Result<Vec<usize>, String> {
        let view = tensors.tensor(name).map_err(message)?;
        if view.dtype() != Dtype::I64 {
            return Err(format!("{name}: expected I64"));
        }
        let number = |bytes: &[u8; 8]| usize::try_from(i64::from_le_bytes(*bytes));
        let numbers: Result<_, _> = view.data().as_chunks::<8>().0.iter().map(number).collect();
        numbers.map_err(|_| format!("{name}: a number is below 0"))
    };
    let labels = numbers(LABELS)?;
    if let Some(class) = labels.iter().find(|&&class| class >= classes.len()) {
        return Err(format!("{LABELS}: class {class} of {}", classes.len()));
    }
    let view = tensors.tensor(PROBABILITIES).map_err(message)?;
    if view.dtype() != Dtype::F32 || view.shape() != [labels.len(), classes.len()] {
        return Err(format!("{PROBABILITIES}: expected F32 [{}, {}]", labels.len(), classes.len()));
    }
    let values: Vec<f32> =
        view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let lengths = tensors.names().contains(&LENGTHS).then(|| numbers(LENGTHS)).transpose()?;
    let counts = lengths.clone().unwrap_or_else(|| vec![1; labels.len()]);
    let total = counts.iter().try_fold(0usize, |sum, length| sum.checked_add(*length));
    if total != Some(labels.len()) || counts.len() != examples.len() || groups.len() != examples.len() {
        return Err("labels, examples and groups differ in number".into());
    }
    let (mut rows, mut frames, mut start) = (Vec::new(), Vec::new(), 0);
    for length in counts {
        rows.push(values[start * classes.len()..(start + length) * classes.len()].to_vec());
        frames.push(labels[start..start + length].to_vec());
        start += length;
    }
    let labels = if lengths.is_some() { Labels::PerFrame(frames) } else { Labels::PerExample(labels) };
    Ok(TestPredictions { classes, examples, groups, labels, probabilities: rows })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn per_example() -> TestPredictions {
        TestPredictions {
            classes: vec!["no".into(), "yes".into(), "ja \"doch\"".into()],
            examples: vec!["a.wav".into(), "b.wav".into()],
            groups: vec![Some("ann".into()), None],
            labels: Labels::PerExample(vec![2, 0]),
            probabilities: vec![vec![0.1, 0.2, 0.7], vec![0.3, 0.4, 0.3]],
        }
    }

    fn per_frame() -> TestPredictions {
        TestPredictions {
            classes: vec!["silence".into(), "voice".into()],
            examples: vec!["one".into(), "two".into()],
            groups: vec![None, None],
            labels: Labels::PerFrame(vec![vec![0, 1, 1], vec![1]]),
            probabilities: vec![vec![0.9, 0.1, 0.4, 0.6, 0.5, 0.5], vec![0.25, 0.75]],
        }
    }

    #[test]
    fn written_predictions_are_read_back() {
        for predictions in [per_example(), per_frame()] {
            assert_eq!(parse(&predictions.to_bytes()).unwrap(), predictions);
        }
        let evaluation = per_example().evaluation().unwrap();
        assert_eq!((evaluation.correct, evaluation.total), (1, 2));
        assert_eq!(per_frame().evaluation().unwrap().total, 4);
        assert_eq!(per_example().correct(), [(1, 1), (0, 1)]);
        // Of equal probabilities the first class is predicted.
        assert_eq!(per_frame().correct(), [(2, 3), (1, 1)]);
        let (scores, positive) = per_frame().binary_scores().unwrap();
        assert_eq!((scores, positive), (vec![0.1, 0.6, 0.5, 0.75], vec![false, true, true, true]));
    }

    proptest! {
        #[test]
        fn any_predictions_are_read_back(
            classes in vec(".{0,3}", 1..4),
            examples in vec((".{0,3}", option::of(".{0,3}"), vec(0usize..3, 0..4)), 0..4),
            is_per_frame in any::<bool>(),
            numbers in vec(proptest::num::f32::ANY, 64),
        ) {
            let count = classes.len();
            let frames: Vec<Vec<usize>> = examples
                .iter()
                .map(|(.., frames)| frames.iter().map(|class| class % count).collect())
                .collect();
            let labels = match is_per_frame {
                true => Labels::PerFrame(frames),
                false => Labels::PerExample(frames.iter().map(|frames| frames.len() % count).collect()),
            };
            let rows = match &labels {
                Labels::PerFrame(frames) => frames.iter().map(Vec::len).collect(),
                Labels::PerExample(labels) => vec![1; labels.len()],
            };
            let mut numbers = numbers.into_iter().cycle();
            let written = TestPredictions {
                probabilities: rows.iter().map(|rows| numbers.by_ref().take(rows * count).collect()).collect(),
                examples: examples.iter().map(|(name, ..)| name.clone()).collect(),
                groups: examples.iter().map(|(_, group, _)| group.clone()).collect(),
                classes,
                labels,
            };
            let read = parse(&written.to_bytes()).unwrap();
            // As text, NaN equals NaN.
            prop_assert_eq!(format!("{read:?}"), format!("{written:?}"));
        }
    }

    #[test]
    fn empty_predictions_are_read_back() {
        for labels in [Labels::PerExample(Vec::new()), Labels::PerFrame(Vec::new())] {
            let (examples, groups, probabilities) = (Vec::new(), Vec::new(), Vec::new());
            let empty = TestPredictions { classes: Vec::new(), examples, groups, labels, probabilities };
            assert_eq!(parse(&empty.to_bytes()).unwrap(), empty);
            assert!(empty.evaluation().is_err());
        }
    }

    #[test]
    fn invalid_files_are_rejected_with_the_reason() {
        assert!(parse(b"nothing").is_err());
        let mut fewer = per_example();
        fewer.examples.pop();
        assert_eq!(parse(&fewer.to_bytes()).unwrap_err(), "labels, examples and groups differ in number");
        let mut other = per_frame();
        other.labels = Labels::PerFrame(vec![vec![0, 1, 7], vec![1]]);
        assert_eq!(parse(&other.to_bytes()).unwrap_err(), "labels: class 7 of 2");
        let bytes = per_frame().to_bytes();
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err(), "{end}");
        }
    }
}

//! What a run's model says of each test example, kept for comparisons: a safetensors file.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use stapes_report::Detectors;
use stapes_eval::{Calibration, MetricsError, Evaluation};

use super::PREDICTIONS;
use super::folder::RunFolder;
use crate::error::Error;
use crate::experiment::{Labels, evaluate, argmax_frames};

/// What a model says of each test example, with the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct TestPredictions {
    /// The classes, in the order of the probabilities.
    pub labels: Vec<String>,
    /// What the examples are called: the same in every run on the same data.
    pub examples: Vec<String>,
    /// Who each of them comes from, where that is known.
    pub groups: Vec<Option<String>>,
    /// What is true of them.
    pub labels: Labels,
    /// The probabilities of each: \[K\], or [T, K] where frames are decided.
    pub probabilities: Vec<Vec<f32>>,
}

/// Bins of the figure of calibration.
const BINS: usize = 10;
const FORMAT: u64 = 1;
const HEADER: &str = "stapes.test";
const PROBABILITIES: &str = "probabilities";
const LABELS: &str = "labels";
const LENGTHS: &str = "lengths";

#[derive(Serialize, Deserialize)]
struct Header {
    format: u64,
    labels: Vec<String>,
    examples: Vec<String>,
    groups: Vec<Option<String>>,
}

impl TestPredictions {
    /// Compares it with the truth.
    ///
    /// # Errors
    /// [`Error::Eval`] if there are no examples.
    pub fn evaluation(&self) -> Result<Evaluation, Error> {
        evaluate(&self.labels, &self.labels, &self.probabilities)
    }

    /// The classes of all examples, or of all frames of all of them.
    pub fn all_labels(&self) -> Vec<usize> {
        match &self.labels {
            Labels::PerExample(classes) => classes.clone(),
            Labels::PerFrame(frames) => frames.concat(),
        }
    }

    /// Of two classes the scores of the second, of all examples or frames, and which of them are of it; None of more classes.
    pub fn detection(&self) -> Option<(Vec<f32>, Vec<bool>)> {
        let scores = || self.probabilities.iter().flat_map(|rows| rows.iter().skip(1).step_by(2).copied());
        let positive = || self.all_labels().into_iter().map(|class| class == 1);
        (self.labels.len() == 2).then(|| (scores().collect(), positive().collect()))
    }

    /// How scores tell classes apart at every threshold: of two classes the second from the first, of more each from the others.
    ///
    /// # Errors
    /// Those of [`Detectors::of_class`] and [`Detectors::of_classes`].
    pub fn detectors(&self) -> Result<Detectors, MetricsError> {
        match self.detection() {
            Some((scores, positive)) => Detectors::of_class(&self.labels[1], &scores, &positive),
            None => Detectors::of_classes(&self.labels, &self.probabilities.concat(), &self.all_labels()),
        }
    }

    /// Whether probabilities are right as often as they say, in ten bins.
    ///
    /// # Errors
    /// Those of [`Calibration::of`].
    pub fn calibration(&self) -> Result<Calibration, MetricsError> {
        Calibration::of(&self.probabilities.concat(), &self.all_labels(), self.labels.len(), BINS)
    }

    /// Of each example how many decisions are right, and how many there are: one, or one a frame.
    pub fn right(&self) -> Vec<(u64, u64)> {
        let count = |at: usize, labels: &[usize]| {
            let decided = argmax_frames(&self.probabilities[at], self.labels.len());
            let right = decided.iter().zip(labels).filter(|(class, truth)| class == truth).count();
            (right as u64, labels.len() as u64)
        };
        match &self.labels {
            Labels::PerExample(classes) => (0..classes.len()).map(|at| count(at, &classes[at..=at])).collect(),
            Labels::PerFrame(frames) => (0..frames.len()).map(|at| count(at, &frames[at])).collect(),
        }
    }

    /// Puts the examples of another test behind these, as of another fold.
    ///
    /// # Panics
    /// If one is of examples and the other of frames: tests of one data set never are.
    pub fn append(&mut self, other: TestPredictions) {
        self.examples.extend(other.examples);
        self.groups.extend(other.groups);
        self.labels.append(other.labels);
        self.probabilities.extend(other.probabilities);
    }

    /// The bytes of the file.
    ///
    /// # Shapes
    /// `probabilities` [N, K] in F32 and `labels` \[N\] in I64, of examples or of the frames of all of them in order; of
    /// frames also `lengths` \[examples\]
    pub fn to_bytes(&self) -> Vec<u8> {
        let classes = self.labels.len();
        let probabilities: Vec<f32> = self.probabilities.concat();
        let (labels, lengths): (Vec<usize>, Option<Vec<usize>>) = match &self.labels {
            Labels::PerExample(classes) => (classes.clone(), None),
            Labels::PerFrame(frames) => (frames.concat(), Some(frames.iter().map(Vec::len).collect())),
        };
        let mut tensors: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = vec![
            (
                PROBABILITIES,
                Dtype::F32,
                vec![probabilities.len() / classes.max(1), classes],
                probabilities.iter().flat_map(|value| value.to_le_bytes()).collect(),
            ),
            (LABELS, Dtype::I64, vec![labels.len()], whole_numbers(&labels)),
        ];
        if let Some(lengths) = lengths {
            tensors.push((LENGTHS, Dtype::I64, vec![lengths.len()], whole_numbers(&lengths)));
        }
        let views = tensors.iter().map(|(name, kind, shape, bytes)| {
            // The bytes were made from as many numbers.
            let view = TensorView::new(*kind, shape.clone(), bytes);
            (*name, view.unwrap_or_else(|error| unreachable!("{name}: {error}")))
        });
        let header = Header {
            format: FORMAT,
            labels: self.labels.clone(),
            examples: self.examples.clone(),
            groups: self.groups.clone(),
        };
        // Strings and lists: nothing that JSON cannot hold.
        let header = serde_json::to_string(&header).unwrap_or_else(|error| unreachable!("header: {error}"));
        safetensors::serialize(views, Some(HashMap::from([(HEADER.to_string(), header)])))
            .unwrap_or_else(|error| unreachable!("tensors just made: {error}"))
    }

    /// Writes it into the folder of its run.
    ///
    /// # Errors
    /// [`Error::File`] if the file system refuses.
    pub fn write(&self, folder: &RunFolder) -> Result<(), Error> {
        folder.write(PREDICTIONS, &self.to_bytes())
    }

    /// Reads it from the folder of a run.
    ///
    /// # Errors
    /// [`Error::NoRun`] where it is missing, as in runs of versions that did not keep it; [`Error::File`] or
    /// [`Error::Damaged`] if it cannot be read or understood.
    pub fn read(folder: &Path) -> Result<TestPredictions, Error> {
        let path = folder.join(PREDICTIONS);
        let bytes = match stapes_files::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::NoRun { folder: folder.into(), file: PREDICTIONS });
            }
            Err(source) => return Err(Error::File { path, action: "read a file of the run", source }),
        };
        understood(&bytes).map_err(|reason| Error::Damaged { path, reason })
    }
}

fn whole_numbers(numbers: &[usize]) -> Vec<u8> {
    numbers.iter().flat_map(|&number| (number as i64).to_le_bytes()).collect()
}

fn understood(bytes: &[u8]) -> Result<TestPredictions, String> {
    let words = |error: safetensors::SafeTensorError| error.to_string();
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(words)?;
    let header = metadata.metadata().as_ref().and_then(|entries| entries.get(HEADER));
    let header = header.ok_or("a safetensors file without the header of a test")?;
    let Header { format, labels, examples, groups } =
        serde_json::from_str(header).map_err(|error| error.to_string())?;
    if format != FORMAT {
        return Err(format!("a test of format {format}, and this program reads {FORMAT}"));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(words)?;
    let numbers = |name: &str| -> Result<Vec<usize>, String> {
        let view = tensors.tensor(name).map_err(words)?;
        if view.dtype() != Dtype::I64 {
            return Err(format!("{name}: expected I64"));
        }
        let number = |bytes: &[u8; 8]| usize::try_from(i64::from_le_bytes(*bytes));
        let numbers: Result<_, _> = view.data().as_chunks::<8>().0.iter().map(number).collect();
        numbers.map_err(|_| format!("{name}: a number below 0"))
    };
    let labels = numbers(LABELS)?;
    if let Some(class) = labels.iter().find(|&&class| class >= labels.len()) {
        return Err(format!("{LABELS}: class {class} of {}", labels.len()));
    }
    let view = tensors.tensor(PROBABILITIES).map_err(words)?;
    if view.dtype() != Dtype::F32 || view.shape() != [labels.len(), labels.len()] {
        return Err(format!("{PROBABILITIES}: expected F32 [{}, {}]", labels.len(), labels.len()));
    }
    let values: Vec<f32> =
        view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let lengths = tensors.names().contains(&LENGTHS).then(|| numbers(LENGTHS)).transpose()?;
    let parts = lengths.clone().unwrap_or_else(|| vec![1; labels.len()]);
    let total = parts.iter().try_fold(0usize, |sum, length| sum.checked_add(*length));
    if total != Some(labels.len()) || parts.len() != examples.len() || groups.len() != examples.len() {
        return Err("its parts are not about the same examples".into());
    }
    let (mut rows, mut frames, mut from) = (Vec::new(), Vec::new(), 0);
    for length in parts {
        rows.push(values[from * labels.len()..(from + length) * labels.len()].to_vec());
        frames.push(labels[from..from + length].to_vec());
        from += length;
    }
    let labels = if lengths.is_some() { Labels::PerFrame(frames) } else { Labels::PerExample(labels) };
    Ok(TestPredictions { labels, examples, groups, labels, probabilities: rows })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn of_examples() -> TestPredictions {
        TestPredictions {
            labels: vec!["no".into(), "yes".into(), "ja \"doch\"".into()],
            examples: vec!["a.wav".into(), "b.wav".into()],
            groups: vec![Some("ann".into()), None],
            labels: Labels::PerExample(vec![2, 0]),
            probabilities: vec![vec![0.1, 0.2, 0.7], vec![0.3, 0.4, 0.3]],
        }
    }

    fn of_frames() -> TestPredictions {
        TestPredictions {
            labels: vec!["silence".into(), "voice".into()],
            examples: vec!["one".into(), "two".into()],
            groups: vec![None, None],
            labels: Labels::PerFrame(vec![vec![0, 1, 1], vec![1]]),
            probabilities: vec![vec![0.9, 0.1, 0.4, 0.6, 0.5, 0.5], vec![0.25, 0.75]],
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        for outcome in [of_examples(), of_frames()] {
            assert_eq!(understood(&outcome.to_bytes()).unwrap(), outcome);
        }
        let evaluation = of_examples().evaluation().unwrap();
        assert_eq!((evaluation.correct, evaluation.total), (1, 2));
        assert_eq!(of_frames().evaluation().unwrap().total, 4);
        assert_eq!(of_examples().right(), [(1, 1), (0, 1)]);
        // Of equal probabilities the first class is decided.
        assert_eq!(of_frames().right(), [(2, 3), (1, 1)]);
        let (scores, positive) = of_frames().detection().unwrap();
        assert_eq!((scores, positive), (vec![0.1, 0.6, 0.5, 0.75], vec![false, true, true, true]));
    }

    proptest! {
        #[test]
        fn any_outcome_is_read_as_it_was_written(
            labels in vec(".{0,3}", 1..4),
            examples in vec((".{0,3}", option::of(".{0,3}"), vec(0usize..3, 0..4)), 0..4),
            of_frames in any::<bool>(),
            numbers in vec(proptest::num::f32::ANY, 64),
        ) {
            let classes = labels.len();
            let frames: Vec<Vec<usize>> = examples
                .iter()
                .map(|(.., frames)| frames.iter().map(|class| class % classes).collect())
                .collect();
            let labels = match of_frames {
                true => Labels::PerFrame(frames),
                false => Labels::PerExample(frames.iter().map(|frames| frames.len() % classes).collect()),
            };
            let rows = match &labels {
                Labels::PerFrame(frames) => frames.iter().map(Vec::len).collect(),
                Labels::PerExample(classes) => vec![1; classes.len()],
            };
            let mut numbers = numbers.into_iter().cycle();
            let written = TestPredictions {
                probabilities: rows.iter().map(|rows| numbers.by_ref().take(rows * classes).collect()).collect(),
                examples: examples.iter().map(|(name, ..)| name.clone()).collect(),
                groups: examples.iter().map(|(_, group, _)| group.clone()).collect(),
                labels,
                labels,
            };
            let read = understood(&written.to_bytes()).unwrap();
            // NaN is equal to NaN.
            prop_assert_eq!(format!("{read:?}"), format!("{written:?}"));
        }
    }

    #[test]
    fn no_classes_and_no_examples_are_read_again() {
        for labels in [Labels::PerExample(Vec::new()), Labels::PerFrame(Vec::new())] {
            let (examples, groups, probabilities) = (Vec::new(), Vec::new(), Vec::new());
            let nothing = TestPredictions { labels: Vec::new(), examples, groups, labels, probabilities };
            assert_eq!(understood(&nothing.to_bytes()).unwrap(), nothing);
            assert!(nothing.evaluation().is_err());
        }
    }

    #[test]
    fn a_damaged_file_says_what_is_wrong() {
        assert!(understood(b"nothing").is_err());
        let mut fewer = of_examples();
        fewer.examples.pop();
        assert_eq!(understood(&fewer.to_bytes()).unwrap_err(), "its parts are not about the same examples");
        let mut other = of_frames();
        other.labels = Labels::PerFrame(vec![vec![0, 1, 7], vec![1]]);
        assert_eq!(understood(&other.to_bytes()).unwrap_err(), "labels: class 7 of 2");
        let bytes = of_frames().to_bytes();
        for end in 0..bytes.len() {
            assert!(understood(&bytes[..end]).is_err(), "{end}");
        }
    }
}

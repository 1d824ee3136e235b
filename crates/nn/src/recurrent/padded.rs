//! A stack over a padded batch, as other toolkits have it, with every mistake found before the arithmetic.

use stapes_kernels::{Sequences, SequencesError};

use super::stack::{RecurrentStack, StatePass};
use crate::layer::{Layer, Mode, Pass};

/// A padded batch.
#[derive(Clone, Copy, Debug)]
pub struct Padded<'a> {
    /// [B, T, F]; what stands behind a sequence's end is not looked at.
    pub values: &'a [f32],
    /// B, T, F.
    pub shape: [usize; 3],
    /// How many frames of each sequence exist; all if not given.
    pub lengths: Option<&'a [usize]>,
}

/// What a stack makes of a padded batch.
#[derive(Clone, Debug, PartialEq)]
pub struct PaddedOutput {
    /// [B, T, D H], zero behind each sequence's end.
    pub output: Vec<f32>,
    /// The states of each sequence's last frame read, [L, D, S, B, H].
    pub state: Vec<f32>,
}

/// Why a stack cannot run over a batch.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PaddedError {
    /// There is no sequence, or one without a frame.
    #[error(transparent)]
    Lengths(#[from] SequencesError),
    /// There are more or fewer lengths than sequences.
    #[error("{lengths} lengths for {batch} sequences: give one a sequence")]
    LengthCount {
        /// How many lengths.
        lengths: usize,
        /// B.
        batch: usize,
    },
    /// A sequence is said to be longer than the batch.
    #[error("sequence {sequence} is {length} frames long, and the batch has {time}: give at most {time}")]
    TooLong {
        /// Which, from 0.
        sequence: usize,
        /// Its length.
        length: usize,
        /// T.
        time: usize,
    },
    /// The numbers are not those of the shape, or the frames not as wide as the stack reads.
    #[error("the {what} have {got} numbers, expected {expected}")]
    Size {
        /// Parameters, frames, values of a frame, or states.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A value that exists is NaN or infinite.
    #[error("sequence {sequence}, frame {frame}, value {feature} is {value}: mend or leave out the frame")]
    NotFinite {
        /// Which sequence, from 0.
        sequence: usize,
        /// Which of its frames, from 0.
        frame: usize,
        /// Which value of the frame, from 0.
        feature: usize,
        /// What stands there.
        value: f32,
    },
    /// A state is NaN or infinite.
    #[error(
        "number {index} of the initial states is {value}: start from zero or from a state that was reached"
    )]
    StateNotFinite {
        /// Which number.
        index: usize,
        /// What stands there.
        value: f32,
    },
}

impl RecurrentStack {
    /// Runs over a padded batch, for use and not for training.
    ///
    /// # Shapes
    /// x [B, T, F]; initial [L, D, S, B, H], zero if not given
    ///
    /// # Errors
    /// [`PaddedError`], before anything is computed, for whatever does not fit and for every value that is no
    /// number, with its place.
    ///
    /// # Example
    /// ```
    /// use stapes_nn::layer::Shape;
    /// use stapes_nn::parameters::Layout;
    /// use stapes_nn::recurrent::{CellKind, Padded, RecurrentConfig, RecurrentStack, Wiring};
    ///
    /// let mut layout = Layout::new();
    /// let config = RecurrentConfig::new(CellKind::RnnRelu, 1, 1, Wiring::Unidirectional);
    /// let mut stack = RecurrentStack::new(config, Shape::frames(1), "", &mut layout);
    /// let parameters = [1.0, 0.5, 0.0, 0.0]; // W, U, b, c
    /// let batch = Padded { values: &[1.0, 2.0, 3.0, f32::NAN], shape: [2, 2, 1], lengths: Some(&[2, 1]) };
    /// let run = stack.run_padded(&parameters, batch, None)?;
    /// assert_eq!(run.output, [1.0, 2.5, 3.0, 0.0]);
    /// assert_eq!(run.state, [2.5, 3.0]);
    /// # Ok::<(), stapes_nn::recurrent::PaddedError>(())
    /// ```
    pub fn run_padded(
        &mut self,
        parameters: &[f32],
        batch: Padded<'_>,
        initial: Option<&[f32]>,
    ) -> Result<PaddedOutput, PaddedError> {
        let [count, time, features] = batch.shape;
        let sequences = self.check(parameters, batch, initial)?;
        let each: Vec<&[f32]> = batch
            .values
            .chunks_exact(time * features)
            .zip(sequences.lengths())
            .map(|(sequence, &length)| &sequence[..length * features])
            .collect();
        let mut input = vec![0.0; sequences.frames() * features];
        sequences.pack(&each, features, &mut input);
        let width = self.config().width();
        let mut packed = vec![0.0; sequences.frames() * width];
        self.prepare(parameters);
        let buffers = StatePass { input: &input, initial, output: &mut packed };
        self.forward_with_state(buffers, Pass { sequences: &sequences, mode: Mode::Inference });
        let mut state = vec![0.0; self.state_len(count)];
        self.final_state(&mut state);
        // Sequences unpack to the length of the longest, which may be below T.
        let mut unpacked = vec![0.0; count * sequences.longest() * width];
        sequences.unpack(&packed, width, &mut unpacked);
        let mut output = vec![0.0; count * time * width];
        let rows = unpacked.chunks_exact(sequences.longest() * width);
        for (to, from) in output.chunks_exact_mut(time * width).zip(rows) {
            to[..from.len()].copy_from_slice(from);
        }
        Ok(PaddedOutput { output, state })
    }

    fn check(
        &self,
        parameters: &[f32],
        batch: Padded<'_>,
        initial: Option<&[f32]>,
    ) -> Result<Sequences, PaddedError> {
        let [count, time, features] = batch.shape;
        let all = vec![time; count];
        let lengths = batch.lengths.unwrap_or(&all);
        if lengths.len() != count {
            return Err(PaddedError::LengthCount { lengths: lengths.len(), batch: count });
        }
        if let Some(sequence) = lengths.iter().position(|&length| length > time) {
            return Err(PaddedError::TooLong { sequence, length: lengths[sequence], time });
        }
        let sequences = Sequences::new(lengths)?;
        let states = initial.map_or(0, |_| self.state_len(count));
        let sizes = [
            ("parameters", parameters.len(), self.parameters_end()),
            ("values of a frame", features, self.input_shape().features()),
            ("frames", batch.values.len(), count.saturating_mul(time).saturating_mul(features)),
            ("initial states", initial.map_or(0, <[f32]>::len), states),
        ];
        for (what, got, expected) in sizes {
            if got != expected {
                return Err(PaddedError::Size { what, got, expected });
            }
        }
        for (sequence, &length) in lengths.iter().enumerate() {
            let values = &batch.values[sequence * time * features..][..length * features];
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                let (frame, feature) = (at / features, at % features);
                return Err(PaddedError::NotFinite { sequence, frame, feature, value: values[at] });
            }
        }
        let state = initial.unwrap_or_default();
        match state.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(PaddedError::StateNotFinite { index, value: state[index] }),
            None => Ok(sequences),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::{CellKind, RecurrentConfig, Wiring};
    use super::*;
    use crate::layer::Shape;
    use crate::parameters::Layout;

    const SHAPE: [usize; 3] = [2, 3, 2];

    fn stack() -> (RecurrentStack, Vec<f32>) {
        let mut layout = Layout::new();
        let config = RecurrentConfig::new(CellKind::Lstm, 4, 2, Wiring::Stacked);
        let stack = RecurrentStack::new(config, Shape::frames(2), "", &mut layout);
        let parameters = (0..layout.len()).map(|index| (index as f32).sin() / 3.0).collect();
        (stack, parameters)
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_place() {
        let (mut stack, parameters) = stack();
        let good = [0.5; 12];
        let mut bad = good;
        bad[9] = f32::INFINITY;
        let lengths = |lengths| Padded { values: &good, shape: SHAPE, lengths: Some(lengths) };
        let whole = Padded { values: &good, shape: SHAPE, lengths: None };
        let refused: [(Padded<'_>, Option<&[f32]>, &str); 8] = [
            (lengths(&[3, 0]), None, "sequence 1 of the batch has no frames"),
            (lengths(&[4, 1]), None, "sequence 0 is 4 frames long, and the batch has 3"),
            (lengths(&[3]), None, "1 lengths for 2 sequences"),
            (Padded { values: &good[..11], ..whole }, None, "the frames have 11 numbers, expected 12"),
            (Padded { shape: [2, 2, 3], ..whole }, None, "the values of a frame have 3 numbers, expected 2"),
            (Padded { values: &bad, ..whole }, None, "sequence 1, frame 1, value 1 is inf"),
            (whole, Some(&[0.0; 63]), "the initial states have 63 numbers, expected 64"),
            (whole, Some(&[f32::NAN; 64]), "number 0 of the initial states is NaN"),
        ];
        for (batch, initial, message) in refused {
            let error = stack.run_padded(&parameters, batch, initial).unwrap_err().to_string();
            assert!(error.contains(message), "{error}, expected {message}");
        }
        let error = stack.run_padded(&parameters[1..], whole, None).unwrap_err();
        assert!(matches!(error, PaddedError::Size { what: "parameters", .. }), "{error}");
        // What does not exist is not looked at.
        assert!(stack.run_padded(&parameters, Padded { values: &bad, ..lengths(&[3, 1]) }, None).is_ok());
    }

    #[test]
    fn a_batch_that_ends_before_its_time_is_padded_with_zeros() {
        let (mut stack, parameters) = stack();
        let batch = Padded { values: &[0.5; 12], shape: SHAPE, lengths: Some(&[2, 1]) };
        let run = stack.run_padded(&parameters, batch, None).unwrap();
        assert_eq!(run.output.len(), 2 * 3 * 8);
        assert!(run.output[..16].iter().all(|&value| value != 0.0));
        assert!(run.output[16..24].iter().all(|&value| value == 0.0));
        assert!(run.output[24 + 8..].iter().all(|&value| value == 0.0));
    }
}

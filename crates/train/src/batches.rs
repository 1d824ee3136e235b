//! `Batches`: which examples, and which frames of them, make up the batch of each step. `shards/shard.rs` packs them.

use std::ops::Range;

use stapes_random::Rng;

use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::examples::Examples;

/// A crop of an example: all of its frames, or a segment of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// Index of the example.
    pub example: usize,
    /// First frame.
    pub start_frame: usize,
    /// Number of frames.
    pub frames: usize,
    /// Number of earlier passes over all examples. With the seed and the example it determines what is drawn at
    /// random for the example.
    pub repetition: u64,
}

impl Crop {
    /// Returns the frames of the crop within its example.
    pub(crate) fn range(&self) -> Range<usize> {
        self.start_frame..self.start_frame + self.frames
    }
}

/// The batches of a training.
///
/// The examples are repeated without end, each repetition in its own random order. Each epoch takes its number of
/// examples from this sequence, starting where the epoch before ended. The last batch of an epoch may be smaller.
#[derive(Clone)]
pub(crate) struct Batches<'a> {
    config: &'a TrainConfig,
    examples: Examples<'a>,
    seed: u64,
    /// Number of crops per epoch.
    epoch_len: usize,
    /// Repetition of `order`; `None` before the first.
    repetition: Option<u64>,
    order: Vec<usize>,
}

impl<'a> Batches<'a> {
    /// Checks the configuration and creates the batches.
    ///
    /// # Errors
    /// [`TrainError::Value`] and others of [`TrainConfig::check`]; [`TrainError::NoExamples`].
    pub(crate) fn new(
        config: &'a TrainConfig,
        examples: Examples<'a>,
        seed: u64,
    ) -> Result<Batches<'a>, TrainError> {
        config.check()?;
        let count = examples.len();
        if count == 0 {
            return Err(TrainError::NoExamples);
        }
        let max_frames = config.segment_frames.unwrap_or(usize::MAX);
        let frames = |index| examples.features(index).frames().min(max_frames);
        let total_frames: usize = (0..count).map(frames).sum();
        let epoch_len = config.frames_per_epoch.map_or(count, |frames| {
            let repetitions = frames as f64 / total_frames as f64;
            ((repetitions * count as f64).round() as usize).max(1)
        });
        Ok(Batches { config, examples, seed, epoch_len, repetition: None, order: Vec::new() })
    }

    /// Returns the number of steps per epoch.
    pub(crate) fn steps_per_epoch(&self) -> usize {
        self.epoch_len.div_ceil(self.config.batch_size)
    }

    /// Returns the number of steps of the whole training.
    pub(crate) fn steps(&self) -> usize {
        let steps = self.config.epochs.saturating_mul(self.steps_per_epoch());
        self.config.max_steps.map_or(steps, |max_steps| max_steps.min(steps))
    }

    /// Returns the crops of a step, from step 0. They depend on the seed, the step, the configuration and the lengths of
    /// the examples.
    pub(crate) fn batch(&mut self, step: usize) -> Vec<Crop> {
        let (epoch, step) = (step / self.steps_per_epoch(), step % self.steps_per_epoch());
        let start = step * self.config.batch_size;
        let end = (start + self.config.batch_size).min(self.epoch_len);
        (start..end).map(|index| self.crop(epoch * self.epoch_len + index)).collect()
    }

    /// Returns the crop with this index in the sequence of all repetitions.
    fn crop(&mut self, index: usize) -> Crop {
        let count = self.examples.len();
        let repetition = (index / count) as u64;
        if self.repetition != Some(repetition) {
            self.order = (0..count).collect();
            // Each repetition has its own stream, so its order does not depend on earlier draws.
            Rng::numbered(self.seed, "shuffle", [repetition, 0]).shuffle(&mut self.order);
            self.repetition = Some(repetition);
        }
        let example = self.order[index % count];
        let full = self.examples.full(example);
        match self.config.segment_frames {
            Some(frames) if frames < full.frames => {
                let mut rng = Rng::numbered(self.seed, "segment", [repetition, example as u64]);
                Crop { start_frame: rng.below(full.frames - frames + 1), frames, repetition, ..full }
            }
            _ => Crop { repetition, ..full },
        }
    }
}

#[cfg(test)]
mod tests {
    use stapes_features::Features;

    use super::*;
    use crate::examples::LabelsRef;

    /// Returns recordings with these numbers of frames.
    fn recordings(lengths: &[usize]) -> (Vec<Features>, Vec<usize>) {
        let features = lengths.iter().map(|&frames| Features::new(1, vec![0.0; frames])).collect();
        (features, vec![0; lengths.len()])
    }

    fn batches(lengths: &[usize], settings: &str, seed: u64) -> Vec<Vec<Crop>> {
        let config: TrainConfig = toml::from_str(&format!("batch_size = 4\n{settings}")).unwrap();
        let (features, classes) = recordings(lengths);
        let examples = Examples::new(&features, LabelsRef::PerExample(&classes)).unwrap();
        let mut batches = Batches::new(&config, examples, seed).unwrap();
        (0..batches.steps()).map(|step| batches.batch(step)).collect()
    }

    #[test]
    fn an_epoch_has_every_example_once_and_the_last_batch_the_rest() {
        let all = batches(&[5; 10], "epochs = 3", 1);
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2, 4, 4, 2, 4, 4, 2]);
        let orders: Vec<Vec<usize>> =
            all.chunks(3).map(|epoch| epoch.iter().flatten().map(|crop| crop.example).collect()).collect();
        for (epoch, order) in orders.iter().enumerate() {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..10).collect::<Vec<_>>());
            assert!(
                all[3 * epoch].iter().all(|crop| (crop.repetition, crop.range()) == (epoch as u64, 0..5))
            );
        }
        assert_ne!(orders[0], orders[1]);
        assert_ne!(batches(&[5; 10], "epochs = 1", 2)[0], all[0]);
        assert_eq!(batches(&[5; 10], "epochs = 3\nmax_steps = 5", 1), all[..5]);
    }

    #[test]
    fn segments_start_at_any_frame_and_short_recordings_are_not_cropped() {
        let lengths = [30, 8, 10, 11];
        let mut starts = vec![Vec::new(); 4];
        for crop in batches(&lengths, "epochs = 400\nsegment_frames = 10", 1).into_iter().flatten() {
            assert!(crop.range().end <= lengths[crop.example]);
            assert_eq!(crop.frames, lengths[crop.example].min(10));
            starts[crop.example].push(crop.start_frame);
        }
        // 400 draws from the 21 possible starts in the first recording: about 19 each.
        for start in 0..=20 {
            let times = starts[0].iter().filter(|&&other| other == start).count();
            assert!((5..40).contains(&times), "{start}: {times}");
        }
        assert!(starts[1].iter().chain(&starts[2]).all(|&start| start == 0));
        assert!(starts[3].contains(&0) && starts[3].contains(&1));
    }

    #[test]
    fn epochs_have_the_same_number_of_frames_for_any_segment_length() {
        // 40 recordings of 100 to 139 frames, 4,780 in total.
        let lengths: Vec<usize> = (100..140).collect();
        for (segment, expected_crops) in
            [("segment_frames = 10", 478usize), ("segment_frames = 30", 159), ("", 40)]
        {
            let settings = format!("epochs = 20\nframes_per_epoch = 4780\n{segment}");
            let batches = batches(&lengths, &settings, 1);
            let steps = expected_crops.div_ceil(4);
            assert_eq!(batches.len(), 20 * steps);
            let epoch_len: usize = batches[..steps].iter().map(Vec::len).sum();
            assert_eq!(epoch_len, expected_crops);
            let all = batches.iter().flatten();
            let frames: usize = all.clone().map(|crop| crop.frames).sum();
            assert!((frames as f64 / (20.0 * 4780.0) - 1.0).abs() < 0.005, "{segment}: {frames}");
            // The numbers of uses of any two recordings differ by at most one.
            let times = |example| all.clone().filter(|crop| crop.example == example).count();
            let times: Vec<usize> = (0..40).map(times).collect();
            assert!(times.iter().max().unwrap() - times.iter().min().unwrap() <= 1, "{times:?}");
            // The segments of one recording in one epoch come from different repetitions.
            let repetitions: Vec<u64> = batches[..steps]
                .iter()
                .flatten()
                .filter(|crop| crop.example == 7)
                .map(|crop| crop.repetition)
                .collect();
            assert!(repetitions.is_sorted_by(|a, b| a < b), "{repetitions:?}");
        }
        assert_eq!(batches(&[50, 60], "epochs = 1\nframes_per_epoch = 3", 1).len(), 1);
    }
}

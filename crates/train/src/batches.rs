//! What each step of a training sees: which examples, in which order, and which part of them.

use stapes_random::Stream;

use crate::config::TrainConfig;
use crate::examples::Examples;

/// A part of an example: all of its frames, or a segment of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Which example.
    pub example: usize,
    /// The first frame.
    pub first: usize,
    /// How many frames.
    pub frames: usize,
    /// Which time the examples are gone through; with the seed and the example it decides what is drawn for the
    /// example.
    pub pass: u64,
}

/// The batches of a training.
///
/// The examples are gone through again and again, each pass in an order of its own. An epoch takes its number of
/// examples from this sequence, where the one before stopped, and ends with a smaller batch if need be.
pub(crate) struct Batches<'a> {
    config: &'a TrainConfig,
    examples: Examples<'a>,
    seed: u64,
    /// Examples (or segments) of an epoch.
    an_epoch: usize,
    /// The order of the pass at hand.
    pass: Option<u64>,
    order: Vec<usize>,
}

impl<'a> Batches<'a> {
    /// For at least one example and a checked configuration.
    pub(crate) fn new(config: &'a TrainConfig, examples: Examples<'a>, seed: u64) -> Batches<'a> {
        let count = examples.len();
        let longest = config.segment_frames.unwrap_or(usize::MAX);
        let a_pass: usize = (0..count).map(|index| examples.features(index).frames().min(longest)).sum();
        let an_epoch = config.frames_per_epoch.map_or(count, |frames| {
            let passes = frames as f64 / a_pass as f64;
            ((passes * count as f64).round() as usize).max(1)
        });
        Batches { config, examples, seed, an_epoch, pass: None, order: Vec::new() }
    }

    /// Steps of an epoch: the last batch may be smaller.
    pub(crate) fn steps_an_epoch(&self) -> usize {
        self.an_epoch.div_ceil(self.config.batch)
    }

    /// Steps of the whole training.
    pub(crate) fn steps(&self) -> usize {
        let steps = self.config.epochs.saturating_mul(self.steps_an_epoch());
        self.config.max_steps.map_or(steps, |most| most.min(steps))
    }

    /// What a step sees, from step 0 on; it depends on the seed, the step, the configuration and the number of frames
    /// of the examples.
    pub(crate) fn batch(&mut self, step: usize) -> Vec<Cut> {
        let (epoch, within) = (step / self.steps_an_epoch(), step % self.steps_an_epoch());
        let from = within * self.config.batch;
        let to = (from + self.config.batch).min(self.an_epoch);
        (from..to).map(|at| self.cut(epoch * self.an_epoch + at)).collect()
    }

    /// Number `at` of the sequence of all passes.
    fn cut(&mut self, at: usize) -> Cut {
        let count = self.examples.len();
        let pass = (at / count) as u64;
        if self.pass != Some(pass) {
            self.order = (0..count).collect();
            // A stream of its own for each pass: the order does not depend on what was drawn before.
            Stream::numbered(self.seed, "shuffle", [pass, 0]).shuffle(&mut self.order);
            self.pass = Some(pass);
        }
        let example = self.order[at % count];
        let whole = self.examples.whole(example);
        match self.config.segment_frames {
            Some(frames) if frames < whole.frames => {
                let mut stream = Stream::numbered(self.seed, "segment", [pass, example as u64]);
                Cut { first: stream.below(whole.frames - frames + 1), frames, pass, ..whole }
            }
            _ => Cut { pass, ..whole },
        }
    }
}

#[cfg(test)]
mod tests {
    use stapes_features::Features;

    use super::*;
    use crate::examples::Labels;

    /// Recordings of these numbers of frames.
    fn recordings(lengths: &[usize]) -> (Vec<Features>, Vec<usize>) {
        let features = lengths.iter().map(|&frames| Features::new(1, vec![0.0; frames])).collect();
        (features, vec![0; lengths.len()])
    }

    fn cuts(lengths: &[usize], changes: &str, seed: u64) -> Vec<Vec<Cut>> {
        let config: TrainConfig = toml::from_str(&format!("batch = 4\n{changes}")).unwrap();
        config.check().unwrap();
        let (features, classes) = recordings(lengths);
        let examples = Examples::new(&features, Labels::Examples(&classes)).unwrap();
        let mut batches = Batches::new(&config, examples, seed);
        (0..batches.steps()).map(|step| batches.batch(step)).collect()
    }

    #[test]
    fn an_epoch_has_every_example_once_and_the_last_batch_the_rest() {
        let batches = cuts(&[5; 10], "epochs = 3", 1);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2, 4, 4, 2, 4, 4, 2]);
        let orders: Vec<Vec<usize>> =
            batches.chunks(3).map(|epoch| epoch.iter().flatten().map(|cut| cut.example).collect()).collect();
        for (pass, order) in orders.iter().enumerate() {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..10).collect::<Vec<_>>());
            assert!(
                batches[3 * pass].iter().all(|cut| (cut.pass, cut.first, cut.frames) == (pass as u64, 0, 5))
            );
        }
        assert_ne!(orders[0], orders[1]);
        assert_ne!(cuts(&[5; 10], "epochs = 1", 2)[0], batches[0]);
        assert_eq!(cuts(&[5; 10], "epochs = 3\nmax_steps = 5", 1), batches[..5]);
    }

    #[test]
    fn segments_lie_anywhere_in_their_recording_and_short_ones_are_kept_whole() {
        let lengths = [30, 8, 10, 11];
        let mut firsts = vec![Vec::new(); 4];
        for cut in cuts(&lengths, "epochs = 400\nsegment_frames = 10", 1).into_iter().flatten() {
            assert!(cut.first + cut.frames <= lengths[cut.example]);
            assert_eq!(cut.frames, lengths[cut.example].min(10));
            firsts[cut.example].push(cut.first);
        }
        // Each of the 21 places of the first recording, 400 draws: about 19 times.
        for first in 0..=20 {
            let times = firsts[0].iter().filter(|&&other| other == first).count();
            assert!((5..40).contains(&times), "{first}: {times}");
        }
        assert!(firsts[1].iter().chain(&firsts[2]).all(|&first| first == 0));
        assert!(firsts[3].contains(&0) && firsts[3].contains(&1));
    }

    #[test]
    fn epochs_of_the_same_frames_hear_as_much_whatever_the_segments() {
        // 40 recordings of 100 to 139 frames, 4,780 in all.
        let lengths: Vec<usize> = (100..140).collect();
        for (segment, cuts_expected) in
            [("segment_frames = 10", 478usize), ("segment_frames = 30", 159), ("", 40)]
        {
            let changes = format!("epochs = 20\nframes_per_epoch = 4780\n{segment}");
            let batches = cuts(&lengths, &changes, 1);
            let steps = cuts_expected.div_ceil(4);
            assert_eq!(batches.len(), 20 * steps);
            let an_epoch: usize = batches[..steps].iter().map(Vec::len).sum();
            assert_eq!(an_epoch, cuts_expected);
            let all = batches.iter().flatten();
            let frames: usize = all.clone().map(|cut| cut.frames).sum();
            assert!((frames as f64 / (20.0 * 4780.0) - 1.0).abs() < 0.005, "{segment}: {frames}");
            // No recording is heard more than once more than another.
            let times = |example| all.clone().filter(|cut| cut.example == example).count();
            let times: Vec<usize> = (0..40).map(times).collect();
            assert!(times.iter().max().unwrap() - times.iter().min().unwrap() <= 1, "{times:?}");
            // A recording's segments of one epoch are different draws.
            let passes: Vec<u64> = batches[..steps]
                .iter()
                .flatten()
                .filter(|cut| cut.example == 7)
                .map(|cut| cut.pass)
                .collect();
            assert!(passes.is_sorted_by(|a, b| a < b), "{passes:?}");
        }
        assert_eq!(cuts(&[50, 60], "epochs = 1\nframes_per_epoch = 3", 1).len(), 1);
    }
}

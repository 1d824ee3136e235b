//! Meaning of a model's scores: training loss and decisions.

use stapes_kernels::Sequences;

use crate::loss::{
    argmax, binary_cross_entropy, cross_entropy, sigmoid, soft_binary_cross_entropy, soft_cross_entropy,
    softmax,
};

/// Meaning of a network's scores: training loss and decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Objective {
    /// \[K\] logits of a softmax per sequence; cross-entropy, mean over sequences.
    Classes,
    /// [T, K] logits of a softmax per frame. The loss is the mean of the frames' cross-entropies for the
    /// class of the sequence; the decision is the majority vote of the frames.
    Vote,
    /// [T, K] logits of a softmax per frame; cross-entropy, mean over frames.
    FrameClasses,
    /// [T, 1] logit of class 1 against class 0 per frame; binary cross-entropy, mean over frames.
    FrameBinary,
}

/// Classes that the scores are compared with.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// One class per sequence, in the caller's order.
    Sequences(&'a [usize]),
    /// One class per frame, packed.
    Frames(&'a [usize]),
}

/// Label smoothing, class weights and mixup of a training loss.
#[derive(Clone, Copy, Debug, Default)]
pub struct LossOptions<'a> {
    /// Label smoothing: weight of the uniform distribution over the classes in the target.
    pub smoothing: f32,
    /// Weight of each class; 1 if not given.
    pub class_weights: Option<&'a [f32]>,
    /// Mixup: for each decision the mixed-in class and its weight in the target.
    pub mixup: Option<&'a [(usize, f32)]>,
}

impl LossOptions<'_> {
    /// True if the loss is the plain cross-entropy.
    fn is_plain(&self) -> bool {
        self.smoothing == 0.0 && self.class_weights.is_none() && self.mixup.is_none()
    }

    /// Weight of a decision in the loss: the class weight, averaged over both classes if the example is
    /// mixed.
    pub fn weight(&self, class: usize, mixed: Option<(usize, f32)>) -> f64 {
        let of = |class: usize| self.class_weights.map_or(1.0, |weights| f64::from(weights[class]));
        match mixed {
            None => of(class),
            Some((other, weight)) => (1.0 - f64::from(weight)) * of(class) + f64::from(weight) * of(other),
        }
    }

    /// Writes w_k q_k for each class k: q is the target distribution, w the class weights.
    fn soft_target(&self, class: usize, mixed: Option<(usize, f32)>, coefficients: &mut [f32]) {
        let sharp = 1.0 - self.smoothing;
        coefficients.fill(self.smoothing / coefficients.len() as f32);
        let (other, weight) = mixed.unwrap_or((class, 0.0));
        coefficients[class] += sharp * (1.0 - weight);
        coefficients[other] += sharp * weight;
        if let Some(weights) = self.class_weights {
            coefficients.iter_mut().zip(weights).for_each(|(coefficient, weight)| *coefficient *= weight);
        }
    }
}

impl Objective {
    /// True if the model decides for every frame instead of every sequence.
    pub fn is_frame_level(self) -> bool {
        matches!(self, Objective::FrameClasses | Objective::FrameBinary)
    }

    /// Number of decisions in a batch; the loss is a mean over them.
    pub fn decision_count(self, sequences: &Sequences) -> usize {
        if self.is_frame_level() { sequences.frames() } else { sequences.batch() }
    }

    /// Returns the loss of a batch or a shard: the sum over its decisions, divided by `total`, the number of
    /// decisions of the whole batch. The scores are overwritten by the gradient of the loss with respect to
    /// them.
    ///
    /// # Panics
    /// If kind or number of the targets does not match the batch.
    pub fn loss(self, scores: &mut [f32], targets: Targets<'_>, sequences: &Sequences, total: usize) -> f64 {
        let targets = self.check_targets(targets, sequences);
        let weight = 1.0 / total as f64;
        let rows = scores.chunks_exact_mut(scores.len() / self.rows(sequences));
        match self {
            Objective::Classes | Objective::FrameClasses => {
                rows.zip(targets).map(|(row, &class)| cross_entropy(row, class, weight)).sum()
            }
            Objective::FrameBinary => {
                let loss = |(row, &class): (&mut [f32], &usize)| {
                    binary_cross_entropy(&mut row[0], class == 1, weight)
                };
                rows.zip(targets).map(loss).sum()
            }
            Objective::Vote => {
                let loss = |(row, index): (&mut [f32], usize)| {
                    cross_entropy(row, targets[index], weight / sequences.lengths()[index] as f64)
                };
                rows.zip(frame_sequences(sequences)).map(loss).sum()
            }
        }
    }

    /// Returns the loss of a batch or a shard with label smoothing, class weights or mixup: the sum over its
    /// decisions of -sum_k w_k q_k ln p_k, with q the target distribution and w the class weights, divided by
    /// `total`, the sum of [`LossOptions::weight`] over the whole batch. The scores are overwritten by the
    /// gradient of the loss with respect to them.
    ///
    /// # Panics
    /// As [`Objective::loss`].
    pub fn loss_with(
        self,
        scores: &mut [f32],
        targets: Targets<'_>,
        options: LossOptions<'_>,
        sequences: &Sequences,
        total: f64,
    ) -> f64 {
        if options.is_plain() {
            return self.loss(scores, targets, sequences, total as usize);
        }
        let targets = self.check_targets(targets, sequences);
        let mixed = |at: usize| options.mixup.map(|mixup| mixup[at]);
        let width = scores.len() / self.rows(sequences);
        // A binary objective has one score for two classes.
        let mut coefficients = vec![0.0; width.max(2)];
        let mut loss = |row: &mut [f32], at: usize, weight: f64| {
            options.soft_target(targets[at], mixed(at), &mut coefficients);
            match self {
                Objective::FrameBinary => soft_binary_cross_entropy(&mut row[0], &coefficients, weight),
                _ => soft_cross_entropy(row, &coefficients, weight),
            }
        };
        let rows = scores.chunks_exact_mut(width);
        match self {
            Objective::Vote => {
                let weight = |index: usize| 1.0 / total / sequences.lengths()[index] as f64;
                let rows = rows.zip(frame_sequences(sequences));
                rows.map(|(row, index)| loss(row, index, weight(index))).sum()
            }
            _ => rows.enumerate().map(|(at, row)| loss(row, at, 1.0 / total)).sum(),
        }
    }

    /// Returns the class probabilities: [B, K] in the caller's order, or packed [N, K] of a frame-level
    /// objective. The probability of a class in a vote is its fraction of the frames.
    pub fn probabilities(self, scores: &[f32], sequences: &Sequences) -> Vec<f32> {
        let mut probabilities = Vec::new();
        self.probabilities_into(scores, sequences, &mut probabilities);
        probabilities
    }

    /// Writes the class probabilities of [`Objective::probabilities`] in place of the content of a vector.
    pub fn probabilities_into(self, scores: &[f32], sequences: &Sequences, probabilities: &mut Vec<f32>) {
        let width = scores.len() / self.rows(sequences);
        probabilities.clear();
        match self {
            Objective::Classes | Objective::FrameClasses => {
                probabilities.extend_from_slice(scores);
                probabilities.chunks_exact_mut(width).for_each(softmax);
            }
            Objective::FrameBinary => {
                probabilities.extend(scores.iter().flat_map(|&score| [sigmoid(-score), sigmoid(score)]));
            }
            Objective::Vote => {
                probabilities.resize(sequences.batch() * width, 0.0);
                for (row, index) in scores.chunks_exact(width).zip(frame_sequences(sequences)) {
                    probabilities[index * width + argmax(row)] += 1.0;
                }
                for (votes, &length) in probabilities.chunks_exact_mut(width).zip(sequences.lengths()) {
                    votes.iter_mut().for_each(|votes| *votes /= length as f32);
                }
            }
        }
    }

    /// Number of correct decisions.
    ///
    /// # Panics
    /// As [`Objective::loss`].
    pub fn correct(self, scores: &[f32], targets: Targets<'_>, sequences: &Sequences) -> usize {
        let targets = self.check_targets(targets, sequences);
        let probabilities = self.probabilities(scores, sequences);
        let rows = probabilities.chunks_exact(probabilities.len() / targets.len());
        rows.zip(targets).filter(|(row, class)| argmax(row) == **class).count()
    }

    /// Number of rows of scores in a batch.
    fn rows(self, sequences: &Sequences) -> usize {
        match self {
            Objective::Classes => sequences.batch(),
            _ => sequences.frames(),
        }
    }

    fn check_targets<'a>(self, targets: Targets<'a>, sequences: &Sequences) -> &'a [usize] {
        let targets = match targets {
            Targets::Frames(targets) if self.is_frame_level() => targets,
            Targets::Sequences(targets) if !self.is_frame_level() => targets,
            other => panic!("{self:?} with {other:?}"),
        };
        assert_eq!(targets.len(), self.decision_count(sequences), "targets");
        targets
    }
}

/// Returns the sequence of each packed frame.
fn frame_sequences(sequences: &Sequences) -> impl Iterator<Item = usize> {
    (0..sequences.max_length()).flat_map(|t| sequences.order()[..sequences.rows(t)].iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of two sequences of lengths 1 and 3; the longer one is first in packed order.
    const SCORES: [f32; 8] = [2.0, 0.0, 0.0, 1.0, 0.0, 3.0, 0.0, 0.5];

    fn sequences() -> Sequences {
        Sequences::new(&[1, 3]).unwrap()
    }

    #[test]
    fn majority_wins_a_vote_and_the_lower_class_wins_a_tie() {
        let fractions = Objective::Vote.probabilities(&SCORES, &sequences());
        // Packed: frame 0 of sequence 1, frame 0 of sequence 0, frames 1 and 2 of sequence 1.
        assert_eq!(fractions[..2], [0.0, 1.0]);
        let expected = [1.0 / 3.0, 2.0 / 3.0];
        assert!(fractions[2..].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{fractions:?}");
        assert_eq!(Objective::Vote.correct(&SCORES, Targets::Sequences(&[1, 0]), &sequences()), 1);
        let tie = Sequences::new(&[2]).unwrap();
        assert_eq!(Objective::Vote.correct(&SCORES[..4], Targets::Sequences(&[0]), &tie), 1);
    }

    fn check_gradient(name: &str, scores: &[f32], loss: impl Fn(&mut [f32]) -> f64) {
        let mut gradient = scores.to_vec();
        loss(&mut gradient);
        for (at, &gradient) in gradient.iter().enumerate() {
            let moved = |step: f32| {
                let mut moved = scores.to_vec();
                moved[at] += step;
                loss(&mut moved)
            };
            let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!((slope - f64::from(gradient)).abs() < 1e-5, "{name} {at}: {slope}, {gradient}");
        }
    }

    #[test]
    fn loss_with_options_matches_finite_differences() {
        let (frames, weights) = ([0, 1, 1, 0], [0.5, 2.0]);
        let mixup = [(1, 0.25), (0, 0.0), (0, 0.5), (1, 0.125)];
        let cases = [
            (Objective::Classes, &SCORES[..4], Targets::Sequences(&[1, 0])),
            (Objective::Vote, &SCORES[..], Targets::Sequences(&[1, 0])),
            (Objective::FrameClasses, &SCORES[..], Targets::Frames(&frames)),
            (Objective::FrameBinary, &SCORES[..4], Targets::Frames(&frames)),
        ];
        for (objective, scores, targets) in cases {
            for options in [
                LossOptions { smoothing: 0.2, ..LossOptions::default() },
                LossOptions { class_weights: Some(&weights), ..LossOptions::default() },
                LossOptions { smoothing: 0.1, class_weights: Some(&weights), mixup: Some(&mixup) },
            ] {
                let name = format!("{objective:?} {options:?}");
                check_gradient(&name, scores, |scores| {
                    objective.loss_with(scores, targets, options, &sequences(), 7.0)
                });
            }
        }
    }

    #[test]
    fn loss_with_options_matches_pytorch() {
        // torch.nn.functional.cross_entropy of these scores and targets, in f64:
        // label_smoothing=0.1; then also weight=[0.5, 2, 1]; then targets of 3/4 and 1/4 for two classes.
        let scores = [2.0, 0.0, -1.0, 0.5, 1.5, 0.25];
        let sequences = Sequences::new(&[1, 1]).unwrap();
        let loss = |options: LossOptions<'_>, total: f64| {
            let targets = Targets::Sequences(&[0, 2]);
            Objective::Classes.loss_with(&mut scores.clone(), targets, options, &sequences, total)
        };
        let weights = [0.5, 2.0, 1.0];
        let smooth = LossOptions { smoothing: 0.1, ..LossOptions::default() };
        let weighted = LossOptions { class_weights: Some(&weights), ..smooth };
        let mixed = LossOptions { mixup: Some(&[(1, 0.25), (0, 0.25)]), ..LossOptions::default() };
        for (options, total, expected) in
            [(smooth, 2.0, 1.0199707821), (weighted, 1.5, 1.3498214024), (mixed, 2.0, 1.1803874487)]
        {
            let got = loss(options, total);
            assert!((got - expected).abs() < 1e-6, "{options:?}: {got}, expected {expected}");
        }
        assert_eq!(weighted.weight(0, None) + weighted.weight(2, None), 1.5);
        assert_eq!(weighted.weight(0, Some((1, 0.25))), 0.875);
    }

    #[test]
    fn every_objective_matches_finite_differences() {
        let frames = [0, 1, 1, 0];
        let cases = [
            (Objective::Classes, &SCORES[..4], Targets::Sequences(&[1, 0])),
            (Objective::Vote, &SCORES[..], Targets::Sequences(&[1, 0])),
            (Objective::FrameClasses, &SCORES[..], Targets::Frames(&frames)),
            (Objective::FrameBinary, &SCORES[..4], Targets::Frames(&frames)),
        ];
        for (objective, scores, targets) in cases {
            check_gradient(&format!("{objective:?}"), scores, |scores| {
                objective.loss(scores, targets, &sequences(), 7)
            });
        }
    }
}

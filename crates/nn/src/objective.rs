//! What a model's scores mean: what they are trained on, and what is decided from them.

use stapes_kernels::Sequences;

use crate::loss::{
    best_class, binary_cross_entropy, cross_entropy, sigmoid, softmax, spread_binary_cross_entropy,
    spread_cross_entropy,
};

/// What a network's scores mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Objective {
    /// \[K\] logits of a softmax for each sequence; cross-entropy, the mean over sequences.
    Classes,
    /// [T, K] logits of a softmax for each frame. Training takes the mean of the frames' log-probabilities of
    /// the sequence's class; the decision is by majority of the frames' decisions.
    Vote,
    /// [T, K] logits of a softmax for each frame; cross-entropy, the mean over frames.
    FrameClasses,
    /// [T, 1] the logit of class 1 against class 0 for each frame; cross-entropy, the mean over frames.
    FrameBinary,
}

/// The truth.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// A class for each sequence, in the caller's order.
    Sequences(&'a [usize]),
    /// A class for each frame, packed.
    Frames(&'a [usize]),
}

/// How the truth is bent for training.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bend<'a> {
    /// Label smoothing: the truth is this much of all classes alike, and the rest the class.
    pub smoothing: f32,
    /// A weight for each class; without, all are 1.
    pub class_weights: Option<&'a [f32]>,
    /// For each decision another class and its share of the truth, where examples are mixed.
    pub others: Option<&'a [(usize, f32)]>,
}

impl Bend<'_> {
    /// Whether the truth stays one class a decision, each of the same weight.
    fn is_straight(&self) -> bool {
        self.smoothing == 0.0 && self.class_weights.is_none() && self.others.is_none()
    }

    /// What a decision counts: the weight of its class, or of its classes by their shares.
    pub fn weight(&self, class: usize, other: Option<(usize, f32)>) -> f64 {
        let of = |class: usize| self.class_weights.map_or(1.0, |weights| f64::from(weights[class]));
        match other {
            None => of(class),
            Some((other, share)) => (1.0 - f64::from(share)) * of(class) + f64::from(share) * of(other),
        }
    }

    /// w_k q_k of a decision for each class k: q is the truth, w the weights.
    fn spread(&self, class: usize, other: Option<(usize, f32)>, coefficients: &mut [f32]) {
        let sharp = 1.0 - self.smoothing;
        coefficients.fill(self.smoothing / coefficients.len() as f32);
        let (other, share) = other.unwrap_or((class, 0.0));
        coefficients[class] += sharp * (1.0 - share);
        coefficients[other] += sharp * share;
        if let Some(weights) = self.class_weights {
            coefficients.iter_mut().zip(weights).for_each(|(coefficient, weight)| *coefficient *= weight);
        }
    }
}

impl Objective {
    /// Whether a decision is made for every frame, and not for every sequence.
    pub fn decides_frames(self) -> bool {
        matches!(self, Objective::FrameClasses | Objective::FrameBinary)
    }

    /// How many decisions a batch asks for; the loss is a mean over them.
    pub fn decisions(self, sequences: &Sequences) -> usize {
        if self.decides_frames() { sequences.frames() } else { sequences.batch() }
    }

    /// The loss of a batch, as its share of a mean over `whole` decisions; the scores are overwritten by the
    /// gradient of the loss by them.
    ///
    /// # Panics
    /// If the targets are of the other kind, or not as many as the batch asks for.
    pub fn loss(self, scores: &mut [f32], targets: Targets<'_>, sequences: &Sequences, whole: usize) -> f64 {
        let targets = self.checked(targets, sequences);
        let weight = 1.0 / whole as f64;
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
                rows.zip(indices(sequences)).map(loss).sum()
            }
        }
    }

    /// The loss of a training batch with a truth that is bent: the sum over its decisions of -sum_k w_k q_k ln p_k, with
    /// q the bent truth and w the weights of the classes, divided by `whole`: what all decisions of the batch count
    /// ([`Bend::weight`]). The scores are overwritten by the gradient of the loss by them.
    ///
    /// # Panics
    /// As [`Objective::loss`].
    pub fn bent_loss(
        self,
        scores: &mut [f32],
        targets: Targets<'_>,
        bend: Bend<'_>,
        sequences: &Sequences,
        whole: f64,
    ) -> f64 {
        if bend.is_straight() {
            return self.loss(scores, targets, sequences, whole as usize);
        }
        let targets = self.checked(targets, sequences);
        let other = |at: usize| bend.others.map(|others| others[at]);
        let width = scores.len() / self.rows(sequences);
        // Of one score the second class is the one that it speaks for.
        let mut coefficients = vec![0.0; width.max(2)];
        let mut loss = |row: &mut [f32], at: usize, weight: f64| {
            bend.spread(targets[at], other(at), &mut coefficients);
            match self {
                Objective::FrameBinary => spread_binary_cross_entropy(&mut row[0], &coefficients, weight),
                _ => spread_cross_entropy(row, &coefficients, weight),
            }
        };
        let rows = scores.chunks_exact_mut(width);
        match self {
            Objective::Vote => {
                let share = |index: usize| 1.0 / whole / sequences.lengths()[index] as f64;
                rows.zip(indices(sequences)).map(|(row, index)| loss(row, index, share(index))).sum()
            }
            _ => rows.enumerate().map(|(at, row)| loss(row, at, 1.0 / whole)).sum(),
        }
    }

    /// The probabilities of the classes: [B, K] in the caller's order, or packed [N, K] where every frame is
    /// decided. Of a vote it is the share of frames.
    pub fn probabilities(self, scores: &[f32], sequences: &Sequences) -> Vec<f32> {
        let width = scores.len() / self.rows(sequences);
        match self {
            Objective::Classes | Objective::FrameClasses => {
                let mut probabilities = scores.to_vec();
                probabilities.chunks_exact_mut(width).for_each(softmax);
                probabilities
            }
            Objective::FrameBinary => {
                scores.iter().flat_map(|&score| [sigmoid(-score), sigmoid(score)]).collect()
            }
            Objective::Vote => {
                let mut shares = vec![0.0; sequences.batch() * width];
                for (row, index) in scores.chunks_exact(width).zip(indices(sequences)) {
                    shares[index * width + best_class(row)] += 1.0;
                }
                for (shares, &length) in shares.chunks_exact_mut(width).zip(sequences.lengths()) {
                    shares.iter_mut().for_each(|votes| *votes /= length as f32);
                }
                shares
            }
        }
    }

    /// How many decisions are right.
    ///
    /// # Panics
    /// As [`Objective::loss`].
    pub fn right(self, scores: &[f32], targets: Targets<'_>, sequences: &Sequences) -> usize {
        let targets = self.checked(targets, sequences);
        let probabilities = self.probabilities(scores, sequences);
        let rows = probabilities.chunks_exact(probabilities.len() / targets.len());
        rows.zip(targets).filter(|(row, class)| best_class(row) == **class).count()
    }

    /// How many rows of scores a batch has.
    fn rows(self, sequences: &Sequences) -> usize {
        match self {
            Objective::Classes => sequences.batch(),
            _ => sequences.frames(),
        }
    }

    fn checked<'a>(self, targets: Targets<'a>, sequences: &Sequences) -> &'a [usize] {
        let targets = match targets {
            Targets::Frames(targets) if self.decides_frames() => targets,
            Targets::Sequences(targets) if !self.decides_frames() => targets,
            other => panic!("{self:?} and {other:?}"),
        };
        assert_eq!(targets.len(), self.decisions(sequences), "targets");
        targets
    }
}

/// The sequence that each packed frame belongs to.
fn indices(sequences: &Sequences) -> impl Iterator<Item = usize> {
    (0..sequences.longest()).flat_map(|t| sequences.order()[..sequences.rows(t)].iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of two sequences, lengths 1 and 3; the longer comes first in packed order.
    const SCORES: [f32; 8] = [2.0, 0.0, 0.0, 1.0, 0.0, 3.0, 0.0, 0.5];

    fn sequences() -> Sequences {
        Sequences::new(&[1, 3]).unwrap()
    }

    #[test]
    fn a_vote_is_won_by_the_majority_and_a_tie_by_the_lower_class() {
        let shares = Objective::Vote.probabilities(&SCORES, &sequences());
        // Packed: frame 0 of sequence 1, frame 0 of sequence 0, frames 1 and 2 of sequence 1.
        assert_eq!(shares[..2], [0.0, 1.0]);
        assert!((shares[2] - 1.0 / 3.0).abs() < 1e-6 && (shares[3] - 2.0 / 3.0).abs() < 1e-6, "{shares:?}");
        assert_eq!(Objective::Vote.right(&SCORES, Targets::Sequences(&[1, 0]), &sequences()), 1);
        let tie = Sequences::new(&[2]).unwrap();
        assert_eq!(Objective::Vote.right(&SCORES[..4], Targets::Sequences(&[0]), &tie), 1);
    }

    /// A loss overwrites the scores by its gradient.
    fn has_the_gradient_of_finite_differences(name: &str, scores: &[f32], loss: impl Fn(&mut [f32]) -> f64) {
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
    fn a_bent_truth_has_the_gradient_that_finite_differences_find() {
        let (frames, weights) = ([0, 1, 1, 0], [0.5, 2.0]);
        let others = [(1, 0.25), (0, 0.0), (0, 0.5), (1, 0.125)];
        let cases = [
            (Objective::Classes, &SCORES[..4], Targets::Sequences(&[1, 0])),
            (Objective::Vote, &SCORES[..], Targets::Sequences(&[1, 0])),
            (Objective::FrameClasses, &SCORES[..], Targets::Frames(&frames)),
            (Objective::FrameBinary, &SCORES[..4], Targets::Frames(&frames)),
        ];
        for (objective, scores, targets) in cases {
            for bend in [
                Bend { smoothing: 0.2, ..Bend::default() },
                Bend { class_weights: Some(&weights), ..Bend::default() },
                Bend { smoothing: 0.1, class_weights: Some(&weights), others: Some(&others) },
            ] {
                let name = format!("{objective:?} {bend:?}");
                has_the_gradient_of_finite_differences(&name, scores, |scores| {
                    objective.bent_loss(scores, targets, bend, &sequences(), 7.0)
                });
            }
        }
    }

    #[test]
    fn the_bent_loss_is_that_of_pytorch() {
        // torch.nn.functional.cross_entropy of these scores and targets, in f64:
        // label_smoothing=0.1, then weight=[0.5, 2, 1] too, and a truth of 3/4 and 1/4 of two classes.
        let scores = [2.0, 0.0, -1.0, 0.5, 1.5, 0.25];
        let sequences = Sequences::new(&[1, 1]).unwrap();
        let loss = |bend: Bend<'_>, whole: f64| {
            let targets = Targets::Sequences(&[0, 2]);
            Objective::Classes.bent_loss(&mut scores.clone(), targets, bend, &sequences, whole)
        };
        let weights = [0.5, 2.0, 1.0];
        let smooth = Bend { smoothing: 0.1, ..Bend::default() };
        let weighted = Bend { class_weights: Some(&weights), ..smooth };
        let mixed = Bend { others: Some(&[(1, 0.25), (0, 0.25)]), ..Bend::default() };
        for (bend, whole, expected) in
            [(smooth, 2.0, 1.0199707821), (weighted, 1.5, 1.3498214024), (mixed, 2.0, 1.1803874487)]
        {
            let got = loss(bend, whole);
            assert!((got - expected).abs() < 1e-6, "{bend:?}: {got}, expected {expected}");
        }
        assert_eq!(weighted.weight(0, None) + weighted.weight(2, None), 1.5);
        assert_eq!(weighted.weight(0, Some((1, 0.25))), 0.875);
    }

    #[test]
    fn every_objective_has_the_gradient_that_finite_differences_find() {
        let frames = [0, 1, 1, 0];
        let cases = [
            (Objective::Classes, &SCORES[..4], Targets::Sequences(&[1, 0])),
            (Objective::Vote, &SCORES[..], Targets::Sequences(&[1, 0])),
            (Objective::FrameClasses, &SCORES[..], Targets::Frames(&frames)),
            (Objective::FrameBinary, &SCORES[..4], Targets::Frames(&frames)),
        ];
        for (objective, scores, targets) in cases {
            has_the_gradient_of_finite_differences(&format!("{objective:?}"), scores, |scores| {
                objective.loss(scores, targets, &sequences(), 7)
            });
        }
    }
}

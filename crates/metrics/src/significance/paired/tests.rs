//! Comparisons against a bootstrap of numpy, and of sides that are known to be equal.

use super::*;
use stapes_random::Rng;

/// Runs whose chance to be right is that of the example and of the run together.
fn drawn(stream: &mut Rng, runs: usize, hardness: &[f64], seeds: f64) -> Vec<Vec<bool>> {
    let run = |stream: &mut Rng| {
        let offset = seeds * stream.normal();
        hardness.iter().map(|hard| f64::from(stream.uniform()) < hard + offset).collect()
    };
    (0..runs).map(|_| run(stream)).collect()
}

fn hardness(stream: &mut Rng, examples: usize) -> Vec<f64> {
    (0..examples).map(|_| 0.6 + 0.35 * f64::from(stream.uniform())).collect()
}

/// As 40 of 100 and so on: right where a pattern of a prime length says so.
fn pattern(examples: usize, length: usize, wrong: usize) -> Vec<bool> {
    (0..examples).map(|example| example % length >= wrong).collect()
}

#[test]
fn intervals_and_p_match_a_bootstrap_of_numpy() {
    // numpy 2.4.6, 100,000 resamples:
    //   first = np.array([[e % l >= w for e in range(300)] for l, w in [(7, 1), (11, 2), (13, 2)]])
    //   second = np.array([[e % l >= w for e in range(300)] for l, w in [(5, 1), (7, 2), (9, 2), (17, 4)]])
    //   for r in range(100000):
    //       at = g.integers(300, size=300)
    //       d[r] = (first[g.integers(3, size=2)][:, at].mean() - second[g.integers(4, size=3)][:, at].mean())
    //   np.quantile(d, [0.025, 0.975]), 2 * min((d <= 0).mean(), (d >= 0).mean())
    let first: Vec<_> = [(7, 1), (11, 2), (13, 2)].map(|(l, w)| pattern(300, l, w)).to_vec();
    let second: Vec<_> = [(5, 1), (7, 2), (9, 2), (17, 4)].map(|(l, w)| pattern(300, l, w)).to_vec();
    let found = compare_accuracy(&first, &second, 1).unwrap();
    assert!(
        (found.first - 0.8377777777777777).abs() < 1e-12 && (found.second - 0.7616666666666667).abs() < 1e-12,
        "{found:?}"
    );
    let Estimate { value, interval } = found.difference;
    assert!((value - 0.0761111111111110).abs() < 1e-12);
    assert!(
        (interval.low - 0.01111111).abs() < 0.003 && (interval.high - 0.13777778).abs() < 0.003,
        "{found:?}"
    );
    assert!((found.p - 0.02322).abs() < 0.006, "{found:?}");
}

#[test]
fn equal_sides_are_not_told_apart_and_examples_are_paired() {
    let run = pattern(200, 7, 2);
    let same = compare_accuracy(std::slice::from_ref(&run), &[run.clone(), run.clone()], 1).unwrap();
    assert_eq!((same.difference.interval, same.p), (Interval { low: 0.0, high: 0.0 }, 1.0));
    // Better on 6 of 200 examples and never worse: that is sure, though each accuracy's interval is ten times as
    // wide.
    let mut better = run.clone();
    better.iter_mut().filter(|right| !**right).take(6).for_each(|right| *right = true);
    let found = compare_accuracy(&[better.clone()], std::slice::from_ref(&run), 1).unwrap();
    assert!((found.difference.value - 0.03).abs() < 1e-12);
    assert!(found.difference.interval.low > 0.0 && found.p < 0.01, "{found:?}");
    let turned = compare_accuracy(&[run], &[better], 1).unwrap();
    assert_eq!((turned.difference.value, turned.p), (-found.difference.value, found.p));
    assert_eq!(turned.difference.interval.low, -found.difference.interval.high);
}

#[test]
fn equal_configurations_of_five_runs_are_rarely_told_apart() {
    // Of pairs of configurations of the same quality at most about one in twenty may be called different; of 150
    // pairs that is 7.5 with a deviation of 2.7. Where seeds scatter far more than examples five say too much.
    let mut stream = Rng::new(1, "null");
    for (seeds, upto) in [(0.0, 0.06), (0.02, 0.08), (0.08, 0.13)] {
        let (mut called, pairs) = (0, 150);
        for _ in 0..pairs {
            let hard = hardness(&mut stream, 150);
            let first = drawn(&mut stream, 5, &hard, seeds);
            let second = drawn(&mut stream, 5, &hard, seeds);
            let right: Vec<&Vec<bool>> = first.iter().chain(&second).collect();
            let accuracy = |run: usize, times: &[u64]| {
                let sum: u64 = right[run].iter().zip(times).filter(|(r, _)| **r).map(|(_, t)| t).sum();
                Some(sum as f64 / 150.0)
            };
            let sides = Sides { first: 5, second: 5, units: 150 };
            called += usize::from(sides.compare(300, accuracy).unwrap().p <= 0.05);
        }
        let share = f64::from(called as u32) / f64::from(pairs);
        println!("seeds {seeds}: {share}");
        assert!(share <= upto, "seeds {seeds}: {share}");
    }
}

#[test]
fn a_difference_of_seeds_alone_needs_many_seeds() {
    // One run a side, 5 % apart on 2,000 examples, is sure of these runs; with seeds that scatter as far it is not.
    let runs = |wrong: [usize; 4]| wrong.map(|wrong| pattern(2000, 100, wrong)).to_vec();
    let one = compare_accuracy(&runs([10; 4])[..1], &runs([15; 4])[..1], 1).unwrap();
    assert!(one.p < 0.001, "{one:?}");
    let several = compare_accuracy(&runs([2, 8, 12, 18]), &runs([7, 13, 17, 23]), 1).unwrap();
    assert!((several.difference.value - 0.05).abs() < 1e-12 && several.p > 0.1, "{several:?}");
}

#[test]
fn what_is_clear_stands_out_among_any_number() {
    let (best, worse) = (pattern(100, 50, 1), pattern(100, 3, 1));
    let compare = |comparisons| {
        compare_accuracy(std::slice::from_ref(&best), std::slice::from_ref(&worse), comparisons).unwrap()
    };
    for comparisons in [1, 50, 1000] {
        let p = compare(comparisons).p;
        assert!(p > 0.0 && p * comparisons as f64 <= 0.01, "{comparisons}: {p}");
    }
    assert_eq!(compare(1), compare(50));
    let [best, worse] = [best, worse].map(|right| [recordings(&right)]);
    let found = compare_frames(&best, &worse, 200).unwrap();
    assert!(found.accuracy.p * 200.0 <= 0.01 && found.auc.unwrap().p * 200.0 <= 0.01, "{found:?}");
}

fn recordings(right: &[bool]) -> Vec<RecordingFrames> {
    let one = |(index, &right): (usize, &bool)| {
        let truth = index % 2;
        let prediction = if right { truth } else { 1 - truth };
        let score = 0.1 + 0.6 * prediction as f32 + 0.001 * (index % 200) as f32;
        RecordingFrames { truths: vec![truth], predictions: vec![prediction], scores: vec![score] }
    };
    right.iter().enumerate().map(one).collect()
}

#[test]
fn recordings_of_one_frame_are_examples() {
    let runs = [(7, 1), (11, 2), (5, 2)].map(|(l, w)| pattern(120, l, w));
    let frames = runs.clone().map(|run| recordings(&run));
    let found = compare_frames(&frames[..1], &frames[1..], 1).unwrap();
    let sides = Sides { first: 1, second: 2, units: 120 };
    let accuracy = |run: usize, times: &[u64]| {
        let sum: u64 = runs[run].iter().zip(times).filter(|(r, _)| **r).map(|(_, t)| t).sum();
        Some(sum as f64 / 120.0)
    };
    assert_eq!(Some(found.accuracy), sides.compare(RESAMPLES_OF_FRAMES, accuracy));
    let auc = |run: usize| {
        let scores: Vec<f32> = frames[run].iter().map(|one| one.scores[0]).collect();
        let truths: Vec<bool> = frames[run].iter().map(|one| one.truths[0] == 1).collect();
        crate::roc_auc(&scores, &truths).unwrap()
    };
    let found = found.auc.unwrap();
    assert_eq!((found.first, found.second), (auc(0), (auc(1) + auc(2)) / 2.0));
    let Interval { low, high } = found.difference.interval;
    assert!(low < found.difference.value && found.difference.value < high, "{found:?}");
}

#[test]
fn recordings_in_other_frames_are_compared() {
    // Each frame of the second side stands for two of the first's.
    let right = pattern(120, 7, 2);
    let fine = recordings(&right);
    let twice = |one: &RecordingFrames| RecordingFrames {
        truths: one.truths.repeat(2),
        predictions: one.predictions.repeat(2),
        scores: one.scores.repeat(2),
    };
    let coarse: Vec<RecordingFrames> = fine.iter().map(twice).collect();
    let found = compare_frames(&[fine], &[coarse], 1).unwrap();
    assert_eq!((found.accuracy.difference.value, found.accuracy.p), (0.0, 1.0));
    assert_eq!(found.auc.unwrap().difference.value, 0.0);
}

#[test]
fn what_cannot_be_compared_is_named() {
    let run = vec![true; 3];
    let message = |first: &[Vec<bool>], second: &[Vec<bool>]| {
        compare_accuracy(first, second, 1).unwrap_err().to_string()
    };
    let error = message(std::slice::from_ref(&run), &[run.clone(), vec![true; 2]]);
    assert!(
        error.starts_with("second[1] was tested on other examples than first[0], from number 2"),
        "{error}"
    );
    assert!(message(&[], std::slice::from_ref(&run)).starts_with("the first side"));
    assert!(message(&[run], &[]).starts_with("the second side"));
    assert!(message(&[vec![]], &[vec![]]).starts_with("there are no examples"));

    let frames = recordings(&[true, true]);
    let fewer = frames[..1].to_vec();
    let error = compare_frames(std::slice::from_ref(&frames), &[fewer], 1).unwrap_err().to_string();
    assert!(error.starts_with("second[0] was tested on other recordings than first[0], from number 1"));
    let mut unscored = frames.clone();
    unscored[0].scores.clear();
    let error = compare_frames(std::slice::from_ref(&frames), &[unscored], 1).unwrap_err();
    assert!(matches!(error, MetricsError::UnequalLengths { truths: 1, predictions: 0 }), "{error}");
    let none = |frames: &[RecordingFrames]| -> Vec<RecordingFrames> {
        frames.iter().map(|one| RecordingFrames { scores: Vec::new(), ..one.clone() }).collect()
    };
    let found = compare_frames(&[none(&frames)], &[none(&frames)], 1).unwrap();
    assert_eq!((found.accuracy.p, found.auc), (1.0, None));
}

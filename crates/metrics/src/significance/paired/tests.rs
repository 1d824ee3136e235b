//! Comparisons against a bootstrap in numpy, and of equal configurations.

use super::*;
use stapes_random::Rng;

/// Draws runs; the probability of a correct prediction is the sum of an offset per example and one per run.
fn draw_runs(rng: &mut Rng, runs: usize, hardness: &[f64], seeds: f64) -> Vec<Vec<bool>> {
    let run = |rng: &mut Rng| {
        let offset = seeds * rng.normal();
        hardness.iter().map(|hard| f64::from(rng.uniform()) < hard + offset).collect()
    };
    (0..runs).map(|_| run(rng)).collect()
}

fn hardness(rng: &mut Rng, examples: usize) -> Vec<f64> {
    (0..examples).map(|_| 0.6 + 0.35 * f64::from(rng.uniform())).collect()
}

/// Correct predictions in a periodic pattern, of prime length.
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
fn equal_sides_do_not_differ_and_examples_are_paired() {
    let run = pattern(200, 7, 2);
    let same = compare_accuracy(std::slice::from_ref(&run), &[run.clone(), run.clone()], 1).unwrap();
    assert_eq!((same.difference.interval, same.p), (ConfidenceInterval { low: 0.0, high: 0.0 }, 1.0));
    // Better on 6 of 200 examples and never worse is significant, although the interval of each accuracy is ten times
    // as wide.
    let mut better = run.clone();
    better.iter_mut().filter(|correct| !**correct).take(6).for_each(|correct| *correct = true);
    let found = compare_accuracy(&[better.clone()], std::slice::from_ref(&run), 1).unwrap();
    assert!((found.difference.value - 0.03).abs() < 1e-12);
    assert!(found.difference.interval.low > 0.0 && found.p < 0.01, "{found:?}");
    let swapped = compare_accuracy(&[run], &[better], 1).unwrap();
    assert_eq!((swapped.difference.value, swapped.p), (-found.difference.value, found.p));
    assert_eq!(swapped.difference.interval.low, -found.difference.interval.high);
}

#[test]
fn equal_configurations_of_five_runs_rarely_differ() {
    // At most one in twenty pairs of equal configurations may be reported as different; for 150 pairs that is 7.5 with
    // a standard deviation of 2.7. If seeds vary far more than examples, five runs report too many.
    let mut rng = Rng::new(1, "null");
    for (seeds, limit) in [(0.0, 0.06), (0.02, 0.08), (0.08, 0.13)] {
        let (mut different, pairs) = (0, 150);
        for _ in 0..pairs {
            let hard = hardness(&mut rng, 150);
            let first = draw_runs(&mut rng, 5, &hard, seeds);
            let second = draw_runs(&mut rng, 5, &hard, seeds);
            let correct: Vec<&Vec<bool>> = first.iter().chain(&second).collect();
            let accuracy = |run: usize, times: &[u64]| {
                let sum: u64 = correct[run].iter().zip(times).filter(|(r, _)| **r).map(|(_, t)| t).sum();
                Some(sum as f64 / 150.0)
            };
            let sides = Sides { first: 5, second: 5, units: 150 };
            different += usize::from(sides.compare(300, accuracy).unwrap().p <= 0.05);
        }
        let fraction = f64::from(different as u32) / f64::from(pairs);
        println!("seeds {seeds}: {fraction}");
        assert!(fraction <= limit, "seeds {seeds}: {fraction}");
    }
}

#[test]
fn a_difference_of_seeds_alone_needs_many_seeds() {
    // One run per side, 5 % apart on 2,000 examples, is significant for these runs; seeds that vary as much make it
    // insignificant.
    let runs = |wrong: [usize; 4]| wrong.map(|wrong| pattern(2000, 100, wrong)).to_vec();
    let one = compare_accuracy(&runs([10; 4])[..1], &runs([15; 4])[..1], 1).unwrap();
    assert!(one.p < 0.001, "{one:?}");
    let several = compare_accuracy(&runs([2, 8, 12, 18]), &runs([7, 13, 17, 23]), 1).unwrap();
    assert!((several.difference.value - 0.05).abs() < 1e-12 && several.p > 0.1, "{several:?}");
}

#[test]
fn a_clear_difference_is_significant_among_any_number() {
    let (best, worse) = (pattern(100, 50, 1), pattern(100, 3, 1));
    let compare = |comparisons| {
        compare_accuracy(std::slice::from_ref(&best), std::slice::from_ref(&worse), comparisons).unwrap()
    };
    for comparisons in [1, 50, 1000] {
        let p = compare(comparisons).p;
        assert!(p > 0.0 && p * comparisons as f64 <= 0.01, "{comparisons}: {p}");
    }
    assert_eq!(compare(1), compare(50));
    let [best, worse] = [best, worse].map(|correct| [recordings(&correct)]);
    let found = compare_frames(&best, &worse, 200).unwrap();
    assert!(found.accuracy.p * 200.0 <= 0.01 && found.auc.unwrap().p * 200.0 <= 0.01, "{found:?}");
}

fn recordings(correct: &[bool]) -> Vec<RecordingFrames> {
    let one = |(index, &correct): (usize, &bool)| {
        let label = index % 2;
        let prediction = if correct { label } else { 1 - label };
        let score = 0.1 + 0.6 * prediction as f32 + 0.001 * (index % 200) as f32;
        RecordingFrames { labels: vec![label], predictions: vec![prediction], scores: vec![score] }
    };
    correct.iter().enumerate().map(one).collect()
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
        let labels: Vec<bool> = frames[run].iter().map(|one| one.labels[0] == 1).collect();
        crate::roc_auc(&scores, &labels).unwrap()
    };
    let found = found.auc.unwrap();
    assert_eq!((found.first, found.second), (auc(0), (auc(1) + auc(2)) / 2.0));
    let ConfidenceInterval { low, high } = found.difference.interval;
    assert!(low < found.difference.value && found.difference.value < high, "{found:?}");
}

#[test]
fn recordings_with_different_frames_are_compared() {
    // Each frame of the second side covers two of the first.
    let correct = pattern(120, 7, 2);
    let fine = recordings(&correct);
    let twice = |one: &RecordingFrames| RecordingFrames {
        labels: one.labels.repeat(2),
        predictions: one.predictions.repeat(2),
        scores: one.scores.repeat(2),
    };
    let coarse: Vec<RecordingFrames> = fine.iter().map(twice).collect();
    let found = compare_frames(&[fine], &[coarse], 1).unwrap();
    assert_eq!((found.accuracy.difference.value, found.accuracy.p), (0.0, 1.0));
    assert_eq!(found.auc.unwrap().difference.value, 0.0);
}

#[test]
fn invalid_comparisons_are_rejected() {
    let run = vec![true; 3];
    let message = |first: &[Vec<bool>], second: &[Vec<bool>]| {
        compare_accuracy(first, second, 1).unwrap_err().to_string()
    };
    let error = message(std::slice::from_ref(&run), &[run.clone(), vec![true; 2]]);
    assert!(
        error.starts_with("second[1] and first[0] were tested on different examples, from index 2 on"),
        "{error}"
    );
    assert!(message(&[], std::slice::from_ref(&run)).starts_with("the first side"));
    assert!(message(&[run], &[]).starts_with("the second side"));
    assert!(message(&[vec![]], &[vec![]]).starts_with("no examples"));

    let frames = recordings(&[true, true]);
    let fewer = frames[..1].to_vec();
    let error = compare_frames(std::slice::from_ref(&frames), &[fewer], 1).unwrap_err().to_string();
    assert!(error.starts_with("second[0] and first[0] were tested on different recordings, from index 1 on"));
    let mut unscored = frames.clone();
    unscored[0].scores.clear();
    let error = compare_frames(std::slice::from_ref(&frames), &[unscored], 1).unwrap_err();
    assert!(matches!(error, MetricsError::UnequalLengths { labels: 1, predictions: 0 }), "{error}");
    let none = |frames: &[RecordingFrames]| -> Vec<RecordingFrames> {
        frames.iter().map(|one| RecordingFrames { scores: Vec::new(), ..one.clone() }).collect()
    };
    let found = compare_frames(&[none(&frames)], &[none(&frames)], 1).unwrap();
    assert_eq!((found.accuracy.p, found.auc), (1.0, None));
}

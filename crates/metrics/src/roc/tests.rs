//! Tests of ROC curves and operating points.

use super::*;
use proptest::prelude::*;

/// 30 examples with ties within and across the classes.
fn sample() -> (Vec<f32>, Vec<bool>) {
    let positive: Vec<bool> = (0..30).map(|i| (i * i + 5 * i) % 7 < 3).collect();
    let score = |(i, &positive): (usize, &bool)| {
        let base = ((7 * i * i + 3 * i) % 23) as f32 / 23.0;
        if positive { base + 0.3 } else { base }
    };
    (positive.iter().enumerate().map(score).collect(), positive)
}

#[test]
fn corners_match_scikit_learn() {
    // scikit-learn 1.9.1: fpr, tpr, thresholds = roc_curve(positive, scores), with
    //   positive = np.array([(i * i + 5 * i) % 7 < 3 for i in range(30)])
    //   scores = np.array([(7 * i * i + 3 * i) % 23 / 23 for i in range(30)], np.float32) + 0.3 * positive
    // as counts of 13 negatives and 17 positives.
    let recorded = [
        (f32::INFINITY, 0, 0),
        (1.2565217, 0, 2),
        (1.126087, 0, 4),
        (0.7782609, 0, 7),
        (0.73913044, 3, 7),
        (0.6913043, 3, 9),
        (0.6478261, 3, 10),
        (0.5608696, 3, 13),
        (0.5217391, 4, 13),
        (0.4347826, 7, 13),
        (0.4304348, 7, 14),
        (0.3478261, 9, 14),
        (0.3, 9, 17),
        (0.13043478, 13, 17),
    ];
    let (scores, positive) = sample();
    let roc = Roc::new(&scores, &positive).unwrap();
    let points = roc.points();
    assert_eq!(points.len(), recorded.len(), "{points:?}");
    for (point, (threshold, false_positives, true_positives)) in points.iter().zip(recorded) {
        let expected = (f64::from(false_positives) / 13.0, f64::from(true_positives) / 17.0);
        assert_eq!((point.false_positive_rate, point.true_positive_rate), expected, "{threshold}");
        assert!(point.threshold == threshold || (point.threshold - threshold).abs() < 1e-6, "{point:?}");
    }
    // scipy 1.17.1: brentq(lambda x: 1 - x - interp1d(fpr, tpr)(x), 0, 1).
    assert!((roc.equal_error_rate() - 0.23529411764706).abs() < 1e-10, "{}", roc.equal_error_rate());
    // tpr[fpr <= rate].max(), with drop_intermediate=False.
    for (rate, expected) in [(0.01, 7), (0.05, 7), (0.1, 7), (0.25, 13), (0.5, 13), (0.6, 14)] {
        assert_eq!(roc.true_positive_rate_at(rate).unwrap(), f64::from(expected) / 17.0, "{rate}");
    }
}

#[test]
fn the_equal_error_rate_is_interpolated_on_a_sloping_segment() {
    // One tie of 1 negative of 2 and 2 positives of 4 joins (0, 1/4) with (1/2, 3/4): it meets 1 - x at 3/8.
    let scores = [0.9, 0.5, 0.5, 0.5, 0.1, 0.0];
    let positive = [true, true, true, false, true, false];
    assert_eq!(Roc::new(&scores, &positive).unwrap().equal_error_rate(), 0.375);
    let perfect = Roc::new(&[0.1, 0.9], &[false, true]).unwrap();
    assert_eq!((perfect.equal_error_rate(), perfect.at_equal_error_rate().threshold), (0.0, 0.9));
    let inverted = Roc::new(&[0.9, 0.1], &[false, true]).unwrap();
    assert_eq!(inverted.equal_error_rate(), 1.0);
    let constant = Roc::new(&[f32::INFINITY; 4], &[false, true, true, false]).unwrap();
    assert_eq!(constant.equal_error_rate(), 0.5);
    assert_eq!(constant.at_false_positive_rate(0.1).unwrap().false_positive_rate, 1.0);
}

#[test]
fn thresholds_for_given_rates_do_not_exceed_them() {
    let (scores, positive) = sample();
    let roc = Roc::new(&scores, &positive).unwrap();
    let strict = roc.at_false_positive_rate(0.0).unwrap();
    assert_eq!((strict.false_positive_rate, strict.miss_rate), (0.0, 10.0 / 17.0));
    let complete = roc.at_miss_rate(0.0).unwrap();
    assert_eq!((complete.false_positive_rate, complete.miss_rate), (9.0 / 13.0, 0.0));
    // 3 of 10 positives missed are at most 0.3, and 1 of 10 negatives at most 0.1.
    let ten: Vec<f32> = (0..20).map(|i| (i % 10) as f32).collect();
    let classes: Vec<bool> = (0..20).map(|i| i >= 10).collect();
    let even = Roc::new(&ten, &classes).unwrap();
    assert_eq!(even.at_miss_rate(0.3).unwrap().threshold, 3.0);
    assert_eq!(even.at_false_positive_rate(0.1).unwrap().threshold, 9.0);
    // If a negative has the highest score, only infinity accepts none.
    let none = Roc::new(&[0.9, 0.1], &[false, true]).unwrap().at_false_positive_rate(0.5).unwrap();
    assert_eq!((none.threshold, none.miss_rate), (f32::INFINITY, 1.0));
}

#[test]
fn invalid_scores_are_rejected() {
    let message = |scores: &[f32], positive: &[bool]| Roc::new(scores, positive).unwrap_err().to_string();
    assert!(message(&[0.1, f32::NAN], &[true, false]).starts_with("scores[1] is NaN"));
    assert!(message(&[0.1], &[true]).starts_with("1 positive and 0 negative examples"));
    assert!(message(&[], &[]).starts_with("0 positive and 0"));
    assert!(matches!(Roc::new(&[0.1], &[]), Err(MetricsError::UnequalLengths { .. })));
    let roc = Roc::new(&[0.1, 0.2], &[true, false]).unwrap();
    assert_eq!(
        roc.at_miss_rate(-0.1).unwrap_err().to_string(),
        "miss rate = -0.1 is not in [0, 1]; pass a probability or rate"
    );
    assert!(roc.true_positive_rate_at(f64::NAN).is_err() && roc.at_false_positive_rate(1.1).is_err());
    let error = OperatingPoint::measure(f32::NAN, &[0.1, 0.2], &[true, false]).unwrap_err();
    assert!(error.to_string().starts_with("threshold is NaN"), "{error}");
}

proptest! {
    #[test]
    fn every_point_matches_its_threshold(
        examples in proptest::collection::vec((0u8..12, proptest::bool::ANY), 2..60),
        rate in 0.0f64..=1.0,
    ) {
        let scores: Vec<f32> = examples.iter().map(|(score, _)| f32::from(*score) / 7.0).collect();
        let positive: Vec<bool> = examples.iter().map(|(_, positive)| *positive).collect();
        let both = positive.contains(&true) && positive.contains(&false);
        let roc = Roc::new(&scores, &positive);
        prop_assert_eq!(roc.is_ok(), both);
        let Ok(roc) = roc else { return Ok(()) };
        let chosen = [
            roc.at_false_positive_rate(rate).unwrap(),
            roc.at_miss_rate(rate).unwrap(),
            roc.at_equal_error_rate(),
        ];
        for point in chosen {
            prop_assert_eq!(OperatingPoint::measure(point.threshold, &scores, &positive).unwrap(), point);
        }
        prop_assert!(chosen[0].false_positive_rate <= rate && chosen[1].miss_rate <= rate);
        // No threshold within the rate is better.
        for threshold in scores.iter().copied().chain([f32::INFINITY]) {
            let other = OperatingPoint::measure(threshold, &scores, &positive).unwrap();
            prop_assert!(other.false_positive_rate > rate || other.miss_rate >= chosen[0].miss_rate);
            prop_assert!(other.miss_rate > rate || other.false_positive_rate >= chosen[1].false_positive_rate);
        }
        // The area below the corners equals that of all pairs.
        let points = roc.points();
        let area: f64 = points.windows(2).map(|pair| {
            (pair[1].false_positive_rate - pair[0].false_positive_rate)
                * (pair[1].true_positive_rate + pair[0].true_positive_rate) / 2.0
        }).sum();
        prop_assert!((area - crate::roc_auc(&scores, &positive).unwrap()).abs() < 1e-12);
        let equal = roc.equal_error_rate();
        let closest = roc.at_equal_error_rate();
        let (low, high) = (closest.false_positive_rate.min(closest.miss_rate), closest.false_positive_rate.max(closest.miss_rate));
        prop_assert!(low - 1e-12 <= equal && equal <= high + 1e-12, "{} {} {}", low, equal, high);
    }
}

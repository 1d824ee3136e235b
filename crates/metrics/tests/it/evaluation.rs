//! Evaluations against recorded references, a reference that counts example by example, and invariants.

use proptest::prelude::*;
use stapes_metrics::{Evaluation, MetricsError, wilson};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| format!("class {class}")).collect()
}

fn close(found: &[Option<f64>], recorded: &[Option<f64>]) {
    assert_eq!(found.len(), recorded.len());
    for (class, (found, recorded)) in found.iter().zip(recorded).enumerate() {
        match (found, recorded) {
            (Some(a), Some(b)) => assert!((a - b).abs() < 1e-15, "class {class}: {a} {b}"),
            (a, b) => assert_eq!(a, b, "class {class}"),
        }
    }
}

#[test]
fn scores_match_scikit_learn_where_a_class_is_never_predicted() {
    // scikit-learn 1.9.1: precision_recall_fscore_support(t, p, zero_division=nan), f1_score(average="macro").
    let labels = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3];
    let predictions = [0, 0, 1, 2, 1, 1, 0, 2, 2, 0, 2, 1, 0, 2];
    let evaluation = Evaluation::new(&names(4), &labels, &predictions).unwrap();
    assert_eq!(evaluation.confusion.counts(), [[2, 1, 1, 0], [1, 2, 0, 0], [1, 1, 3, 0], [1, 0, 1, 0]]);
    let scores = &evaluation.per_class;
    let column =
        |of: fn(&stapes_metrics::ClassScores) -> Option<f64>| scores.iter().map(of).collect::<Vec<_>>();
    close(&column(|s| s.precision), &[Some(0.4), Some(0.5), Some(0.6), None]);
    close(&column(|s| s.recall), &[Some(0.5), Some(2.0 / 3.0), Some(0.6), Some(0.0)]);
    close(&column(|s| s.f1), &[Some(4.0 / 9.0), Some(4.0 / 7.0), Some(0.6), Some(0.0)]);
    assert!((evaluation.macro_f1 - 0.403968253968254).abs() < 1e-15);
    assert_eq!((evaluation.accuracy, evaluation.correct, evaluation.total), (0.5, 7, 14));
}

#[test]
fn scores_match_scikit_learn_where_a_class_has_no_examples() {
    // Class 2 is predicted but absent, class 3 is neither; labels=[0, 1, 2, 3] for the columns.
    let evaluation = Evaluation::new(&names(4), &[0, 0, 1, 1, 1], &[0, 2, 1, 1, 0]).unwrap();
    let scores = &evaluation.per_class;
    let column =
        |of: fn(&stapes_metrics::ClassScores) -> Option<f64>| scores.iter().map(of).collect::<Vec<_>>();
    close(&column(|s| s.precision), &[Some(0.5), Some(1.0), Some(0.0), None]);
    close(&column(|s| s.recall), &[Some(0.5), Some(2.0 / 3.0), None, None]);
    close(&column(|s| s.f1), &[Some(0.5), Some(0.8), Some(0.0), None]);
    assert!((evaluation.macro_f1 - 0.43333333333333335).abs() < 1e-15);
}

#[test]
fn json_has_the_documented_keys_and_null_for_undefined_scores() {
    let evaluation = Evaluation::new(&names(2), &[0, 1], &[0, 0]).unwrap();
    let json = serde_json::to_string(&evaluation).unwrap();
    let interval = wilson(1, 2);
    assert_eq!(
        json,
        format!(
            concat!(
                r#"{{"accuracy":0.5,"correct":1,"total":2,"interval":{{"low":{},"high":{}}},"#,
                r#""macro_f1":0.3333333333333333,"per_class":["#,
                r#"{{"label":"class 0","support":1,"precision":0.5,"recall":1.0,"f1":0.6666666666666666}},"#,
                r#"{{"label":"class 1","support":1,"precision":null,"recall":0.0,"f1":0.0}}],"#,
                r#""confusion":{{"classes":["class 0","class 1"],"counts":[[1,0],[1,0]]}}}}"#
            ),
            interval.low, interval.high
        )
    );
}

#[test]
fn no_examples_are_an_error() {
    assert!(matches!(Evaluation::new(&names(2), &[], &[]), Err(MetricsError::NoExamples)));
}

/// Scores of one class by the definitions, with a loop over the examples.
fn reference(class: usize, examples: &[(usize, usize)]) -> [Option<f64>; 3] {
    let count = |keep: fn(bool, bool) -> bool| {
        examples.iter().filter(|&&(label, predicted)| keep(label == class, predicted == class)).count() as f64
    };
    let hits = count(|is, predicted| is && predicted);
    let misses = count(|is, predicted| is && !predicted);
    let false_alarms = count(|is, predicted| !is && predicted);
    let precision = (hits + false_alarms > 0.0).then(|| hits / (hits + false_alarms));
    let recall = (hits + misses > 0.0).then(|| hits / (hits + misses));
    let f1 = match (precision, recall) {
        (Some(p), Some(r)) if p + r > 0.0 => Some(2.0 * p * r / (p + r)),
        (None, None) => None,
        _ => Some(0.0),
    };
    [precision, recall, f1]
}

fn examples() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
    (1usize..7)
        .prop_flat_map(|classes| (Just(classes), proptest::collection::vec((0..classes, 0..classes), 1..60)))
}

fn evaluate(classes: &[String], examples: &[(usize, usize)]) -> Evaluation {
    let (labels, predictions): (Vec<_>, Vec<_>) = examples.iter().copied().unzip();
    Evaluation::new(classes, &labels, &predictions).unwrap()
}

proptest! {
    #[test]
    fn every_class_matches_the_reference((classes, examples) in examples()) {
        let evaluation = evaluate(&names(classes), &examples);
        for (class, scores) in evaluation.per_class.iter().enumerate() {
            let reference = reference(class, &examples);
            for (found, expected) in [scores.precision, scores.recall, scores.f1].iter().zip(reference) {
                prop_assert_eq!(found.is_some(), expected.is_some());
                if let (Some(found), Some(expected)) = (found, expected) {
                    prop_assert!((found - expected).abs() < 1e-12, "{} {}", found, expected);
                    prop_assert!((0.0..=1.0).contains(found));
                }
            }
        }
    }

    #[test]
    fn rows_columns_and_diagonal_add_up((classes, examples) in examples()) {
        let evaluation = evaluate(&names(classes), &examples);
        let confusion = &evaluation.confusion;
        let total = examples.len() as u64;
        prop_assert_eq!(evaluation.total, total);
        prop_assert_eq!((0..classes).map(|class| confusion.support(class)).sum::<u64>(), total);
        prop_assert_eq!((0..classes).map(|class| confusion.predicted(class)).sum::<u64>(), total);
        let correct = examples.iter().filter(|(label, predicted)| label == predicted).count() as u64;
        prop_assert_eq!(evaluation.correct, correct);
        let wrong: u64 = confusion.most_confused(usize::MAX).iter().map(|pair| pair.count).sum();
        prop_assert_eq!(wrong, total - correct);
        prop_assert!(evaluation.interval.low <= evaluation.accuracy);
        prop_assert!(evaluation.accuracy <= evaluation.interval.high);
        prop_assert!((0.0..=1.0).contains(&evaluation.macro_f1));
    }

    #[test]
    fn the_order_of_the_examples_does_not_matter((classes, examples) in examples(), turn in 0usize..60) {
        let mut turned = examples.clone();
        turned.rotate_left(turn % examples.len());
        turned.reverse();
        prop_assert_eq!(evaluate(&names(classes), &examples), evaluate(&names(classes), &turned));
    }

    #[test]
    fn renumbering_the_classes_renumbers_the_scores((classes, examples) in examples(), turn in 0usize..7) {
        let moved = |class: usize| (class + turn) % classes;
        let mut renamed = names(classes);
        renamed.rotate_right(turn % classes);
        let renumbered: Vec<_> = examples.iter().map(|&(label, predicted)| (moved(label), moved(predicted))).collect();
        let (before, after) = (evaluate(&names(classes), &examples), evaluate(&renamed, &renumbered));
        prop_assert_eq!(before.accuracy, after.accuracy);
        prop_assert!((before.macro_f1 - after.macro_f1).abs() < 1e-12);
        for class in 0..classes {
            prop_assert_eq!(&before.per_class[class], &after.per_class[moved(class)]);
        }
    }
}

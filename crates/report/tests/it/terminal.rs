//! Evaluations as text for a terminal.

use stapes_metrics::{Detection, Evaluation, RecordingFrames};
use stapes_report::terminal;

const DIGITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

fn names(classes: &[&str]) -> Vec<String> {
    classes.iter().map(|label| label.to_string()).collect()
}

/// 30 examples per class; class 5 is predicted as class 9 four times, class 2 as class 3 once.
fn digits(classes: &[String]) -> Evaluation {
    let (mut labels, mut predictions) = (Vec::new(), Vec::new());
    for class in 0..classes.len() {
        for example in 0..30 {
            labels.push(class);
            predictions.push(match (class, example) {
                (5, 0..4) => 9,
                (2, 0) => 3,
                _ => class,
            });
        }
    }
    Evaluation::new(classes, &labels, &predictions).unwrap()
}

fn width(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn ten_classes_fit_eighty_columns_with_their_names() {
    let shown = terminal::evaluation(&digits(&names(&DIGITS)));
    let expected = "\
accuracy 98.3 % (95 % CI 96.2 to 99.3 %), 295 of 300

 class  support  precision  recall     F1
─────────────────────────────────────────
 zero        30      1.000   1.000  1.000
 one         30      1.000   1.000  1.000
 two         30      1.000   0.967  0.983
 three       30      0.968   1.000  0.984
 four        30      1.000   1.000  1.000
 five        30      1.000   0.867  0.929
 six         30      1.000   1.000  1.000
 seven       30      1.000   1.000  1.000
 eight       30      1.000   1.000  1.000
 nine        30      0.882   1.000  0.938

confusion matrix: true class (rows) vs. predicted class (columns)
        zero  one  two  three  four  five  six  seven  eight  nine
──────────────────────────────────────────────────────────────────
 zero     30    ·    ·      ·     ·     ·    ·      ·      ·     ·
 one       ·   30    ·      ·     ·     ·    ·      ·      ·     ·
 two       ·    ·   29      1     ·     ·    ·      ·      ·     ·
 three     ·    ·    ·     30     ·     ·    ·      ·      ·     ·
 four      ·    ·    ·      ·    30     ·    ·      ·      ·     ·
 five      ·    ·    ·      ·     ·    26    ·      ·      ·     4
 six       ·    ·    ·      ·     ·     ·   30      ·      ·     ·
 seven     ·    ·    ·      ·     ·     ·    ·     30      ·     ·
 eight     ·    ·    ·      ·     ·     ·    ·      ·     30     ·
 nine      ·    ·    ·      ·     ·     ·    ·      ·      ·    30

confused pairs
 true class  predicted class  examples  % of true
─────────────────────────────────────────────────
 five        nine              4 of 30     13.3 %
 two         three             1 of 30      3.3 %";
    assert_eq!(shown, expected);
}

#[test]
fn long_names_lead_to_numbered_columns() {
    let classes: Vec<String> = DIGITS.iter().map(|digit| format!("the spoken digit {digit}")).collect();
    let shown = terminal::confusion(&digits(&classes));
    assert!(width(&shown) <= 80, "{shown}");
    let heading = shown.lines().nth(1).unwrap();
    let numbers: Vec<&str> = heading.split_whitespace().collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    let row = shown.lines().find(|line| line.contains("digit five")).unwrap();
    assert!(row.trim_start().starts_with("6 the spoken digit five"), "{row}");
    assert!(row.ends_with("26   ·   ·   ·   4"), "{row}");
}

#[test]
fn a_matrix_too_wide_is_replaced_by_its_most_confused_pairs() {
    let classes: Vec<String> = (0..60).map(|class| format!("word {class}")).collect();
    let shown = terminal::confusion(&digits(&classes));
    assert!(shown.starts_with(
        "the confusion matrix of 60 classes exceeds 80 columns; most confused pairs:\nconfused"
    ));
    let first = shown.lines().find(|line| line.starts_with(" word 5 ")).unwrap();
    assert!(first.contains(" word 9 "), "{first}");
    assert!(width(&shown) <= 80, "{shown}");
}

#[test]
fn many_classes_are_reduced_to_the_lowest_f1() {
    let classes: Vec<String> = (0..60).map(|class| format!("word {class}")).collect();
    let shown = terminal::classes(&digits(&classes));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "the 15 classes with the lowest F1 of 60");
    assert_eq!(lines.len(), 3 + 15);
    assert!(lines[3].starts_with(" word 5 "), "{shown}");
    assert!(lines[4].starts_with(" word 9 "), "{shown}");
}

#[test]
fn many_pairs_are_reduced_with_their_number() {
    let labels: Vec<usize> = (0..30).map(|example| example % 3).collect();
    let predictions: Vec<usize> = (0..30).map(|example| (example / 3) % 3).collect();
    let evaluation = Evaluation::new(&names(&["a", "b", "c"]), &labels, &predictions).unwrap();
    let shown = terminal::most_confused(&evaluation, 2);
    assert_eq!(shown.lines().next(), Some("2 most confused pairs of 6"));
    assert_eq!(shown.lines().count(), 5);
    let shown = terminal::most_confused(&evaluation, 1);
    assert_eq!(shown.lines().next(), Some("most confused pair of 6"));
}

#[test]
fn undefined_scores_are_explained() {
    let evaluation = Evaluation::new(&names(&["a", "b"]), &[0, 1], &[0, 0]).unwrap();
    let shown = terminal::classes(&evaluation);
    assert!(shown.lines().any(|line| line.trim_start().starts_with("b") && line.contains('–')), "{shown}");
    assert!(shown.ends_with("–: undefined; the class was never predicted or has no examples"));
}

#[test]
fn a_label_cannot_move_the_cursor() {
    let classes = names(&["\u{1b}[2Jbed\n", "cat", &"long ".repeat(30)]);
    let evaluation = Evaluation::new(&classes, &[0, 1, 2], &[1, 1, 0]).unwrap();
    let shown = terminal::evaluation(&evaluation);
    assert!(!shown.contains('\u{1b}'));
    assert!(shown.contains("\\u{1b}[2Jbed\\u{a}"), "{shown}");
    assert!(shown.contains('…') && width(&shown) <= 80, "{shown}");
}

#[test]
fn no_errors_are_reported_in_words() {
    let evaluation = Evaluation::new(&names(&["a", "b"]), &[0, 1], &[0, 1]).unwrap();
    assert!(terminal::confusion(&evaluation).ends_with("no class was confused with another"));
}

fn classes() -> Vec<String> {
    names(&["silence", "voice"])
}

/// 40 recordings of 40 frames; half of the frames of every fourth recording are wrong.
fn uneven() -> Vec<RecordingFrames> {
    let frames = |index: usize| {
        let labels: Vec<usize> = (0..40).map(|t| usize::from(t >= 15)).collect();
        let wrong = if index.is_multiple_of(4) { 20 } else { 0 };
        let score = |t: usize| match (t < wrong) != (labels[t] == 1) {
            true => 0.7 + 0.01 * (t % 7) as f32,
            false => 0.2 + 0.02 * (t % 5) as f32,
        };
        let scores: Vec<f32> = (0..40).map(score).collect();
        let predictions = scores.iter().map(|&score| usize::from(score > 0.5)).collect();
        RecordingFrames { labels, predictions, scores }
    };
    (0..40).map(frames).collect()
}

#[test]
fn the_text_names_frames_and_recordings() {
    let evaluation = Evaluation::from_frames(&classes(), &uneven()).unwrap();
    let summary = terminal::summary(&evaluation);
    assert!(summary.starts_with("accuracy 87.5 % (95 % CI over 40 recordings "), "{summary}");
    assert!(summary.ends_with(", 1,400 of 1,600 frames"), "{summary}");
    let voice = terminal::detection(&evaluation).unwrap();
    assert!(voice.starts_with("voice: F1 0.") && voice.contains(", ROC AUC 0."), "{voice}");
    let Detection { equal_error_rate: Some(equal), true_positive_rate_at_1_percent: Some(found), .. } =
        evaluation.detection.as_ref().unwrap()
    else {
        panic!("both kinds are there");
    };
    assert!(voice.contains(&format!(", EER {:.1} %, TPR ", 100.0 * equal)), "{voice}");
    assert!(voice.ends_with(&format!(" at FPR 5 %, {:.1} % at 1 %", 100.0 * found)), "{voice}");
    assert!(terminal::evaluation(&evaluation).contains(&voice));
    assert!(terminal::most_confused(&evaluation, 5).contains("frames"));
    let plain = Evaluation::new(&classes(), &[0, 1], &[0, 1]).unwrap();
    assert_eq!(terminal::detection(&plain), None);
}

//! Numbers without a numeral in figures, pages and tables.

use crate::pages::report::{WORDS, sample};
use crate::pages::{Size, check_well_formed, comparison};
use proptest::collection::vec;
use proptest::num::f32;
use proptest::prelude::*;
use serde_json::json;
use stapes_metrics::{Detectors, OperatingPoint, Roc};
use stapes_report::table::{Column, NumberFormat, Table, Value as Cell};
use stapes_report::{Point, render, render_comparison};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn curves_of_any_numbers_are_drawn(curves in vec(vec(proptest::option::of(f32::ANY), 5), 0..6)) {
        let mut report = sample(&WORDS);
        let point = |(at, values): (usize, &Vec<Option<f32>>)| Point {
            step: at as u64 + 1,
            epoch: 0.5,
            seconds: 1.0,
            train_loss: values[0],
            validation_loss: values[1],
            validation_accuracy: values[2],
            learning_rate: values[3],
            gradient_norm: values[4],
        };
        report.curves = curves.iter().enumerate().map(point).collect();
        check_well_formed(&render(&report).unwrap());
    }
}

#[test]
fn a_threshold_that_no_score_reaches_is_a_word_in_json_and_none_on_a_page() {
    let never = Roc::new(&[0.9, 0.1], &[false, true]).unwrap().at_false_positive_rate(0.5).unwrap();
    let expected = json!({ "threshold": "Infinity", "false_positive_rate": 0.0, "miss_rate": 1.0 });
    assert_eq!(serde_json::to_value(never).unwrap(), expected);
    let mut report = sample(&WORDS);
    let detectors = Detectors::binary("voice", &[0.1, 0.6, 0.5, 0.9], &[false, true, false, true]).unwrap();
    report.detectors = Some(detectors.with_point("1 % false positives", never));
    let mut compared = comparison(Size { candidates: 2, seeds: 2, classes: 2, points: 3 });
    compared.candidates[1].point = Some(("1 % false positives".into(), never));
    for page in [render(&report).unwrap(), render_comparison(&compared).unwrap()] {
        check_well_formed(&page);
        assert!(page.contains("<td class=\"number\">none</td><td class=\"number\">0.00 %</td>"), "{page}");
        assert!(!page.contains(">inf") && !page.contains("NaN"));
    }
    let point = OperatingPoint { threshold: f32::NEG_INFINITY, ..never };
    assert_eq!(serde_json::to_value(point).unwrap()["threshold"], "-Infinity");
}

#[test]
fn a_table_shows_numbers_without_a_numeral_to_people_and_machines() {
    let format = NumberFormat { scale: 100.0, digits: 1 };
    let column = |key: &str| Column { key: key.into(), title: key.into(), better: None, format };
    let cells = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Cell::Number).to_vec();
    let spread = [Cell::Spread { median: 0.5, low: f64::NEG_INFINITY, high: f64::NAN }].to_vec();
    let table = Table::new(["a", "b", "c", "d"].map(column).to_vec(), vec![[cells, spread].concat()]);
    let rows = serde_json::to_value(&table).unwrap()["rows"].clone();
    let spread = json!({ "median": 0.5, "low": "-Infinity", "high": "NaN" });
    assert_eq!(rows, json!([["NaN", "Infinity", "-Infinity", spread]]));
    let markdown = table.markdown();
    assert!(markdown.contains("| – | ∞ | -∞ | 50.0 (-∞ to –) |"), "{markdown}");
}

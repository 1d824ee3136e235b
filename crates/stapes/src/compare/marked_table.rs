//! Table of candidates on the page, with marks and their explanation.

use stapes_report::table::{Table, Value};
use stapes_report::{Mark, MarkedCell, MarkedTable, pluralize};

use super::VsBest;
use super::vs_best::LEVEL;

/// Unit of the significance test, for the explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TestUnit {
    /// Examples, compared by accuracy.
    Examples,
    /// Recordings with frame-level labels, compared by the area under the ROC curve if there is one.
    Recordings,
}

/// Returns the table with marks on the best candidate and on those that do not differ significantly, and an explanation.
pub(super) fn marked_table(heading: &str, table: &Table, unit: TestUnit) -> MarkedTable {
    let column = |key: &str| table.columns().iter().position(|column| column.key == key);
    let mut marks = Vec::new();
    let mut explanation = Vec::new();
    if let (Some(vs_best), Some(seeds)) = (column("vs_best"), column("seeds")) {
        let metric = if column("test_auc").is_some() { "test_auc" } else { "test_accuracy" };
        let is = |row: &[Value], result: VsBest| row[vs_best] == Value::Text(result.label().into());
        let one_seed = |row: &[Value]| row[seeds] == Value::Count(1);
        let best_has_one = table.rows().iter().any(|row| is(row, VsBest::Best) && one_seed(row));
        let mut mark =
            |row: usize, column: &str, mark| marks.push(MarkedCell { row, column: column.into(), mark });
        let (mut comparisons, mut any_one_seed) = (0, false);
        for (index, row) in table.rows().iter().enumerate() {
            if is(row, VsBest::Best) || is(row, VsBest::NotSignificant { p: 1.0 }) {
                mark(index, metric, Mark::Best);
                mark(index, "vs_best", Mark::Best);
            }
            let has_p = row[vs_best] != Value::None && !is(row, VsBest::Best);
            comparisons += usize::from(has_p);
            if has_p && (best_has_one || one_seed(row)) {
                mark(index, "p", Mark::Footnote);
                any_one_seed = true;
            }
        }
        explanation.push(significance(unit, comparisons));
        if any_one_seed {
            explanation
                .push("* Only one seed on a side: this p applies to these runs, not to other seeds.".into());
        }
    } else if column("test_accuracy").is_some() && table.rows().len() > 1 {
        explanation.push(
            "The candidates are not compared with the best one, because they were not all tested on the same examples."
                .into(),
        );
    }
    if table.rows().iter().flatten().any(|value| matches!(value, Value::Spread { .. })) {
        explanation.push(
            "Values of several seeds are the median (minimum to maximum). The confidence interval is that of the seed with the \
             median accuracy; of an even number of seeds, its bounds are the means of those of the two in the middle."
                .into(),
        );
    }
    MarkedTable { heading: heading.into(), table: table.clone(), marks, explanation }
}

fn significance(unit: TestUnit, comparisons: usize) -> String {
    let (metric, resampled) = match unit {
        TestUnit::Examples => ("mean accuracy", "examples"),
        TestUnit::Recordings => ("mean ROC AUC (or accuracy if there is none)", "recordings"),
    };
    let [best, not_significant, worse] =
        [VsBest::Best, VsBest::NotSignificant { p: 1.0 }, VsBest::Worse { p: 0.0 }].map(VsBest::label);
    let comparisons = pluralize(comparisons as u64, "comparison");
    format!(
        "Marked: the candidate with the highest {metric} over its seeds ({best}), and those that do not differ \
         significantly from it ({not_significant}, p ≥ {LEVEL}); the others are significantly worse ({worse}). p is \
         two-sided, from a paired bootstrap over test {resampled} and seeds, with Holm's correction for the {comparisons} \
         of the table."
    )
}

#[cfg(test)]
mod tests {
    use stapes_report::table::{Column, NumberFormat};

    use super::*;

    fn table(rows: &[(u64, &str)]) -> Table {
        let column = |key: &str| Column {
            key: key.into(),
            title: key.into(),
            better: None,
            format: NumberFormat { scale: 1.0, digits: 2 },
        };
        let row = |&(seeds, vs_best): &(u64, &str)| {
            let vs_best = if vs_best.is_empty() { Value::None } else { Value::Text(vs_best.into()) };
            vec![Value::Count(seeds), Value::Number(0.9), vs_best, Value::Number(0.03)]
        };
        let keys = ["seeds", "test_accuracy", "vs_best", "p"];
        Table::new(keys.map(column).to_vec(), rows.iter().map(row).collect())
    }

    fn cells(marked: &MarkedTable, mark: Mark) -> Vec<(usize, &str)> {
        let marks = marked.marks.iter().filter(|cell| cell.mark == mark);
        marks.map(|cell| (cell.row, &*cell.column)).collect()
    }

    #[test]
    fn the_best_and_candidates_without_significant_difference_are_marked() {
        let found = marked_table(
            "t",
            &table(&[(3, "worse"), (3, "best"), (1, "not significant"), (0, "")]),
            TestUnit::Examples,
        );
        let best = [(1, "test_accuracy"), (1, "vs_best"), (2, "test_accuracy"), (2, "vs_best")];
        assert_eq!(cells(&found, Mark::Best), best);
        assert_eq!(cells(&found, Mark::Footnote), [(2, "p")]);
        assert!(found.explanation[0].contains("for the 2 comparisons"), "{:?}", found.explanation);
        assert!(found.explanation[1].starts_with("* Only one seed"));
        // The best candidate has one seed, which affects every p.
        let found = marked_table("t", &table(&[(3, "worse"), (1, "best")]), TestUnit::Examples);
        assert_eq!(cells(&found, Mark::Footnote), [(0, "p")]);
        let found = marked_table("t", &table(&[(3, "worse"), (3, "best")]), TestUnit::Recordings);
        assert_eq!(cells(&found, Mark::Footnote), []);
        assert_eq!(found.explanation.len(), 1);
    }

    #[test]
    fn without_a_comparison_the_reason_is_given() {
        let found = marked_table("t", &table(&[(3, ""), (3, "")]), TestUnit::Examples);
        assert!(found.marks.is_empty());
        assert!(found.explanation[0].contains("not all tested on the same examples"));
    }
}

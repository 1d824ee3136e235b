//! A table of candidates for the page: what stands out in it, and why.

use stapes_report::table::{Table, Value};
use stapes_eval::counted;
use stapes_report::{Mark, MarkedCell, MarkedTable};

use super::VsBest;
use super::vs_best::LEVEL;

/// What candidates are tested on, for the words about p.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TestUnit {
    /// Accuracy on examples.
    Examples,
    /// Frames of recordings, by the area under the ROC curve where there is one.
    Recordings,
}

/// The table with its cells marked that cannot be told apart from the best, and what a reader must know of the p.
pub(super) fn marked(heading: &str, table: &Table, judged: TestUnit) -> MarkedTable {
    let column = |key: &str| table.columns().iter().position(|column| column.key == key);
    let mut marks = Vec::new();
    let mut explanation = Vec::new();
    if let (Some(against), Some(seeds)) = (column("vs_best"), column("seeds")) {
        let figure = if column("test_auc").is_some() { "test_auc" } else { "test_accuracy" };
        let is = |row: &[Value], word: VsBest| row[against] == Value::Text(word.words().into());
        let one_seed = |row: &[Value]| row[seeds] == Value::Number(1.0);
        let best_has_one = table.rows().iter().any(|row| is(row, VsBest::Best) && one_seed(row));
        let mut mark =
            |row: usize, column: &str, mark| marks.push(MarkedCell { row, column: column.into(), mark });
        let (mut compared, mut aside) = (0, false);
        for (at, row) in table.rows().iter().enumerate() {
            if is(row, VsBest::Best) || is(row, VsBest::NotSignificant { p: 1.0 }) {
                mark(at, figure, Mark::Best);
                mark(at, "vs_best", Mark::Best);
            }
            let has_p = row[against] != Value::None && !is(row, VsBest::Best);
            compared += usize::from(has_p);
            if has_p && (best_has_one || one_seed(row)) {
                mark(at, "p", Mark::Aside);
                aside = true;
            }
        }
        explanation.extend(words(judged, compared, aside));
    } else if column("test_accuracy").is_some() && table.rows().len() > 1 {
        explanation.push(
            "The candidates are not compared with the best: they were not all tested on the same examples."
                .into(),
        );
    }
    if table.rows().iter().flatten().any(|value| matches!(value, Value::Spread { .. })) {
        explanation.push("Figures of several seeds are the median (lowest to highest).".into());
    }
    MarkedTable { heading: heading.into(), table: table.clone(), marks, explanation }
}

fn words(judged: TestUnit, compared: usize, aside: bool) -> Vec<String> {
    let (figure, drawn) = match judged {
        TestUnit::Examples => ("mean accuracy", "examples"),
        TestUnit::Recordings => ("mean ROC AUC, or accuracy where there is none,", "recordings"),
    };
    let [best, alike, worse] =
        [VsBest::Best, VsBest::NotSignificant { p: 1.0 }, VsBest::Worse { p: 0.0 }].map(VsBest::words);
    let comparisons = counted(compared as u64, "comparison");
    let mut said = vec![format!(
        "Marked: the candidate of the highest {figure} over its seeds ({best}), and those that cannot be told apart from \
         it ({alike}, p ≥ {LEVEL}); the others are worse by more than chance ({worse}). p is two-sided, of a paired \
         bootstrap that draws test {drawn} and seeds, corrected by Holm's method for the {comparisons} of the \
         table."
    )];
    if aside {
        said.push(
            "* One seed on a side: this p speaks of these runs only, and not of what other seeds would give."
                .into(),
        );
    }
    said
}

#[cfg(test)]
mod tests {
    use stapes_report::table::{Column, Shown};

    use super::*;

    fn table(rows: &[(f64, &str)]) -> Table {
        let column = |key: &str| Column {
            key: key.into(),
            title: key.into(),
            better: None,
            shown: Shown { scale: 1.0, digits: 2 },
        };
        let row = |&(seeds, against): &(f64, &str)| {
            let against = if against.is_empty() { Value::None } else { Value::Text(against.into()) };
            vec![Value::Number(seeds), Value::Number(0.9), against, Value::Number(0.03)]
        };
        let keys = ["seeds", "test_accuracy", "vs_best", "p"];
        Table::new(keys.map(column).to_vec(), rows.iter().map(row).collect())
    }

    fn cells(marked: &MarkedTable, mark: Mark) -> Vec<(usize, &str)> {
        let marks = marked.marks.iter().filter(|cell| cell.mark == mark);
        marks.map(|cell| (cell.row, &*cell.column)).collect()
    }

    #[test]
    fn the_best_and_what_is_alike_is_marked_and_the_p_of_one_seed_has_an_asterisk() {
        let found = marked(
            "t",
            &table(&[(3.0, "worse"), (3.0, "best"), (1.0, "alike"), (0.0, "")]),
            TestUnit::Examples,
        );
        let best = [(1, "test_accuracy"), (1, "vs_best"), (2, "test_accuracy"), (2, "vs_best")];
        assert_eq!(cells(&found, Mark::Best), best);
        assert_eq!(cells(&found, Mark::Aside), [(2, "p")]);
        assert!(found.explanation[0].contains("for the 2 comparisons"), "{:?}", found.explanation);
        assert!(found.explanation[1].starts_with("* One seed"));
        // The best has one seed: every p speaks of it.
        let found = marked("t", &table(&[(3.0, "worse"), (1.0, "best")]), TestUnit::Examples);
        assert_eq!(cells(&found, Mark::Aside), [(0, "p")]);
        let found = marked("t", &table(&[(3.0, "worse"), (3.0, "best")]), TestUnit::Recordings);
        assert_eq!(cells(&found, Mark::Aside), []);
        assert_eq!(found.explanation.len(), 1);
    }

    #[test]
    fn what_is_not_compared_says_why() {
        let found = marked("t", &table(&[(3.0, ""), (3.0, "")]), TestUnit::Examples);
        assert!(found.marks.is_empty());
        assert!(found.explanation[0].contains("not all tested on the same examples"));
    }
}

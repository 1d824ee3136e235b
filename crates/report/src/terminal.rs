//! Evaluations as text for a terminal: tables of at most 80 columns.
//!
//! The text does not end with a line break. Control characters in class names are shown as `\u{..}`, so that the name
//! of a folder cannot move the cursor.

mod streams;

pub use streams::{KEYWORD_HEADS, KEYWORD_NOTES, KeywordRow, keyword_cells, keywords, repeated, speech};

use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};

use crate::numbers::{count, percent, percent_value, pluralize, score};
use crate::visible;
use stapes_metrics::{ClassScores, Estimate, Evaluation};

/// Largest width of a table in columns.
const WIDTH: usize = 80;
/// Largest length of a name; longer names are truncated.
const LABEL: usize = 24;
/// Largest number of classes that are all listed; of more, only the worst are.
const CLASSES: usize = 40;
/// Number of lines of a list that replaces a larger table.
const SHORT_LIST: usize = 15;
/// Number of lines of the list below a confusion matrix.
const PAIRS_BELOW: usize = 5;

/// Formats an evaluation: summary, scores of each class, and confusion matrix.
pub fn evaluation(evaluation: &Evaluation) -> String {
    let first = [Some(summary(evaluation)), detection(evaluation)].into_iter().flatten().collect::<Vec<_>>();
    [first.join("\n"), classes(evaluation), confusion(evaluation)].join("\n\n")
}

/// Formats the accuracy with its confidence interval in one line.
///
/// # Example
/// ```
/// use stapes_metrics::Evaluation;
/// use stapes_report::terminal;
///
/// let classes = ["no".to_string(), "yes".to_string()];
/// let evaluation = Evaluation::new(&classes, &[0, 1], &[0, 1])?;
/// assert_eq!(terminal::summary(&evaluation), "accuracy 100.0 % (95 % CI 34.2 to 100.0 %), 2 of 2");
/// # Ok::<(), stapes_metrics::MetricsError>(())
/// ```
pub fn summary(evaluation: &Evaluation) -> String {
    let Evaluation { accuracy, correct, total, interval, .. } = evaluation;
    let (over, of) = match evaluation.recordings {
        Some(recordings) => (format!("over {} ", pluralize(recordings, "recording")), " frames"),
        None => (String::new(), ""),
    };
    format!(
        "accuracy {} (95 % CI {over}{} to {}), {} of {}{of}",
        percent(*accuracy, *total),
        percent_value(interval.low, *total),
        percent(interval.high, *total),
        count(*correct),
        count(*total)
    )
}

/// Formats F1 and ROC AUC of the second class with their confidence intervals, the equal error rate (EER), and the true
/// positive rates (TPR) at fixed false positive rates (FPR) in one line; None unless the examples are frames of two
/// classes.
pub fn detection(evaluation: &Evaluation) -> Option<String> {
    let detection = evaluation.detection.as_ref()?;
    let estimate_text = |estimate: Option<Estimate>| match estimate {
        Some(Estimate { value, interval }) => {
            format!("{value:.4} ({:.4} to {:.4})", interval.low, interval.high)
        }
        None => score(None),
    };
    let name = label(&detection.label);
    let rate = |rate: Option<f64>| rate.map_or_else(|| score(None), |rate| percent(rate, evaluation.total));
    Some(format!(
        "{name}: F1 {}, ROC AUC {}, EER {}, TPR {} at FPR 5 %, {} at 1 %",
        estimate_text(detection.f1),
        estimate_text(detection.auc),
        rate(detection.equal_error_rate),
        rate(detection.true_positive_rate_at_5_percent),
        rate(detection.true_positive_rate_at_1_percent)
    ))
}

/// Formats support, precision, recall and F1 of each class; of more than 40 classes, the 15 with the lowest F1.
///
/// Classes without an F1 come last.
pub fn classes(evaluation: &Evaluation) -> String {
    let scores = &evaluation.per_class;
    let mut shown: Vec<&ClassScores> = scores.iter().collect();
    let mut parts = Vec::new();
    if shown.len() > CLASSES {
        shown.sort_by(|a, b| f1_order(a).total_cmp(&f1_order(b)));
        shown.truncate(SHORT_LIST);
        parts.push(format!("the {SHORT_LIST} classes with the lowest F1 of {}", count(scores.len() as u64)));
    }
    let rows = shown.iter().map(|class| {
        let numbers = [class.precision, class.recall, class.f1].map(score);
        [vec![label(&class.label), count(class.support)], numbers.to_vec()].concat()
    });
    parts.push(build_table(&["class", "support", "precision", "recall", "F1"], rows, 1).to_string());
    if shown.iter().any(|class| class.precision.is_none() || class.recall.is_none()) {
        parts.push("–: undefined; the class was never predicted or has no examples".to_string());
    }
    parts.join("\n")
}

fn f1_order(class: &ClassScores) -> f64 {
    class.f1.unwrap_or(f64::INFINITY)
}

/// Formats the confusion matrix and the most confused pairs of classes.
///
/// If the class names are too wide for 80 columns, the columns have the numbers of the rows as headings. If the matrix
/// is too wide, only the pairs are listed, with a note.
pub fn confusion(evaluation: &Evaluation) -> String {
    let heading = "confusion matrix: true class (rows) vs. predicted class (columns)";
    match matrix(evaluation) {
        Some(table) => format!("{heading}\n{table}\n\n{}", most_confused(evaluation, PAIRS_BELOW)),
        None => format!(
            "the confusion matrix of {} classes exceeds {WIDTH} columns; most confused pairs:\n{}",
            count(evaluation.per_class.len() as u64),
            most_confused(evaluation, SHORT_LIST)
        ),
    }
}

/// Formats the most confused pairs, at most `limit`, with their percentage of the true class.
pub fn most_confused(evaluation: &Evaluation, limit: usize) -> String {
    let confusion = &evaluation.confusion;
    let all = confusion.confused_pair_count();
    let pairs = confusion.most_confused(limit);
    if all == 0 {
        return "no class was confused with another".to_string();
    }
    let heading = match pairs.len() {
        shown if shown == all => "confused pairs".to_string(),
        1 => format!("most confused pair of {}", count(all as u64)),
        shown => format!("{shown} most confused pairs of {}", count(all as u64)),
    };
    let rows = pairs.iter().map(|pair| {
        let support = confusion.support(pair.label);
        vec![
            label(&confusion.classes()[pair.label]),
            label(&confusion.classes()[pair.prediction]),
            format!("{} of {}", count(pair.count), count(support)),
            percent(pair.fraction, support),
        ]
    });
    format!(
        "{heading}\n{}",
        build_table(&["true class", "predicted class", evaluation.unit(), "% of true"], rows, 2)
    )
}

/// Returns the matrix with the widest headings that fit, or None.
fn matrix(evaluation: &Evaluation) -> Option<String> {
    let confusion = &evaluation.confusion;
    let labels: Vec<String> = confusion.classes().iter().map(|class| label(class)).collect();
    let numbers: Vec<String> = (1..=labels.len()).map(|number| number.to_string()).collect();
    let numbered: Vec<String> =
        numbers.iter().zip(&labels).map(|(number, label)| format!("{number:>2} {label}")).collect();
    [(&labels, &labels), (&numbered, &numbers)].into_iter().find_map(|(rows, columns)| {
        // At three columns per class the matrix is too wide: skip the layout.
        if columns.len() * 3 > WIDTH {
            return None;
        }
        let header: Vec<&str> = std::iter::once("").chain(columns.iter().map(String::as_str)).collect();
        let body = rows.iter().zip(confusion.counts()).map(|(row, counts)| {
            let cells = counts.iter().map(|&n| if n == 0 { "·".to_string() } else { n.to_string() });
            std::iter::once(row.clone()).chain(cells).collect()
        });
        let table = build_table(&header, body, 1);
        (width(&table) <= WIDTH).then(|| table.to_string())
    })
}

/// Formats a table: the first `left` columns are names, aligned left, the others numbers, aligned right; control
/// characters in names and headings are escaped.
///
/// # Example
/// ```
/// let rows = [vec!["yes".to_string(), "12".to_string()]];
/// let text = stapes_report::terminal::table(&["class", "count"], rows.into_iter(), 1);
/// assert_eq!(text.lines().last(), Some(" yes       12"));
/// ```
pub fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>, left: usize) -> String {
    let named = rows.map(|mut row| {
        row.iter_mut().take(left).for_each(|name| *name = label(name));
        row
    });
    let header: Vec<_> = header.iter().map(|title| visible(title)).collect();
    let header: Vec<&str> = header.iter().map(|title| &**title).collect();
    build_table(&header, named, left).to_string()
}

fn build_table(header: &[&str], rows: impl Iterator<Item = Vec<String>>, left: usize) -> Table {
    let align = |index: usize| if index < left { CellAlignment::Left } else { CellAlignment::Right };
    let cells = |texts: Vec<String>| -> Vec<Cell> {
        let cell = |(index, text)| Cell::new(text).set_alignment(align(index));
        texts.into_iter().enumerate().map(cell).collect()
    };
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header(cells(header.iter().map(|text| text.to_string()).collect()));
    for row in rows {
        table.add_row(cells(row));
    }
    for column in table.column_iter_mut() {
        column.set_padding((1, 0));
    }
    table
}

/// Returns the width of a table in columns.
fn width(table: &Table) -> usize {
    table.column_max_content_widths().iter().map(|&width| usize::from(width) + 1).sum()
}

/// Returns a class name for a table: control characters escaped, its end truncated.
fn label(name: &str) -> String {
    let visible = characters(name);
    match visible.len() {
        ..=LABEL => visible.into_iter().collect(),
        _ => visible[..LABEL - 1].iter().chain(&['…']).collect(),
    }
}

/// Returns a name for a table with its beginning truncated, for names that differ at their ends, such as paths.
pub(crate) fn ending(name: &str) -> String {
    let visible = characters(name);
    match visible.len() {
        ..=LABEL => visible.into_iter().collect(),
        long => ['…'].iter().chain(&visible[long - (LABEL - 1)..]).collect(),
    }
}

fn characters(name: &str) -> Vec<char> {
    visible(name).chars().collect()
}

//! Tables that compare: one row a candidate, one column a figure, with text, CSV and Markdown of the same numbers.

mod csv;
mod markdown;

use std::cmp::Ordering;

use serde::Serialize;
use stapes_files::number;
use stapes_metrics::{Interval, median};

use crate::numbers::counted;
use crate::{ReportError, terminal};

/// What a column shows of each row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// The name for machines, and to sort by: `test_accuracy`.
    pub key: String,
    /// The heading for people, with the unit: `test accuracy, %`.
    pub title: String,
    /// Which end of its numbers is the better one, if one is.
    pub better: Option<Better>,
    /// How numbers are shown.
    pub shown: Shown,
}

/// The better end of a column's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Large numbers, as of accuracy.
    High,
    /// Small numbers, as of time.
    Low,
}

/// How the numbers of a column are shown to people: times `scale`, with so many digits behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// 100 for shares that are shown as per cent.
    pub scale: f64,
    /// Digits behind the point.
    pub digits: usize,
}

/// What stands where a row and a column meet.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing was measured, or it does not apply.
    None,
    /// Words.
    Text(String),
    /// A number.
    Number(#[serde(with = "number")] f64),
    /// The median of several, with the lowest and the highest.
    Spread {
        /// The median.
        #[serde(with = "number")]
        median: f64,
        /// The lowest.
        #[serde(with = "number")]
        low: f64,
        /// The highest.
        #[serde(with = "number")]
        high: f64,
    },
    /// An interval.
    Range(Interval),
}

impl Value {
    /// The number, where there is one.
    pub fn of(number: Option<f64>) -> Value {
        number.map_or(Value::None, Value::Number)
    }

    /// The median, lowest and highest of several numbers; a number by itself is just that, and none is [`Value::None`].
    ///
    /// Of an even number of them the median is the mean of the middle two.
    ///
    /// # Example
    /// ```
    /// use stapes_report::table::Value;
    ///
    /// let value = Value::spread(&[0.9, 0.7, 0.8, 1.0]);
    /// assert_eq!(value, Value::Spread { median: (0.8 + 0.9) / 2.0, low: 0.7, high: 1.0 });
    /// ```
    pub fn spread(numbers: &[f64]) -> Value {
        match (numbers, median(numbers)) {
            ([one], _) => Value::Number(*one),
            (_, Some(median)) => {
                let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
                let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                Value::Spread { median, low, high }
            }
            _ => Value::None,
        }
    }

    /// The number to sort by.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Value::None | Value::Text(_) => None,
            Value::Number(number) | Value::Spread { median: number, .. } => Some(*number),
            Value::Range(interval) => Some(interval.low),
        }
    }

    /// As people read it; a dash where there is nothing, or no number came out.
    pub(crate) fn for_people(&self, Shown { scale, digits }: Shown) -> String {
        let number = |number: f64| match scale * number {
            shown if shown.is_finite() => format!("{shown:.digits$}"),
            shown if shown.is_nan() => "–".into(),
            shown if shown > 0.0 => "∞".into(),
            _ => "-∞".into(),
        };
        match self {
            Value::None => "–".into(),
            Value::Text(text) => text.clone(),
            Value::Number(one) => number(*one),
            Value::Spread { median, low, high } => {
                format!("{} ({} to {})", number(*median), number(*low), number(*high))
            }
            Value::Range(Interval { low, high }) => format!("{} to {}", number(*low), number(*high)),
        }
    }
}

/// A table that compares.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// A table of columns and rows; a column in which every row has nothing is left out.
    ///
    /// # Panics
    /// If a row has not one value a column.
    pub fn new(columns: Vec<Column>, rows: Vec<Vec<Value>>) -> Table {
        assert!(rows.iter().all(|row| row.len() == columns.len()), "one value a column");
        let told = |at: usize| rows.iter().any(|row| row[at] != Value::None);
        let kept: Vec<usize> = (0..columns.len()).filter(|&at| told(at)).collect();
        let rows = rows.iter().map(|row| kept.iter().map(|&at| row[at].clone()).collect()).collect();
        Table { columns: kept.iter().map(|&at| columns[at].clone()).collect(), rows }
    }

    /// Its columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Its rows, each with one value a column.
    pub fn rows(&self) -> &[Vec<Value>] {
        &self.rows
    }

    /// Sorts the rows by a column, the better end first: text and numbers without a better end ascend. Rows without a
    /// value come last; equal rows stay in their order.
    ///
    /// # Errors
    /// [`ReportError::UnknownColumn`] names the columns that there are.
    pub fn sort(&mut self, key: &str) -> Result<(), ReportError> {
        let at = self.columns.iter().position(|column| column.key == key);
        let at = at.ok_or_else(|| {
            let known: Vec<&str> = self.columns.iter().map(|column| &*column.key).collect();
            ReportError::UnknownColumn { key: key.into(), known: known.join(", ") }
        })?;
        let descends = self.columns[at].better == Some(Better::High);
        self.rows.sort_by(|a, b| order(&a[at], &b[at], descends));
        Ok(())
    }

    /// The table for a terminal. Columns that do not fit into `width` are left out from the last one on; the first is
    /// always shown, and a line says how many are missing. Words of more than 24 characters are cut: at their end in
    /// the first columns, which are names, and at their beginning behind the numbers, as of folders.
    ///
    /// # Units
    /// `width` in characters
    pub fn text(&self, width: usize) -> String {
        let mut shown = self.columns.len();
        let mut text = self.text_of(shown);
        while shown > 1 && text.lines().any(|line| line.chars().count() > width) {
            shown -= 1;
            text = self.text_of(shown);
        }
        match self.columns.len() - shown {
            0 => text,
            more => format!("{text}\n({} in the files)", counted(more as u64, "more column")),
        }
    }

    fn text_of(&self, columns: usize) -> String {
        let titles: Vec<&str> = self.columns[..columns].iter().map(|column| &*column.title).collect();
        let words = |at: usize| self.rows.iter().all(|row| matches!(row[at], Value::Text(_) | Value::None));
        let left = (0..columns).take_while(|&at| words(at)).count();
        let cell = |at: usize, (value, shown): (&Value, String)| match value {
            Value::Text(_) if at >= left => terminal::ending(&shown),
            _ => shown,
        };
        let rows = self.rows.iter().zip(self.for_people()).map(|(values, shown)| {
            values.iter().zip(shown).take(columns).enumerate().map(|(at, of)| cell(at, of)).collect()
        });
        terminal::table(&titles, rows, left)
    }

    fn for_people(&self) -> impl Iterator<Item = Vec<String>> {
        let row = |row: &Vec<Value>| {
            row.iter().zip(&self.columns).map(|(value, column)| value.for_people(column.shown)).collect()
        };
        self.rows.iter().map(row)
    }

    /// The table as CSV: numbers as they are, in full; a spread takes three columns, an interval two; texts as
    /// [`CsvCell`](crate::CsvCell) writes them.
    pub fn csv(&self) -> String {
        csv::of(self)
    }

    /// The table as Markdown.
    pub fn markdown(&self) -> String {
        markdown::of(self)
    }
}

fn order(a: &Value, b: &Value, descends: bool) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Text(_) => 0,
        Value::None => 2,
        _ => 1,
    };
    match (a, b, a.number(), b.number()) {
        (Value::Text(a), Value::Text(b), ..) => a.cmp(b),
        (.., Some(a), Some(b)) if descends => b.total_cmp(&a),
        (.., Some(a), Some(b)) => a.total_cmp(&b),
        _ => rank(a).cmp(&rank(b)),
    }
}

#[cfg(test)]
mod tests;

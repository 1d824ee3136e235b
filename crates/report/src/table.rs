//! Comparison tables: one row per candidate, one column per metric; the same numbers as text, CSV and Markdown.

use std::cmp::Ordering;

use serde::Serialize;
use stapes_files::number;
use stapes_metrics::{ConfidenceInterval, median};

use crate::csv::{CsvCell, csv_text};
use crate::numbers::pluralize;
use crate::{ReportError, terminal, visible};

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// Key for programs and for sorting: `test_accuracy`.
    pub key: String,
    /// Heading with the unit: `test accuracy, %`.
    pub title: String,
    /// Better end of the numbers, if there is one.
    pub better: Option<Better>,
    /// Format of the numbers.
    pub format: NumberFormat,
}

/// The better end of a column's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// High is better, for example accuracy.
    High,
    /// Low is better, for example time.
    Low,
}

/// Format of the numbers of a column: a factor and a number of decimals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NumberFormat {
    /// Factor: 100 for fractions shown as percentages.
    pub scale: f64,
    /// Number of decimals.
    pub digits: usize,
}

/// A value of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Not measured or not applicable.
    None,
    /// Text.
    Text(String),
    /// A number.
    Number(#[serde(with = "number")] f64),
    /// A whole number, such as a number of parameters.
    Count(u64),
    /// The median of several numbers, with the lowest and the highest.
    Spread {
        /// Median.
        #[serde(with = "number")]
        median: f64,
        /// Lowest number.
        #[serde(with = "number")]
        low: f64,
        /// Highest number.
        #[serde(with = "number")]
        high: f64,
    },
    /// A confidence interval.
    Interval(ConfidenceInterval),
}

impl Value {
    /// Returns the number, or [`Value::None`].
    pub fn from_option(number: Option<f64>) -> Value {
        number.map_or(Value::None, Value::Number)
    }

    /// Returns the median, lowest and highest of several numbers; a single number as it is, and [`Value::None`] for an
    /// empty list.
    ///
    /// The median of an even number of values is the mean of the middle two.
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

    /// Number to sort by.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Value::None | Value::Text(_) => None,
            Value::Count(count) => Some(*count as f64),
            Value::Number(number) | Value::Spread { median: number, .. } => Some(*number),
            Value::Interval(interval) => Some(interval.low),
        }
    }

    /// Formats the value for readers; a dash for a missing value or NaN.
    pub(crate) fn format(&self, NumberFormat { scale, digits }: NumberFormat) -> String {
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
            Value::Count(count) => number(*count as f64),
            Value::Spread { median, low, high } => {
                format!("{} ({} to {})", number(*median), number(*low), number(*high))
            }
            Value::Interval(ConfidenceInterval { low, high }) => {
                format!("{} to {}", number(*low), number(*high))
            }
        }
    }
}

/// A comparison table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// Creates a table of columns and rows; a column without any value is dropped.
    ///
    /// # Panics
    /// If a row does not have one value per column.
    pub fn new(columns: Vec<Column>, rows: Vec<Vec<Value>>) -> Table {
        assert!(rows.iter().all(|row| row.len() == columns.len()), "one value per column");
        let has_values = |at: usize| rows.iter().any(|row| row[at] != Value::None);
        let kept: Vec<usize> = (0..columns.len()).filter(|&at| has_values(at)).collect();
        let rows = rows.iter().map(|row| kept.iter().map(|&at| row[at].clone()).collect()).collect();
        Table { columns: kept.iter().map(|&at| columns[at].clone()).collect(), rows }
    }

    /// Columns of the table.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Rows of the table, each with one value per column.
    pub fn rows(&self) -> &[Vec<Value>] {
        &self.rows
    }

    /// Returns the table with the first column, which has names, and these columns in this order.
    ///
    /// # Errors
    /// [`ReportError::UnknownColumn`] with the keys of the columns.
    pub fn select(&self, keys: &[String]) -> Result<Table, ReportError> {
        let mut chosen: Vec<usize> = (0..self.columns.len().min(1)).collect();
        for key in keys {
            let at = self.position(key)?;
            if !chosen.contains(&at) {
                chosen.push(at);
            }
        }
        Ok(Table {
            columns: chosen.iter().map(|&at| self.columns[at].clone()).collect(),
            rows: self.rows.iter().map(|row| chosen.iter().map(|&at| row[at].clone()).collect()).collect(),
        })
    }

    fn position(&self, key: &str) -> Result<usize, ReportError> {
        self.columns.iter().position(|column| column.key == key).ok_or_else(|| {
            let known: Vec<&str> = self.columns.iter().map(|column| &*column.key).collect();
            ReportError::UnknownColumn { key: key.into(), known: known.join(", ") }
        })
    }

    /// Sorts the rows by a column, the better end first; text and numbers without a better end in ascending order. Rows
    /// without a value come last; the sort is stable.
    ///
    /// # Errors
    /// [`ReportError::UnknownColumn`] with the keys of the columns.
    pub fn sort(&mut self, key: &str) -> Result<(), ReportError> {
        let at = self.position(key)?;
        let descends = self.columns[at].better == Some(Better::High);
        self.rows.sort_by(|a, b| order(&a[at], &b[at], descends));
        Ok(())
    }

    /// Splits the rows by the text in a column into one table per text, in the order of their first occurrence. The tables do
    /// not have the column; rows without a text have an empty one. Without the column, the table is the only one.
    ///
    /// # Example
    /// ```
    /// use stapes_report::table::{Column, NumberFormat, Table, Value};
    ///
    /// let format = NumberFormat { scale: 1.0, digits: 0 };
    /// let column = |key: &str| Column { key: key.into(), title: key.into(), better: None, format };
    /// let row = |data: &str, seeds| vec![Value::Text(data.into()), Value::Number(seeds)];
    /// let rows = vec![row("digits", 1.0), row("words", 2.0), row("digits", 3.0)];
    /// let parts = Table::new(vec![column("data_set"), column("seeds")], rows).split("data_set");
    /// assert_eq!(parts[0].0, "digits");
    /// assert_eq!(parts[0].1.rows(), [[Value::Number(1.0)], [Value::Number(3.0)]]);
    /// ```
    pub fn split(&self, key: &str) -> Vec<(String, Table)> {
        let Some(at) = self.columns.iter().position(|column| column.key == key) else {
            return vec![(String::new(), self.clone())];
        };
        let mut parts: Vec<(String, Vec<Vec<Value>>)> = Vec::new();
        for row in &self.rows {
            let text = match &row[at] {
                Value::Text(text) => text.clone(),
                _ => String::new(),
            };
            let mut row = row.clone();
            row.remove(at);
            match parts.iter_mut().find(|(of, _)| *of == text) {
                Some((_, rows)) => rows.push(row),
                None => parts.push((text, vec![row])),
            }
        }
        let mut columns = self.columns.clone();
        columns.remove(at);
        parts.into_iter().map(|(text, rows)| (text, Table::new(columns.clone(), rows))).collect()
    }

    /// Formats the table for a terminal. Trailing columns that do not fit into `width` are dropped, except for the
    /// first column, and a line reports their number. Text of more than 24 characters is truncated: at the end in the
    /// leading columns, which are names, and at the beginning after numbers, for example in paths.
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
        match &self.columns[shown..] {
            [] => text,
            hidden => {
                let keys: Vec<&str> = hidden.iter().map(|column| &*column.key).collect();
                let count = pluralize(keys.len() as u64, "more column");
                format!("{text}\n({count} in the files: {})", keys.join(", "))
            }
        }
    }

    fn text_of(&self, columns: usize) -> String {
        let titles: Vec<&str> = self.columns[..columns].iter().map(|column| &*column.title).collect();
        let is_text = |at: usize| self.rows.iter().all(|row| matches!(row[at], Value::Text(_) | Value::None));
        let left = (0..columns).take_while(|&at| is_text(at)).count();
        let cell = |at: usize, (value, shown): (&Value, String)| match value {
            Value::Text(_) if at >= left => terminal::ending(&shown),
            _ => shown,
        };
        let rows = self.rows.iter().zip(self.formatted_rows()).map(|(values, shown)| {
            values.iter().zip(shown).take(columns).enumerate().map(|(at, of)| cell(at, of)).collect()
        });
        terminal::table(&titles, rows, left)
    }

    fn formatted_rows(&self) -> impl Iterator<Item = Vec<String>> {
        let row = |row: &Vec<Value>| {
            row.iter().zip(&self.columns).map(|(value, column)| value.format(column.format)).collect()
        };
        self.rows.iter().map(row)
    }

    /// Formats the table as CSV: numbers in full; a spread takes three columns, an interval two; text as in
    /// [`CsvCell`].
    pub fn csv(&self) -> String {
        csv(self)
    }

    /// Formats the table as Markdown.
    pub fn markdown(&self) -> String {
        markdown(self)
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

/// Number of columns of the file per column of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    One,
    Interval,
    Spread,
}

fn width(value: &Value) -> Width {
    match value {
        Value::Spread { .. } => Width::Spread,
        Value::Interval(_) => Width::Interval,
        _ => Width::One,
    }
}

fn csv(table: &Table) -> String {
    let widths: Vec<Width> = (0..table.columns.len())
        .map(|at| table.rows.iter().map(|row| width(&row[at])).max().unwrap_or(Width::One))
        .collect();
    let headings = table.columns.iter().zip(&widths).flat_map(|(column, width)| {
        let key = CsvCell::from(&*column.key);
        let ends = ["low", "high"].map(|end| CsvCell::from(&*format!("{}_{end}", column.key)));
        match width {
            Width::One => vec![key],
            Width::Interval => ends.to_vec(),
            Width::Spread => [vec![key], ends.to_vec()].concat(),
        }
    });
    let row = |row: &Vec<Value>| -> Vec<CsvCell> {
        row.iter().zip(&widths).flat_map(|(value, width)| cells(value, *width)).collect()
    };
    csv_text(std::iter::once(headings.collect()).chain(table.rows.iter().map(row)))
}

fn cells(value: &Value, width: Width) -> Vec<CsvCell> {
    let empty = CsvCell::empty;
    let [first, low, high] = match value {
        Value::None => [empty(), empty(), empty()],
        Value::Text(text) => [CsvCell::from(&**text), empty(), empty()],
        // A single number is its own lowest and highest.
        Value::Number(number) => [*number; 3].map(CsvCell::from),
        Value::Count(count) => [*count as f64; 3].map(CsvCell::from),
        Value::Spread { median, low, high } => [*median, *low, *high].map(CsvCell::from),
        Value::Interval(interval) => [empty(), CsvCell::from(interval.low), CsvCell::from(interval.high)],
    };
    match width {
        Width::One => vec![first],
        Width::Interval => vec![low, high],
        Width::Spread => vec![first, low, high],
    }
}

fn markdown(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let titles = table.columns.iter().map(|column| escape_markdown(&column.title)).collect();
    let rules = (0..table.columns.len()).map(|at| {
        let numbers = table.columns[at].better.is_some()
            || table.rows.iter().any(|row| !matches!(row[at], Value::Text(_) | Value::None));
        if numbers { "---:".to_string() } else { "---".to_string() }
    });
    let mut text = line(titles) + &line(rules.collect());
    for row in table.formatted_rows() {
        text += &line(row.iter().map(|cell| escape_markdown(cell)).collect());
    }
    text
}

/// Escapes text that would end a line or a cell, or has a meaning in Markdown.
///
/// # Example
/// ```
/// assert_eq!(stapes_report::table::escape_markdown("my_data | 2"), r"my\_data \| 2");
/// ```
pub fn escape_markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in visible(&text.replace(['\n', '\r'], " ")).chars() {
        match character {
            '|' | '\\' | '*' | '_' | '`' | '<' | '[' | ']' | '#' | '~' => safe.extend(['\\', character]),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests;

//! A table with highlighted cells for the template.

use std::collections::HashMap;

use super::{Mark, MarkedTable};
use crate::table::{Better, Value};

/// A table for the template.
pub(super) struct TableView<'a> {
    pub(super) heading: &'a str,
    pub(super) explanation: &'a [String],
    pub(super) heads: Vec<Head<'a>>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A heading.
pub(super) struct Head<'a> {
    pub(super) title: &'a str,
    pub(super) number: bool,
    /// Makes the first click on the heading sort in ascending order.
    pub(super) low_first: bool,
}

/// A cell.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) number: bool,
    /// Number to sort by, in full.
    pub(super) value: Option<f64>,
    pub(super) best: bool,
    pub(super) footnote: bool,
}

impl<'a> TableView<'a> {
    pub(super) fn new(marked: &'a MarkedTable) -> TableView<'a> {
        let (columns, rows) = (marked.table.columns(), marked.table.rows());
        let number =
            |at: usize| columns[at].better.is_some() || rows.iter().any(|row| row[at].number().is_some());
        let numbers: Vec<bool> = (0..columns.len()).map(number).collect();
        let mut marks: HashMap<(usize, &str), [bool; 2]> = HashMap::new();
        for cell in &marked.marks {
            let [best, footnote] = marks.entry((cell.row, &cell.column)).or_default();
            match cell.mark {
                Mark::Best => *best = true,
                Mark::Footnote => *footnote = true,
            }
        }
        let heads = columns.iter().zip(&numbers).map(|(column, &number)| Head {
            title: &column.title,
            number,
            low_first: column.better == Some(Better::Low),
        });
        let cell = |row: usize, at: usize, value: &Value| {
            let [best, footnote] = marks.get(&(row, &*columns[at].key)).copied().unwrap_or_default();
            let text = value.format(columns[at].format);
            Cell { text, number: numbers[at], value: value.number(), best, footnote }
        };
        let rows = rows
            .iter()
            .enumerate()
            .map(|(row, values)| values.iter().enumerate().map(|(at, value)| cell(row, at, value)).collect());
        TableView {
            heading: &marked.heading,
            explanation: &marked.explanation,
            heads: heads.collect(),
            rows: rows.collect(),
        }
    }
}

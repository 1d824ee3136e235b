//! A marked table as the page's template takes it.

use std::collections::HashMap;

use super::{Mark, MarkedTable};
use crate::table::{Better, Value};

/// A table, ready to be written.
pub(super) struct Written<'a> {
    pub(super) heading: &'a str,
    pub(super) explanation: &'a [String],
    pub(super) heads: Vec<Head<'a>>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A heading.
pub(super) struct Head<'a> {
    pub(super) title: &'a str,
    pub(super) number: bool,
    /// Whether the first click on it puts small numbers first.
    pub(super) low_first: bool,
}

/// A cell.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) number: bool,
    /// The number to sort by, in full.
    pub(super) value: Option<f64>,
    pub(super) best: bool,
    pub(super) aside: bool,
}

impl<'a> Written<'a> {
    pub(super) fn of(marked: &'a MarkedTable) -> Written<'a> {
        let (columns, rows) = (marked.table.columns(), marked.table.rows());
        let number =
            |at: usize| columns[at].better.is_some() || rows.iter().any(|row| row[at].number().is_some());
        let numbers: Vec<bool> = (0..columns.len()).map(number).collect();
        let mut marks: HashMap<(usize, &str), [bool; 2]> = HashMap::new();
        for cell in &marked.marks {
            let [best, aside] = marks.entry((cell.row, &cell.column)).or_default();
            match cell.mark {
                Mark::Best => *best = true,
                Mark::Aside => *aside = true,
            }
        }
        let heads = columns.iter().zip(&numbers).map(|(column, &number)| Head {
            title: &column.title,
            number,
            low_first: column.better == Some(Better::Low),
        });
        let cell = |row: usize, at: usize, value: &Value| {
            let [best, aside] = marks.get(&(row, &*columns[at].key)).copied().unwrap_or_default();
            let text = value.for_people(columns[at].shown);
            Cell { text, number: numbers[at], value: value.number(), best, aside }
        };
        let rows = rows
            .iter()
            .enumerate()
            .map(|(row, values)| values.iter().enumerate().map(|(at, value)| cell(row, at, value)).collect());
        Written {
            heading: &marked.heading,
            explanation: &marked.explanation,
            heads: heads.collect(),
            rows: rows.collect(),
        }
    }
}

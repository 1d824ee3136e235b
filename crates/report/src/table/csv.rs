//! A table as CSV.

use super::{Table, Value};
use crate::csv::{CsvCell, csv_text};

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

pub(super) fn format(table: &Table) -> String {
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
        Value::Number(number) => [CsvCell::from(*number), CsvCell::from(*number), CsvCell::from(*number)],
        Value::Spread { median, low, high } => [*median, *low, *high].map(CsvCell::from),
        Value::Interval(interval) => [empty(), CsvCell::from(interval.low), CsvCell::from(interval.high)],
    };
    match width {
        Width::One => vec![first],
        Width::Interval => vec![low, high],
        Width::Spread => vec![first, low, high],
    }
}

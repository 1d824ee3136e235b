//! A table as CSV.

use super::{Table, Value};

/// How many columns of the file a column takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    One,
    Interval,
    Spread,
}

fn width(value: &Value) -> Width {
    match value {
        Value::Spread { .. } => Width::Spread,
        Value::Range(_) => Width::Interval,
        _ => Width::One,
    }
}

pub(super) fn of(table: &Table) -> String {
    let widths: Vec<Width> = (0..table.columns.len())
        .map(|at| table.rows.iter().map(|row| width(&row[at])).max().unwrap_or(Width::One))
        .collect();
    let headings = table.columns.iter().zip(&widths).flat_map(|(column, width)| {
        let ends = ["low", "high"].map(|end| format!("{}_{end}", column.key));
        match width {
            Width::One => vec![column.key.clone()],
            Width::Interval => ends.to_vec(),
            Width::Spread => [vec![column.key.clone()], ends.to_vec()].concat(),
        }
    });
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Into memory, and every record has as many fields as the first.
    let mut write =
        |record: Vec<String>| writer.write_record(record).unwrap_or_else(|error| unreachable!("{error}"));
    write(headings.collect());
    for row in &table.rows {
        write(row.iter().zip(&widths).flat_map(|(value, width)| fields(value, *width)).collect());
    }
    let bytes = writer.into_inner().unwrap_or_else(|error| unreachable!("{error}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn fields(value: &Value, width: Width) -> Vec<String> {
    let [first, low, high] = match value {
        Value::None => [String::new(), String::new(), String::new()],
        Value::Text(text) => [text.clone(), String::new(), String::new()],
        // A number by itself is its own lowest and highest.
        Value::Number(number) => [number.to_string(), number.to_string(), number.to_string()],
        Value::Spread { median, low, high } => [median.to_string(), low.to_string(), high.to_string()],
        Value::Range(interval) => [String::new(), interval.low.to_string(), interval.high.to_string()],
    };
    match width {
        Width::One => vec![first],
        Width::Interval => vec![low, high],
        Width::Spread => vec![first, low, high],
    }
}

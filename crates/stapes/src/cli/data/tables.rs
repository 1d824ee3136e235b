//! Tables of what data holds.

use stapes::data::{Counts, Lengths, PartCount, Survey};
use stapes::eval::text::table;

use super::super::console::thousands;

/// Rows of a table; of more, the rest is counted.
const ROWS: usize = 40;
/// Names of a list.
const NAMES: usize = 10;

/// Examples by class; by part of the split where there is one.
pub(super) fn classes(counts: &Counts, split: bool) -> String {
    let mut rows: Vec<(String, PartCount)> =
        counts.classes.iter().map(|class| (class.class.clone(), class.examples)).collect();
    rows.push(("all".to_owned(), counts.total));
    by_part("class", &rows, split)
}

/// Examples by speaker.
pub(super) fn speakers(counts: &Counts, split: bool) -> String {
    let rows: Vec<(String, PartCount)> =
        counts.groups.iter().map(|group| (group.group.clone(), group.examples)).collect();
    by_part("speaker", &rows, split)
}

fn by_part(what: &str, rows: &[(String, PartCount)], split: bool) -> String {
    let number = |number: usize| thousands(number as u64);
    let cells = |(name, count): &(String, PartCount)| {
        let PartCount { train, validation, test } = *count;
        let mut cells = vec![name.clone(), number(train + validation + test)];
        if split {
            cells.extend([train, validation, test].map(number));
        }
        cells
    };
    let header =
        if split { &[what, "examples", "train", "validation", "test"][..] } else { &[what, "examples"] };
    let mut shown: Vec<&(String, PartCount)> = rows.iter().take(ROWS).collect();
    let mut text = String::new();
    if rows.len() > ROWS + 1 {
        // The last row of classes is their sum.
        shown.extend(rows.last().filter(|(name, _)| what == "class" && name == "all"));
        text = format!("\nand {} more", number(rows.len() - shown.len()));
    } else {
        shown = rows.iter().collect();
    }
    format!("{}{text}", table(header, shown.into_iter().map(cells), 1))
}

/// Lengths and rates.
pub(super) fn lengths(survey: &Survey) -> String {
    let row = |unit: &str, lengths: &Lengths, number: fn(f64) -> String| {
        let Lengths { least, median, most, total } = *lengths;
        let mut row = vec![unit.to_owned()];
        row.extend([least, median, most, total].map(number));
        row
    };
    let mut rows = Vec::new();
    rows.extend(survey.seconds.as_ref().map(|lengths| row("s", lengths, |seconds| format!("{seconds:.3}"))));
    rows.extend(survey.frames.as_ref().map(|lengths| row("frames", lengths, |frames| format!("{frames}"))));
    if rows.is_empty() {
        return String::new();
    }
    let mut text = table(&["length", "least", "median", "most", "total"], rows.into_iter(), 1);
    let rates: Vec<String> = survey
        .rates_hz
        .iter()
        .map(|(rate, count)| format!("{rate} Hz ({})", thousands(*count as u64)))
        .collect();
    if !rates.is_empty() {
        text += &format!("\n\nsample rates: {}", rates.join(", "));
    }
    text
}

/// How many there are of something, and the first of them in words.
pub(super) fn remark<T>(what: &str, found: &[T], name: impl Fn(&T) -> String) -> String {
    let mut text = format!("{what}: {}", thousands(found.len() as u64));
    for one in found.iter().take(NAMES) {
        text += &format!("\n  {}", name(one));
    }
    if found.len() > NAMES {
        text += &format!("\n  and {} more", thousands((found.len() - NAMES) as u64));
    }
    text
}

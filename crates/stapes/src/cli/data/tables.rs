//! Tables of `stapes data info`.

use stapes::data::{Channel, Counts, DataStatistics, Lengths, SubsetCount};
use stapes::report::terminal::table;

use super::super::console::thousands;

/// Maximum number of rows of a table; further rows are counted.
const MAX_ROWS: usize = 40;
/// Maximum number of names of a list.
const MAX_NAMES: usize = 10;

/// Counts examples by class and, if there is a split, by subset.
pub(super) fn classes(counts: &Counts, split: bool) -> String {
    let mut rows: Vec<(String, SubsetCount)> =
        counts.classes.iter().map(|class| (class.class.clone(), class.examples)).collect();
    rows.push(("all".to_owned(), counts.total));
    by_subset("class", &rows, split)
}

/// Counts examples by speaker.
pub(super) fn speakers(counts: &Counts, split: bool) -> String {
    let rows: Vec<(String, SubsetCount)> =
        counts.groups.iter().map(|group| (group.group.clone(), group.examples)).collect();
    by_subset("speaker", &rows, split)
}

fn by_subset(group: &str, rows: &[(String, SubsetCount)], split: bool) -> String {
    let number = |number: usize| thousands(number as u64);
    let cells = |(name, count): &(String, SubsetCount)| {
        let SubsetCount { train, validation, test } = *count;
        let mut cells = vec![name.clone(), number(train + validation + test)];
        if split {
            cells.extend([train, validation, test].map(number));
        }
        cells
    };
    let header =
        if split { &[group, "examples", "train", "validation", "test"][..] } else { &[group, "examples"] };
    let mut shown: Vec<&(String, SubsetCount)> = rows.iter().take(MAX_ROWS).collect();
    let mut text = String::new();
    if rows.len() > MAX_ROWS + 1 {
        // The last row of classes is their sum.
        shown.extend(rows.last().filter(|(name, _)| group == "class" && name == "all"));
        text = format!("\nand {} more", number(rows.len() - shown.len()));
    } else {
        shown = rows.iter().collect();
    }
    format!("{}{text}", table(header, shown.into_iter().map(cells), 1))
}

/// Describes lengths, sample rates and channels, of which `channel` is used.
pub(super) fn lengths(statistics: &DataStatistics, channel: Channel) -> String {
    let row = |unit: &str, lengths: &Lengths, number: fn(f64) -> String| {
        let Lengths { min, median, max, total } = *lengths;
        let mut row = vec![unit.to_owned()];
        row.extend([min, median, max, total].map(number));
        row
    };
    let mut rows = Vec::new();
    rows.extend(
        statistics.seconds.as_ref().map(|lengths| row("s", lengths, |seconds| format!("{seconds:.3}"))),
    );
    rows.extend(
        statistics.frames.as_ref().map(|lengths| row("frames", lengths, |frames| format!("{frames}"))),
    );
    if rows.is_empty() {
        return String::new();
    }
    let mut text = table(&["length", "min", "median", "max", "total"], rows.into_iter(), 1);
    let rates: Vec<String> = statistics
        .rates_hz
        .iter()
        .map(|(rate, count)| format!("{rate} Hz ({})", thousands(*count as u64)))
        .collect();
    if !rates.is_empty() {
        text += &format!("\n\nsample rates: {}", rates.join(", "));
    }
    if statistics.channels.keys().any(|channels| *channels > 1) {
        let channels = statistics.channels.iter();
        let used = match channel {
            Channel::Mean => "their mean".to_owned(),
            Channel::Index(index) => format!("channel {index}, counted from 0,"),
        };
        let counts: Vec<String> =
            channels.map(|(channels, count)| format!("{channels} ({})", thousands(*count as u64))).collect();
        text += &format!("\nchannels: {}; {used} is used", counts.join(", "));
    }
    text
}

/// Describes a finding: its number of examples and the first names.
pub(super) fn finding<T>(title: &str, examples: &[T], name: impl Fn(&T) -> String) -> String {
    let mut text = format!("{title}: {}", thousands(examples.len() as u64));
    for example in examples.iter().take(MAX_NAMES) {
        text += &format!("\n  {}", name(example));
    }
    if examples.len() > MAX_NAMES {
        text += &format!("\n  and {} more", thousands((examples.len() - MAX_NAMES) as u64));
    }
    text
}

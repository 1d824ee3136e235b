//! TextGrid files of Praat.

use super::{Fault, Rows};
use crate::labeled_segment::LabeledSegment;

/// Names of the interval tier that is read if there are several, the preferred one first: that of `stapes vad`, and that of
/// forced aligners.
const TIERS: [&str; 2] = ["segments", "words"];

/// Value of a text file of Praat: everything else is a comment, such as `xmin =`.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(f64),
    Text(String),
}

/// Interval tier.
struct Tier {
    name: String,
    rows: Rows,
}

/// Parses the labeled intervals of a TextGrid in the long or the short form; intervals without text have no label. With several
/// interval tiers, that called `segments` or `words` is read.
///
/// # Errors
/// The line and its fault.
pub(super) fn parse(text: &str) -> Result<Rows, Fault> {
    if text.starts_with("ooBinaryFile") {
        return Err(Fault::new(1, "is a binary file of Praat; save it as a text file".to_owned()));
    }
    let mut values = Values { text, position: 0, line: 1 };
    for expected in ["ooTextFile", "TextGrid"] {
        let (line, found) = values.text()?;
        if found != expected {
            return Err(Fault::new(
                line,
                format!("{found:?} instead of {expected:?}; expected a TextGrid of Praat"),
            ));
        }
    }
    let (_, _, count) = (values.number()?, values.number()?, values.number()?.1);
    let mut tiers = Vec::new();
    // The count is from the file.
    let mut number = 0.0;
    while number < count {
        tiers.extend(tier(&mut values)?);
        number += 1.0;
    }
    let last = values.line;
    chosen(tiers).map_err(|reason| Fault::new(last, reason))
}

/// Reads a tier; a tier of points has no intervals.
fn tier(values: &mut Values<'_>) -> Result<Option<Tier>, Fault> {
    let (line, class) = values.text()?;
    let (_, name) = values.text()?;
    let (_, _, count) = (values.number()?, values.number()?, values.number()?.1);
    let is_interval = match &*class {
        "IntervalTier" => true,
        "TextTier" => false,
        _ => {
            return Err(Fault::new(
                line,
                format!("{class:?} is not a tier; expected IntervalTier or TextTier"),
            ));
        }
    };
    let (mut rows, mut number) = (Rows::new(), 0.0);
    while number < count {
        number += 1.0;
        let (line, start_seconds) = values.number()?;
        if !is_interval {
            values.text()?;
            continue;
        }
        let (_, end_seconds) = values.number()?;
        let (_, text) = values.text()?;
        let label = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !label.is_empty() {
            let segment = LabeledSegment { start_seconds, end_seconds, label };
            rows.push((line, segment.checked().map_err(|reason| Fault::new(line, reason))?));
        }
    }
    Ok(is_interval.then_some(Tier { name, rows }))
}

/// Returns the intervals of the tier that is read.
fn chosen(mut tiers: Vec<Tier>) -> Result<Rows, String> {
    let is = |tier: &Tier, name: &str| tier.name.trim().eq_ignore_ascii_case(name);
    let at = match tiers.len() {
        1 => Some(0),
        _ => TIERS.iter().find_map(|name| tiers.iter().position(|tier| is(tier, name))),
    };
    match at {
        Some(at) => Ok(tiers.swap_remove(at).rows),
        None if tiers.is_empty() => Err("has no interval tier".to_owned()),
        None => {
            let names: Vec<String> = tiers.into_iter().map(|tier| tier.name).collect();
            let names = crate::error::listed(&names, 20);
            Err(format!("has the interval tiers {names}; keep one, or call the one with the labels segments"))
        }
    }
}

/// Values of a text file in their order.
struct Values<'a> {
    text: &'a str,
    /// Byte of the next character, and its line.
    position: usize,
    line: usize,
}

impl Values<'_> {
    /// Returns the next text and its line.
    fn text(&mut self) -> Result<(usize, String), Fault> {
        match self.next()? {
            (line, Value::Text(text)) => Ok((line, text)),
            (line, Value::Number(number)) => {
                Err(Fault::new(line, format!("{number} instead of a text in quotation marks")))
            }
        }
    }

    /// Returns the next number and its line.
    fn number(&mut self) -> Result<(usize, f64), Fault> {
        match self.next()? {
            (line, Value::Number(number)) => Ok((line, number)),
            (line, Value::Text(text)) => Err(Fault::new(line, format!("{text:?} instead of a number"))),
        }
    }

    /// Returns the next value: a text in quotation marks, doubled inside, or a number that is a word of its own.
    fn next(&mut self) -> Result<(usize, Value), Fault> {
        loop {
            let rest = &self.text[self.position..];
            let Some(first) = rest.chars().next() else {
                return Err(Fault::new(
                    self.line,
                    "ends before the last interval; save the TextGrid again".to_owned(),
                ));
            };
            match first {
                '"' => return self.quoted(),
                '\n' => self.advance(1),
                // A comment up to the end of the line.
                '!' => self.advance(rest.find('\n').unwrap_or(rest.len())),
                _ if first.is_whitespace() => self.advance(first.len_utf8()),
                _ => {
                    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                    let line = self.line;
                    self.advance(end);
                    if let Some(number) = rest[..end].parse().ok().filter(|number: &f64| number.is_finite()) {
                        return Ok((line, Value::Number(number)));
                    }
                }
            }
        }
    }

    fn quoted(&mut self) -> Result<(usize, Value), Fault> {
        let (line, rest) = (self.line, &self.text[self.position..]);
        let mut end = 1;
        loop {
            let Some(quote) = rest[end..].find('"') else {
                return Err(Fault::new(line, "begins a text without a closing quotation mark".to_owned()));
            };
            end += quote + 1;
            match rest[end..].starts_with('"') {
                true => end += 1,
                false => break,
            }
        }
        self.advance(end);
        Ok((line, Value::Text(rest[1..end - 1].replace("\"\"", "\""))))
    }

    /// Passes over bytes.
    fn advance(&mut self, bytes: usize) {
        let passed = &self.text[self.position..self.position + bytes];
        self.line += passed.matches('\n').count();
        self.position += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, f64, f64, String)> {
        let rows = parse(text).unwrap();
        rows.into_iter().map(|(line, row)| (line, row.start_seconds, row.end_seconds, row.label)).collect()
    }

    const LONG: &str = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0 \nxmax = 2.5 \ntiers? <exists> \n\
                        size = 2 \nitem []: \n    item [1]:\n        class = \"TextTier\" \n        name = \"clicks 3\" \n        xmin = 0 \n\
                        xmax = 2.5 \n        points: size = 1 \n        points [1]:\n            number = 0.3 \n            mark = \"x\" \n\
                        item [2]:\n        class = \"IntervalTier\" \n        name = \"any\" \n        xmin = 0 \n        xmax = 2.5 \n\
                        intervals: size = 3 \n        intervals [1]:\n            xmin = 0 \n            xmax = 0.5 \n            text = \"\" \n\
                        intervals [2]:\n            xmin = 0.5 \n            xmax = 1.25 \n            text = \"say \"\"a 7\"\"\nnow\" \n\
                        intervals [3]:\n            xmin = 1.25 \n            xmax = 2.5 \n            text = \"  \" \n";

    #[test]
    fn long_and_short_forms_are_read() {
        assert_eq!(found(LONG), [(29, 0.5, 1.25, "say \"a 7\" now".to_owned())]);
        let short = "\"ooTextFile\"\n\"TextGrid\"\n0\n2\n<exists>\n1\n\"IntervalTier\"\n\"x\"\n0\n2\n2\n0\n1\n\"\"\n1\n2 ! \"2\n\"no\"\n";
        assert_eq!(found(short), [(15, 1.0, 2.0, "no".to_owned())]);
        assert_eq!(found("\"ooTextFile\" \"TextGrid\" 0 2 <exists> 1 \"IntervalTier\" \"x\" 0 2 0"), []);
    }

    #[test]
    fn one_of_several_tiers_is_chosen_by_name() {
        let tier = |name: &str| format!("\"IntervalTier\" \"{name}\" 0 2 1 0 2 \"{name}\"\n");
        let grid = |names: &[&str]| {
            let tiers: String = names.iter().map(|name| tier(name)).collect();
            format!("\"ooTextFile\" \"TextGrid\" 0 2 <exists> {} {tiers}", names.len())
        };
        assert_eq!(found(&grid(&["phones", "Words"]))[0].3, "Words");
        assert_eq!(found(&grid(&["words", "segments"]))[0].3, "segments");
        let Fault { reason: error, .. } = parse(&grid(&["anna", "bo"])).unwrap_err();
        assert!(error.contains("anna, bo") && error.contains("segments"), "{error}");
    }

    #[test]
    fn invalid_files_are_rejected() {
        for (text, part) in [
            ("", "ends before"),
            ("ooBinaryFile\u{8}TextGrid", "binary"),
            ("\"ooTextFile\" \"Sound\"", "\"Sound\" instead of \"TextGrid\""),
            ("\"ooTextFile\" \"TextGrid\" 0 2 <exists> 0", "no interval tier"),
            (
                "\"ooTextFile\" \"TextGrid\" 0 2 <exists> 1e300 \"IntervalTier\" \"x\" 0 2 1e300",
                "ends before",
            ),
            ("\"ooTextFile\" \"TextGrid\" 0 2 <exists> 1 \"Tier\" \"x\" 0 2 0", "\"Tier\" is not a tier"),
            (
                "\"ooTextFile\" \"TextGrid\" 0 2 <exists> 1 \"IntervalTier\" \"x\" 0 2 1 2 1 \"a\"",
                "before its start",
            ),
            (
                "\"ooTextFile\" \"TextGrid\" 0 2 <exists> 1 \"IntervalTier\" \"x\" 0 2 1 \"a\" 1 2",
                "instead of a number",
            ),
            ("\"ooTextFile\" \"TextGrid", "closing quotation mark"),
        ] {
            let Fault { reason: error, .. } = parse(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}

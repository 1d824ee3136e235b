//! Escaping of text from outside for terminals, lines of text, pages and pictures.
//!
//! Escape sequences move the cursor, line breaks and tabs forge lines and fields, direction marks reorder the
//! surrounding text, and XML forbids the other control characters.

use std::borrow::Cow;

/// Escapes every control character, line break, direction mark and noncharacter as `\u{..}`, for a name in a line of
/// text.
///
/// # Example
/// ```
/// assert_eq!(stapes_report::visible("a\tb\u{1b}[2J"), "a\\u{9}b\\u{1b}[2J");
/// assert_eq!(stapes_report::visible("Ä ж 語"), "Ä ж 語");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    escape(text, is_active)
}

/// Escapes text of several lines like [`visible`], but keeps tabs and line feeds.
///
/// # Example
/// ```
/// assert_eq!(stapes_report::visible_lines("one\n\ttwo\r"), "one\n\ttwo\\u{d}");
/// ```
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escape(text, |character| !matches!(character, '\t' | '\n') && is_active(character))
}

/// Returns a name in quotation marks, for running text.
///
/// # Example
/// ```
/// assert_eq!(stapes_report::quoted("yes"), "“yes”");
/// ```
pub fn quoted(name: &str) -> String {
    format!("“{name}”")
}

fn escape(text: &str, is_active: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_active) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match is_active(character) {
            true => escaped.extend(character.escape_unicode()),
            false => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

/// Returns true for a character with an effect instead of a glyph.
///
/// # Source
/// Unicode 16.0: the general category Cc, line and paragraph separators, the bidirectional controls of UAX 9, the byte order
/// mark and the noncharacters.
fn is_active(character: char) -> bool {
    match character {
        '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => true,
        '\u{fdd0}'..='\u{fdef}' => true,
        other => other.is_control() || u32::from(other) & 0xfffe == 0xfffe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stapes_testkit::HOSTILE_NAMES;

    #[test]
    fn hostile_names_are_escaped_and_good_names_unchanged() {
        for name in HOSTILE_NAMES {
            let escaped = visible(name);
            assert!(!escaped.contains(is_active), "{escaped}");
            assert_eq!(visible(&escaped), escaped, "escaping is idempotent");
            assert!(!visible_lines(name).contains(|c: char| c != '\n' && c != '\t' && is_active(c)));
        }
        assert_eq!(
            visible("\u{0}\u{9b}\u{202e}\u{2028}\u{ffff}"),
            "\\u{0}\\u{9b}\\u{202e}\\u{2028}\\u{ffff}"
        );
        for name in ["naïve_1.wav", "\u{200d}👩\u{200d}🚀", "שלום", "a b", "C:\\x"] {
            assert_eq!(visible(name), name);
        }
    }
}

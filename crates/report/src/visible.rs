//! Text from outside, for a terminal, a line of text, a page or a picture: what would act there is shown instead.
//!
//! Escape sequences move the cursor, line breaks and tabs forge lines and fields, direction marks reorder what stands
//! around them, and XML allows none of the other control characters.

use std::borrow::Cow;

/// The text with every control character, line break, direction mark and noncharacter as `\u{..}`: for a name in a line.
///
/// # Example
/// ```
/// assert_eq!(stapes_report::visible("a\tb\u{1b}[2J"), "a\\u{9}b\\u{1b}[2J");
/// assert_eq!(stapes_report::visible("Ä ж 語"), "Ä ж 語");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    shown(text, acts)
}

/// The same for text of several lines: tabs and line feeds stay.
///
/// # Example
/// ```
/// assert_eq!(stapes_report::visible_lines("one\n\ttwo\r"), "one\n\ttwo\\u{d}");
/// ```
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    shown(text, |character| !matches!(character, '\t' | '\n') && acts(character))
}

fn shown(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match acts(character) {
            true => shown.extend(character.escape_unicode()),
            false => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// Whether a character does something instead of being seen.
///
/// # Source
/// Unicode 16.0: the general category Cc, line and paragraph separators, the bidirectional controls of UAX 9, the byte order
/// mark and the noncharacters.
fn acts(character: char) -> bool {
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
    fn hostile_names_act_no_more_and_good_names_stay() {
        for name in HOSTILE_NAMES {
            let shown = visible(name);
            assert!(!shown.contains(acts), "{shown}");
            assert_eq!(visible(&shown), shown, "what is visible stays");
            assert!(!visible_lines(name).contains(|c: char| c != '\n' && c != '\t' && acts(c)));
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

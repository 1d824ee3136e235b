//! Names that break what prints or writes them unescaped.

/// A name longer than any line, without a place to break it.
const LONG: &str = concat!(
    "a_very_long_name_without_a_blank_a_very_long_name_without_a_blank_a_very_long_name_without_a_blank_",
    "a_very_long_name_without_a_blank_a_very_long_name_without_a_blank_a_very_long_name_without_a_blank_"
);

/// Names with markup, escape sequences, line breaks, tabs, direction marks and characters that XML does not allow.
///
/// The last but one is what a lone surrogate becomes in a path that is not Unicode.
pub const HOSTILE_NAMES: [&str; 18] = [
    "<b>&\"'",
    "]]>",
    "<!--",
    "&#0;&nbsp;&amp",
    "</svg></title></style><script>alert(1)</script>",
    "nul\u{0}and bell\u{7}",
    "\u{1b}[2J\u{1b}[31mred\u{1b}[0m",
    "\u{1b}]0;title\u{7}",
    "\u{9b}31mred",
    "a\tb",
    "a\nerror: forged",
    "a\r\nb\rc",
    "\u{202e}vaw.gnp\u{2066}x\u{200f}",
    "a\u{2028}b\u{85}c\u{feff}",
    "\u{ffff}\u{fffe}\u{fdd0}\u{1fffe}",
    "{{ name }}%s%n${name}",
    "\u{fffd}\u{fffd}\u{fffd}.wav",
    LONG,
];

/// Those that a file can have on the systems where tests run.
pub fn hostile_file_names() -> impl Iterator<Item = &'static str> {
    HOSTILE_NAMES.into_iter().filter(|name| !name.contains(['/', '\0']))
}

//! Speakers derived from the names of files or folders.

use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// Maximum size of a compiled pattern in bytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Rule of `[data.folders]` that derives the speaker from a file: `before _`, `folder`, or a pattern.
///
/// # Example
/// ```
/// use stapes_data::SpeakerRule;
///
/// let rule: SpeakerRule = "before _".parse()?;
/// assert_eq!(rule.speaker("anna_07.wav"), Some("anna"));
/// assert_eq!(rule.speaker("noise.wav"), None);
/// let rule: SpeakerRule = "folder".parse()?;
/// assert_eq!(rule.speaker("anna/07.wav"), Some("anna"));
/// let rule: SpeakerRule = r"^(.+)_\d+".parse()?;
/// assert_eq!(rule.speaker("anna_maria_07.wav"), Some("anna_maria"));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SpeakerRule {
    /// Part of the file name before the first occurrence of this text; the speaker is unknown without it.
    Before(String),
    /// Folder of the speaker in the folder of the class; the file may be in a subfolder.
    Folder,
    /// Part of the file name that the group of a pattern matches; the speaker is unknown if the pattern does not match.
    Pattern(SpeakerPattern),
}

/// Regular expression with one group, the speaker.
#[derive(Clone, Debug)]
pub struct SpeakerPattern(Regex);

impl PartialEq for SpeakerPattern {
    fn eq(&self, other: &SpeakerPattern) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for SpeakerPattern {}

impl SpeakerPattern {
    fn new(text: &str) -> Result<SpeakerPattern, String> {
        let pattern = RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).build().map_err(|error| {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("is not a regular expression ({reason}); correct it")
        })?;
        // The first group is the whole match.
        match pattern.captures_len() - 1 {
            1 => Ok(SpeakerPattern(pattern)),
            count => Err(format!(
                "has {count} groups, but must have one, the speaker; write (?:…) for other groups"
            )),
        }
    }
}

impl SpeakerRule {
    /// Returns the speaker of a file, given its path in the folder of the class, with `/` as separator.
    pub fn speaker<'a>(&self, path: &'a str) -> Option<&'a str> {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let found = match self {
            SpeakerRule::Before(text) => name.split_once(text.as_str()).map(|(speaker, _)| speaker),
            SpeakerRule::Folder => path.split_once('/').map(|(speaker, _)| speaker),
            SpeakerRule::Pattern(SpeakerPattern(pattern)) => {
                pattern.captures(name).and_then(|groups| groups.get(1)).map(|group| group.as_str())
            }
        };
        found.filter(|speaker| !speaker.is_empty())
    }
}

impl FromStr for SpeakerRule {
    type Err = String;

    fn from_str(text: &str) -> Result<SpeakerRule, String> {
        match text.split_once(' ') {
            None if text == "folder" => Ok(SpeakerRule::Folder),
            Some(("before", mark)) if !mark.is_empty() && !mark.contains('/') => {
                Ok(SpeakerRule::Before(mark.to_owned()))
            }
            _ if text.contains('(') && !text.starts_with("before ") => SpeakerPattern::new(text)
                .map(SpeakerRule::Pattern)
                .map_err(|reason| format!("speaker = \"{text}\" {reason}")),
            _ => Err(format!(
                "speaker = \"{text}\" must be \"before _\" (the part of a file's name before the first _, or before another \
                 text), \"folder\" (one folder per speaker in each class), or a regular expression with one group, such as \
                 '^(.+)_\\d+'"
            )),
        }
    }
}

impl TryFrom<String> for SpeakerRule {
    type Error = String;

    fn try_from(text: String) -> Result<SpeakerRule, String> {
        text.parse()
    }
}

impl From<SpeakerRule> for String {
    fn from(rule: SpeakerRule) -> String {
        rule.to_string()
    }
}

impl fmt::Display for SpeakerRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpeakerRule::Before(text) => write!(formatter, "before {text}"),
            SpeakerRule::Folder => formatter.write_str("folder"),
            SpeakerRule::Pattern(SpeakerPattern(pattern)) => formatter.write_str(pattern.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_parsed_and_displayed_and_others_rejected() {
        for text in ["before _", "before _nohash_", "before  - ", "before (", "folder", r"^(.+)_\d+", "(a)"] {
            let rule = text.parse::<SpeakerRule>().unwrap();
            assert_eq!(rule.to_string(), text);
            assert_eq!(text.parse::<SpeakerRule>().unwrap(), rule);
        }
        for text in ["", "before", "before ", "after _", "folders", "before a/b", "^.+_"] {
            let error = text.parse::<SpeakerRule>().unwrap_err();
            assert!(error.contains("before _"), "{error}");
        }
        assert_ne!("(a)".parse::<SpeakerRule>().unwrap(), "(b)".parse().unwrap());
    }

    #[test]
    fn a_pattern_has_one_group() {
        for (text, part) in [
            ("^(.+", "unclosed group"),
            ("^(.+)_(.+)", "has 2 groups"),
            ("^(?:.+)_", "has 0 groups"),
            ("(a{1000}{1000}{1000})", "size limit"),
            ("(a)(?=b)", "look-around"),
        ] {
            let error = text.parse::<SpeakerRule>().unwrap_err();
            assert!(error.starts_with(&format!("speaker = \"{text}\" ")) && error.contains(part), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        let rule: SpeakerRule = r"^(?:x_)?([a-zé]+)\d".parse().unwrap();
        let speakers = ["day/x_anna1.wav", "josé2.wav", "3.wav"].map(|path| rule.speaker(path));
        assert_eq!(speakers, [Some("anna"), Some("josé"), None]);
    }

    #[test]
    fn a_file_without_the_text_or_the_folder_has_no_speaker() {
        let before = SpeakerRule::Before("_".into());
        let speakers = ["x/anna_1_2.wav", "x_y/anna.wav", "_1.wav"].map(|path| before.speaker(path));
        assert_eq!(speakers, [Some("anna"), None, None]);
        let speakers = ["anna/monday/1.wav", "1.wav"].map(|path| SpeakerRule::Folder.speaker(path));
        assert_eq!(speakers, [Some("anna"), None]);
    }
}

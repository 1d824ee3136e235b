//! Speakers derived from the names of files or folders.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Rule of `[data.folders]` that derives the speaker from a file: `before _` or `folder`.
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
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SpeakerRule {
    /// Part of the file name before the first occurrence of this text; the speaker is unknown without it.
    Before(String),
    /// Folder of the speaker in the folder of the class; the file may be in a subfolder.
    Folder,
}

impl SpeakerRule {
    /// Returns the speaker of a file, given its path in the folder of the class, with `/` as separator.
    pub fn speaker<'a>(&self, path: &'a str) -> Option<&'a str> {
        let found = match self {
            SpeakerRule::Before(text) => {
                let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
                name.split_once(text.as_str()).map(|(speaker, _)| speaker)
            }
            SpeakerRule::Folder => path.split_once('/').map(|(speaker, _)| speaker),
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
            _ => Err(format!(
                "speaker = \"{text}\" must be \"before _\" (the part of a file's name before the first _, or before another \
                 text) or \"folder\" (one folder per speaker in each class)"
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_parsed_and_displayed_and_others_rejected() {
        for text in ["before _", "before _nohash_", "before  - ", "folder"] {
            assert_eq!(text.parse::<SpeakerRule>().unwrap().to_string(), text);
        }
        for text in ["", "before", "before ", "after _", "folders", "before a/b"] {
            let error = text.parse::<SpeakerRule>().unwrap_err();
            assert!(error.contains("before _"), "{error}");
        }
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

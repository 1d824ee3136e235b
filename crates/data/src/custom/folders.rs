//! Custom data with one folder per class: recordings, or arrays of frames.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stapes_audio::Channel;

use super::config::{CustomDataConfig, CustomSplit};
use super::frame_folders::read_all;
use super::keys::Keys;
use super::rows::{ClassIndex, subset};
use super::source::CustomSource;
use super::speaker_rule::SpeakerRule;
use crate::dataset::{DataSet, Example, Source};
use crate::error::{DataError, listed};
use crate::folder::{self, Entry};
use crate::frame_file::has_frame_extension;
use crate::label::Label;
use crate::note::Note;
use crate::subset::Subset;

const SET: &str = "folders";
const LAYOUT: &str = "one folder per class with audio files (with frame_width: .npy, .csv or .txt files of frames); with \
                      split = \"predefined\", in folders train, validation and test";
/// Extensions of sound files of formats that are not read.
const UNREAD_EXTENSIONS: [&str; 23] = [
    "3gp", "aa3", "ac3", "alac", "amr", "ape", "dsf", "dts", "gsm", "mka", "mp2", "mpc", "ra", "raw", "sln",
    "sph", "spx", "tta", "voc", "vox", "weba", "webm", "wma",
];
const CONVERT: &str = "convert them to WAV or FLAC";

/// Audio files, or files of frames, with one folder per class.
///
/// The class is called like its folder, which may have subfolders of any depth. Names that begin with a dot are ignored.
/// A folder whose name begins with `_` is a class only if `classes` names it; other such folders and sound files of other
/// formats are [`notes`](DataSet::notes). Recordings beside the class folders are an error. With `split = "predefined"`
/// the folders of the classes are in folders `train`, `validation` (or `valid`, `val`, `dev`; optional) and `test`.
/// Files of frames are those that [`read_frames`](crate::read_frames) reads; they are read when the data set is opened.
///
/// # Example
/// ```
/// use stapes_data::{DataConfig, FoldersConfig};
///
/// let folder = std::env::temp_dir().join(format!("stapes-folders-{}", std::process::id()));
/// for name in ["yes/anna_1.wav", "yes/bo_1.wav", "no/anna_1.wav"] {
///     let path = folder.join(name);
///     std::fs::create_dir_all(path.parent().unwrap())?;
///     std::fs::write(path, "")?;
/// }
/// let config = FoldersConfig { speaker: Some("before _".parse()?), ..FoldersConfig::default() };
/// let dataset = DataConfig::Folders(config).open(Some(&folder))?;
/// assert_eq!((dataset.classes.join(" "), dataset.groups().join(" ")), ("no yes".into(), "anna bo".into()));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Keys")]
pub struct FoldersConfig {
    /// Rule that derives the speaker from the file; by default speakers are unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<SpeakerRule>,
    /// Number of features F, if the files are arrays of frames [T, F] and not recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_width: Option<usize>,
    /// Classes, split and tolerance.
    #[serde(flatten)]
    pub custom: CustomDataConfig,
}

impl CustomSource for FoldersConfig {
    const NAME: &str = SET;
    const LAYOUT: &str = LAYOUT;

    fn custom(&self) -> &CustomDataConfig {
        &self.custom
    }
    fn frame_width(&self) -> Option<usize> {
        self.frame_width
    }
    fn check_form(&self) -> Result<(), DataError> {
        let Some(width) = self.frame_width else { return Ok(()) };
        let fraction = self.custom.max_unreadable_fraction;
        let key = |key: &str| format!("{SET}.{key}");
        if width == 0 {
            return Err(DataError::setting(key("frame_width"), width, "must be at least 1"));
        }
        if fraction > 0.0 {
            let rule = "must be 0 with frame_width: every file of frames is read";
            return Err(DataError::setting(key("max_unreadable_fraction"), fraction, rule));
        }
        if let Channel::Index(channel) = self.custom.channel {
            let rule = "is only valid for recordings; remove it, or frame_width";
            return Err(DataError::setting(key("channel"), channel, rule));
        }
        Ok(())
    }
    fn read(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let folder = folder::required(folder, SET, LAYOUT)?;
        let mut found = Found::new(self);
        let subsets = subset_folders(folder)?;
        let complete = [Subset::Train, Subset::Test].iter().all(|subset| subsets.contains_key(subset));
        match self.custom.split {
            None | Some(CustomSplit::Predefined) if complete => {
                found.beside_subsets(folder)?;
                for (subset, (name, path)) in subsets {
                    found.classes(&path, &format!("{name}/"), Some(subset))?;
                }
            }
            Some(CustomSplit::Predefined) => return Err(folder::not_this_set(SET, folder, LAYOUT)),
            None if !subsets.is_empty() => {
                let (_, (_, path)) =
                    subsets.into_iter().next().unwrap_or_else(|| unreachable!("there is one"));
                let reason = "is the name of a subset, but a split needs folders train and test; add the missing one, or set \
                              data.folders.split (such as \"random\") if this is a class";
                return Err(DataError::Manifest { path, reason: reason.to_owned() });
            }
            _ => found.classes(folder, "", None)?,
        }
        found.dataset(folder)
    }
}

/// Returns the folders whose names are those of subsets.
fn subset_folders(folder: &Path) -> Result<BTreeMap<Subset, (String, PathBuf)>, DataError> {
    let mut subsets = BTreeMap::new();
    for entry in folder::entries(folder)? {
        let Ok(Some(subset)) = subset(&entry.name) else { continue };
        if !entry.is_folder {
            continue;
        }
        let other = subsets.insert(subset, (entry.name, entry.path.clone()));
        if let Some((other, _)) = other {
            let reason = format!("means {subset}, and so does {other}; merge them");
            return Err(DataError::Manifest { path: entry.path, reason });
        }
    }
    Ok(subsets)
}

/// Examples and classes found so far, and the names of everything that is not used.
struct Found<'a> {
    config: &'a FoldersConfig,
    labels: ClassIndex,
    examples: Vec<Example>,
    /// Recordings beside the class folders.
    loose: Vec<String>,
    /// Sound files of formats that are not read.
    unread: Vec<String>,
    /// Folders whose names begin with `_` and that are not classes, each with its number of recordings.
    other_folders: Vec<(String, usize)>,
}

impl<'a> Found<'a> {
    fn new(config: &'a FoldersConfig) -> Found<'a> {
        Found {
            config,
            labels: ClassIndex::new(SET, config.custom.classes.as_deref()),
            examples: Vec::new(),
            loose: Vec::new(),
            unread: Vec::new(),
            other_folders: Vec::new(),
        }
    }

    /// Notes what is beside the folders of the subsets; another folder there would be ignored, which is an error.
    fn beside_subsets(&mut self, folder: &Path) -> Result<(), DataError> {
        for entry in folder::entries(folder)? {
            if entry.is_folder && !entry.name.starts_with('_') && subset(&entry.name).is_err() {
                let reason =
                    "is beside the folders train and test and would be ignored; move it into them or to another place"
                        .to_owned();
                return Err(DataError::Manifest { path: entry.path, reason });
            }
            if subset(&entry.name).is_err() {
                self.beside_classes(entry, "")?;
            }
        }
        Ok(())
    }

    /// Adds the classes of a folder; the examples' names get the prefix `prefix`.
    fn classes(&mut self, folder: &Path, prefix: &str, subset: Option<Subset>) -> Result<(), DataError> {
        for entry in folder::entries(folder)? {
            if !entry.is_folder || (entry.name.starts_with('_') && !self.labels.names(&entry.name)) {
                self.beside_classes(entry, prefix)?;
                continue;
            }
            let label = self.labels.class(&entry.name);
            let class = label.map_err(|reason| DataError::Manifest {
                path: entry.path.clone(),
                reason: format!("as a folder, {reason}"),
            })?;
            let (before, unread) = (self.examples.len(), self.unread.len());
            self.files(&entry.path, &format!("{prefix}{}/", entry.name), class, subset)?;
            if self.examples.len() == before && subset.is_none() {
                return Err(match &self.unread[unread..] {
                    [] => DataError::EmptyClass { path: entry.path, class: entry.name },
                    names => {
                        let reason = format!(
                            "has only files of formats that are not read ({}); {CONVERT}",
                            listed(names, 3)
                        );
                        DataError::Manifest { path: entry.path, reason }
                    }
                });
            }
        }
        Ok(())
    }

    /// Notes an entry that is beside the class folders.
    fn beside_classes(&mut self, entry: Entry, prefix: &str) -> Result<(), DataError> {
        let name = format!("{prefix}{}", entry.name);
        match self.format(&entry.path) {
            _ if entry.is_folder => {
                let files = self.files_below(&entry.path)?;
                let count = files.iter().filter(|(file, _)| self.format(&file.path) != Format::Other).count();
                self.other_folders.push((name, count));
            }
            Format::Read => self.loose.push(name),
            Format::Unread => self.unread.push(name),
            Format::Other => {}
        }
        Ok(())
    }

    /// Adds the audio files of the folder of a class and its subfolders.
    fn files(
        &mut self,
        folder: &Path,
        class_prefix: &str,
        class: usize,
        subset: Option<Subset>,
    ) -> Result<(), DataError> {
        for (entry, within) in self.files_below(folder)? {
            match self.format(&entry.path) {
                Format::Read => self.examples.push(Example {
                    label: Label::Class(class),
                    group: self
                        .config
                        .speaker
                        .as_ref()
                        .and_then(|rule| rule.speaker(&within))
                        .map(str::to_owned),
                    fold: None,
                    predefined: subset,
                    id: format!("{class_prefix}{within}"),
                    source: Source::File(entry.path),
                    channel: self.config.custom.channel,
                }),
                Format::Unread => self.unread.push(format!("{class_prefix}{within}")),
                Format::Other => {}
            }
        }
        Ok(())
    }

    /// Returns the files of a folder and its subfolders, each with its path in the folder. A folder with the name of a file that
    /// is read counts as a file; it is rejected when it is read.
    fn files_below(&self, folder: &Path) -> Result<Vec<(Entry, String)>, DataError> {
        folder::files_below(folder, |entry| self.format(&entry.path) != Format::Read)
    }

    fn format(&self, path: &Path) -> Format {
        match self.config.frame_width {
            Some(_) if has_frame_extension(path) => Format::Read,
            Some(_) => Format::Other,
            None => Format::of_recording(path),
        }
    }

    /// Checks what was found, and returns it.
    fn dataset(mut self, folder: &Path) -> Result<DataSet, DataError> {
        if self.examples.is_empty() && self.loose.is_empty() {
            return Err(folder::not_this_set(SET, folder, LAYOUT));
        }
        if !self.loose.is_empty() {
            let (count, names) = (self.loose.len(), listed(&self.loose, 5));
            let are =
                if count == 1 { "1 recording is".to_owned() } else { format!("{count} recordings are") };
            let reason = match self.examples.is_empty() {
                true => format!(
                    "{are} not in a class folder ({names}); move them into one folder per class, called like the class, or list \
                     them with the columns path and label in a file manifest.csv beside them"
                ),
                false => format!(
                    "{are} beside the class folders ({names}); move them into one of these or to another place"
                ),
            };
            return Err(DataError::Manifest { path: folder.to_owned(), reason });
        }
        let misfits = self.misfits()?;
        if let Some(width) = self.config.frame_width {
            read_all(&mut self.examples, width)?;
        }
        let (classes, places) = self.labels.sorted();
        for example in &mut self.examples {
            if let Label::Class(class) = &mut example.label {
                *class = places[*class];
            }
        }
        super::check_class_count(folder, &classes, &self.config.custom)?;
        let examples = self.examples;
        let is_empty = |&class: &usize| examples.iter().all(|example| example.label.class() != Some(class));
        if !self.config.custom.allow_missing_classes
            && let Some(class) = (0..classes.len()).find(is_empty)
        {
            return Err(DataError::EmptyClass {
                path: folder.join(&classes[class]),
                class: classes[class].clone(),
            });
        }
        let folders = self.other_folders.iter().map(|(name, count)| format!("{name} ({count} recordings)"));
        let folder_fact =
            ["folder whose name begins with _ is not used", "folders whose names begin with _ are not used"];
        let file_fact =
            ["sound file has a format that is not read", "sound files have formats that are not read"];
        let notes = [
            misfits,
            Note::new(
                folders.collect(),
                folder_fact,
                "to use one as a class, name it in data.folders.classes",
            ),
            Note::new(self.unread, file_fact, CONVERT),
        ];
        let notes = notes.into_iter().flatten().collect();
        Ok(DataSet { name: SET.to_owned(), classes, examples, missing: 0, notes })
    }

    /// Returns a note about the files that the speaker rule does not fit, or an error if the split needs the speakers.
    fn misfits(&self) -> Result<Option<Note>, DataError> {
        let Some(rule) = &self.config.speaker else { return Ok(None) };
        let misfits = self.examples.iter().filter(|example| example.group.is_none());
        let names: Vec<String> = misfits.map(|example| example.id.clone()).collect();
        let is_predefined = self.examples.iter().any(|example| example.predefined.is_some());
        if names.is_empty() || is_predefined || self.config.custom.split == Some(CustomSplit::Random) {
            let fact =
                ["file does not fit the rule of the speaker", "files do not fit the rule of the speaker"];
            return Ok(Note::new(names, fact, "correct data.folders.speaker, or remove it"));
        }
        let rule_text = format!(
            "does not fit {} of {} files: {}; correct it (examples: \"before _\", \"folder\", \"^(.+)_\\\\d+\"), or remove it and \
             set data.folders.split = \"random\"",
            names.len(),
            self.examples.len(),
            listed(&names, 5)
        );
        Err(DataError::setting("folders.speaker", format_args!("\"{rule}\""), rule_text))
    }
}

/// Format of a file by its extension.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Read,
    /// Sound of a format that is not read.
    Unread,
    Other,
}

impl Format {
    fn of_recording(path: &Path) -> Format {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if stapes_audio::has_audio_extension(path) {
            Format::Read
        } else if UNREAD_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)) {
            Format::Unread
        } else {
            Format::Other
        }
    }
}

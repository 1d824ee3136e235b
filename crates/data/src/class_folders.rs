//! Data sets with one folder per class, which contains one folder per subset with one text file per example.

use std::path::Path;

use stapes_audio::Channel;
use stapes_features::Features;

use crate::dataset::{Example, Source};
use crate::error::DataError;
use crate::folder;
use crate::label::Label;
use crate::subset::Subset;

/// Names of the folders.
pub(crate) struct ClassFolders {
    /// Name of the data set in a recipe.
    pub(crate) set: &'static str,
    pub(crate) classes: &'static [&'static str],
    /// Folders of training and test within a class.
    pub(crate) subsets: [(&'static str, Subset); 2],
    /// Extension of the files.
    pub(crate) extension: &'static str,
    /// Layout of the data set, for messages.
    pub(crate) layout: &'static str,
}

impl ClassFolders {
    /// Returns the examples of a folder, class by class, sorted by name in each subset; `read` returns the frames of
    /// a file.
    pub(crate) fn examples(
        &self,
        folder: Option<&Path>,
        read: impl Fn(&Path) -> Result<Features, DataError>,
    ) -> Result<Vec<Example>, DataError> {
        let folder = folder::required(folder, self.set, self.layout)?;
        let mut examples = Vec::new();
        for (class, name) in self.classes.iter().enumerate() {
            let before = examples.len();
            for (folder_name, subset) in self.subsets {
                let inside = folder.join(name).join(folder_name);
                if !inside.is_dir() {
                    return Err(folder::not_this_set(self.set, folder, self.layout));
                }
                for entry in folder::entries(&inside)? {
                    // A folder with such a name is rejected when it is read.
                    if entry.path.extension().is_none_or(|found| found != self.extension) {
                        continue;
                    }
                    examples.push(Example {
                        id: format!("{name}/{folder_name}/{}", entry.name),
                        label: Label::Class(class),
                        group: None,
                        fold: None,
                        predefined: Some(subset),
                        source: Source::Frames(read(&entry.path)?),
                        channel: Channel::Mean,
                    });
                }
            }
            if examples.len() == before {
                return Err(DataError::EmptyClass { path: folder.join(name), class: (*name).to_owned() });
            }
        }
        Ok(examples)
    }
}

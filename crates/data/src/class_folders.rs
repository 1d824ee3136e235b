//! Data sets with one folder per class, which contains one folder per subset with one text file per example.

use std::path::Path;

use stapes_features::Features;

use crate::dataset::{DataSet, Example};
use crate::error::DataError;
use crate::folder;
use crate::source::SourceInfo;
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
    /// Returns the properties of the data set, apart from the width of frames and the validation fraction.
    pub(crate) fn info(&self) -> SourceInfo {
        SourceInfo { classes: Some(self.class_names()), ..SourceInfo::new(self.set, self.layout) }
    }

    fn class_names(&self) -> Vec<String> {
        self.classes.iter().map(ToString::to_string).collect()
    }

    /// Opens a folder: examples class by class, sorted by name in each subset; `read` returns the frames of a file.
    pub(crate) fn open(
        &self,
        folder: Option<&Path>,
        read: impl Fn(&Path) -> Result<Features, DataError>,
    ) -> Result<DataSet, DataError> {
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
                    let id = format!("{name}/{folder_name}/{}", entry.name);
                    examples.push(Example::of_frames(id, class, subset, read(&entry.path)?));
                }
            }
            if examples.len() == before {
                return Err(DataError::EmptyClass { path: folder.join(name), class: (*name).to_owned() });
            }
        }
        Ok(DataSet::new(self.set, self.class_names(), examples))
    }
}

//! Data sets with a folder a class, and in it a folder for each part, of text files with an example each.

use std::path::Path;

use stapes_features::Features;

use crate::dataset::{Example, Source};
use crate::error::DataError;
use crate::folder;
use crate::split::Partition;
use crate::truth::Truth;

/// What the folders are called.
pub(crate) struct ClassFolders {
    /// The data set's name in a recipe.
    pub(crate) set: &'static str,
    pub(crate) classes: &'static [&'static str],
    /// The folders of training and test within a class.
    pub(crate) parts: [(&'static str, Partition); 2],
    /// Of the files.
    pub(crate) extension: &'static str,
    /// The whole, for messages.
    pub(crate) layout: &'static str,
}

impl ClassFolders {
    /// The examples of a folder, class by class, each part by name; `read` makes frames of a file.
    pub(crate) fn examples(
        &self,
        folder: Option<&Path>,
        read: impl Fn(&Path) -> Result<Features, DataError>,
    ) -> Result<Vec<Example>, DataError> {
        let folder = folder::required(folder, self.set, self.layout)?;
        let mut examples = Vec::new();
        for (class, name) in self.classes.iter().enumerate() {
            let before = examples.len();
            for (part, partition) in self.parts {
                let inside = folder.join(name).join(part);
                if !inside.is_dir() {
                    return Err(folder::not_this_set(self.set, folder, self.layout));
                }
                for entry in folder::entries(&inside)? {
                    // A folder of such a name is refused when it is read.
                    if entry.path.extension().is_none_or(|found| found != self.extension) {
                        continue;
                    }
                    examples.push(Example {
                        id: format!("{name}/{part}/{}", entry.name),
                        truth: Truth::Class(class),
                        group: None,
                        official: Some(partition),
                        source: Source::Frames(read(&entry.path)?),
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

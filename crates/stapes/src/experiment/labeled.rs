//! All labeled examples of a data set, for the evaluation of a model that exists.

use std::path::Path;

use stapes_data::{CustomDataConfig, DataConfig, DataError, DataSet, FoldersConfig, ManifestConfig};

use crate::error::Error;
use crate::recipe::Recipe;

/// Opens all labeled examples of a data set, without a split, under the class indices of a model.
///
/// `recipe` is that of the model. A folder is the recipe's data set, class folders or a manifest, and may lack some of the
/// classes. Without a folder, the data set is that of the recipe.
///
/// # Errors
/// [`Error::Data`] if the data cannot be opened; [`Error::UnknownLabels`] if it has labels that the model does not have.
pub fn open_labeled(recipe: &Recipe, folder: Option<&Path>, labels: &[String]) -> Result<DataSet, Error> {
    let dataset = match (&recipe.data, folder) {
        (_, None) => recipe.data.open(recipe.data_folder(None))?,
        (DataConfig::Folders(_) | DataConfig::Manifest(_), Some(folder)) => {
            open_custom(recipe.data.has_frame_labels(), &recipe.data, folder, labels)?
        }
        (named, Some(folder)) => match named.open(Some(folder)) {
            Ok(dataset) => dataset,
            // Another folder may have the labels of a data set in class folders or a manifest.
            Err(error) => open_custom(named.has_frame_labels(), named, folder, labels).map_err(|_| error)?,
        },
    };
    let name = dataset.name.clone();
    dataset.with_classes(labels).map_err(|unknown| Error::UnknownLabels {
        set: name,
        unknown: unknown.join(", "),
        model: labels.join(", "),
    })
}

/// Opens class folders or a manifest. Keys that only concern splits are not used.
fn open_custom(
    frame_labels: bool,
    config: &DataConfig,
    folder: &Path,
    labels: &[String],
) -> Result<DataSet, DataError> {
    let with_classes = |classes: Option<Vec<String>>| {
        let mut data = match (DataConfig::detect(folder), config) {
            (DataConfig::Folders(_), DataConfig::Folders(given)) => DataConfig::Folders(given.clone()),
            (DataConfig::Manifest(_), DataConfig::Manifest(given)) => DataConfig::Manifest(given.clone()),
            (DataConfig::Manifest(found), _) => {
                DataConfig::Manifest(ManifestConfig { frame_labels, ..found })
            }
            (other, _) => other,
        };
        if let DataConfig::Folders(FoldersConfig { speaker, .. }) = &mut data {
            *speaker = None;
        }
        if let DataConfig::Folders(FoldersConfig { custom, .. })
        | DataConfig::Manifest(ManifestConfig { custom, .. }) = &mut data
        {
            *custom = CustomDataConfig {
                classes,
                channel: custom.channel,
                allow_missing_classes: true,
                max_unreadable_fraction: custom.max_unreadable_fraction,
                ..CustomDataConfig::default()
            };
        }
        data.open(Some(folder))
    };
    // Folders such as _silence_ are classes only if they are named. An unknown label is found by the caller.
    with_classes(Some(labels.to_vec())).or_else(|_| with_classes(None))
}

//! `stapes data info`: statistics of a data set and problems of its recordings.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use stapes::data::{
    Channel, Counts, CustomSplit, DataConfig, DataError, DataSet, DataStatistics, Note, Progress, Split,
    Subset,
};
use stapes::experiment::CutRecordings;
use stapes::features::FeatureConfig;
use stapes::report::visible;

use super::super::console::{Console, thousands};
use super::super::recipe_argument::{self, RecipeOverrides};
use super::super::{DONE, SOME_FAILED, progress};
use super::tables::{self, finding};

/// Print counts per class, subset and speaker, lengths and sample rates, and silent, clipped, duplicate and unreadable files
#[derive(Args)]
#[command(
    after_help = "Examples:\n  stapes data info fsdd-lstm --data ../fsdd\n  stapes data info --data my/recordings"
)]
pub(crate) struct Info {
    /// Recipe: a TOML file, its name without .toml, or the name of a built-in recipe; without one, the data is a manifest or has
    /// one folder per class
    recipe: Option<PathBuf>,
    /// Folder of the data set, or a manifest
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    overrides: RecipeOverrides,
}

/// Maximum number of duplicates that are named per group.
const MAX_NAMES: usize = 4;

/// A data set with its split and statistics.
struct DataReport {
    dataset: DataSet,
    /// The split, or the reason why there is none.
    split: Result<Split, DataError>,
    /// Features of the recipe.
    features: Option<FeatureConfig>,
    statistics: DataStatistics,
}

impl Info {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        let (data, config, seed, features) = self.config()?;
        let dataset = config.open(data.as_deref())?;
        let split = config.split_unchecked(&dataset, seed);
        let bar = progress::bar(dataset.examples.len(), "recordings");
        let progress = Progress { on_example: &|done| bar.set_position(done as u64), stop: &stop };
        let statistics = match &features {
            Some(features) => stapes::experiment::statistics(&dataset, features, &progress),
            None => DataStatistics::new(&dataset, &progress).map_err(Into::into),
        };
        bar.finish_and_clear();
        let report = DataReport { dataset, split, features, statistics: statistics? };
        let counts = report.counts();
        console.print(&report.text(&config.resolve(&report.dataset), &counts));
        console.json_with(|| report.json(&counts));
        Ok(if report.statistics.unreadable.is_empty() { DONE } else { SOME_FAILED })
    }

    /// Returns the folder of the data, its configuration (that of the recipe, or as detected), the seed of the split, and the
    /// features of the recipe.
    fn config(&self) -> Result<(Option<PathBuf>, DataConfig, u64, Option<FeatureConfig>)> {
        match (&self.recipe, &self.data) {
            (Some(recipe), _) => {
                let recipe = recipe_argument::read(recipe, &self.overrides)?;
                let data = recipe.data_folder(self.data.as_deref()).map(Path::to_owned);
                Ok((data, recipe.data, recipe.seed, recipe.features))
            }
            (None, Some(data)) => {
                let seed = self.overrides.seed().unwrap_or(1);
                Ok((Some(data.clone()), DataConfig::detect(data), seed, None))
            }
            (None, None) => {
                bail!(
                    "neither a recipe nor --data is given; give a recipe, a folder of recordings or a manifest"
                )
            }
        }
    }
}

/// Returns the kind of split of custom data.
fn custom_split(config: &DataConfig) -> Option<CustomSplit> {
    match config {
        DataConfig::Folders(folders) => folders.custom.split,
        DataConfig::Manifest(manifest) => manifest.custom.split,
        _ => None,
    }
}

impl DataReport {
    /// Counts examples by class, subset and speaker; without a split, all are in one subset.
    fn counts(&self) -> Counts {
        let whole = Split { train: (0..self.dataset.examples.len()).collect(), ..Split::default() };
        Counts::new(&self.dataset, self.split.as_ref().unwrap_or(&whole))
    }

    fn text(&self, config: &DataConfig, counts: &Counts) -> String {
        let DataSet { examples, classes, .. } = &self.dataset;
        let split = self.split.is_ok();
        let mut parts = vec![format!(
            "{}: {} examples of {} classes{}",
            config.name(),
            thousands(examples.len() as u64),
            thousands(classes.len() as u64),
            match &counts.groups[..] {
                [] => String::new(),
                groups => format!(", {} speakers", thousands(groups.len() as u64)),
            }
        )];
        match (&self.split, custom_split(config)) {
            (Err(error), _) => parts.push(format!("not split: {}", error.to_string().replace('\n', "\n  "))),
            (Ok(_), Some(split)) => parts[0] += &format!("; split {split}"),
            (Ok(_), None) => {}
        }
        parts.push(tables::classes(counts, split));
        if !counts.groups.is_empty() {
            parts.push(tables::speakers(counts, split));
        }
        parts.push(tables::lengths(&self.statistics, self.channel()));
        parts.push(self.findings(counts).join("\n"));
        parts.retain(|part| !part.is_empty());
        parts.join("\n\n")
    }

    /// Describes possible problems with counts and the first names.
    fn findings(&self, counts: &Counts) -> Vec<String> {
        let DataStatistics { silent, canceled, dead_channel, clipped, beyond_full_scale, .. } =
            &self.statistics;
        let DataStatistics { duplicates, unreadable, .. } = &self.statistics;
        let id = |index: &usize| visible(&self.dataset.examples[*index].id).into_owned();
        let with_reason = |(index, reason): &(usize, String)| {
            visible(&format!("{}: {reason}", self.dataset.examples[*index].id)).into_owned()
        };
        let dead = match self.channel() {
            Channel::Mean => "with a silent channel, which lowers the level of the mean",
            Channel::Index(_) => "with a silent channel",
        };
        let mut findings = vec![
            finding("unreadable", unreadable, with_reason),
            finding("silent (all samples below -60 dBFS)", silent, |index| {
                let set = &self.dataset.name;
                if canceled.contains(index) {
                    format!("{}: its channels cancel in their mean; set data.{set}.channel = 0", id(index))
                } else if dead_channel.contains(index) {
                    format!("{}: another channel is not silent; change data.{set}.channel", id(index))
                } else {
                    id(index)
                }
            }),
            finding(dead, dead_channel, id),
            finding("clipped (3 successive samples at full scale)", clipped, id),
            finding("beyond full scale (samples above 100)", beyond_full_scale, with_reason),
            finding("duplicates (equal samples)", duplicates, |group| self.describe_duplicates(group)),
        ];
        if !counts.groups.is_empty() {
            let name = |(name, subsets): &(&str, Vec<Subset>)| {
                format!(
                    "{}: {}",
                    visible(name),
                    subsets.iter().map(|subset| subset.name()).collect::<Vec<_>>().join(", ")
                )
            };
            findings.push(finding("speakers in more than one subset", &self.shared_speakers(), name));
        }
        if counts.missing > 0 {
            findings.push(format!("listed but missing: {}", thousands(counts.missing as u64)));
        }
        findings.extend(self.notes().iter().map(|note| visible(&note.to_string()).into_owned()));
        findings.extend(self.cut().1);
        findings
    }

    /// Returns the channel that is used; it is that of all examples.
    fn channel(&self) -> Channel {
        self.dataset.examples.first().map_or(Channel::Mean, |example| example.channel)
    }

    /// Returns the notes of the data set and of its split.
    fn notes(&self) -> Vec<Note> {
        let split = self.split.iter().flat_map(|split| split.notes(&self.dataset));
        self.dataset.notes.iter().cloned().chain(split).collect()
    }

    /// Returns the recordings that are longer than the fixed length, and their description.
    fn cut(&self) -> (CutRecordings, Option<String>) {
        let Some(features) = &self.features else { return Default::default() };
        let durations = self.statistics.durations.iter().flatten().copied();
        let cut = CutRecordings::new(features, durations.clone());
        (cut, cut.warning(features, durations.count()))
    }

    /// Names examples of equal content, with their subsets if these differ.
    fn describe_duplicates(&self, group: &[usize]) -> String {
        let mut examples: Vec<String> = group
            .iter()
            .take(MAX_NAMES)
            .map(|&index| {
                let mut name = visible(&self.dataset.examples[index].id).into_owned();
                if let Some(subset) = self.subset(index).filter(|_| self.is_leak(group)) {
                    name += &format!(" ({subset})");
                }
                name
            })
            .collect();
        if group.len() > MAX_NAMES {
            examples.push(format!("{} more", thousands((group.len() - MAX_NAMES) as u64)));
        }
        let classes: Vec<_> =
            group.iter().map(|&index| self.dataset.examples[index].label.classes()).collect();
        let differ = classes.iter().any(|list| *list != classes[0]);
        format!("{}{}", examples.join(" = "), if differ { " with different classes" } else { "" })
    }

    fn shared_speakers(&self) -> Vec<(&str, Vec<Subset>)> {
        self.split.as_ref().map_or_else(|_| Vec::new(), |split| split.shared_groups(&self.dataset))
    }

    fn subset(&self, index: usize) -> Option<Subset> {
        let split = self.split.as_ref().ok()?;
        Subset::ALL.into_iter().find(|&subset| split.subset(subset).binary_search(&index).is_ok())
    }

    /// Returns true if the examples are in more than one subset.
    fn is_leak(&self, group: &[usize]) -> bool {
        group.iter().any(|&index| self.subset(index) != self.subset(group[0]))
    }

    fn json(&self, counts: &Counts) -> Value {
        let DataStatistics { seconds, frames, rates_hz, silent, clipped, duplicates, .. } = &self.statistics;
        let id = |index: &usize| &self.dataset.examples[*index].id;
        let ids = |list: &[usize]| list.iter().map(id).collect::<Vec<_>>();
        let duplicates: Vec<Value> = duplicates
            .iter()
            .map(|group| json!({ "examples": ids(group), "in_several_subsets": self.is_leak(group) }))
            .collect();
        let shared =
            self.split.as_ref().map_or_else(|_| Vec::new(), |split| split.shared_groups(&self.dataset));
        let with_reasons = |list: &[(usize, String)]| -> Vec<Value> {
            list.iter().map(|(index, reason)| json!({ "example": id(index), "reason": reason })).collect()
        };
        let (cut, _) = self.cut();
        json!({
            "counts": counts, "not_split": self.split.as_ref().err().map(ToString::to_string), "seconds": seconds,
            "frames": frames, "rates_hz": rates_hz, "silent": ids(silent), "clipped": ids(clipped), "duplicates": duplicates,
            "channels": self.statistics.channels, "canceled": ids(&self.statistics.canceled),
            "dead_channel": ids(&self.statistics.dead_channel), "beyond_full_scale": with_reasons(&self.statistics.beyond_full_scale),
            "unreadable": with_reasons(&self.statistics.unreadable), "shared_speakers": shared, "notes": self.notes(),
            "cut": { "recordings": cut.count, "seconds": cut.seconds },
        })
    }
}

//! `stapes data info`: counts, lengths, and what is wrong with the recordings.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use stapes::Recipe;
use stapes::data::{Counts, DataConfig, DataError, DataSet, OwnSplit, Partition, Split, Survey, Watch};
use stapes::eval::visible;

use super::super::console::{Console, thousands};
use super::super::train::RecipeOverrides;
use super::super::{DONE, SOME_FAILED, progress};
use super::tables::{self, remark};

/// Print counts by class, split and speaker, lengths and rates, and name silent, clipped, copied and unreadable recordings
#[derive(Args)]
#[command(
    after_help = "Examples:\n  stapes data info recipes/fsdd-lstm.toml --data ../fsdd\n  stapes data info --data my/recordings"
)]
pub(crate) struct Info {
    /// The recipe, a TOML file; without one the data is your own, a manifest or a folder a class
    recipe: Option<PathBuf>,
    /// The folder of the data set, or a manifest
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    changes: RecipeOverrides,
}

/// Copies of a recording that are named.
const COPIES: usize = 4;

/// What was found.
struct Found {
    dataset: DataSet,
    /// The split, or why there is none.
    split: Result<Split, DataError>,
    survey: Survey,
}

impl Info {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        let (config, seed) = self.config()?;
        let dataset = config.open(self.data.as_deref())?;
        let split = config.split_as_is(&dataset, seed);
        let bar = progress::bar(dataset.examples.len(), "recordings");
        let survey =
            Survey::new(&dataset, &Watch { progress: &|done| bar.set_position(done as u64), stop: &stop });
        bar.finish_and_clear();
        let found = Found { dataset, split, survey: survey? };
        let counts = found.counts();
        console.print(&found.text(&config.resolved(&found.dataset), &counts));
        console.json_with(|| found.json(&counts));
        Ok(if found.survey.unreadable.is_empty() { DONE } else { SOME_FAILED })
    }

    /// The data of the recipe, or what the path looks like; and the seed of the split.
    fn config(&self) -> Result<(DataConfig, u64)> {
        match (&self.recipe, &self.data) {
            (Some(recipe), _) => {
                let recipe = self.changes.recipe(|changes| Recipe::read(recipe, changes))?;
                Ok((recipe.data, recipe.seed))
            }
            (None, Some(data)) => Ok((DataConfig::guessed(data), self.changes.seed().unwrap_or(1))),
            (None, None) => {
                bail!("give a recipe, or --data with the folder of your recordings or a manifest, or both")
            }
        }
    }
}

/// How data of one's own is split.
fn split_of(config: &DataConfig) -> Option<OwnSplit> {
    match config {
        DataConfig::Folders(folders) => folders.own.split,
        DataConfig::Manifest(manifest) => manifest.own.split,
        _ => None,
    }
}

impl Found {
    /// By class, part and speaker; without a split all in one part.
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
        match (&self.split, split_of(config)) {
            (Err(error), _) => parts.push(format!("not split: {}", error.to_string().replace('\n', "\n  "))),
            (Ok(_), Some(split)) => parts[0] += &format!("; split {split}"),
            (Ok(_), None) => {}
        }
        parts.push(tables::classes(counts, split));
        if !counts.groups.is_empty() {
            parts.push(tables::speakers(counts, split));
        }
        parts.push(tables::lengths(&self.survey));
        parts.push(self.remarks(counts).join("\n"));
        parts.retain(|part| !part.is_empty());
        parts.join("\n\n")
    }

    /// What people should look at, each with the first names; good news where there is nothing.
    fn remarks(&self, counts: &Counts) -> Vec<String> {
        let Survey { silent, clipped, copies, unreadable, .. } = &self.survey;
        let id = |index: &usize| visible(&self.dataset.examples[*index].id).into_owned();
        let mut remarks = vec![
            remark("unreadable", unreadable, |(index, reason)| {
                let raw = &self.dataset.examples[*index].id;
                visible(&format!("{raw}: {reason}")).into_owned()
            }),
            remark("silent (nothing above -60 dB)", silent, id),
            remark("clipped (3 samples in a row at full scale)", clipped, id),
            remark("copies (the same samples)", copies, |same| self.copies(same)),
        ];
        if !counts.groups.is_empty() {
            let name = |(name, parts): &(&str, Vec<Partition>)| {
                format!(
                    "{}: {}",
                    visible(name),
                    parts.iter().map(|part| part.name()).collect::<Vec<_>>().join(", ")
                )
            };
            remarks.push(remark("speakers in several parts of the split", &self.shared_speakers(), name));
        }
        if counts.absent > 0 {
            remarks.push(format!("listed but not there: {}", thousands(counts.absent as u64)));
        }
        remarks
    }

    /// Examples of the same content, with the parts and classes that they are in where these differ.
    fn copies(&self, same: &[usize]) -> String {
        let mut examples: Vec<String> = same
            .iter()
            .take(COPIES)
            .map(|&index| {
                let mut name = visible(&self.dataset.examples[index].id).into_owned();
                if let Some(part) = self.part(index).filter(|_| self.copied_across(same)) {
                    name += &format!(" ({part})");
                }
                name
            })
            .collect();
        if same.len() > COPIES {
            examples.push(format!("{} more", thousands((same.len() - COPIES) as u64)));
        }
        let classes: Vec<_> =
            same.iter().map(|&index| self.dataset.examples[index].truth.classes()).collect();
        let other = if classes.iter().any(|of| *of != classes[0]) { " of different classes" } else { "" };
        format!("{}{other}", examples.join(" = "))
    }

    fn shared_speakers(&self) -> Vec<(&str, Vec<Partition>)> {
        self.split.as_ref().map_or_else(|_| Vec::new(), |split| split.shared_groups(&self.dataset))
    }

    fn part(&self, index: usize) -> Option<Partition> {
        let split = self.split.as_ref().ok()?;
        Partition::ALL.into_iter().find(|&part| split.part(part).binary_search(&index).is_ok())
    }

    fn copied_across(&self, same: &[usize]) -> bool {
        same.iter().any(|&index| self.part(index) != self.part(same[0]))
    }

    fn json(&self, counts: &Counts) -> Value {
        let Survey { seconds, frames, rates_hz, silent, clipped, copies, unreadable } = &self.survey;
        let id = |index: &usize| &self.dataset.examples[*index].id;
        let ids = |list: &[usize]| list.iter().map(id).collect::<Vec<_>>();
        let copies: Vec<Value> = copies
            .iter()
            .map(|same| json!({ "examples": ids(same), "in_several_parts": self.copied_across(same) }))
            .collect();
        let shared =
            self.split.as_ref().map_or_else(|_| Vec::new(), |split| split.shared_groups(&self.dataset));
        let unreadable: Vec<Value> = unreadable
            .iter()
            .map(|(index, reason)| json!({ "example": id(index), "reason": reason }))
            .collect();
        json!({
            "counts": counts, "not_split": self.split.as_ref().err().map(ToString::to_string), "seconds": seconds,
            "frames": frames, "rates_hz": rates_hz, "silent": ids(silent), "clipped": ids(clipped), "copies": copies,
            "unreadable": unreadable, "shared_speakers": shared,
        })
    }
}

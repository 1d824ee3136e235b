//! A first recipe for recordings or arrays of frames, chosen from what they are.

mod model;
mod speakers;

use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;

use stapes_data::{
    DataConfig, DataSet, DataStatistics, Example, Label, ManifestConfig, Progress, Source, Split,
};
use stapes_report::{pluralize, visible};

use crate::error::Error;
use crate::recipe::Recipe;
use speakers::{Recording, speaker_rule};

/// Task of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// One label per short recording.
    Words,
    /// One label per frame: a manifest with labeled segments that cover each recording.
    Frames,
    /// One label per recording of any length, or per array of frames.
    Sequences,
}

impl Task {
    /// Names of all tasks.
    pub const NAMES: [&str; 3] = ["words", "frames", "sequences"];
}

impl FromStr for Task {
    type Err = String;

    fn from_str(name: &str) -> Result<Task, String> {
        match name {
            "words" => Ok(Task::Words),
            "frames" => Ok(Task::Frames),
            "sequences" => Ok(Task::Sequences),
            _ => Err(format!("must be one of {}", Task::NAMES.join(", "))),
        }
    }
}

/// Recipe for recordings or frames, and why it is as it is.
pub struct NewRecipe {
    /// TOML text with comments.
    pub text: String,
    /// Choices with their reasons: data and split, features, model and training.
    pub reasons: [String; 3],
    /// Warnings about the data.
    pub warnings: Vec<String>,
}

/// Median duration from which recordings are sequences and not words, s.
const LONG_SECONDS: f64 = 4.0;
/// Maximum fraction of unreadable recordings that a recipe tolerates.
const MAX_UNREADABLE: f64 = 0.05;

impl NewRecipe {
    /// Reads the recordings of a folder or manifest, or the frames of a folder, and chooses a recipe, which is checked against them.
    /// `name` is the title; `on_recording` receives the number of recordings that were read, and of all.
    ///
    /// # Errors
    /// [`Error::Data`] if the data cannot be opened or split, or has no recordings; also when stopped.
    pub fn for_data(
        name: &str,
        data: &Path,
        task: Option<Task>,
        stop: &AtomicBool,
        on_recording: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<NewRecipe, Error> {
        let Opened { config, dataset, warning } = open(data, task)?;
        let on_example = |done| on_recording(done, dataset.examples.len());
        let statistics = DataStatistics::new(&dataset, &Progress { on_example: &on_example, stop })?;
        if statistics.seconds.is_none() && statistics.frames.is_none() {
            let reason = statistics.unreadable.first().map_or("", |(_, reason)| reason.as_str());
            return Err(Error::Dataset(format!("{}: no recording can be used: {reason}", data.display())));
        }
        let is_frame_level = matches!(dataset.examples[0].label, Label::Segments(_));
        let task = match task {
            _ if is_frame_level => Task::Frames,
            Some(task) => task,
            None if statistics.seconds.is_some_and(|seconds| seconds.median < LONG_SECONDS) => Task::Words,
            None => Task::Sequences,
        };
        let facts = Facts { name, data, task, config: &config, dataset: &dataset, statistics: &statistics };
        // Without the rule for speakers if they cannot be split.
        let mut recipe = facts.recipe(facts.speaker_rule(), stop)?;
        if recipe.is_err() {
            recipe = facts.recipe(None, stop)?;
        }
        let mut recipe = recipe?;
        recipe.warnings.extend(warning);
        Ok(recipe)
    }
}

/// Data with its configuration.
struct Opened {
    config: DataConfig,
    dataset: DataSet,
    /// Why segments are not labels per frame, if they may have been meant as such.
    warning: Option<String>,
}

/// Opens the data; a manifest whose segments cover its files has frame-level labels.
fn open(data: &Path, task: Option<Task>) -> Result<Opened, Error> {
    let config = DataConfig::detect(data);
    let mut fault = None;
    if let (DataConfig::Manifest(manifest), None | Some(Task::Frames)) = (&config, task) {
        let config = DataConfig::Manifest(ManifestConfig { frame_labels: true, ..manifest.clone() });
        let several = |dataset: &DataSet| {
            dataset.examples.iter().any(
                |example| matches!(&example.label, Label::Segments(segments) if segments.list().len() > 1),
            )
        };
        match config.open(Some(data)) {
            Ok(dataset) if task.is_some() || several(&dataset) => {
                return Ok(Opened { config, dataset, warning: None });
            }
            Err(error) if task.is_some() => return Err(error.into()),
            Err(error) => fault = Some(error),
            Ok(_) => {}
        }
    }
    if task == Some(Task::Frames) {
        return Err(Error::Dataset(format!(
            "{}: labels per frame need a manifest with the columns path, label, start and end, whose segments cover each \
             recording (docs/data.md)",
            data.display()
        )));
    }
    let dataset = config.open(Some(data))?;
    let mut files: Vec<_> = dataset.examples.iter().filter_map(|example| example.source.path()).collect();
    let segments = files.len();
    files.sort();
    files.dedup();
    let warning = fault.filter(|_| files.len() < segments).map(|error| {
        format!("each segment is an example of its own; as labels per frame (--task frames) they have a fault: {error}")
    });
    Ok(Opened { config, dataset, warning })
}

struct Facts<'a> {
    name: &'a str,
    data: &'a Path,
    task: Task,
    config: &'a DataConfig,
    dataset: &'a DataSet,
    statistics: &'a DataStatistics,
}

impl Facts<'_> {
    /// Returns the rule that finds speakers in the names of files in class folders.
    fn speaker_rule(&self) -> Option<String> {
        let DataConfig::Folders(_) = self.config else { return None };
        let recording = |example: &Example| {
            let Label::Class(class) = example.label else { return None };
            let class = self.dataset.classes.get(class)?;
            let (_, path) = example.id.split_once(&format!("{class}/"))?;
            Some((class.clone(), path.to_owned()))
        };
        let recordings = self.dataset.examples.iter().map(recording).collect::<Option<Vec<_>>>()?;
        let recordings: Vec<_> = recordings.iter().map(|(class, path)| Recording { class, path }).collect();
        Some(speaker_rule(&recordings)?.to_string())
    }

    /// Returns the sample rate of the features: 16 kHz, or less if one of twenty recordings has less.
    fn rate_hz(&self) -> u32 {
        let rates = &self.statistics.rates_hz;
        let total: usize = rates.values().sum();
        let mut below = 0;
        let low = rates.iter().find_map(|(&rate_hz, &count)| {
            below += count;
            (20 * below >= total).then_some(rate_hz)
        });
        match low {
            Some(rate_hz) if rate_hz < 8000 => rate_hz,
            Some(rate_hz) if rate_hz < 16_000 => 8000,
            _ => 16_000,
        }
    }

    /// Composes the recipe and checks that the data can be split. The inner error is that of the split.
    fn recipe(&self, speaker: Option<String>, stop: &AtomicBool) -> Result<Result<NewRecipe, Error>, Error> {
        let data = self.data_section(speaker.as_deref(), 0.0);
        let header = format!(
            "title = {}\nseed = 1\ndata_folder = {} # relative to this file; `--data` takes its place\n",
            quoted(self.name),
            quoted(&self.data.to_string_lossy())
        );
        // The split decides the rest.
        let probe = format!("{header}\n{data}\n{}", self.model_section(1, true).text);
        let recipe = Recipe::from_toml(self.name, &probe, &[])?;
        let dataset = recipe.data.open(Some(self.data))?;
        let split = match recipe.data.split(&dataset, recipe.seed) {
            Ok(split) => split,
            Err(error) => return Ok(Err(error.into())),
        };
        let data = self.data_section(speaker.as_deref(), self.unreadable(&split));
        let has_speakers = !dataset.groups().is_empty();
        let model = self.model_section(split.train.len(), has_speakers);
        let text = format!(
            "# {}, written by `stapes new`. Every key: docs/recipes.md.\n\n{header}\n{data}\n{}",
            self.summary(),
            model.text
        );
        Recipe::from_toml(self.name, &text, &[])?;
        let reasons =
            [self.data_reason(&dataset, &split, speaker.as_deref()), model.features, model.training];
        let mut warnings = self.warnings();
        warnings.extend(split.notes(&dataset).iter().map(ToString::to_string));
        let progress = Progress { on_example: &|_| {}, stop };
        if let Err(error) = recipe.data.check_files(&dataset, &split, &progress) {
            warnings.push(format!("training will stop: {error}"));
        }
        Ok(Ok(NewRecipe { text, reasons, warnings }))
    }

    fn summary(&self) -> String {
        let is_segment = |example: &Example| matches!(example.source, Source::Segment { .. });
        let examples = match self.statistics.frames {
            Some(_) => "sequence",
            None if self.dataset.examples.iter().any(is_segment) => "segment",
            None => "recording",
        };
        format!(
            "Recipe for {} of {} classes",
            pluralize(self.dataset.examples.len() as u64, examples),
            self.dataset.classes.len()
        )
    }

    /// Writes the section of the data; `unreadable` is the largest fraction of a subset that cannot be read.
    fn data_section(&self, speaker: Option<&str>, unreadable: f64) -> String {
        let mut text = match self.config {
            DataConfig::Manifest(ManifestConfig { layout: None, .. }) => "[data.manifest]\n".to_owned(),
            DataConfig::Manifest(ManifestConfig { layout: Some(layout), .. }) => {
                // A layout is a string in TOML.
                let layout =
                    toml::Value::try_from(layout).map(|layout| layout.to_string()).unwrap_or_default();
                format!("[data.manifest]\nlayout = {layout}\n")
            }
            _ => "[data.folders] # one folder per class\n".to_owned(),
        };
        if let Some(width) = self.config.frame_width() {
            let _ = writeln!(
                text,
                "frame_width = {width} # values per frame; the files are arrays [frames, values]"
            );
        }
        if self.task == Task::Frames {
            text += "frame_labels = true # segments of a file are the labels of its frames\n";
        }
        if let Some(speaker) = speaker {
            let _ =
                writeln!(text, "speaker = {} # test speakers are not in the training data", quoted(speaker));
        }
        if unreadable > 0.0 {
            let fraction = (unreadable * 1000.0).ceil() / 1000.0;
            let _ = writeln!(text, "max_unreadable_fraction = {fraction} # they are skipped and named");
        }
        text
    }

    /// Returns the largest fraction of the examples of a subset that cannot be read; 0 if too many of all cannot.
    fn unreadable(&self, split: &Split) -> f64 {
        if self.statistics.unreadable.len() as f64 > MAX_UNREADABLE * self.dataset.examples.len() as f64 {
            return 0.0;
        }
        let is_unreadable = |index: &&usize| self.statistics.unreadable.iter().any(|(of, _)| of == *index);
        let fraction = |subset: &Vec<usize>| {
            subset.iter().filter(is_unreadable).count() as f64 / subset.len().max(1) as f64
        };
        [&split.train, &split.validation, &split.test].into_iter().map(fraction).fold(0.0, f64::max).min(0.5)
    }

    fn data_reason(&self, dataset: &DataSet, split: &Split, speaker: Option<&str>) -> String {
        let speakers = dataset.groups();
        let rule = speaker.map(|rule| format!(" (speaker = {})", visible(rule))).unwrap_or_default();
        let how = match &speakers[..] {
            _ if dataset.examples.iter().any(|example| example.predefined.is_some()) => {
                "the split is that of the data".to_owned()
            }
            [] => "no speakers are known, so the split is random; if a speaker is in several subsets, the test accuracy is too \
                   high"
                .into(),
            [first, ..] => format!(
                "{} speakers such as {}{rule}: test speakers are not in the training data",
                speakers.len(),
                visible(first)
            ),
        };
        format!(
            "{}; {} training, {} validation and {} test examples; {how}",
            self.summary().trim_start_matches("Recipe for "),
            split.train.len(),
            split.validation.len(),
            split.test.len()
        )
    }

    fn warnings(&self) -> Vec<String> {
        let DataStatistics { unreadable, silent, duplicates, .. } = self.statistics;
        let mut warnings: Vec<String> = self.dataset.notes.iter().map(ToString::to_string).collect();
        let counts = [
            (unreadable.len(), "unreadable recording"),
            (silent.len(), "silent recording"),
            (duplicates.len(), "group of copies"),
        ];
        let found: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| match (count, *what) {
                (2.., "group of copies") => format!("{count} groups of copies"),
                _ => pluralize(*count as u64, what),
            })
            .collect();
        if !found.is_empty() {
            warnings.push(format!("{}; `stapes data info` names them", found.join(", ")));
        }
        warnings
    }
}

/// Returns a text as a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

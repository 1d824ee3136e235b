//! A first recipe for recordings, chosen from what they are.

mod speakers;

use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;

use stapes_data::{DataConfig, DataSet, DataStatistics, Label, ManifestConfig, Progress, Split};
use stapes_report::visible;

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
    /// One label per recording of any length.
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

/// Recipe for recordings, and why it is as it is.
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
/// Number of optimizer steps of a training; the built-in recipes for few speakers have as many.
const STEPS: usize = 2400;
const BATCH_SIZE: usize = 32;
/// Maximum fraction of unreadable recordings that a recipe tolerates.
const MAX_UNREADABLE: f64 = 0.05;

impl NewRecipe {
    /// Reads the recordings of a folder or manifest and chooses a recipe, which is checked against them. `name` is the title;
    /// `on_recording` receives the number of recordings that were read, and of all.
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
        let (config, dataset) = open(data, task)?;
        let on_example = |done| on_recording(done, dataset.examples.len());
        let statistics = DataStatistics::new(&dataset, &Progress { on_example: &on_example, stop })?;
        let Some(seconds) = statistics.seconds else {
            return Err(Error::Dataset(format!(
                "{}: no recording can be read; `stapes data info --data` names the reasons",
                data.display()
            )));
        };
        let is_frame_level = matches!(dataset.examples[0].label, Label::Segments(_));
        let task = match task {
            _ if is_frame_level => Task::Frames,
            Some(task) => task,
            None if seconds.median < LONG_SECONDS => Task::Words,
            None => Task::Sequences,
        };
        let facts = Facts { name, data, task, config: &config, dataset: &dataset, statistics: &statistics };
        // Without the rule for speakers if they cannot be split.
        let mut recipe = facts.recipe(facts.speaker_rule())?;
        if recipe.is_err() {
            recipe = facts.recipe(None)?;
        }
        recipe
    }
}

/// Opens the data; a manifest whose segments cover its files has frame-level labels.
fn open(data: &Path, task: Option<Task>) -> Result<(DataConfig, DataSet), Error> {
    let config = DataConfig::detect(data);
    if let (DataConfig::Manifest(manifest), None | Some(Task::Frames)) = (&config, task) {
        let config = DataConfig::Manifest(ManifestConfig { frame_labels: true, ..manifest.clone() });
        let several = |dataset: &DataSet| {
            dataset.examples.iter().any(
                |example| matches!(&example.label, Label::Segments(segments) if segments.list().len() > 1),
            )
        };
        match config.open(Some(data)) {
            Ok(dataset) if task.is_some() || several(&dataset) => return Ok((config, dataset)),
            Err(error) if task.is_some() => return Err(error.into()),
            _ => {}
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
    Ok((config, dataset))
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
        let recording = |example: &stapes_data::Example| {
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
    fn recipe(&self, speaker: Option<String>) -> Result<Result<NewRecipe, Error>, Error> {
        let data = self.data_section(speaker.as_deref());
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
        let has_speakers = !dataset.groups().is_empty();
        let model = self.model_section(split.train.len(), has_speakers);
        let text = format!(
            "# {}, written by `stapes new`.\n#   stapes train {}\n# Every key: docs/recipes.md.\n\n{header}\n{data}\n{}",
            self.summary(),
            self.name,
            model.text
        );
        Recipe::from_toml(self.name, &text, &[])?;
        let reasons =
            [self.data_reason(&dataset, &split, speaker.as_deref()), model.features, model.training];
        Ok(Ok(NewRecipe { text, reasons, warnings: self.warnings() }))
    }

    fn summary(&self) -> String {
        format!(
            "Recipe for {} recordings of {} classes",
            self.dataset.examples.len(),
            self.dataset.classes.len()
        )
    }

    fn data_section(&self, speaker: Option<&str>) -> String {
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
        if self.task == Task::Frames {
            text += "frame_labels = true # segments of a file are the labels of its frames\n";
        }
        if let Some(speaker) = speaker {
            let _ =
                writeln!(text, "speaker = {} # test speakers are not in the training data", quoted(speaker));
        }
        let unreadable = self.unreadable();
        if unreadable > 0.0 {
            let fraction = (unreadable * 200.0).ceil() / 100.0;
            let _ = writeln!(text, "max_unreadable_fraction = {fraction} # they are skipped and named");
        }
        text
    }

    /// Returns the fraction of unreadable recordings if it is small.
    fn unreadable(&self) -> f64 {
        let fraction = self.statistics.unreadable.len() as f64 / self.dataset.examples.len() as f64;
        if fraction <= MAX_UNREADABLE { fraction } else { 0.0 }
    }

    fn data_reason(&self, dataset: &DataSet, split: &Split, speaker: Option<&str>) -> String {
        let speakers = dataset.groups();
        let rule = speaker.map(|rule| format!(" (speaker = {})", visible(rule))).unwrap_or_default();
        let how = match &speakers[..] {
            _ if dataset.examples.iter().any(|example| example.predefined.is_some()) => {
                "the split is that of the data".to_owned()
            }
            [] => "no speakers are known, so the split is random and flatters if a speaker is in several subsets".into(),
            [first, ..] => format!(
                "{} speakers such as {}{rule}: test speakers are not in the training data",
                speakers.len(),
                visible(first)
            ),
        };
        format!(
            "{}; {} training, {} validation and {} test recordings; {how}",
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
            (unreadable.len(), "cannot be read"),
            (silent.len(), "are silent"),
            (duplicates.len(), "groups of copies"),
        ];
        let found: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if !found.is_empty() {
            warnings.push(format!("{}; `stapes data info` names them", found.join(", ")));
        }
        warnings
    }
}

/// Sections of features, augmentation, model and training, with their reasons.
struct ModelSection {
    text: String,
    features: String,
    training: String,
}

impl Facts<'_> {
    /// Chooses the model for this number of training examples. The settings are those of the built-in recipes `fsdd-speakers`
    /// (new speakers), `fsdd-gru` (known speakers) and `upc-vad` (labels per frame).
    fn model_section(&self, train: usize, has_speakers: bool) -> ModelSection {
        let rate_hz = self.rate_hz();
        let rate = match self.statistics.rates_hz.keys().next_back() {
            Some(&highest) if highest > rate_hz => {
                format!("{rate_hz} Hz (the recordings have up to {highest} Hz)")
            }
            _ => format!("{rate_hz} Hz, the rate of the recordings"),
        };
        if self.task == Task::Frames {
            return self.frames_section(rate_hz, &rate);
        }
        let steps = train.div_ceil(BATCH_SIZE).max(1);
        let epochs = STEPS.div_ceil(steps).clamp(20, 200);
        let head = if self.task == Task::Sequences { "mean" } else { "max" };
        let (normalization, why) = match has_speakers {
            true => (
                "per-utterance",
                "normalized per recording, because new speakers have other levels and microphones",
            ),
            false => ("per-coefficient", "normalized over the training data"),
        };
        let mut text = format!(
            "[features]\npreset = \"log-mel\" # 40 bands in decibels, 25 ms windows every 10 ms\n\
             sample_rate_hz = {rate_hz}\nnormalization = \"{normalization}\"\n"
        );
        if has_speakers {
            text += "front_end.librosa-mel-db.top_db = 40.0 # floor below the maximum: hides room noise\n";
        } else {
            text += "\n[augment.spec_augment]\ntime_masks = 2\ntime_frames = 8\nfeature_masks = 2\nfeature_width = 7\n";
        }
        let dropout = if has_speakers { 0.5 } else { 0.3 };
        let _ = write!(
            text,
            "\n[model.recurrent]\ncell = \"gru\"\nhidden_size = 64\nnum_layers = 2\nbidirectional = true\n\
             dropout = {dropout}\nhead = \"{head}\"\nhead_dropout = {dropout}\n\n\
             [train]\nbatch_size = {BATCH_SIZE}\nepochs = {epochs}\noptimizer = \"adamw\"\nlearning_rate = 3e-3\n\
             schedule = \"cosine\"\nmax_grad_norm = 1.0\nweight_decay = 0.01\n"
        );
        if has_speakers {
            text += "mixup = 0.3\nlabel_smoothing = 0.1\n";
        }
        ModelSection {
            text,
            features: format!("40 log-mel bands every 10 ms at {rate}; {why}"),
            training: format!(
                "two bidirectional GRU layers of 64 units, {epochs} epochs of {steps} steps, as in the built-in recipe {}",
                if has_speakers { "fsdd-speakers" } else { "fsdd-gru" }
            ),
        }
    }

    fn frames_section(&self, rate_hz: u32, rate: &str) -> ModelSection {
        let (head, what) = match self.dataset.classes.len() {
            2 => ("per_frame_binary", "two classes"),
            _ => ("per_frame", "several classes"),
        };
        let text = format!(
            "[features]\nsample_rate_hz = {rate_hz}\nscale = \"int16\"\nnormalization = \"per-coefficient\"\n\n\
             [features.front_end.kaldi-fbank] # 25 ms windows every 10 ms\nmel_opts = {{ num_bins = 40 }}\n\n\
             [augment.level] # in standard deviations; imitates other levels and microphones\noffset = 1.0\nslope = 0.3\n\n\
             [model.recurrent] # causal: runs on a stream\ncell = \"lstm\"\nhidden_size = 128\nhead = \"{head}\"\n\
             head_dropout = 0.3\n\n\
             [train]\nbatch_size = 8\nepochs = 20\nsegment_frames = 300 # 3 s\noptimizer = \"adamw\"\n\
             learning_rate = 2e-3\nschedule = \"cosine\"\nmax_grad_norm = 1.0\nweight_decay = 0.01\n"
        );
        ModelSection {
            text,
            features: format!(
                "40 log-mel bands (Kaldi) every 10 ms at {rate}; normalized over the training data"
            ),
            training: format!(
                "a causal LSTM of 128 units with a decision per frame ({what}), 20 epochs of segments of 3 s, as in the built-in \
                 recipe upc-vad"
            ),
        }
    }
}

/// Returns a text as a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

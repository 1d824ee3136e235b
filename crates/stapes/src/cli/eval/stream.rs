//! `stapes eval --stream`: long recordings with labeled segments, or without any.

mod keywords;
mod outputs;
mod speech;
mod thresholds;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use stapes::BuiltInModel;
use stapes::audio::Channel;
use stapes::data::{LabeledRecording, LabeledRecordings, Subset};
use stapes::infer::Input;
use stapes::run::Run;

use crate::cli::batches;
use crate::cli::channel_arg::ChannelArg;
use crate::cli::console::{Console, thousands};
use crate::cli::keyword_args::KeywordArgs;
use crate::cli::run_options::parse_time;
use crate::cli::speech_args::SpeechArgs;
use crate::cli::{DONE, message};
use outputs::Outputs;

/// Files per thread that are read before the next ones.
const BATCH: usize = 4;

/// Options of the evaluation on long recordings.
#[derive(Args)]
#[command(next_help_heading = "Long recordings")]
pub(crate) struct StreamArgs {
    /// Evaluate keywords or speech on long recordings: a folder in which a.wav has its labels in a.lab or a.txt (lines `start end
    /// label`, as Audacity writes), a.TextGrid, a.vtt or a.rttm, or a manifest with the columns path, label, start and end.
    /// Recordings without labels are searched for false accepts
    #[arg(long, value_name = "DIR", conflicts_with_all = ["split", "data", "predictions", "set"])]
    pub(super) stream: Option<PathBuf>,
    /// Longest time of a detection after the end of its labeled segment [default: 1]
    #[arg(long, value_name = "SECONDS", value_parser = parse_time, requires = "stream")]
    tolerance: Option<f64>,
    /// Choose the threshold of each keyword for this number of false accepts per hour, on the recordings of --choose-on
    #[arg(long, value_name = "RATE", value_parser = parse_time, requires = "stream")]
    target_fa_per_hour: Option<f64>,
    /// Other recordings, such as those of a validation set, for --target-fa-per-hour [default: the rows of the manifest with split =
    /// validation; those with split = test are evaluated]
    #[arg(long, value_name = "DIR", requires = "target_fa_per_hour")]
    choose_on: Option<PathBuf>,
    /// Store the chosen thresholds, with windows, smoothing and refractory time, in the model file, as defaults of `stapes stream`
    #[arg(long, requires = "target_fa_per_hour")]
    save_thresholds: bool,
    /// Largest difference between the boundaries of a speech segment and of its labeled segment [default: 0.2]
    #[arg(long, value_name = "SECONDS", value_parser = parse_time, requires = "stream")]
    collar: Option<f64>,
    /// Write a page with the results and every error, with its sound and its scores over time; overwrites an existing file
    #[arg(long, value_name = "FILE", requires = "stream")]
    page: Option<PathBuf>,
    /// Write the window of each false accept as a WAV file into this folder, to be used as a negative example
    #[arg(long, value_name = "DIR", requires = "stream")]
    export_false_accepts: Option<PathBuf>,
    /// Replace WAV files that exist
    #[arg(long, requires = "export_false_accepts")]
    force: bool,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten, next_help_heading = "Keywords")]
    keywords: KeywordArgs,
    #[command(flatten, next_help_heading = "Speech segments")]
    speech: SpeechArgs,
}

/// Recordings to evaluate, or to choose thresholds on.
struct Recordings {
    place: PathBuf,
    recordings: Vec<LabeledRecording>,
}

impl Recordings {
    /// Finds recordings; of a manifest with a column `split` those of a subset.
    fn open(place: &Path, subset: Subset, console: &Console) -> Result<Recordings> {
        if !place.exists() {
            bail!("{}: no such folder or manifest; correct the path", place.display());
        }
        let LabeledRecordings { mut recordings, notes } = LabeledRecordings::open(place)?;
        notes.iter().for_each(|note| console.warning(&note.to_string()));
        if recordings.iter().any(|recording| recording.subset.is_some()) {
            recordings.retain(|recording| recording.subset == Some(subset));
            if recordings.is_empty() {
                bail!(
                    "{}: no row has split = {subset}; correct the column split, or remove it",
                    place.display()
                );
            }
        }
        Ok(Recordings { place: place.to_owned(), recordings })
    }

    /// Returns the labels that are not in a list, sorted.
    fn labels_except(&self, known: &[String]) -> Vec<String> {
        let labels = self.recordings.iter().flat_map(|one| &one.segments).map(|segment| &segment.label);
        let other: BTreeSet<&String> = labels.filter(|label| !known.contains(label)).collect();
        other.into_iter().cloned().collect()
    }

    /// Processes all recordings on all threads. A failed one is printed and skipped; if all failed, the result is an error. Returns
    /// the results and the exit code.
    fn process<R: Send>(
        &self,
        console: &Console,
        work: impl Fn(&LabeledRecording) -> Result<R> + Sync + Send,
    ) -> Result<(Vec<(&LabeledRecording, R)>, u8)> {
        let results = RefCell::new(Vec::new());
        let recordings: Vec<&LabeledRecording> = self.recordings.iter().collect();
        let code = batches::process(
            (&recordings, &[]),
            BATCH,
            console,
            || Ok(()),
            |(), recording| work(recording),
            |recording, result| {
                results.borrow_mut().push((*recording, result));
                Ok(())
            },
            |recording, error| console.failed_file(&recording.path, &message(error)),
        );
        let results = results.into_inner();
        match results.is_empty() {
            true => bail!("{}: none of the recordings was evaluated", self.place.display()),
            false => Ok((results, code)),
        }
    }
}

impl StreamArgs {
    /// Rejects options of long recordings without --stream.
    pub(super) fn check_unused(&self) -> Result<()> {
        if self.channel.channel != Channel::Mean {
            bail!("--channel is for long recordings (--stream); other data has the channel of its recipe");
        }
        if self.keywords.is_given() || self.speech.is_given() {
            bail!("options of keywords and of speech segments are for long recordings; give --stream DIR");
        }
        Ok(())
    }

    fn outputs(&self) -> Outputs<'_> {
        Outputs {
            page: self.page.as_deref(),
            clips: self.export_false_accepts.as_deref(),
            force: self.force,
            channel: self.channel.channel,
        }
    }

    /// Evaluates a model on the long recordings of a folder or manifest.
    pub(super) fn run(&self, run: &Path, place: &Path, console: &Console) -> Result<u8> {
        let model = Run::load_model(run)?;
        if self.save_thresholds && BuiltInModel::find(run).is_some() {
            bail!(
                "--save-thresholds: {} is built in and has no file; give the thresholds with --keyword",
                run.display()
            );
        }
        if !matches!(model.input, Input::Recordings(_)) {
            bail!("{}: the model reads frames; use a model of recordings", run.display());
        }
        self.outputs().check()?;
        match model.network()?.objective().is_frame_level() {
            true => speech::evaluate(self, &model, run, place, console),
            false => keywords::evaluate(self, &model, run, place, console),
        }
    }
}

/// Returns an exit code of several steps: that of the first that is not 0.
fn worst(codes: impl IntoIterator<Item = u8>) -> u8 {
    codes.into_iter().find(|code| *code != DONE).unwrap_or(DONE)
}

/// Describes recordings: `12 recordings, 4.00 h, 3 without labeled segments`.
fn described(recordings: usize, hours: f64, without: usize) -> String {
    let noun = if recordings == 1 { "recording" } else { "recordings" };
    let without = match without {
        0 => String::new(),
        some => format!(", {} without labeled segments", thousands(some as u64)),
    };
    format!("{} {noun}, {}{without}", thousands(recordings as u64), duration(hours))
}

/// Formats hours: `12.3 s`, `4.00 h`.
fn duration(hours: f64) -> String {
    if hours < 0.1 { format!("{:.1} s", 3600.0 * hours) } else { format!("{hours:.2} h") }
}

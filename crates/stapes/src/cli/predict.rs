//! `stapes predict`: classifies files or their frames.

mod input;
mod output;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use stapes::audio::Channel;
use stapes::infer::{Input, Model, TopLabels};
use stapes::report::visible;
use stapes::run::Run;

use super::batches;
use super::channel_arg::ChannelArg;
use super::console::Console;
use super::input_files;
use super::run_options::parse_positive;
use super::standard_input::{self, SampleFormat};
pub(crate) use input::with_path;
use input::{InputClassifier, Predicted, Windows};
use output::{Labels, print_frame_level, print_label, print_windows};

/// Files per thread that are classified before their results are printed.
const BATCH: usize = 32;

/// Classify recordings (frame-level models: print detected segments)
#[derive(Args)]
#[command(after_help = "Examples:\n  stapes predict runs/fsdd recording.wav\n  \
    stapes predict model.safetensors recordings --json\n  \
    stapes predict model.safetensors interview.mp3 --window 1 --hop 0.5\n  \
    arecord -r 16000 -f S16_LE -d 2 -t raw | stapes predict model.safetensors - --rate 16000\n\n\
    Output: one line per file, `label probability file`. Frame-level models, such as voice activity detectors, print one line\n\
    per segment, `start end label file`, in seconds; --json adds the probabilities of every frame.\n\
    With --window: one line per window, `start end label probability file`.")]
pub(crate) struct Predict {
    /// Run folder, model file, or name of a built-in model
    run: PathBuf,
    /// Recordings, folders or patterns such as '*.wav'; - for the standard input. For models of frames: .npy arrays
    /// [frames, features], or text files with one frame per line, values separated by commas or spaces
    #[arg(value_name = "PATH", required_unless_present = "files_from")]
    paths: Vec<PathBuf>,
    /// File with further paths, one per line; - for the standard input
    #[arg(long, value_name = "LIST")]
    files_from: Option<PathBuf>,
    /// Number of labels to print per file, the most probable first
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    /// Print the label `unknown` if the probability is lower
    #[arg(long, value_name = "P", value_parser = parse_probability)]
    threshold: Option<f32>,
    /// Classify windows of this length, for long recordings
    #[arg(long, value_name = "SECONDS", value_parser = parse_positive)]
    window: Option<f64>,
    /// Time between the starts of two windows [default: that of the keywords in the model file, else half the window]
    #[arg(long, value_name = "SECONDS", value_parser = parse_positive, requires = "window")]
    hop: Option<f64>,
    /// Sample rate of raw mono samples on the standard input; without it, that is a sound file
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1..=768_000))]
    rate: Option<u32>,
    /// Format of raw samples
    #[arg(long, value_enum, default_value_t = SampleFormat::S16le, requires = "rate")]
    format: SampleFormat,
    #[command(flatten)]
    channel: ChannelArg,
}

/// Parses a probability.
fn parse_probability(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to 1".into())
}

impl Predict {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let model = Run::load_model(&self.run)?;
        let is_frame_level = model.network()?.objective().is_frame_level();
        self.check(&model, is_frame_level)?;
        let is_wanted = match &model.input {
            Input::Recordings(_) => input_files::is_recording,
            Input::Frames(_) => input_files::is_frames,
        };
        let found = input_files::find(&self.paths, self.files_from.as_deref(), is_wanted)?;
        let files: Vec<PathBuf> = found.files.into_iter().map(|file| file.path).collect();
        let is_stdin = |file: &Path| file.as_os_str() == input_files::STANDARD_INPUT;
        let copied = match files.iter().filter(|file| is_stdin(file)).count() {
            0 => None,
            1 => Some(standard_input::copy(self.rate, self.format, console)?),
            _ => bail!("-: the standard input can be read once; give it once"),
        };
        let place = |file: &Path| match &copied {
            Some(copied) if is_stdin(file) => copied.path().to_owned(),
            _ => file.to_owned(),
        };
        let stored = model.keywords.as_ref().map(|keywords| keywords.hop_seconds);
        let windows = self.window.map(|seconds| {
            let hop_seconds = self.hop.or(stored.filter(|hop| *hop <= seconds)).unwrap_or(seconds / 2.0);
            Windows { seconds, hop_seconds }
        });
        let labels =
            Labels { model: &model, shown: TopLabels { top: self.top.into(), threshold: self.threshold } };
        Ok(batches::process(
            (&files, &found.failed),
            BATCH,
            console,
            || InputClassifier::new(&model, self.channel.channel),
            |classifier, file| classifier.predict(&place(file), windows),
            |file, predicted| labels.print(file, predicted, console),
            |file, error| {
                let (name, place) = (file.display().to_string(), place(file).display().to_string());
                console.failed_file(file, &super::message(error).replace(&place, &name));
            },
        ))
    }

    /// Checks that the options fit the model.
    fn check(&self, model: &Model, is_frame_level: bool) -> Result<()> {
        let run = self.run.display();
        if let (Some(window), Some(hop)) = (self.window, self.hop)
            && hop > window
        {
            bail!(
                "--hop {hop}: is longer than --window {window}, so parts would not be classified; reduce it"
            );
        }
        if let (Some(window), Input::Recordings(features)) = (self.window, &model.input)
            && let Some(length) = features.fixed_length_samples
            && window > length as f64 / f64::from(features.sample_rate_hz) + 1e-9
        {
            let seconds = length as f64 / f64::from(features.sample_rate_hz);
            bail!("--window {window}: the model reads {seconds} s of each window; reduce it to {seconds}");
        }
        if is_frame_level && (self.threshold.is_some() || self.top > 1 || self.window.is_some()) {
            bail!(
                "{run}: --top, --threshold and --window are for models with one label per recording; this one labels frames"
            );
        }
        match &model.input {
            Input::Frames(_) if self.channel.channel != Channel::Mean => {
                bail!("{run}: --channel needs a model of recordings")
            }
            Input::Frames(_) if self.window.is_some() => bail!("{run}: --window needs a model of recordings"),
            Input::Frames(_) if is_frame_level => bail!(
                "{run}: the times of frames without a recording are unknown; use a frame-level model of recordings"
            ),
            _ => Ok(()),
        }
    }
}

impl Labels<'_> {
    /// Prints the result for a file.
    fn print(&self, file: &Path, predicted: Predicted, console: &Console) -> Result<()> {
        let name = file.display().to_string();
        match predicted {
            Predicted::Label(found) => {
                if found.is_cut {
                    console.eprint(&format!(
                        "warning: {}: only the first {:.3} s were read, the length of the model's clips; classify windows with \
                         --window {:.3}",
                        visible(&name),
                        found.seconds,
                        found.seconds
                    ));
                }
                print_label(self, &name, &found.probabilities, console);
            }
            Predicted::Frames(found) => print_frame_level(self.model, &name, &found, console)?,
            Predicted::Windows(windows) => print_windows(self, &name, &windows, console),
        }
        Ok(())
    }
}

//! `stapes stream`: runs a model over sound that does not end.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use stapes::audio::{Recording, StreamResampler};
use stapes::features::FrameTimes;
use stapes::infer::{
    InferError, Input, KeywordDetector, Model, SpeechStream, SpeechTime, StreamClassifier, WindowStream,
};
use stapes::run::Run;

use super::console::Console;
use super::input_files::STANDARD_INPUT;
use super::keyword_args::KeywordArgs;
use super::speech_args::SpeechArgs;
use super::standard_input::{SampleFormat, check_raw};

/// Bytes that are read from a pipe at a time; fewer arrive if it has fewer.
const BUFFER: usize = 16 << 10;

/// Run a model over a recording or raw samples from a pipe, and print events or scores as they arrive
///
/// Frame-level models print the starts and ends of speech, with the options of silero-vad; models of clips print keywords, from
/// windows of the last --window seconds, or with --cumulative the probabilities of the recording so far. Keywords, thresholds and
/// windows that `stapes eval --stream --save-thresholds` stored in the model file are the defaults. With --scores, all
/// probabilities are printed. The output is JSON lines.
#[derive(Args)]
#[command(after_help = "Examples:\n  arecord -t raw -f S16_LE -r 16000 | stapes stream runs/vad -\n  \
    arecord -t raw -f S16_LE -r 16000 | stapes stream runs/words - --keyword yes=0.9 --keyword no=0.9\n  \
    stapes stream runs/vad meeting.flac --scores")]
pub(crate) struct Stream {
    /// Run folder or model file
    model: PathBuf,
    /// Recording, or - for raw mono samples on the standard input
    file: PathBuf,
    /// Sample rate of the raw samples [default: that of the model]
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(100..=768_000))]
    rate: Option<u32>,
    /// Format of the raw samples
    #[arg(long, value_enum, default_value_t = SampleFormat::S16le)]
    format: SampleFormat,
    /// Print the probabilities of every frame or window
    #[arg(long)]
    scores: bool,
    /// Print the probabilities of the recording so far, of a causal model of clips
    #[arg(long, conflicts_with_all = ["window", "keyword", "hop", "smoothing", "refractory"])]
    cumulative: bool,
    #[command(flatten)]
    keywords: KeywordArgs,
    #[command(flatten)]
    speech: SpeechArgs,
}

impl Stream {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let model = Run::load_model(&self.model)?;
        let Input::Recordings(features) = &model.input else {
            bail!("{}: the model reads frames; use a model of recordings", self.model.display());
        };
        let model_rate_hz = features.sample_rate_hz;
        let (listener, mut printer) = self.listener(&model, console)?;
        if self.file.as_os_str() == STANDARD_INPUT {
            let rate_hz = self.rate.unwrap_or(model_rate_hz);
            let resampler = StreamResampler::new(rate_hz, model_rate_hz)?;
            self.standard_input(Samples { listener, resampler, rate_hz, count: 0 }, &mut printer)
        } else {
            if self.rate.is_some() || self.format != SampleFormat::S16le {
                bail!(
                    "--rate and --format are for raw samples on the standard input; a recording has its own"
                );
            }
            let name = || self.file.display().to_string();
            recording(&self.file, listener, model_rate_hz, &mut printer).with_context(name)
        }
    }

    /// Returns how the model listens, and the printer of its results.
    fn listener<'a>(&self, model: &'a Model, console: &'a Console) -> Result<(Listener<'a>, Printer<'a>)> {
        let name = || self.model.display().to_string();
        let mut printer = Printer { model, decision: Decision::None, scores: self.scores, console };
        let is_frame_level = model.network()?.objective().is_frame_level();
        if is_frame_level || self.cumulative {
            let Input::Recordings(features) = &model.input else { bail!("{}: reads frames", name()) };
            let times = features.frame_times()?;
            if is_frame_level {
                if self.keywords.is_given() {
                    bail!("{}: labels frames; --keyword and --window are for models of clips", name());
                }
                printer.decision = Decision::Speech(SpeechStream::new(model, &self.speech.options()?)?);
            }
            let classifier = StreamClassifier::new(model).with_context(name)?;
            return Ok((Listener::Frames { classifier, times, frame: 0 }, printer));
        }
        let settings = self.keywords.settings(model, &self.model)?;
        let window = settings.window_seconds;
        let windows = WindowStream::new(model, window, settings.hop_seconds).with_context(name)?;
        let place = if windows.shares_features() {
            "the features of each frame"
        } else {
            "all features of each window"
        };
        console.details(&format!(
            "windows of {window} s every {:.3} s; {place} are computed once",
            windows.hop_seconds()
        ));
        let options = self.keywords.options(model, &settings)?;
        if !options.keywords.is_empty() {
            printer.decision = Decision::Keywords(KeywordDetector::new(&options, windows.hop_seconds()));
        }
        Ok((Listener::Windows(windows), printer))
    }

    /// Reads raw samples until the pipe is closed or nobody reads the output.
    fn standard_input(&self, mut source: Samples<'_>, printer: &mut Printer<'_>) -> Result<u8> {
        let size = self.format.bytes();
        let (mut bytes, mut filled) = (vec![0; BUFFER], 0);
        let mut input = io::stdin().lock();
        let mut samples = Vec::new();
        loop {
            let count = match input.read(&mut bytes[filled..]) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("standard input: cannot read"),
            };
            if count == 0 {
                break;
            }
            filled += count;
            if source.count == 0 {
                check_raw(&bytes[..filled])?;
            }
            let whole = filled - filled % size;
            samples.clear();
            self.format.samples(&bytes[..whole], &mut samples);
            bytes.copy_within(whole..filled, 0);
            filled -= whole;
            source.push(&samples, printer)?;
            if printer.console.is_closed() {
                return Ok(super::DONE);
            }
        }
        if filled > 0 {
            printer.console.warning("standard input: the last sample is incomplete and was not used");
        }
        source.finish(printer)?;
        Ok(super::DONE)
    }
}

/// Runs the model over a file.
fn recording(
    file: &Path,
    listener: Listener<'_>,
    model_rate_hz: u32,
    printer: &mut Printer<'_>,
) -> Result<u8> {
    let mut recording = Recording::open(file)?;
    let rate_hz = recording.sample_rate_hz();
    let resampler =
        StreamResampler::new(rate_hz, model_rate_hz).with_context(|| file.display().to_string())?;
    let mut source = Samples { listener, resampler, rate_hz, count: 0 };
    while let Some(block) = recording.next_block()? {
        source.push(block, printer)?;
        if printer.console.is_closed() {
            return Ok(super::DONE);
        }
    }
    source.finish(printer)?;
    Ok(super::DONE)
}

/// How a model listens.
enum Listener<'a> {
    /// Frame by frame: a causal model.
    Frames { classifier: StreamClassifier<'a>, times: FrameTimes, frame: usize },
    /// Window by window: a model of clips.
    Windows(WindowStream<'a>),
}

impl Listener<'_> {
    fn push(&mut self, samples: &[f32], printer: &mut Printer<'_>) -> Result<(), InferError> {
        match self {
            Listener::Frames { classifier, times, frame } => classifier.push(samples, |probabilities| {
                printer.scores(times.center_seconds(*frame), probabilities);
                *frame += 1;
            }),
            Listener::Windows(windows) => {
                windows.push(samples, |end, probabilities| printer.scores(end, probabilities))
            }
        }
    }

    fn finish(self, printer: &mut Printer<'_>) -> Result<(), InferError> {
        match self {
            Listener::Frames { classifier, times, mut frame } => classifier.finish(|probabilities| {
                printer.scores(times.center_seconds(frame), probabilities);
                frame += 1;
            }),
            // A window that is not complete has no result.
            Listener::Windows(windows) => {
                windows.finish(|end, probabilities| printer.scores(end, probabilities))
            }
        }
    }
}

/// Samples on their way to the model.
struct Samples<'a> {
    listener: Listener<'a>,
    resampler: StreamResampler,
    rate_hz: u32,
    /// Number of samples so far.
    count: u64,
}

impl Samples<'_> {
    fn push(&mut self, samples: &[f32], printer: &mut Printer<'_>) -> Result<()> {
        self.count += samples.len() as u64;
        let mut resampled = Vec::new();
        let seconds = self.count as f64 / f64::from(self.rate_hz);
        let place = || format!("before {seconds:.3} s");
        self.resampler.push(samples, &mut resampled).with_context(place)?;
        self.listener.push(&resampled, printer).with_context(place)
    }

    fn finish(mut self, printer: &mut Printer<'_>) -> Result<()> {
        let mut resampled = Vec::new();
        self.resampler.finish(&mut resampled)?;
        self.listener.push(&resampled, printer)?;
        self.listener.finish(printer)?;
        printer.finish(self.count as f64 / f64::from(self.rate_hz));
        Ok(())
    }
}

/// Decision from the probabilities over time.
enum Decision {
    None,
    Speech(SpeechStream),
    Keywords(KeywordDetector),
}

/// Printer of scores and events, one JSON object per line.
struct Printer<'a> {
    model: &'a Model,
    decision: Decision,
    scores: bool,
    console: &'a Console,
}

impl Printer<'_> {
    /// Prints the probabilities at a time, and what is decided from them.
    fn scores(&mut self, seconds: f64, probabilities: &[f32]) {
        let Printer { model, decision, scores, console } = self;
        if *scores || matches!(decision, Decision::None) {
            let all: Map<String, Value> =
                model.labels.iter().cloned().zip(probabilities.iter().map(|value| json!(value))).collect();
            console.line(&json!({ "event": "scores", "seconds": rounded(seconds), "probabilities": all }));
        }
        match decision {
            Decision::None => {}
            Decision::Speech(speech) => speech.push(probabilities, |time| print_time(console, time)),
            Decision::Keywords(detector) => {
                if let Some(found) = detector.push(probabilities) {
                    console.line(&json!({
                        "event": "keyword", "seconds": rounded(seconds), "label": model.labels[found.class],
                        "score": found.score,
                    }));
                }
            }
        }
    }

    fn finish(&mut self, seconds: f64) {
        if let Decision::Speech(speech) = std::mem::replace(&mut self.decision, Decision::None) {
            speech.finish(seconds, |time| print_time(self.console, time));
        }
        self.console.line(&json!({ "event": "end of input", "seconds": rounded(seconds) }));
    }
}

fn print_time(console: &Console, time: SpeechTime) {
    console.line(&match time {
        SpeechTime::Start(seconds) => json!({ "event": "start", "seconds": rounded(seconds) }),
        SpeechTime::End(seconds) => json!({ "event": "end", "seconds": rounded(seconds) }),
    });
}

/// Rounds seconds to microseconds.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

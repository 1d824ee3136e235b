//! `stapes stream`: runs a model over sound that does not end.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use stapes::audio::{Recording, StreamResampler};
use stapes::infer::{Input, Model, SpeechStream, SpeechTime, StreamClassifier};
use stapes::run::Run;

use super::console::Console;
use super::input_files::STANDARD_INPUT;
use super::speech_args::SpeechArgs;
use super::standard_input::SampleFormat;

/// Bytes that are read from a pipe at a time; fewer arrive if it has fewer.
const BUFFER: usize = 16 << 10;

/// Run a causal model over a recording or raw samples from a pipe, and print events or scores as they arrive
///
/// Frame-level models print the starts and ends of speech, with the options of silero-vad; with --scores, the probabilities after
/// every frame. Other models print the probabilities of the recording so far. The output is JSON lines.
#[derive(Args)]
#[command(after_help = "Examples:\n  arecord -t raw -f S16_LE -r 16000 | stapes stream runs/vad -\n  \
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
    /// Print the probabilities after every frame
    #[arg(long)]
    scores: bool,
    #[command(flatten)]
    speech: SpeechArgs,
}

impl Stream {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let model = Run::load_model(&self.model)?;
        let Input::Recordings(features) = &model.input else {
            bail!("{}: the model reads frames; use a model of recordings", self.model.display());
        };
        let classifier = StreamClassifier::new(&model).with_context(|| self.model.display().to_string())?;
        let speech = match model.network()?.objective().is_frame_level() {
            true => Some(SpeechStream::new(&model, &self.speech.options()?)?),
            false => None,
        };
        let times = features.frame_times()?;
        let model_rate_hz = features.sample_rate_hz;
        let mut printer = Printer { model: &model, speech, scores: self.scores, frame: 0, times, console };
        if self.file.as_os_str() == STANDARD_INPUT {
            let rate_hz = self.rate.unwrap_or(model_rate_hz);
            let source = Samples {
                classifier,
                resampler: StreamResampler::new(rate_hz, model_rate_hz)?,
                rate_hz,
                count: 0,
            };
            self.standard_input(source, &mut printer)
        } else {
            if self.rate.is_some() {
                bail!("--rate is for raw samples on the standard input; a recording has a rate");
            }
            recording(&self.file, classifier, model_rate_hz, &mut printer)
        }
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
    classifier: StreamClassifier<'_>,
    model_rate_hz: u32,
    printer: &mut Printer<'_>,
) -> Result<u8> {
    let mut recording = Recording::open(file)?;
    let rate_hz = recording.sample_rate_hz();
    let resampler =
        StreamResampler::new(rate_hz, model_rate_hz).with_context(|| file.display().to_string())?;
    let mut source = Samples { classifier, resampler, rate_hz, count: 0 };
    while let Some(block) = recording.next_block()? {
        source.push(block, printer)?;
        if printer.console.is_closed() {
            return Ok(super::DONE);
        }
    }
    source.finish(printer)?;
    Ok(super::DONE)
}

/// Samples on their way to the model.
struct Samples<'a> {
    classifier: StreamClassifier<'a>,
    resampler: StreamResampler,
    rate_hz: u32,
    /// Number of samples so far.
    count: u64,
}

impl Samples<'_> {
    fn push(&mut self, samples: &[f32], printer: &mut Printer<'_>) -> Result<()> {
        self.count += samples.len() as u64;
        let mut resampled = Vec::new();
        self.resampler.push(samples, &mut resampled)?;
        let place = || format!("before {:.3} s", self.count as f64 / f64::from(self.rate_hz));
        self.classifier.push(&resampled, |probabilities| printer.frame(probabilities)).with_context(place)
    }

    fn finish(mut self, printer: &mut Printer<'_>) -> Result<()> {
        let mut resampled = Vec::new();
        self.resampler.finish(&mut resampled)?;
        self.classifier.push(&resampled, |probabilities| printer.frame(probabilities))?;
        self.classifier.finish(|probabilities| printer.frame(probabilities))?;
        printer.finish(self.count as f64 / f64::from(self.rate_hz));
        Ok(())
    }
}

/// Printer of scores and events, one JSON object per line.
struct Printer<'a> {
    model: &'a Model,
    speech: Option<SpeechStream>,
    scores: bool,
    frame: usize,
    times: stapes::features::FrameTimes,
    console: &'a Console,
}

impl Printer<'_> {
    fn frame(&mut self, probabilities: &[f32]) {
        let Printer { model, speech, scores, frame, times, console } = self;
        if *scores || speech.is_none() {
            let all: Map<String, Value> =
                model.labels.iter().cloned().zip(probabilities.iter().map(|value| json!(value))).collect();
            let seconds = rounded(times.center_seconds(*frame));
            console.line(&json!({ "event": "scores", "seconds": seconds, "probabilities": all }));
        }
        *frame += 1;
        if let Some(speech) = speech {
            speech.push(probabilities, |time| print_time(console, time));
        }
    }

    fn finish(&mut self, seconds: f64) {
        if let Some(speech) = self.speech.take() {
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

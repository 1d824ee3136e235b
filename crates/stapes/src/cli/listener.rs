//! A model that listens to samples as they arrive, and prints events and scores.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use stapes::audio::StreamResampler;
use stapes::features::FrameTimes;
use stapes::infer::{
    InferError, Input, KeywordDetector, Model, SpeechStream, SpeechTime, StreamClassifier, WindowStream,
};
use stapes::nn::loss::argmax;
use stapes::report::rounded_seconds;

use super::console::Console;
use super::keyword_args::KeywordArgs;
use super::speech_args::SpeechArgs;

/// Options of a model that listens.
#[derive(Args)]
pub(crate) struct ListenerArgs {
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

impl ListenerArgs {
    /// Returns a model that listens; `path` is that of the model.
    pub(crate) fn start<'a>(
        &self,
        model: &'a Model,
        path: &Path,
        console: &'a Console,
    ) -> Result<Listener<'a>> {
        let name = || path.display().to_string();
        let Input::Recordings(features) = &model.input else {
            bail!("{}: the model reads frames; use a model of recordings", name());
        };
        let model_rate_hz = features.sample_rate_hz;
        let is_frame_level = model.network()?.objective().is_frame_level();
        if !is_frame_level && self.speech.is_given() {
            bail!(
                "{}: a model of clips; --threshold and the other options of speech segments are for frame-level models",
                name()
            );
        }
        let (steps, decision) = if is_frame_level || self.cumulative {
            let mut decision = Decision::None;
            if is_frame_level {
                if self.keywords.is_given() {
                    bail!("{}: labels frames; --keyword and --window are for models of clips", name());
                }
                decision = Decision::Speech(SpeechStream::new(model, &self.speech.options()?)?);
            }
            let classifier = StreamClassifier::new(model).with_context(name)?;
            (Steps::Frames { classifier, times: features.frame_times()?, frame: 0 }, decision)
        } else {
            let (windows, decision) = self.windows(model, path, console)?;
            (Steps::Windows(windows), decision)
        };
        let printer = Printer { model, decision, scores: self.scores, latest: None, console };
        Ok(Listener { steps, printer, model_rate_hz })
    }

    /// Returns the windows of a model of clips, and the keywords.
    fn windows<'a>(
        &self,
        model: &'a Model,
        path: &Path,
        console: &Console,
    ) -> Result<(WindowStream<'a>, Decision)> {
        let settings = self.keywords.settings(model, path)?;
        let window = settings.window_seconds;
        let windows = WindowStream::new(model, window, settings.hop_seconds)
            .with_context(|| path.display().to_string())?;
        let place = match windows.shares_features() {
            true => "the features of each frame",
            false => "all features of each window",
        };
        console.details(&format!(
            "windows of {window} s every {:.3} s; {place} are computed once",
            windows.hop_seconds()
        ));
        let options = self.keywords.options(model, &settings)?;
        let decision = match options.keywords.is_empty() {
            true => Decision::None,
            false => Decision::Keywords(KeywordDetector::new(&options, windows.hop_seconds())),
        };
        Ok((windows, decision))
    }
}

/// A model that listens.
pub(crate) struct Listener<'a> {
    steps: Steps<'a>,
    printer: Printer<'a>,
    model_rate_hz: u32,
}

/// How a model listens.
enum Steps<'a> {
    /// Frame by frame: a causal model.
    Frames { classifier: StreamClassifier<'a>, times: FrameTimes, frame: usize },
    /// Window by window: a model of clips.
    Windows(WindowStream<'a>),
}

impl<'a> Listener<'a> {
    /// Returns the sample rate of the model.
    pub(crate) fn model_rate_hz(&self) -> u32 {
        self.model_rate_hz
    }

    /// Returns the source of samples at a rate.
    pub(crate) fn samples(self, rate_hz: u32) -> Result<Samples<'a>> {
        let resampler = StreamResampler::new(rate_hz, self.model_rate_hz)?;
        Ok(Samples { listener: self, resampler, rate_hz, count: 0 })
    }

    fn push(&mut self, samples: &[f32]) -> Result<(), InferError> {
        let printer = &mut self.printer;
        match &mut self.steps {
            Steps::Frames { classifier, times, frame } => classifier.push(samples, |probabilities| {
                printer.scores(times.center_seconds(*frame), probabilities);
                *frame += 1;
            }),
            Steps::Windows(windows) => {
                windows.push(samples, |end, probabilities| printer.scores(end, probabilities))
            }
        }
    }

    fn finish(self, seconds: f64) -> Result<(), InferError> {
        let mut printer = self.printer;
        match self.steps {
            Steps::Frames { classifier, times, mut frame } => classifier.finish(|probabilities| {
                printer.scores(times.center_seconds(frame), probabilities);
                frame += 1;
            })?,
            // A window that is not complete has no result.
            Steps::Windows(windows) => {
                windows.finish(|end, probabilities| printer.scores(end, probabilities))?;
            }
        }
        printer.finish(seconds);
        Ok(())
    }
}

/// Samples on their way to the model.
pub(crate) struct Samples<'a> {
    listener: Listener<'a>,
    resampler: StreamResampler,
    rate_hz: u32,
    /// Number of samples so far.
    count: u64,
}

impl Samples<'_> {
    /// Returns true before the first sample.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the most probable label of the last frame or window, with its probability.
    pub(crate) fn latest(&self) -> Option<(&str, f32)> {
        let (class, probability) = self.listener.printer.latest?;
        Some((&self.listener.printer.model.labels[class], probability))
    }

    pub(crate) fn push(&mut self, samples: &[f32]) -> Result<()> {
        self.count += samples.len() as u64;
        let mut resampled = Vec::new();
        let seconds = self.count as f64 / f64::from(self.rate_hz);
        let place = || format!("before {seconds:.3} s");
        self.resampler.push(samples, &mut resampled).with_context(place)?;
        self.listener.push(&resampled).with_context(place)
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        let mut resampled = Vec::new();
        self.resampler.finish(&mut resampled)?;
        self.listener.push(&resampled)?;
        self.listener.finish(self.count as f64 / f64::from(self.rate_hz))?;
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
    /// Most probable class of the last frame or window, with its probability.
    latest: Option<(usize, f32)>,
    console: &'a Console,
}

impl Printer<'_> {
    /// Prints the probabilities at a time, and what is decided from them.
    fn scores(&mut self, seconds: f64, probabilities: &[f32]) {
        let best = argmax(probabilities);
        self.latest = Some((best, probabilities[best]));
        let Printer { model, decision, scores, console, .. } = self;
        if *scores || matches!(decision, Decision::None) {
            let all: Map<String, Value> =
                model.labels.iter().cloned().zip(probabilities.iter().map(|value| json!(value))).collect();
            console.line(
                &json!({ "event": "scores", "seconds": rounded_seconds(seconds), "probabilities": all }),
            );
        }
        match decision {
            Decision::None => {}
            Decision::Speech(speech) => speech.push(probabilities, |time| print_time(console, time)),
            Decision::Keywords(detector) => {
                if let Some(found) = detector.push(probabilities) {
                    console.line(&json!({
                        "event": "keyword", "seconds": rounded_seconds(seconds), "label": model.labels[found.class],
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
        self.console.line(&json!({ "event": "end of input", "seconds": rounded_seconds(seconds) }));
    }
}

fn print_time(console: &Console, time: SpeechTime) {
    console.line(&match time {
        SpeechTime::Start(seconds) => json!({ "event": "start", "seconds": rounded_seconds(seconds) }),
        SpeechTime::End(seconds) => json!({ "event": "end", "seconds": rounded_seconds(seconds) }),
    });
}

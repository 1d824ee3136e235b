//! A model that listens to samples as they arrive, and prints events and scores.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use stapes::infer::{self, Input, KeywordSettings, ListenerEvent, ListenerOptions, Model, SpeechTime};
use stapes::nn::loss::argmax;
use stapes_files::number::rounded_seconds;

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
        let options = self.options(model, path)?;
        let listener = infer::Listener::new(model, &options).with_context(name)?;
        if let (Some((hop_seconds, shares_features)), ListenerOptions::Keywords { window_seconds, .. }) =
            (listener.windows(), &options)
        {
            let place = match shares_features {
                true => "the features of each frame",
                false => "all features of each window",
            };
            console.details(&format!(
                "windows of {window_seconds} s every {hop_seconds:.3} s; {place} are computed once"
            ));
        }
        let decides = match &options {
            ListenerOptions::Speech(_) => true,
            ListenerOptions::Keywords { options, .. } => !options.keywords.is_empty(),
            ListenerOptions::Scores => false,
        };
        let printer = Printer { model, scores: self.scores || !decides, latest: None, console };
        Ok(Listener { listener, printer, model_rate_hz: features.sample_rate_hz })
    }

    /// Returns how the model listens.
    fn options(&self, model: &Model, path: &Path) -> Result<ListenerOptions> {
        let name = path.display();
        if model.network()?.objective().is_frame_level() {
            if self.keywords.is_given() {
                bail!("{name}: labels frames; --keyword and --window are for models of clips");
            }
            return Ok(ListenerOptions::Speech(self.speech.options()?));
        }
        if self.speech.is_given() {
            bail!(
                "{name}: a model of clips; --threshold and the other options of speech segments are for frame-level models"
            );
        }
        if self.cumulative {
            return Ok(ListenerOptions::Scores);
        }
        let settings = self.keywords.settings(model, path)?;
        let options = self.keywords.options(model, &settings)?;
        let KeywordSettings { window_seconds, hop_seconds, .. } = settings;
        Ok(ListenerOptions::Keywords { window_seconds, hop_seconds, options })
    }
}

/// A model that listens, and the printer of its results.
pub(crate) struct Listener<'a> {
    listener: infer::Listener<'a>,
    printer: Printer<'a>,
    model_rate_hz: u32,
}

impl<'a> Listener<'a> {
    /// Returns the sample rate of the model.
    pub(crate) fn model_rate_hz(&self) -> u32 {
        self.model_rate_hz
    }

    /// Returns the source of samples at a rate.
    pub(crate) fn samples(self, rate_hz: u32) -> Result<Samples<'a>> {
        let listener = self.listener.with_sample_rate(rate_hz)?;
        Ok(Samples { listener, printer: self.printer })
    }
}

/// Samples on their way to the model.
pub(crate) struct Samples<'a> {
    listener: infer::Listener<'a>,
    printer: Printer<'a>,
}

impl Samples<'_> {
    /// Returns true before the first sample.
    pub(crate) fn is_empty(&self) -> bool {
        self.listener.seconds() == 0.0
    }

    /// Returns the most probable label of the last frame or window, with its probability.
    pub(crate) fn latest(&self) -> Option<(&str, f32)> {
        let (class, probability) = self.printer.latest?;
        Some((&self.printer.model.labels[class], probability))
    }

    pub(crate) fn push(&mut self, samples: &[f32]) -> Result<()> {
        let pushed = self.listener.push(samples, |event| self.printer.print(event));
        pushed.with_context(|| format!("before {:.3} s", self.listener.seconds()))
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        let seconds = self.listener.seconds();
        self.listener.finish(|event| self.printer.print(event))?;
        let end = json!({ "event": "end of input", "seconds": rounded_seconds(seconds) });
        self.printer.console.line(&end);
        Ok(())
    }
}

/// Printer of scores and events, one JSON object per line.
struct Printer<'a> {
    model: &'a Model,
    scores: bool,
    /// Most probable class of the last frame or window, with its probability.
    latest: Option<(usize, f32)>,
    console: &'a Console,
}

impl Printer<'_> {
    fn print(&mut self, event: ListenerEvent<'_>) {
        let labels = &self.model.labels;
        let line = match event {
            ListenerEvent::Scores { seconds, probabilities, .. } => {
                let best = argmax(probabilities);
                self.latest = Some((best, probabilities[best]));
                if !self.scores {
                    return;
                }
                let values = probabilities.iter().map(|value| json!(value));
                let all: Map<String, Value> = labels.iter().cloned().zip(values).collect();
                json!({ "event": "scores", "seconds": rounded_seconds(seconds), "probabilities": all })
            }
            ListenerEvent::Speech(SpeechTime::Start(seconds)) => {
                json!({ "event": "start", "seconds": rounded_seconds(seconds) })
            }
            ListenerEvent::Speech(SpeechTime::End(seconds)) => {
                json!({ "event": "end", "seconds": rounded_seconds(seconds) })
            }
            ListenerEvent::Keyword { seconds, class, score } => json!({
                "event": "keyword", "seconds": rounded_seconds(seconds), "label": labels[class], "score": score,
            }),
        };
        self.console.line(&line);
    }
}

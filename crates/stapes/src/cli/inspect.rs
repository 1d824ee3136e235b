//! `stapes inspect`: an HTML page about one recording.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use stapes::audio::{Clip, Recording};
use stapes::infer::{Classifier, ClipExtractor, Input, Model, StreamClassifier};
use stapes::recording_view;
use stapes::report::{FrameView, Inspection, InspectionScores, render_inspection};
use stapes::run::Run;

use super::console::{Console, duration, thousands, visible_path};
use super::paths::{check_extension, create_folder, is_input, output, write_file};
use super::run_options::parse_time;

/// Show a recording on an HTML page: waveform, spectrogram and, with a model, its features and scores over time
#[derive(Args)]
#[command(after_help = "Example:\n  stapes inspect yes.wav --model runs/fsdd")]
pub(crate) struct Inspect {
    /// Recording
    file: PathBuf,
    /// Run folder, model file, or name of a built-in model
    #[arg(long, value_name = "RUN")]
    model: Option<PathBuf>,
    /// Output page, an HTML file; overwrites an existing file [default: runs/RECORDING.html, or the next free name]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Start of the segment to show
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = parse_time)]
    start: f64,
    /// Maximum length of the segment
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = parse_time)]
    seconds: f64,
}

impl Inspect {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let path = self.file.display().to_string();
        if let Some(out) = &self.out {
            check_extension("--out", out, "html")?;
        }
        let model = self.model.as_deref().map(Run::load_model).transpose()?;
        let clip = self.segment()?;
        if clip.samples.is_empty() {
            bail!("{path}: there are no samples after {} s; use a smaller --start", self.start);
        }
        let mut notes = Vec::new();
        let rest = self.length()? - self.start - clip.seconds();
        if self.start > 0.0 || rest > 0.001 {
            notes.push(format!(
                "Shown: {:.3} s to {:.3} s of the recording; --start and --seconds select the segment.",
                self.start,
                self.start + clip.seconds()
            ));
        }
        let clipped = clip.samples.iter().filter(|sample| sample.abs() >= CLIPPED).count();
        if clipped > 0 {
            notes.push(format!(
                "{} samples are at full scale; the recording may be clipped.",
                thousands(clipped as u64)
            ));
        }
        let mut frames = vec![recording_view::spectrogram(&clip).with_context(|| path.clone())?];
        let mut scores = None;
        if let Some(model) = &model {
            let (input, model_scores) = model_view(model, &clip).with_context(|| path.clone())?;
            frames.push(input);
            scores = Some(model_scores);
        }
        let inspection = Inspection {
            title: self.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            summary: format!(
                "{} at {} Hz{}.",
                duration(clip.seconds()),
                thousands(clip.sample_rate_hz.into()),
                self.model
                    .as_ref()
                    .map_or_else(String::new, |model| format!("; scores of {}", model.display()))
            ),
            created_at: stapes::run::now(),
            facts: facts(&clip),
            notes,
            sound: recording_view::sound(&self.file, clip)?,
            frames,
            scores,
        };
        let page = render_inspection(&inspection).with_context(|| path.clone())?;
        let mut name = self.file.file_stem().unwrap_or_default().to_owned();
        name.push(".html");
        if self.out.is_none() {
            create_folder(Path::new("runs"))?;
        }
        let out = output(self.out, Path::new(&name));
        let inputs = [Some(&self.file), self.model.as_ref()].into_iter().flatten();
        for input in inputs {
            if is_input(&out, input) {
                bail!("{}: is an input of this command; choose another --out", out.display());
            }
        }
        write_file(&out, page.as_bytes())?;
        console.print(&visible_path(&out));
        console.json(&json!({ "file": path, "page": out.display().to_string(), "facts": inspection.facts }));
        Ok(super::DONE)
    }

    /// Returns the segment of the recording to show.
    fn segment(&self) -> Result<Clip> {
        let end = (self.start + self.seconds).min(self.length()?);
        match self.start < end {
            true => Ok(stapes::audio::read_segment(&self.file, self.start, Some(end))?),
            false => bail!(
                "{}: the segment is empty, the recording has {:.3} s; change --start or --seconds",
                self.file.display(),
                self.length()?
            ),
        }
    }

    /// Returns the length of the recording in s, in constant memory.
    fn length(&self) -> Result<f64> {
        let mut recording = Recording::open(&self.file)?;
        let mut samples = 0usize;
        while let Some(block) = recording.next_block()? {
            samples += block.len();
        }
        Ok(samples as f64 / f64::from(recording.sample_rate_hz()))
    }
}

/// Absolute value from which a sample counts as clipped.
const CLIPPED: f32 = 0.999;

/// Returns names and values of the recording's properties.
fn facts(clip: &Clip) -> Vec<(String, String)> {
    let peak = clip.samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    let power = clip.samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    let level = 10.0 * (power / clip.samples.len() as f64).log10();
    let decibel = |db: f64| if db.is_finite() { format!("{db:.1} dBFS") } else { "silent".into() };
    [
        ("sample rate", format!("{} Hz", thousands(clip.sample_rate_hz.into()))),
        ("length", format!("{}, {} samples", duration(clip.seconds()), thousands(clip.samples.len() as u64))),
        ("peak", decibel(20.0 * f64::from(peak).log10())),
        ("level (RMS)", decibel(level)),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .to_vec()
}

/// Returns the input of a model for a recording, and its scores.
fn model_view(model: &Model, clip: &Clip) -> Result<(FrameView, InspectionScores)> {
    let Input::Recordings(config) = &model.input else {
        bail!("the model reads frames, not recordings; use a model of recordings");
    };
    let frames = ClipExtractor::new(config)?.extract(clip)?;
    let times = config.frame_times()?;
    let probabilities = Classifier::new(model)?.classify_frames(&frames)?;
    let labels = model.labels.len();
    let network = model.network()?;
    let parameters = thousands(network.parameter_count() as u64);
    let (overall, over_time, kind) = match network.objective().is_frame_level() {
        true => (Vec::new(), probabilities, "frame-level, one decision per frame"),
        false => match stream_scores(model, clip)? {
            Some(over_time) => (
                probabilities,
                over_time,
                "streaming; the curves show the scores if the recording ended at each frame",
            ),
            None => (probabilities, Vec::new(), "needs the whole recording"),
        },
    };
    let count = over_time.len() / labels;
    let scores = InspectionScores {
        model: format!("Model with {parameters} parameters: {kind}."),
        labels: model.labels.clone(),
        overall,
        times: (0..count).map(|frame| times.center_seconds(frame)).collect(),
        over_time,
    };
    Ok((recording_view::model_input(&model.input, &frames)?, scores))
}

/// Returns the probabilities after every frame, or `None` for a model that is not causal.
fn stream_scores(model: &Model, clip: &Clip) -> Result<Option<Vec<f32>>> {
    let Ok(mut stream) = StreamClassifier::new(model) else { return Ok(None) };
    let Input::Recordings(config) = &model.input else { return Ok(None) };
    let resampled;
    let samples = match clip.sample_rate_hz == config.sample_rate_hz {
        true => &clip.samples,
        false => {
            resampled = clip.resampled(config.sample_rate_hz)?;
            &resampled.samples
        }
    };
    let mut over_time = Vec::new();
    stream.push(samples, |probabilities| over_time.extend_from_slice(probabilities))?;
    stream.finish(|probabilities| over_time.extend_from_slice(probabilities))?;
    Ok(Some(over_time))
}

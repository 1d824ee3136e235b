//! `stapes inspect`: one recording, as it is heard and as a model reads it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use stapes::audio::{Clip, Recording};
use stapes::eval::report::{Inspection, InspectionScores, ShownFrames, render_inspection};
use stapes::infer::{Model, Classifier, ClipExtractor, FrameTimes, Input, StreamClassifier};
use stapes::run::Run;
use stapes::shown;

use super::console::{Console, duration, thousands};
use super::features::write;

/// Show a recording: its waveform, its spectrogram and, with a model, what the model reads and says over time
#[derive(Args)]
#[command(after_help = "Example:\n  stapes inspect yes.wav --model runs/fsdd --out yes.html")]
pub(crate) struct Inspect {
    /// The recording
    file: PathBuf,
    /// The folder of a run, or a model file
    #[arg(long, value_name = "RUN")]
    model: Option<PathBuf>,
    /// The page, an HTML file; one of this name is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to begin
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = super::run_options::parse_time)]
    start: f64,
    /// How much to show at most
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = super::run_options::parse_time)]
    seconds: f64,
}

impl Inspect {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let place = self.file.display().to_string();
        let bundle = self.model.as_deref().map(Run::model).transpose()?;
        let clip = self.part()?;
        if clip.samples.is_empty() {
            bail!("{place}: no sound from {} s on", self.start);
        }
        let mut notes = Vec::new();
        let rest = self.length()? - self.start - clip.seconds();
        if self.start > 0.0 || rest > 0.001 {
            notes.push(format!(
                "Shown from {:.3} s to {:.3} s of the recording; --start and --seconds choose.",
                self.start,
                self.start + clip.seconds()
            ));
        }
        let clipped = clip.samples.iter().filter(|sample| sample.abs() >= CLIPPED).count();
        if clipped > 0 {
            notes.push(format!(
                "{} samples are at the limit: the recording may be clipped.",
                thousands(clipped as u64)
            ));
        }
        let mut frames = vec![shown::spectrogram(&clip).with_context(|| place.clone())?];
        let mut scores = None;
        if let Some(bundle) = &bundle {
            let (read, said) = read_by(bundle, &clip).with_context(|| place.clone())?;
            frames.push(read);
            scores = Some(said);
        }
        let inspection = Inspection {
            title: self.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            summary: format!(
                "{} at {} Hz{}.",
                duration(clip.seconds()),
                thousands(clip.sample_rate_hz.into()),
                self.model
                    .as_ref()
                    .map_or_else(String::new, |model| format!(", and what {} says of it", model.display()))
            ),
            created_at: stapes::run::now(),
            facts: facts(&clip),
            notes,
            sound: shown::sound(&self.file, clip)?,
            frames,
            scores,
        };
        let page = render_inspection(&inspection).with_context(|| place.clone())?;
        write(&self.out, page.as_bytes())?;
        console.print(&super::console::place(&self.out));
        console.json(
            &json!({ "file": place, "page": self.out.display().to_string(), "facts": inspection.facts }),
        );
        Ok(super::DONE)
    }

    /// The part of the recording that is shown.
    fn part(&self) -> Result<Clip> {
        let end = (self.start + self.seconds).min(self.length()?);
        match self.start < end {
            true => Ok(stapes::audio::read_part(&self.file, self.start, Some(end))?),
            false => bail!(
                "{}: lasts {:.3} s, and nothing is left from {} s on: give another --start or --seconds",
                self.file.display(),
                self.length()?,
                self.start
            ),
        }
    }

    /// How long the recording is, s; in little memory, however long it is.
    fn length(&self) -> Result<f64> {
        let mut recording = Recording::open(&self.file)?;
        let mut samples = 0usize;
        while let Some(block) = recording.next_block()? {
            samples += block.len();
        }
        Ok(samples as f64 / f64::from(recording.sample_rate_hz()))
    }
}

/// From here on a sample may have been cut off.
const CLIPPED: f32 = 0.999;

fn facts(clip: &Clip) -> Vec<(String, String)> {
    let peak = clip.samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    let power = clip.samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    let level = 10.0 * (power / clip.samples.len() as f64).log10();
    let decibel =
        |db: f64| if db.is_finite() { format!("{db:.1} dB of full scale") } else { "silent".into() };
    [
        ("sample rate", format!("{} Hz", thousands(clip.sample_rate_hz.into()))),
        ("length", format!("{}, {} samples", duration(clip.seconds()), thousands(clip.samples.len() as u64))),
        ("peak", decibel(20.0 * f64::from(peak).log10())),
        ("level (RMS)", decibel(level)),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .to_vec()
}

/// What a model reads of a recording, and what it says.
fn read_by(bundle: &Model, clip: &Clip) -> Result<(ShownFrames, InspectionScores)> {
    let Input::Recordings(config) = &bundle.input else {
        bail!("the model reads frames and no recordings");
    };
    let frames = ClipExtractor::new(config)?.extract(clip)?;
    let times = FrameTimes::of(config)?;
    let said = Classifier::new(bundle)?.classify_frames(&frames)?;
    let labels = bundle.labels.len();
    let network = bundle.network()?;
    let parameters = thousands(network.parameter_count() as u64);
    let (whole, over_time, how) = match network.objective().is_frame_level() {
        true => (Vec::new(), said, "decides for every frame"),
        false => match on_a_stream(bundle, clip)? {
            Some(over_time) => (
                said,
                over_time,
                "hears a stream: the lines are what it would say if the recording ended there",
            ),
            None => (said, Vec::new(), "decides when it has heard the end"),
        },
    };
    let count = over_time.len() / labels;
    let scores = InspectionScores {
        model: format!("A model of {parameters} parameters; it {how}."),
        labels: bundle.labels.clone(),
        whole,
        times: (0..count).map(|frame| times.center_seconds(frame)).collect(),
        over_time,
    };
    Ok((shown::read(&bundle.input, &frames), scores))
}

/// The probabilities after every frame; None of a model that cannot run on a stream.
fn on_a_stream(bundle: &Model, clip: &Clip) -> Result<Option<Vec<f32>>> {
    let Ok(mut stream) = StreamClassifier::new(bundle) else { return Ok(None) };
    let Input::Recordings(config) = &bundle.input else { return Ok(None) };
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

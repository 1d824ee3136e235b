//! `stapes listen`: runs a model on a microphone.

#[cfg(feature = "microphone")]
mod microphone;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use stapes::BuiltInModel;
use stapes::audio::{Channel, Recording};
use stapes::report::visible;
use stapes::run::Run;

use super::console::Console;
use super::listener::{ListenerArgs, Samples};
use super::progress::{self, LevelMeter};

/// Listen to a microphone and print events as they happen, with a level meter
///
/// Events are those of `stapes stream`: the starts and ends of speech, or keywords. Needs a program that was built with
/// `--features microphone`; --file plays a recording in place of the microphone.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  stapes listen runs/vad\n  stapes listen runs/computer --keyword computer=0.9\n  \
    stapes listen runs/vad --file interview.mp3"
)]
pub(crate) struct Listen {
    /// Run folder, model file, or name of a built-in model [default: the built-in vad]
    model: Option<PathBuf>,
    /// Name of the microphone, or a part of it [default: that of the system]
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    device: Option<String>,
    /// List the microphones
    #[arg(long)]
    devices: bool,
    /// Play a recording at its speed in place of a microphone
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Channel of the recording: mean, or its number from 0
    #[arg(long, value_name = "CHANNEL", default_value_t, requires = "file")]
    channel: Channel,
    #[command(flatten)]
    listener: ListenerArgs,
}

/// Time between two steps of a recording that is played.
const STEP: Duration = Duration::from_millis(50);

impl Listen {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        progress::keep_on_interrupt();
        if self.devices {
            return list_devices(console);
        }
        let (loaded, name) = match &self.model {
            Some(model) => (Run::load_model(model)?, model.as_path()),
            None => (BuiltInModel::VAD.load()?, Path::new(BuiltInModel::VAD.name)),
        };
        let start = |rate_hz: u32| self.listener.start(&loaded, name, console)?.samples(rate_hz);
        let meter = Meter { bar: progress::level_meter(), console };
        match &self.file {
            Some(file) => {
                let recording = Recording::open_channel(file, self.channel)?;
                play(recording, &start, meter, &stop).with_context(|| file.display().to_string())?
            }
            None => self.microphone(&start, meter, &stop)?,
        }
        Ok(super::DONE)
    }

    #[cfg(feature = "microphone")]
    fn microphone<'a>(
        &self,
        start: &dyn Fn(u32) -> Result<Samples<'a>>,
        meter: Meter<'_>,
        stop: &AtomicBool,
    ) -> Result<()> {
        let microphone = microphone::Microphone::open(self.device.as_deref())?;
        meter.console.status(&format!(
            "listening to {} at {} Hz; Ctrl-C ends",
            visible(&microphone.name),
            microphone.rate_hz
        ));
        let mut samples = start(microphone.rate_hz)?;
        while !stop.load(Ordering::Relaxed) && !meter.console.is_closed() {
            if let Some(block) = microphone.next(STEP)? {
                meter.push(&block, &mut samples)?;
            }
        }
        samples.finish()
    }

    #[cfg(not(feature = "microphone"))]
    fn microphone<'a>(
        &self,
        _start: &dyn Fn(u32) -> Result<Samples<'a>>,
        _meter: Meter<'_>,
        _stop: &AtomicBool,
    ) -> Result<()> {
        Err(without_microphone())
    }
}

#[cfg(feature = "microphone")]
fn list_devices(console: &Console) -> Result<u8> {
    for name in microphone::names()? {
        console.print(&visible(&name));
        console.json(&serde_json::json!({ "device": name }));
    }
    Ok(super::DONE)
}

#[cfg(not(feature = "microphone"))]
fn list_devices(_console: &Console) -> Result<u8> {
    Err(without_microphone())
}

#[cfg(not(feature = "microphone"))]
fn without_microphone() -> anyhow::Error {
    anyhow::anyhow!(
        "this program was built without microphones; build it with `--features microphone`, or use `arecord -t raw -f S16_LE -r \
         16000 | stapes stream MODEL -`"
    )
}

/// Plays a recording at its speed.
fn play<'a>(
    mut recording: Recording,
    start: &dyn Fn(u32) -> Result<Samples<'a>>,
    meter: Meter<'_>,
    stop: &AtomicBool,
) -> Result<()> {
    let rate_hz = recording.sample_rate_hz();
    let mut samples = start(rate_hz)?;
    let step = (f64::from(rate_hz) * STEP.as_secs_f64()).ceil() as usize;
    let (started, mut count) = (Instant::now(), 0usize);
    while let Some(block) = recording.next_block()? {
        for part in block.chunks(step) {
            count += part.len();
            let due = Duration::from_secs_f64(count as f64 / f64::from(rate_hz));
            std::thread::sleep(due.saturating_sub(started.elapsed()));
            meter.push(part, &mut samples)?;
            if stop.load(Ordering::Relaxed) || meter.console.is_closed() {
                return samples.finish();
            }
        }
    }
    samples.finish()
}

/// Level of the sound and the most probable label, on one line of a terminal.
struct Meter<'a> {
    bar: LevelMeter,
    console: &'a Console,
}

impl Meter<'_> {
    /// Runs the model on samples, and shows their level.
    fn push(&self, block: &[f32], samples: &mut Samples<'_>) -> Result<()> {
        self.bar.suspend(|| samples.push(block))?;
        let power = block.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / block.len().max(1) as f64;
        let latest = samples.latest().map(|(label, p)| format!("{} {:.0} %", visible(label), 100.0 * p));
        self.bar.show(10.0 * power.log10(), &latest.unwrap_or_default());
        Ok(())
    }
}

//! `stapes stream`: runs a model over sound that does not end.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use stapes::audio::{Channel, Recording};
use stapes::run::Run;

use super::channel_arg::ChannelArg;
use super::console::Console;
use super::input_files::STANDARD_INPUT;
use super::listener::{Listener, ListenerArgs, Samples};
use super::standard_input::{EMPTY, INCOMPLETE, SampleFormat, check_raw};

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
    /// Run folder, model file, or name of a built-in model
    model: PathBuf,
    /// Recording, or - for raw mono samples on the standard input
    file: PathBuf,
    /// Sample rate of the raw samples [default: that of the model]
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(100..=768_000))]
    rate: Option<u32>,
    /// Format of the raw samples
    #[arg(long, value_enum, default_value_t = SampleFormat::S16le)]
    format: SampleFormat,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    listener: ListenerArgs,
}

impl Stream {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let model = Run::load_model(&self.model)?;
        let listener = self.listener.start(&model, &self.model, console)?;
        if self.file.as_os_str() == STANDARD_INPUT {
            if self.channel.channel != Channel::Mean {
                bail!("--channel is for recordings; raw samples on the standard input have one channel");
            }
            let rate_hz = self.rate.unwrap_or(listener.model_rate_hz());
            self.standard_input(listener.samples(rate_hz)?, console)
        } else {
            if self.rate.is_some() || self.format != SampleFormat::S16le {
                bail!(
                    "--rate and --format are for raw samples on the standard input; a recording has its own"
                );
            }
            let name = || self.file.display().to_string();
            recording(&self.file, self.channel.channel, listener, console).with_context(name)
        }
    }

    /// Reads raw samples until the pipe is closed or nobody reads the output.
    fn standard_input(&self, mut source: Samples<'_>, console: &Console) -> Result<u8> {
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
            if source.is_empty() {
                check_raw(&bytes[..filled])?;
            }
            let whole = filled - filled % size;
            samples.clear();
            self.format.samples(&bytes[..whole], &mut samples);
            bytes.copy_within(whole..filled, 0);
            filled -= whole;
            source.push(&samples)?;
            if console.is_closed() {
                return Ok(super::DONE);
            }
        }
        if filled > 0 {
            console.warning(INCOMPLETE);
        }
        if source.is_empty() {
            bail!("{EMPTY}");
        }
        source.finish()?;
        Ok(super::DONE)
    }
}

/// Runs the model over a channel of a file.
fn recording(file: &Path, channel: Channel, listener: Listener<'_>, console: &Console) -> Result<u8> {
    let mut recording = Recording::open_channel(file, channel)?;
    let mut source = listener.samples(recording.sample_rate_hz())?;
    while let Some(block) = recording.next_block()? {
        source.push(block)?;
        if console.is_closed() {
            return Ok(super::DONE);
        }
    }
    source.finish()?;
    Ok(super::DONE)
}

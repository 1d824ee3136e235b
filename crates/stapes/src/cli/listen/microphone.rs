//! Samples of a microphone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{Device, ErrorKind, FromSample, Sample, SampleFormat, SizedSample, Stream, SupportedStreamConfig};

/// Blocks that wait for the model; more would be lost, which is an error.
const BLOCKS: usize = 1000;

/// A microphone that records.
pub(super) struct Microphone {
    pub(super) name: String,
    pub(super) rate_hz: u32,
    blocks: Receiver<Result<Vec<f32>, String>>,
    /// True if a block was lost.
    is_late: Arc<AtomicBool>,
    /// Records until it is dropped.
    _stream: Stream,
}

/// Returns the names of all microphones.
pub(super) fn names() -> Result<Vec<String>> {
    let devices = cpal::default_host().input_devices().context("cannot list the microphones")?;
    Ok(devices.map(|device| name(&device)).collect())
}

fn name(device: &Device) -> String {
    device
        .description()
        .map_or_else(|_| "a microphone without a name".into(), |found| found.name().to_owned())
}

impl Microphone {
    /// Starts to record from the microphone whose name contains the text, or from the default one.
    pub(super) fn open(wanted: Option<&str>) -> Result<Microphone> {
        let host = cpal::default_host();
        let device = match wanted {
            Some(text) => {
                let mut devices = host.input_devices().context("cannot list the microphones")?;
                devices
                    .find(|device| name(device).to_lowercase().contains(&text.to_lowercase()))
                    .with_context(|| {
                        format!("--device {text}: no microphone has this name; --devices lists them")
                    })?
            }
            None => host.default_input_device().context("no microphone was found; connect one")?,
        };
        let config = device.default_input_config().context("the microphone cannot be used")?;
        let (sender, blocks) = sync_channel(BLOCKS);
        let channels = usize::from(config.channels());
        let is_late = Arc::new(AtomicBool::new(false));
        let late = Arc::clone(&is_late);
        let send = move |block: Result<Vec<f32>, String>| {
            if sender.try_send(block).is_err() {
                late.store(true, Ordering::Relaxed);
            }
        };
        let stream = match config.sample_format() {
            SampleFormat::F32 => record::<f32>(&device, &config, channels, send),
            SampleFormat::I16 => record::<i16>(&device, &config, channels, send),
            SampleFormat::I32 => record::<i32>(&device, &config, channels, send),
            SampleFormat::U16 => record::<u16>(&device, &config, channels, send),
            SampleFormat::U8 => record::<u8>(&device, &config, channels, send),
            other => bail!("the microphone has samples of the format {other}, which is not read"),
        }?;
        stream.play().context("the microphone cannot be started")?;
        Ok(Microphone {
            name: name(&device),
            rate_hz: config.sample_rate(),
            blocks,
            is_late,
            _stream: stream,
        })
    }

    /// Returns the next samples, the mean of all channels; `None` if none arrived in this time.
    pub(super) fn next(&self, wait: Duration) -> Result<Option<Vec<f32>>> {
        if self.is_late.load(Ordering::Relaxed) {
            bail!("samples were lost: the model is slower than the microphone; increase --hop");
        }
        match self.blocks.recv_timeout(wait) {
            Ok(Ok(block)) => Ok(Some(block)),
            Ok(Err(error)) => bail!("the microphone failed: {error}"),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the microphone was disconnected"),
        }
    }
}

fn record<T: SizedSample>(
    device: &Device,
    config: &SupportedStreamConfig,
    channels: usize,
    send: impl Fn(Result<Vec<f32>, String>) + Clone + Send + 'static,
) -> Result<Stream>
where
    f32: FromSample<T>,
{
    let failed = send.clone();
    let mean = move |frame: &[T]| {
        frame.iter().map(|sample| f32::from_sample(*sample)).sum::<f32>() / frame.len() as f32
    };
    let stream = device.build_input_stream(
        config.config(),
        move |samples: &[T], _: &_| send(Ok(samples.chunks_exact(channels).map(mean).collect())),
        move |error| match error.kind() {
            // The stream continues.
            ErrorKind::DeviceChanged | ErrorKind::Xrun | ErrorKind::RealtimeDenied => {}
            _ => failed(Err(error.to_string())),
        },
        None,
    );
    stream.context("the microphone cannot be opened")
}

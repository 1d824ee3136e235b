//! Recordings in memory -> probabilities.

use std::path::Path;

use axum::body::Bytes;
use stapes_audio::{Channel, Clip, Recording, StreamResampler};
use stapes_infer::{Classifier, InferError, ListenerEvent, ListenerOptions};

use crate::api_error::ApiError;
use crate::models::LoadedModel;
use crate::options::Limits;
use crate::parameters::Parameters;

/// Recordings of more samples are processed piece by piece if the model can; a minute at 16 kHz.
const WHOLE: usize = 1 << 20;

/// Number of samples of a piece.
const PIECE: usize = 4096;

/// A recording, and how it is read.
pub(crate) struct Source {
    /// Name for messages.
    pub(crate) name: String,
    /// Content of a sound file.
    pub(crate) bytes: Bytes,
    pub(crate) channel: Channel,
    /// Longest duration, s.
    pub(crate) max_seconds: f64,
}

/// Probabilities of a recording.
pub(crate) struct Probabilities {
    /// \[K\], or [T, K] for a frame-level model.
    pub(crate) values: Vec<f32>,
    /// Duration of the recording.
    pub(crate) seconds: f64,
}

impl Source {
    /// Takes the options of a recording from the parameters of a request.
    ///
    /// # Errors
    /// An error for a channel that is not a number.
    pub(crate) fn take(
        name: &str,
        bytes: impl Into<Bytes>,
        parameters: &mut Parameters,
        limits: &Limits,
    ) -> Result<Source, ApiError> {
        let expected = "mean, or the number of a channel from 0";
        let channel = parameters.value("channel", expected, |_| true)?.unwrap_or_default();
        Ok(Source { name: name.into(), bytes: bytes.into(), channel, max_seconds: limits.max_seconds })
    }

    /// Returns the expected time to classify the recording, s; infinite if the start of the file does not tell.
    pub(crate) fn expected_seconds(&self, model: &LoadedModel) -> f64 {
        longest_seconds(&self.bytes).map_or(f64::INFINITY, |seconds| model.expected_seconds(seconds))
    }

    /// Decodes the recording and resamples it, block by block.
    ///
    /// # Errors
    /// An error for a file that cannot be decoded, or is too long.
    fn decode(self, sample_rate_hz: u32) -> Result<(Clip, f64), ApiError> {
        let mut recording = Recording::from_bytes(Path::new(&self.name), self.bytes, self.channel)?;
        let rate_hz = recording.sample_rate_hz();
        let mut resampler = StreamResampler::new(rate_hz, sample_rate_hz)?;
        let (mut samples, mut count) = (Vec::with_capacity(sample_rate_hz as usize), 0u64);
        let seconds = |count: u64| count as f64 / f64::from(rate_hz);
        while let Some(block) = recording.next_block()? {
            count += block.len() as u64;
            if seconds(count) > self.max_seconds {
                let message =
                    format!("the recording is longer than {} s; cut it into shorter ones", self.max_seconds);
                return Err(ApiError::new(axum::http::StatusCode::PAYLOAD_TOO_LARGE, "too_long", message));
            }
            resampler.push(block, &mut samples)?;
        }
        resampler.finish(&mut samples)?;
        Ok((Clip { samples, sample_rate_hz }, seconds(count)))
    }

    /// Returns the probabilities of the recording, with the bits of [`Classifier::classify`].
    ///
    /// # Errors
    /// An error for a file that cannot be decoded or classified.
    pub(crate) fn classify(self, model: &LoadedModel) -> Result<Probabilities, ApiError> {
        let (clip, seconds) = self.decode(model.sample_rate_hz)?;
        let values = match model.is_frame_level && clip.samples.len() > WHOLE {
            true => in_pieces(model, &clip.samples),
            false => Err(None),
        };
        let values = match values {
            Ok(values) => values,
            Err(Some(error)) => return Err(error.into()),
            // Buffers of the size of a long recording are not kept.
            Err(None) if clip.samples.len() > WHOLE => {
                Classifier::from_model(model.model.clone())?.classify(&clip)?
            }
            Err(None) => model.with_classifier(|classifier| classifier.classify(&clip))?,
        };
        Ok(Probabilities { values, seconds })
    }
}

/// Returns the longest duration that an uncompressed WAV file can have, from its length and sample rate; `None` for other files.
fn longest_seconds(bytes: &[u8]) -> Option<f64> {
    const FORMATS: [u16; 3] = [1, 3, 0xfffe];
    let text = |at: usize| bytes.get(at..at + 4);
    let format = u16::from_le_bytes(bytes.get(20..22)?.try_into().ok()?);
    let rate_hz = u32::from_le_bytes(text(24)?.try_into().ok()?);
    let is_known =
        text(0)? == b"RIFF" && text(8)? == b"WAVE" && text(12)? == b"fmt " && FORMATS.contains(&format);
    (is_known && rate_hz > 0).then(|| bytes.len() as f64 / f64::from(rate_hz))
}

/// Runs a frame-level model over the samples with little memory; an error without a reason if the model needs the whole recording.
fn in_pieces(model: &LoadedModel, samples: &[f32]) -> Result<Vec<f32>, Option<InferError>> {
    let run = |listener: &mut stapes_infer::ListenerModel<'static>| {
        let Ok(mut stream) = listener.start(&ListenerOptions::Scores) else { return Ok(None) };
        let mut values = Vec::new();
        let mut collect = |event: ListenerEvent<'_>| {
            if let ListenerEvent::Scores { probabilities, .. } = event {
                values.extend_from_slice(probabilities);
            }
        };
        for piece in samples.chunks(PIECE) {
            stream.push(listener, piece, &mut collect)?;
        }
        stream.finish(listener, &mut collect)?;
        Ok(Some(values))
    };
    model.with_listener(run).map_err(Some)?.ok_or(None)
}

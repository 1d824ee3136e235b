//! Recordings in memory -> probabilities.

use std::path::Path;

use axum::body::Bytes;
use stapes_audio::{Channel, Clip, Recording, StreamResampler};
use stapes_infer::{Classifier, InferError, ListenerEvent, ListenerOptions};

use crate::api_error::ApiError;
use crate::app::App;
use crate::models::LoadedModel;
use crate::parameters::Parameters;
use crate::upload::Budget;

/// Recordings of more samples are processed piece by piece if the model can; a minute at 16 kHz.
const WHOLE: usize = 1 << 20;

/// Largest file whose header is read on a thread of the connections: two seconds of 16 bits at 16 kHz.
const MAX_SHORT_BYTES: usize = 1 << 16;

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
    /// Memory for a resampler.
    pub(crate) budget: Budget,
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
        app: &App,
    ) -> Result<Source, ApiError> {
        let expected = "mean, or the number of a channel from 0";
        let channel = parameters.value("channel", expected, |_| true)?.unwrap_or_default();
        let (max_seconds, budget) = (app.options.limits.max_seconds, app.budget.clone());
        Ok(Source { name: name.into(), bytes: bytes.into(), channel, max_seconds, budget })
    }

    /// Returns the expected time to classify the recording, s; infinite if the header does not determine it. It is finite for small
    /// WAV files with samples of equal width at the rate of the model only: their decoding is short too.
    pub(crate) fn expected_seconds(&self, model: &LoadedModel) -> f64 {
        let is_small = self.bytes.len() <= MAX_SHORT_BYTES && self.bytes.starts_with(b"RIFF");
        // An error is found again where it is answered.
        let open = || Recording::from_bytes(Path::new(&self.name), self.bytes.clone(), self.channel).ok();
        match is_small.then(open).flatten().map(|recording| (recording.sample_rate_hz(), recording.samples()))
        {
            Some((rate_hz, Some(samples))) if rate_hz == model.sample_rate_hz => {
                model.expected_seconds(samples as f64 / f64::from(rate_hz))
            }
            _ => f64::INFINITY,
        }
    }

    /// Decodes the recording and resamples it, block by block.
    ///
    /// # Errors
    /// An error for a file that cannot be decoded, or is too long.
    fn decode(self, sample_rate_hz: u32) -> Result<(Clip, f64), ApiError> {
        let mut recording = Recording::from_bytes(Path::new(&self.name), self.bytes, self.channel)?;
        let rate_hz = recording.sample_rate_hz();
        let refused =
            |fault: &str| ApiError::unprocessable("unreadable_recording", format!("the sample rate {fault}"));
        let _memory = self.budget.reserve_resampler(rate_hz, sample_rate_hz, refused)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::app;
    use crate::models::Need;

    /// Returns a WAV file with these chunks of the format, and bytes of samples.
    fn wav(formats: &[&[u8]], data: usize) -> Vec<u8> {
        let mut chunks = b"WAVE".to_vec();
        let mut chunk = |name: &[u8], content: &[u8]| {
            chunks.extend_from_slice(name);
            chunks.extend_from_slice(&(content.len() as u32).to_le_bytes());
            chunks.extend_from_slice(content);
        };
        formats.iter().for_each(|format| chunk(b"fmt ", format));
        chunk(b"data", &vec![0; data]);
        [b"RIFF", &(chunks.len() as u32).to_le_bytes()[..], &chunks].concat()
    }

    fn format(tag: u16, rate_hz: u32, bits: u16) -> Vec<u8> {
        let block = bits / 8;
        let mut bytes = [tag.to_le_bytes(), 1u16.to_le_bytes()].concat();
        bytes
            .extend([rate_hz.to_le_bytes(), (rate_hz.wrapping_mul(u32::from(block))).to_le_bytes()].concat());
        bytes.extend([block.to_le_bytes(), bits.to_le_bytes()].concat());
        bytes
    }

    #[test]
    fn work_is_short_only_for_small_files_whose_header_determines_it() {
        let app = app();
        let model = app.models.find(Some("vad"), Need::Classify).unwrap();
        let expected = |bytes: Vec<u8>| {
            let mut parameters = Parameters::of_query(None).unwrap();
            let source = Source::take("a", bytes, &mut parameters, &app).unwrap();
            source.expected_seconds(&model)
        };
        let second = model.expected_seconds(1.0);
        assert!(second.is_finite());
        let plain = format(1, 16_000, 16);
        assert_eq!(expected(wav(&[&plain], 32_000)), second);
        assert_eq!(expected(wav(&[&plain], 64_000)), 2.0 * second);
        // The decoder takes the last format: 600 s at 100 Hz.
        let deceptive = wav(&[&format(1, u32::MAX, 16), &format(1, 100, 8)], 60_000);
        let mut extensible = [format(0xfffe, 16_000, 4), vec![22, 0, 4, 0, 0, 0, 0, 0, 0x11, 0]].concat();
        extensible.extend(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71");
        for (what, bytes) in [
            ("two formats", deceptive),
            ("a prime rate", wav(&[&format(1, 999_983, 16)], 2)),
            ("another rate", wav(&[&format(1, 8000, 16)], 16_000)),
            ("ADPCM in the extensible format", wav(&[&extensible], 60_000)),
            ("more than 64 KiB", wav(&[&plain], 66_000)),
            ("no sound file", b"RIFF, but no more".to_vec()),
            ("another format", std::fs::read("../audio/tests/fixtures/mono_8k.flac").unwrap()),
        ] {
            assert_eq!(expected(bytes), f64::INFINITY, "{what}");
        }
    }
}

//! From an encoded stream to mono samples, whatever the format.

use std::io::{Cursor, ErrorKind};
use std::path::Path;

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use crate::AudioError;
use crate::wav::Layout;

/// Decodes a whole file and averages its channels.
///
/// # Errors
/// [`AudioError::Decode`] if the decoder refuses or gives another number of samples than the layout has,
/// [`AudioError::NotFinite`] for NaN and infinity.
pub(crate) fn mono(path: &Path, bytes: Vec<u8>, layout: &Layout) -> Result<Vec<f32>, AudioError> {
    let refused = |reason: String| AudioError::Decode { path: path.to_owned(), reason };
    let failed = |error: Error| refused(error.to_string());
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(failed)?;
    let track = format.default_track(TrackType::Audio).ok_or_else(|| refused("no audio track".to_owned()))?;
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|parameters| parameters.audio())
        .ok_or_else(|| refused("the audio track names no codec".to_owned()))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(failed)?;
    let track_id = track.id;
    let mut mix = Mix::new(layout);
    // Every sample of every format is exact in f64.
    let mut interleaved: Vec<f64> = Vec::new();
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) if packet.track_id == track_id => packet,
            Ok(Some(_)) => continue,
            Ok(None) => break,
            Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(failed(error)),
        };
        decoder.decode(&packet).map_err(failed)?.copy_to_vec_interleaved(&mut interleaved);
        mix.push(&interleaved).map_err(|(sample, value)| AudioError::NotFinite {
            path: path.to_owned(),
            sample,
            value,
        })?;
    }
    if mix.mono.len() != layout.frames() {
        let (got, expected) = (mix.mono.len(), layout.frames());
        return Err(refused(format!("the decoder gave {got} of {expected} samples")));
    }
    Ok(mix.mono)
}

/// Averages the channels of interleaved samples that come in pieces of any length.
struct Mix {
    channels: usize,
    sum: f64,
    summed: usize,
    mono: Vec<f32>,
}

impl Mix {
    fn new(layout: &Layout) -> Mix {
        let mono = Vec::with_capacity(layout.frames());
        Mix { channels: usize::from(layout.channels), sum: 0.0, summed: 0, mono }
    }

    /// Takes the next samples; an error is the index and value of a frame that is no finite f32.
    fn push(&mut self, interleaved: &[f64]) -> Result<(), (usize, f64)> {
        for &sample in interleaved {
            self.sum += sample;
            self.summed += 1;
            if self.summed == self.channels {
                let mean = self.sum / self.channels as f64;
                if !(mean as f32).is_finite() {
                    return Err((self.mono.len(), mean));
                }
                self.mono.push(mean as f32);
                (self.sum, self.summed) = (0.0, 0);
            }
        }
        Ok(())
    }
}

//! Decoders of other crates, wrapped so that panics become errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use crate::blocks::Frames;

/// Calls another crate's decoder; errors and panics become a message.
///
/// A decoder that panicked must not be used again.
pub(crate) fn guarded<T, E: ToString>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the decoder panicked".to_owned()),
    }
}

/// Decoder of packets.
pub(crate) struct Codec {
    decoder: Box<dyn AudioDecoder>,
    /// Number of frames of a packet, for decoders that cannot read it from the packet; else 0.
    packet_frames: u64,
}

impl Codec {
    pub(crate) fn new<D: AudioDecoder + 'static>(
        make: fn(&AudioCodecParameters, &AudioDecoderOptions) -> symphonia::core::errors::Result<D>,
        parameters: &AudioCodecParameters,
    ) -> Result<Codec, String> {
        let decoder = guarded(|| make(parameters, &AudioDecoderOptions::default()))?;
        Ok(Codec { decoder: Box::new(decoder), packet_frames: 0 })
    }

    pub(crate) fn with_packet_frames(self, packet_frames: u64) -> Codec {
        Codec { packet_frames, ..self }
    }

    /// Replaces the frames in the buffer by those of one packet; returns their sample rate.
    pub(crate) fn decode(&mut self, packet: &[u8], frames: &mut Frames) -> Result<u32, String> {
        guarded(|| {
            let packet = PacketRef::new(0, Timestamp::ZERO, Duration::new(self.packet_frames), packet);
            let decoded = self.decoder.decode_ref(&packet)?;
            decoded.copy_to_vec_interleaved(&mut frames.samples);
            frames.channels = decoded.spec().channels().count();
            Ok::<u32, symphonia::core::errors::Error>(decoded.spec().rate())
        })
    }
}

/// Parameters without a channel layout: all channels have equal weights.
pub(crate) fn parameters(sample_rate_hz: u32, channels: u16) -> AudioCodecParameters {
    let mut parameters = AudioCodecParameters::new();
    parameters.with_sample_rate(sample_rate_hz).with_channels(Channels::Discrete(channels));
    parameters
}

//! Vorbis in Ogg.

mod setup;

use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;
use symphonia::default::codecs::VorbisDecoder;

use super::codec::{Codec, parameters};
use super::ogg::{Packet, PacketDecoder, Packets};
use crate::AudioError;
use crate::blocks::Frames;

/// Maximum number of channels with a defined order.
const MAX_CHANNELS: u8 = 8;

/// Vorbis stream.
pub(crate) struct Vorbis {
    codec: Codec,
    sample_rate_hz: u32,
}

impl Vorbis {
    /// Creates a decoder from the first three packets.
    pub(crate) fn open(packets: &mut Packets, first: &Packet) -> Result<Vorbis, AudioError> {
        let head = first.data.as_slice();
        let (byte, input) = (first.byte, &packets.input);
        if head.len() < 30 {
            let what = format!("the Vorbis header has {} bytes, instead of 30", head.len());
            return Err(input.damaged(byte, what));
        }
        let channels = head[11];
        if !(1..=MAX_CHANNELS).contains(&channels) {
            let rule = format!("1..={MAX_CHANNELS}");
            return Err(input.header(byte, "Vorbis channels", channels.to_string(), &rule));
        }
        let sample_rate_hz = u32::from_le_bytes([head[12], head[13], head[14], head[15]]);
        if sample_rate_hz == 0 {
            return Err(input.header(byte, "sample rate", "0 Hz".to_owned(), "above 0 Hz"));
        }
        let mut packet = Packet::default();
        for mark in [b"\x03vorbis", b"\x05vorbis"] {
            if !packets.next(&mut packet)? || !packet.data.starts_with(mark) {
                let what = format!("the Vorbis header {} should be here", mark[0]);
                return Err(packets.input.damaged(packet.byte, what));
            }
        }
        let input = &packets.input;
        setup::check(&packet.data[7..]).map_err(|what| input.damaged(packet.byte, what))?;
        let mut parameters = parameters(sample_rate_hz, u16::from(channels));
        parameters.for_codec(CODEC_ID_VORBIS).with_extra_data([head, &packet.data].concat().into());
        let codec = Codec::new(VorbisDecoder::try_new, &parameters);
        let refused = |reason| input.damaged(byte, format!("the Vorbis headers are invalid: {reason}"));
        Ok(Vorbis { codec: codec.map_err(refused)?, sample_rate_hz })
    }
}

impl PacketDecoder for Vorbis {
    fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    fn pre_skip(&self) -> u64 {
        0
    }

    fn decode(&mut self, packet: &[u8], frames: &mut Frames) -> Result<(), String> {
        self.codec.decode(packet, frames).map(|_| ())
    }
}

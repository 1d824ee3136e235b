//! FLAC in Ogg.

use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;
use symphonia::default::codecs::FlacDecoder;

use super::codec::{Codec, parameters};
use super::flac::StreamInfo;
use super::ogg::{Packet, PacketDecoder, Packets};
use crate::AudioError;
use crate::blocks::Frames;

/// Bytes of the first packet before the STREAMINFO block: names, version and number of header packets.
const PREFIX: usize = 9 + 4 + 4;

/// FLAC stream.
pub(crate) struct OggFlac {
    codec: Codec,
    sample_rate_hz: u32,
}

impl OggFlac {
    /// Creates a decoder from the first packets, each of which is a metadata block.
    pub(crate) fn open(packets: &mut Packets, first: &Packet) -> Result<OggFlac, AudioError> {
        let (head, byte) = (first.data.as_slice(), first.byte);
        let Some(info) = head.get(PREFIX..PREFIX + StreamInfo::BYTES) else {
            let what = format!("the FLAC header has {} bytes, instead of {}", head.len(), PREFIX + 34);
            return Err(packets.input.damaged(byte, what));
        };
        let info = StreamInfo::parse(&packets.input, byte, info)?;
        let mut packet = Packet::default();
        let mut last = head[13] & 0x80 != 0;
        while !last {
            if !packets.next(&mut packet)? || packet.data.first().is_none_or(|&block| block == 0xff) {
                let what = "a FLAC metadata block should be here";
                return Err(packets.input.damaged(packet.byte, what));
            }
            last = packet.data[0] & 0x80 != 0;
        }
        let mut parameters = parameters(info.sample_rate_hz, 1);
        parameters.for_codec(CODEC_ID_FLAC).with_extra_data(info.bytes.clone().into());
        let codec = Codec::new(FlacDecoder::try_new, &parameters);
        let refused = |reason| packets.input.damaged(byte, format!("the FLAC header is invalid: {reason}"));
        Ok(OggFlac { codec: codec.map_err(refused)?, sample_rate_hz: info.sample_rate_hz })
    }
}

impl PacketDecoder for OggFlac {
    fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    fn pre_skip(&self) -> u64 {
        0
    }

    fn decode(&mut self, packet: &[u8], frames: &mut Frames) -> Result<(), String> {
        // Some writers end the stream with an empty packet.
        if packet.is_empty() {
            frames.samples.clear();
            return Ok(());
        }
        self.codec.decode(packet, frames).map(|_| ())
    }
}

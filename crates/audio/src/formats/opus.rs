//! Opus in Ogg.

use opus_pure::{ChannelLayout, OpusMSDecoder};

use super::codec::guarded;
use super::ogg::{Packet, PacketDecoder, Packets};
use crate::AudioError;
use crate::blocks::Frames;

/// Opus is always decoded at this rate.
const SAMPLE_RATE_HZ: u32 = 48_000;

/// Opus stream.
pub(crate) struct Opus {
    decoder: OpusMSDecoder,
    channels: usize,
    pre_skip: u64,
    gain: f64,
    decoded: Vec<f32>,
}

impl Opus {
    /// Creates a decoder from the first packet and skips the second one, the comments.
    pub(crate) fn open(packets: &mut Packets, first: &Packet) -> Result<Opus, AudioError> {
        let head = first.data.as_slice();
        let (byte, input) = (first.byte, &packets.input);
        if head.len() < 19 {
            let what = format!("the Opus header has {} bytes, instead of 19", head.len());
            return Err(input.damaged(byte, what));
        }
        if head[8] > 15 {
            return Err(input.unsupported(byte, format!("Opus of version {}", head[8])));
        }
        let (channels, family) = (usize::from(head[9]), head[18]);
        if channels == 0 {
            return Err(input.header(byte, "Opus channels", "0".to_owned(), "1..=8"));
        }
        let unsupported = || {
            input.unsupported(byte, format!("Opus with {channels} channels in the order of family {family}"))
        };
        let layout = ChannelLayout::surround(channels, family).map_err(|_| unsupported())?;
        // Only the usual stream mapping is supported; others would split packets wrongly.
        let streams = [layout.nb_streams as u8, layout.nb_coupled_streams as u8];
        let usual = head
            .get(19..)
            .is_some_and(|table| table.starts_with(&streams) && table[2..].starts_with(&layout.mapping));
        if family != 0 && !usual {
            return Err(unsupported());
        }
        let decoder = guarded(|| OpusMSDecoder::new(SAMPLE_RATE_HZ as i32, channels, family));
        let decoder = decoder.map_err(|reason| input.damaged(byte, reason))?;
        let pre_skip = u64::from(u16::from_le_bytes([head[10], head[11]]));
        // In units of 1/256 dB.
        let gain = 10f64.powf(f64::from(i16::from_le_bytes([head[16], head[17]])) / (20.0 * 256.0));
        let mut comments = Packet::default();
        if !packets.next(&mut comments)? || !comments.data.starts_with(b"OpusTags") {
            return Err(packets.input.damaged(comments.byte, "the Opus comments should be here"));
        }
        Ok(Opus { decoder, channels, pre_skip, gain, decoded: Vec::new() })
    }
}

impl PacketDecoder for Opus {
    fn sample_rate_hz(&self) -> u32 {
        SAMPLE_RATE_HZ
    }

    fn pre_skip(&self) -> u64 {
        self.pre_skip
    }

    fn decode(&mut self, packet: &[u8], frames: &mut Frames) -> Result<(), String> {
        let count = guarded(|| {
            let count = opus_pure::packet::samples_48k(packet)?;
            // At most 120 ms.
            self.decoded.resize(count * self.channels, 0.0);
            let decoded = self.decoder.decode(packet, count, &mut self.decoded)?;
            Ok::<usize, opus_pure::Error>(decoded.min(count))
        })?;
        let decoded = &self.decoded[..count * self.channels];
        frames.channels = self.channels;
        frames.samples.clear();
        frames.samples.extend(decoded.iter().map(|&sample| f64::from(sample) * self.gain));
        Ok(())
    }
}

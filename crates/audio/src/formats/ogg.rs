//! Ogg: the packets of one stream, and which of their samples belong to the recording.

mod packets;
mod page;

pub(crate) use self::packets::{Packet, Packets};
use super::ogg_flac::OggFlac;
use super::opus::Opus;
use super::vorbis::Vorbis;
use crate::AudioError;
use crate::blocks::{Decoder, Frames, Trim};
use crate::input::Input;

/// Maximum number of frames before the first granule position.
const MAX_PENDING_FRAMES: usize = 1 << 20;

/// Decoder of the packets of one codec.
pub(crate) trait PacketDecoder {
    fn sample_rate_hz(&self) -> u32;

    /// Number of frames that the decoder returns before the recording begins.
    fn pre_skip(&self) -> u64;

    /// Replaces the frames in the buffer by those of the packet.
    fn decode(&mut self, packet: &[u8], frames: &mut Frames) -> Result<(), String>;
}

/// First audio stream of an Ogg file.
///
/// A page has the position of the end of its last frame. The first such position determines how many of the first
/// frames precede the recording, the last one how many frames of the last page follow it.
pub(crate) struct Ogg {
    packets: Packets,
    decoder: Box<dyn PacketDecoder>,
    start: u64,
    /// Frames decoded to find the first position.
    pending: Option<Frames>,
    trim: Trim,
    packet: Packet,
    /// Position of the first decoded frame.
    origin: i64,
    skip: u64,
    decoded: u64,
    /// Number of decoded frames before the end of the recording, known after the last page.
    end: Option<u64>,
}

impl Ogg {
    pub(crate) fn open(input: Input) -> Result<Ogg, AudioError> {
        let (mut packets, first) = Packets::open(input)?;
        let decoder: Box<dyn PacketDecoder> = match first.data.first() {
            Some(b'O') => Box::new(Opus::open(&mut packets, &first)?),
            Some(0x7f) => Box::new(OggFlac::open(&mut packets, &first)?),
            _ => Box::new(Vorbis::open(&mut packets, &first)?),
        };
        let mut ogg = Ogg {
            start: packets.input.position(),
            packets,
            decoder,
            pending: None,
            trim: Trim::new(0, None),
            packet: Packet::default(),
            origin: 0,
            skip: 0,
            decoded: 0,
            end: None,
        };
        ogg.pending = Some(ogg.first_page()?);
        Ok(ogg)
    }

    /// Decodes up to the first position.
    fn first_page(&mut self) -> Result<Frames, AudioError> {
        let (mut pending, mut frames) = (Frames::default(), Frames::default());
        while !(self.packet.closes_page && self.packet.position.is_some()) {
            if !self.packets.next(&mut self.packet)? {
                break;
            }
            self.decode(&mut frames)?;
            pending.channels = frames.channels;
            pending.samples.extend_from_slice(&frames.samples);
            if pending.count() > MAX_PENDING_FRAMES {
                let what = "no Ogg page up to here has a granule position";
                return Err(self.packets.input.damaged(self.packet.byte, what));
            }
        }
        let position = self.packet.position.unwrap_or(0);
        self.origin = position.saturating_sub_unsigned(self.decoded);
        if self.packet.last {
            // Surplus frames of a single page follow the recording; they do not precede it.
            self.origin = self.origin.max(0);
        }
        self.skip = self.decoder.pre_skip() + self.origin.min(0).unsigned_abs();
        self.trim = Trim::new(self.skip, None);
        if self.packet.last {
            self.set_end(0);
        }
        Ok(pending)
    }

    /// Reads the end of the recording from the last page, after `passed` frames were returned.
    fn set_end(&mut self, passed: u64) {
        if let Some(position) = self.packet.position {
            let end = u64::try_from(position.saturating_sub(self.origin)).unwrap_or(0);
            self.trim.end_after(end.saturating_sub(self.skip + passed));
            self.end = Some(end);
        }
    }

    fn decode(&mut self, frames: &mut Frames) -> Result<(), AudioError> {
        let decoded = self.decoder.decode(&self.packet.data, frames);
        decoded.map_err(|reason| {
            let what = format!("the packet in this Ogg page cannot be decoded: {reason}");
            self.packets.input.damaged(self.packet.byte, what)
        })?;
        self.decoded += frames.count() as u64;
        Ok(())
    }

    /// Checks that all frames announced by the last page were present.
    fn finish(&self) -> Result<(), AudioError> {
        let end = self.end.unwrap_or(0);
        if end <= self.decoded {
            return Ok(());
        }
        let recorded = |frames: u64| frames.saturating_sub(self.skip);
        let (expected, got) = (recorded(end), recorded(self.decoded));
        let (path, announced) = (self.packets.input.path().to_owned(), "the last Ogg page announces");
        Err(AudioError::TooFewSamples { path, announced, expected, got })
    }
}

impl Decoder for Ogg {
    fn sample_rate_hz(&self) -> u32 {
        self.decoder.sample_rate_hz()
    }

    fn next(&mut self, frames: &mut Frames) -> Result<bool, AudioError> {
        if let Some(pending) = self.pending.take() {
            *frames = pending;
        } else {
            if !self.packets.next(&mut self.packet)? {
                self.finish()?;
                return Ok(false);
            }
            if self.packet.last && self.end.is_none() {
                self.set_end(self.decoded.saturating_sub(self.skip));
            }
            self.decode(frames)?;
        }
        self.trim.apply(frames);
        Ok(true)
    }

    fn samples_location(&self) -> (&'static str, u64) {
        ("stream", self.start)
    }
}

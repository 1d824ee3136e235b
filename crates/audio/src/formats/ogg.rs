//! Ogg: packets of one stream, and which part of the samples in them is the recording.

mod packets;
mod page;

pub(crate) use self::packets::{Packet, Packets};
use super::opus::Opus;
use super::vorbis::Vorbis;
use crate::AudioError;
use crate::blocks::{Frames, Source, Trim};
use crate::input::Input;

/// How many frames may come before a page says how many have come.
const MOST_PENDING_FRAMES: usize = 1 << 20;

/// A decoder of one kind of packets.
pub(crate) trait PacketDecoder {
    fn sample_rate_hz(&self) -> u32;

    /// How many frames the decoder gives before the recording begins.
    fn pre_skip(&self) -> u64;

    /// Puts the packet's frames in the place of those that are there.
    fn decode(&mut self, packet: &[u8], frames: &mut Frames) -> Result<(), String>;
}

/// The first sound stream of an Ogg file.
///
/// A page says which position its last frame ends at. The first such position tells whether the first frames
/// lie before the recording, the last one how many of the last page lie behind it.
pub(crate) struct Ogg {
    packets: Packets,
    decoder: Box<dyn PacketDecoder>,
    start: u64,
    /// The frames that were decoded to learn the first position.
    pending: Option<Frames>,
    trim: Trim,
    packet: Packet,
    /// The position of the first decoded frame.
    origin: i64,
    skip: u64,
    decoded: u64,
    /// How many decoded frames lie before the end of the recording, once the last page tells.
    end: Option<u64>,
}

impl Ogg {
    pub(crate) fn open(input: Input) -> Result<Ogg, AudioError> {
        let (mut packets, first) = Packets::open(input)?;
        let decoder: Box<dyn PacketDecoder> = if first.data.starts_with(b"OpusHead") {
            Box::new(Opus::open(&mut packets, &first)?)
        } else {
            Box::new(Vorbis::open(&mut packets, &first)?)
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
            if pending.count() > MOST_PENDING_FRAMES {
                let what = "so many packets, and no Ogg page that says where they belong";
                return Err(self.packets.input.damaged(self.packet.byte, what));
            }
        }
        let position = self.packet.position.unwrap_or(0);
        self.origin = position.saturating_sub_unsigned(self.decoded);
        if self.packet.last {
            // What is too much in the only page lies behind the recording, not before it.
            self.origin = self.origin.max(0);
        }
        self.skip = self.decoder.pre_skip() + self.origin.min(0).unsigned_abs();
        self.trim = Trim::new(self.skip, None);
        if self.packet.last {
            self.set_end(0);
        }
        Ok(pending)
    }

    /// Takes the end of the recording from the last page; `passed` frames were given before it.
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

    /// Whether everything came that the last page announces.
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

impl Source for Ogg {
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
        self.trim.cut(frames);
        Ok(true)
    }

    fn place(&self) -> (&'static str, u64) {
        ("stream of packets", self.start)
    }
}

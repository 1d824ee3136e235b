//! AAC without a container (ADTS): each packet follows a small header.

use super::aac::{RATES_HZ, Settings};
use super::codec::Codec;
use super::id3;
use crate::AudioError;
use crate::blocks::{Decoder, Frames};
use crate::input::Input;

/// ADTS file with AAC packets.
pub(crate) struct Adts {
    input: Input,
    codec: Codec,
    start: u64,
    settings: Settings,
    packet: Vec<u8>,
}

/// Header of a packet.
struct Header {
    settings: Settings,
    /// Length of the header.
    bytes: u64,
    /// Length of header and packet.
    whole: u64,
    packets: u8,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Header> {
        let bytes: &[u8; 7] = bytes.first_chunk()?;
        if bytes[0] != 0xff || bytes[1] & 0xf6 != 0xf0 {
            return None;
        }
        let settings = Settings {
            kind: u32::from(bytes[2] >> 6) + 1,
            sample_rate_hz: *RATES_HZ.get(usize::from(bytes[2] >> 2 & 15))?,
            channels: u16::from(bytes[2] & 1) << 2 | u16::from(bytes[3] >> 6),
            short_packets: false,
            band_replication: false,
        };
        let whole = u64::from(bytes[3] & 3) << 11 | u64::from(bytes[4]) << 3 | u64::from(bytes[5] >> 5);
        let length = if bytes[1] & 1 == 0 { 9 } else { 7 };
        (whole > length).then_some(Header { settings, bytes: length, whole, packets: (bytes[6] & 3) + 1 })
    }
}

impl Adts {
    pub(crate) fn open(mut input: Input) -> Result<Adts, AudioError> {
        let start = input.position();
        let Some(Header { settings, .. }) = Header::parse(&input.peek(7)?) else {
            return Err(input.damaged(start, "no AAC packet begins here"));
        };
        if let Some(what) = settings.unsupported() {
            return Err(input.unsupported(start, what));
        }
        let codec = settings.codec().map_err(|reason| input.damaged(start, reason))?;
        Ok(Adts { input, codec, start, settings, packet: Vec::new() })
    }

    /// Reads the next packet and returns its position; `None` after the last one.
    fn packet(&mut self) -> Result<Option<u64>, AudioError> {
        let byte = self.input.position();
        let start = self.input.peek(16)?;
        let Some(header) = Header::parse(&start) else {
            if start.is_empty() || id3::closes(&start) {
                return Ok(None);
            }
            if start.len() < 7 && start[0] == 0xff {
                return Err(self.input.truncated("AAC packet's header", byte, 7, start.len() as u64));
            }
            return Err(self.input.damaged(byte, "no AAC packet begins where the previous one ends"));
        };
        if header.settings != self.settings {
            return Err(self.input.unsupported(byte, "an AAC stream whose rate or channels change"));
        }
        if header.packets != 1 {
            return Err(self.input.unsupported(byte, "ADTS with several packets after one header"));
        }
        if header.whole > self.input.remaining() {
            return Err(self.input.truncated("AAC packet", byte, header.whole, self.input.remaining()));
        }
        self.input.seek(byte + header.bytes)?;
        self.packet.clear();
        self.input.append(&mut self.packet, header.whole - header.bytes, "AAC packet")?;
        Ok(Some(byte))
    }
}

impl Decoder for Adts {
    fn sample_rate_hz(&self) -> u32 {
        self.settings.sample_rate_hz
    }

    fn next(&mut self, frames: &mut Frames) -> Result<bool, AudioError> {
        let Some(byte) = self.packet()? else { return Ok(false) };
        let decoded = self.codec.decode(&self.packet, frames);
        decoded.map_err(|reason| {
            self.input.damaged(byte, format!("the AAC packet cannot be decoded: {reason}"))
        })?;
        Ok(true)
    }

    fn samples_location(&self) -> (&'static str, u64) {
        ("section of AAC packets", self.start)
    }
}

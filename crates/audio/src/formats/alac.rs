//! ALAC: Apple's lossless codec, in MP4 and CAF.

use symphonia::core::codecs::audio::well_known::CODEC_ID_ALAC;
use symphonia::default::codecs::AlacDecoder;

use super::big_endian;
use super::codec::{Codec, parameters};
use crate::AudioError;
use crate::blocks::{Decoder, Frames, Trim};
use crate::input::Input;

/// Maximum number of frames in a packet; encoders use 4096.
const MAX_PACKET_FRAMES: u64 = 1 << 16;

/// Description of the packets, which decoders call the magic cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    cookie: Vec<u8>,
    pub packet_frames: u64,
    channels: u16,
    pub sample_rate_hz: u32,
}

impl Settings {
    /// Reads the description; `None` if it is too short or a field is impossible.
    pub(crate) fn parse(cookie: &[u8]) -> Option<Settings> {
        // QuickTime puts two boxes around the description.
        let cookie = match cookie.get(4..8) {
            Some(b"frma") => cookie.get(24..)?,
            _ => cookie,
        };
        let cookie = cookie.get(..24)?;
        let settings = Settings {
            packet_frames: big_endian(&cookie[..4]),
            channels: u16::from(cookie[9]),
            sample_rate_hz: big_endian(&cookie[20..24]) as u32,
            cookie: cookie.to_vec(),
        };
        let possible = (1..=MAX_PACKET_FRAMES).contains(&settings.packet_frames)
            && (1..=8).contains(&settings.channels)
            && settings.sample_rate_hz > 0;
        possible.then_some(settings)
    }

    pub(crate) fn codec(&self) -> Result<Codec, String> {
        let mut parameters = parameters(self.sample_rate_hz, self.channels);
        parameters.for_codec(CODEC_ID_ALAC).with_extra_data(self.cookie.clone().into());
        Codec::new(AlacDecoder::try_new, &parameters)
    }
}

/// Packets that follow each other, and the samples of the recording among theirs.
pub(crate) struct Layout {
    pub settings: Settings,
    pub data_start: u64,
    pub packet_bytes: Vec<u32>,
    pub skip: u64,
    pub keep: u64,
}

/// Packets of a file.
pub(crate) struct Alac {
    input: Input,
    settings: Settings,
    data_start: u64,
    packet_bytes: std::vec::IntoIter<u32>,
    codec: Codec,
    trim: Trim,
    packet: Vec<u8>,
}

impl Alac {
    pub(crate) fn open(mut input: Input, layout: Layout) -> Result<Alac, AudioError> {
        let Layout { settings, data_start, packet_bytes, skip, keep } = layout;
        let codec = settings.codec().map_err(|reason| input.damaged(data_start, reason))?;
        input.seek(data_start)?;
        let trim = Trim::new(skip, Some(keep));
        Ok(Alac {
            codec,
            input,
            settings,
            data_start,
            packet_bytes: packet_bytes.into_iter(),
            trim,
            packet: Vec::new(),
        })
    }
}

impl Decoder for Alac {
    fn sample_rate_hz(&self) -> u32 {
        self.settings.sample_rate_hz
    }

    fn next(&mut self, frames: &mut Frames) -> Result<bool, AudioError> {
        let Some(size) = self.packet_bytes.next() else { return Ok(false) };
        let byte = self.input.position();
        self.packet.clear();
        self.input.append(&mut self.packet, u64::from(size), "ALAC packet")?;
        let decoded = self.codec.decode(&self.packet, frames);
        decoded.map_err(|reason| {
            self.input.damaged(byte, format!("the ALAC packet cannot be decoded: {reason}"))
        })?;
        self.trim.apply(frames);
        Ok(true)
    }

    fn samples_location(&self) -> (&'static str, u64) {
        ("data chunk", self.data_start)
    }
}

//! AAC-LC packets, in any container.

use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::default::codecs::AacDecoder;

use super::codec::{Codec, parameters};

/// Names of AAC audio object types.
const KINDS: [&str; 6] = ["unnamed", "Main", "LC", "SSR", "LTP", "HE (SBR)"];
/// Sample rates by index.
pub(crate) const RATES_HZ: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// Samples per channel in every packet.
pub(crate) const PACKET_SAMPLES: u64 = 1024;

/// Parameters that a decoder needs before the first AAC packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub kind: u32,
    pub sample_rate_hz: u32,
    /// 1 and 2: that many channels; 0: a layout defined in the stream; others: surround.
    pub channels: u16,
    /// True for packets of 960 samples instead of 1024.
    pub short_packets: bool,
    /// True for high-efficiency AAC, whose upper half of the spectrum is described, not coded.
    pub band_replication: bool,
}

impl Settings {
    /// Reads the AudioSpecificConfig of MP4 files; `None` if it ends early.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Settings> {
        let mut bits = Bits { bytes, position: 0 };
        let kind = bits.kind()?;
        let sample_rate_hz = bits.rate()?;
        let channels = bits.take(4)? as u16;
        let short_packets = bits.take(1)? == 1;
        // Older decoders stop here; newer ones look for the sync extension.
        let extended = || -> Option<bool> {
            let mut bits = Bits { bytes, position: bits.position + 2 };
            Some(bits.take(11)? == 0x2b7 && bits.kind()? == 5 && bits.take(1)? == 1)
        };
        let band_replication = kind == 5 || kind == 29 || extended().unwrap_or(false);
        Some(Settings { kind, sample_rate_hz, channels, short_packets, band_replication })
    }

    /// Returns the reason why this stream is unsupported, or `None`.
    pub(crate) fn unsupported(&self) -> Option<String> {
        if self.band_replication {
            return Some("HE-AAC (AAC with spectral band replication)".to_owned());
        }
        if self.kind != 2 {
            let name = KINDS.get(self.kind as usize).map_or("other than LC", |name| name);
            return Some(format!("AAC of kind {} ({name})", self.kind));
        }
        match self.channels {
            1 | 2 if !self.short_packets => None,
            1 | 2 => Some("AAC with packets of 960 samples".to_owned()),
            0 => Some("AAC with an explicit channel layout".to_owned()),
            surround => Some(format!("AAC of channel configuration {surround} (surround)")),
        }
    }

    pub(crate) fn codec(&self) -> Result<Codec, String> {
        let mut parameters = parameters(self.sample_rate_hz, self.channels);
        parameters.for_codec(CODEC_ID_AAC);
        Codec::new(AacDecoder::try_new, &parameters)
    }
}

/// Bit reader, most significant bit first.
struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for position in self.position..self.position + count {
            let byte = self.bytes.get(position / 8)?;
            value = value << 1 | u32::from(byte >> (7 - position % 8) & 1);
        }
        self.position += count;
        Some(value)
    }

    fn kind(&mut self) -> Option<u32> {
        match self.take(5)? {
            31 => Some(32 + self.take(6)?),
            kind => Some(kind),
        }
    }

    fn rate(&mut self) -> Option<u32> {
        match self.take(4)? {
            15 => self.take(24),
            index => RATES_HZ.get(index as usize).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_with_and_without_extension() {
        let plain = Settings::parse(&[0x14, 0x08]).unwrap();
        let lc = Settings {
            kind: 2,
            sample_rate_hz: 16_000,
            channels: 1,
            short_packets: false,
            band_replication: false,
        };
        assert_eq!(plain, lc);
        assert_eq!(plain.unsupported(), None);
        // As written by ffmpeg: the extension is present and disabled.
        assert_eq!(Settings::parse(&[0x14, 0x08, 0x56, 0xe5, 0x00]), Some(lc));
        let extended = Settings::parse(&[0x14, 0x08, 0x56, 0xe5, 0x80]).unwrap();
        assert!(extended.unsupported().unwrap().contains("HE-AAC"));
        let explicit = Settings::parse(&[0x2c, 0x08, 0x88, 0x00]).unwrap();
        assert!(explicit.unsupported().unwrap().contains("HE-AAC"));
        assert_eq!(Settings::parse(&[0x14]), None);
        // An explicit sample rate.
        assert_eq!(Settings::parse(&[0x17, 0x80, 0x3e, 0x80, 0x08]).unwrap().sample_rate_hz, 32_000);
    }

    #[test]
    fn unsupported_settings_have_a_reason() {
        for (channels, expected) in [(0, "explicit channel layout"), (6, "surround")] {
            let settings = Settings { channels, ..Settings::parse(&[0x14, 0x08]).unwrap() };
            assert!(settings.unsupported().unwrap().contains(expected));
        }
        let main = Settings { kind: 1, ..Settings::parse(&[0x14, 0x08]).unwrap() };
        assert!(main.unsupported().unwrap().contains("Main"));
    }
}

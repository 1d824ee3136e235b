//! CAF, the Core Audio Format of Apple.

use super::adpcm::{self, Variant};
use super::encoded::Encoded;
use super::pcm::{self, ByteOrder, Encoding, Format, check_channels, check_rate};
use super::{alac, big_endian};
use crate::AudioError;
use crate::input::Input;

/// Maximum size of the chunks that describe the packets.
const MAX_DESCRIPTION_BYTES: u64 = 1 << 26;
/// Size of a data chunk whose writer did not know it: to the end of the file.
const UNKNOWN_SIZE: u64 = u64::MAX;

/// Content of the description chunk.
struct Description {
    byte: u64,
    sample_rate_hz: u32,
    codec: [u8; 4],
    flags: u64,
    channels: u16,
    bits: u16,
}

/// Content of the packet table.
struct PacketTable {
    byte: u64,
    /// Number of packets.
    packets: u64,
    /// Number of frames of the recording.
    valid: u64,
    /// Number of frames before the recording.
    priming: u64,
    /// Packet sizes, in seven bits per byte.
    sizes: Vec<u8>,
}

/// Position of the samples.
struct Data {
    size_byte: u64,
    start: u64,
    /// `None` if the samples end with the file.
    bytes: Option<u64>,
}

/// Finds the samples and their encoding.
pub(crate) fn encoded(input: &mut Input) -> Result<Encoded, AudioError> {
    let start = input.position();
    let header = input.read(8, "CAF header")?;
    if header[4..6] != [0, 1] {
        return Err(input.unsupported(start + 4, format!("CAF of version {}", big_endian(&header[4..6]))));
    }
    let (mut description, mut cookie, mut table, mut data) = (None, None, None, None);
    while input.remaining() > 0 {
        let byte = input.position();
        let header = input.read(12, "chunk header")?;
        let (name, size) = (&header[..4], big_endian(&header[4..]));
        let unknown = name == b"data" && size == UNKNOWN_SIZE;
        if size > input.remaining() && !unknown {
            let what = format!("chunk \"{}\"", name.escape_ascii());
            return Err(input.truncated(&what, byte + 12, size, input.remaining()));
        }
        let content = |input: &mut Input, what| match size > MAX_DESCRIPTION_BYTES {
            true => {
                let rule = format!("at most {MAX_DESCRIPTION_BYTES} bytes");
                Err(input.header(byte + 4, "chunk size", format!("{size} bytes"), &rule))
            }
            false => input.read(size, what),
        };
        match name {
            b"desc" => description = Some(Description::read(input, byte + 12, size)?),
            b"kuki" => cookie = Some(content(input, "chunk \"kuki\"")?),
            b"pakt" => {
                let content = content(input, "chunk \"pakt\"")?;
                table = Some(PacketTable::parse(input, byte + 12, &content)?);
            }
            // The samples follow a counter of edits.
            b"data" => {
                let bytes = if unknown { None } else { Some(size.saturating_sub(4)) };
                data = Some(Data { size_byte: byte + 4, start: byte + 16, bytes });
            }
            _ => {}
        }
        if unknown {
            break;
        }
        input.seek(byte + 12 + size)?;
    }
    let missing = |input: &Input, missing| AudioError::NoEnd {
        path: input.path().to_owned(),
        byte: input.length(),
        missing,
    };
    let description = description.ok_or_else(|| missing(input, "the chunk \"desc\""))?;
    let data = data.ok_or_else(|| missing(input, "the chunk \"data\""))?;
    input.seek(data.start)?;
    let available = input.length().saturating_sub(data.start);
    match &description.codec {
        b"ima4" => description.adpcm(input, &data, table, available),
        b"alac" => description.alac(input, &data, cookie, table, available),
        _ => description.pcm(input, &data),
    }
}

impl Description {
    fn read(input: &mut Input, byte: u64, size: u64) -> Result<Description, AudioError> {
        if size < 32 {
            let rule = "at least 32 bytes";
            return Err(input.header(byte - 8, "chunk desc size", format!("{size} bytes"), rule));
        }
        let content = input.read(32, "chunk \"desc\"")?;
        let rate = f64::from_bits(big_endian(&content[..8]));
        Ok(Description {
            byte,
            sample_rate_hz: check_rate(input, byte, rate)?,
            codec: [content[8], content[9], content[10], content[11]],
            flags: big_endian(&content[12..16]),
            channels: check_channels(input, byte + 24, big_endian(&content[24..28]))?,
            bits: big_endian(&content[28..32]).min(u64::from(u16::MAX)) as u16,
        })
    }

    fn pcm(&self, input: &Input, data: &Data) -> Result<Encoded, AudioError> {
        let (float, order) = (self.flags & 1 != 0, self.flags & 2);
        let order = if order == 0 { ByteOrder::Big } else { ByteOrder::Little };
        let encoding = match &self.codec {
            b"lpcm" if float => Encoding::float(self.bits, order),
            b"lpcm" => Encoding::integer(self.bits, order),
            b"ulaw" => Some(Encoding::MU_LAW),
            b"alaw" => Some(Encoding::A_LAW),
            _ => None,
        };
        let Some(encoding) = encoding else {
            let name = self.codec.escape_ascii();
            return Err(
                input.unsupported(self.byte + 8, format!("CAF with \"{name}\" of {} bits", self.bits))
            );
        };
        let format = Format { sample_rate_hz: self.sample_rate_hz, channels: self.channels, encoding };
        Ok(Encoded::Pcm(pcm::Layout::here(input, format, data.bytes, data.size_byte)?))
    }

    fn adpcm(
        &self,
        input: &Input,
        data: &Data,
        table: Option<PacketTable>,
        available: u64,
    ) -> Result<Encoded, AudioError> {
        adpcm::check_channels(input, self.byte + 24, self.channels)?;
        Ok(Encoded::Adpcm(adpcm::Layout {
            variant: Variant::QuickTime,
            sample_rate_hz: self.sample_rate_hz,
            channels: self.channels,
            block_bytes: 34 * u64::from(self.channels),
            block_frames: 64,
            data_start: data.start,
            data_bytes: data.bytes.unwrap_or(available),
            frames: table.map(|table| table.valid),
        }))
    }

    fn alac(
        &self,
        input: &Input,
        data: &Data,
        cookie: Option<Vec<u8>>,
        table: Option<PacketTable>,
        available: u64,
    ) -> Result<Encoded, AudioError> {
        let missing = |missing| {
            input.damaged(self.byte, format!("the ALAC stream is without a valid chunk \"{missing}\""))
        };
        let settings = cookie.as_deref().and_then(alac::Settings::parse).ok_or_else(|| missing("kuki"))?;
        let table = table.ok_or_else(|| missing("pakt"))?;
        let packet_bytes = table.sizes(input)?;
        let all = packet_bytes.iter().map(|&size| u64::from(size)).sum::<u64>();
        if all > data.bytes.unwrap_or(available) {
            return Err(input.truncated("data chunk", data.start, all, data.bytes.unwrap_or(available)));
        }
        let (decoded, expected) = (table.packets * settings.packet_frames, table.valid);
        if table.priming.saturating_add(expected) > decoded {
            let (path, announced) = (input.path().to_owned(), "the CAF packet table announces");
            return Err(AudioError::TooFewSamples { path, announced, expected, got: decoded });
        }
        let (skip, keep) = (table.priming, table.valid);
        Ok(Encoded::Alac(alac::Layout { settings, data_start: data.start, packet_bytes, skip, keep }))
    }
}

impl PacketTable {
    fn parse(input: &Input, byte: u64, content: &[u8]) -> Result<PacketTable, AudioError> {
        if content.len() < 24 {
            let value = format!("{} bytes", content.len());
            return Err(input.header(byte - 8, "chunk pakt size", value, "at least 24 bytes"));
        }
        Ok(PacketTable {
            byte,
            packets: big_endian(&content[..8]),
            valid: big_endian(&content[8..16]),
            priming: big_endian(&content[16..20]),
            sizes: content[24..].to_vec(),
        })
    }

    /// Returns the sizes of the packets.
    fn sizes(&self, input: &Input) -> Result<Vec<u32>, AudioError> {
        let mut sizes = Vec::new();
        let mut size = 0u32;
        for &byte in &self.sizes {
            if sizes.len() as u64 == self.packets {
                break;
            }
            // A packet is shorter than 2^25 bytes.
            size = (size << 7 | u32::from(byte & 0x7f)) & 0x1ff_ffff;
            if byte & 0x80 == 0 {
                sizes.push(std::mem::take(&mut size));
            }
        }
        if sizes.len() as u64 != self.packets {
            let what = format!("the packet table has {} of {} packet sizes", sizes.len(), self.packets);
            return Err(input.damaged(self.byte, what));
        }
        Ok(sizes)
    }
}

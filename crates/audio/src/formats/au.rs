//! AU, the format of Sun and NeXT.

use super::big_endian;
use super::pcm::{ByteOrder, Encoding, Format, Layout, check_channels, check_rate};
use crate::AudioError;
use crate::input::Input;

/// Size of a stream whose writer did not know it.
const UNKNOWN_SIZE: u64 = 0xffff_ffff;

/// Finds the samples.
pub(crate) fn layout(input: &mut Input) -> Result<Layout, AudioError> {
    let start = input.position();
    let header = input.read(24, "AU header")?;
    let number = |field: usize| big_endian(&header[4 * field..4 * field + 4]);
    let encoding = match number(3) {
        1 => Some(Encoding::MU_LAW),
        27 => Some(Encoding::A_LAW),
        bytes @ 2..=5 => Encoding::integer(8 * (bytes as u16 - 1), ByteOrder::Big),
        6 => Encoding::float(32, ByteOrder::Big),
        7 => Encoding::float(64, ByteOrder::Big),
        _ => None,
    };
    let Some(encoding) = encoding else {
        return Err(input.unsupported(start + 12, format!("AU with encoding {}", number(3))));
    };
    let sample_rate_hz = check_rate(input, start + 16, number(4) as f64)?;
    let channels = check_channels(input, start + 20, number(5))?;
    let data = start + number(1);
    if number(1) < 24 || data > input.length() {
        let rule = format!("24..={}", input.length() - start);
        return Err(input.header(start + 4, "position of the samples", number(1).to_string(), &rule));
    }
    input.seek(data)?;
    let size = Some(number(2)).filter(|&size| size != UNKNOWN_SIZE);
    Layout::here(input, Format { sample_rate_hz, channels, encoding }, size, start + 8)
}

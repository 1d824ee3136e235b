//! Codebooks of a Vorbis stream, validated because a few bits can claim a large one.

/// Maximum number of values in all codebooks; encoders use less than a tenth.
const MAX_VALUES: u64 = 1 << 22;

/// Validates the codebooks after the packet's marker.
///
/// # Errors
/// A message for a code of more than 32 bits, too many values, or an early end.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut bits = Bits { bytes, position: 0 };
    let mut values = 0;
    let books = bits.take(8)? + 1;
    for book in 0..books {
        let wrong = |what: &str| Err(format!("Vorbis code book {book}: {what}"));
        if bits.take(24)? != 0x56_4342 {
            return wrong("its mark is missing");
        }
        let (dimensions, entries) = (bits.take(16)?, bits.take(24)?);
        if dimensions == 0 || entries == 0 {
            return wrong("it is empty");
        }
        values += entries * dimensions;
        if values > MAX_VALUES {
            return wrong(&format!(
                "the books up to this one have {values} values, more than the {MAX_VALUES} supported"
            ));
        }
        if !bits.lengths(entries)? {
            return wrong("its codes have more than 32 bits, or it has more codes than entries");
        }
        match bits.take(4)? {
            0 => {}
            kind @ (1 | 2) => {
                bits.skip(64);
                let width = bits.take(4)? + 1;
                let count = if kind == 1 { side(entries, dimensions) } else { entries * dimensions };
                bits.skip(1 + count * width);
            }
            kind => return wrong(&format!("a table of kind {kind}")),
        }
    }
    Ok(())
}

/// Returns the largest number whose power to `dimensions` is at most `entries`.
fn side(entries: u64, dimensions: u64) -> u64 {
    let fits = |side: u64| {
        let mut power = 1u64;
        (0..dimensions).all(|_| {
            power = power.saturating_mul(side);
            power <= entries
        })
    };
    (1..=entries).take_while(|&side| fits(side)).last().unwrap_or(0)
}

/// Bit reader, least significant bit first.
struct Bits<'a> {
    bytes: &'a [u8],
    position: u64,
}

impl Bits<'_> {
    fn take(&mut self, count: u64) -> Result<u64, String> {
        let mut value = 0;
        for bit in 0..count {
            let position = self.position + bit;
            let byte = usize::try_from(position / 8).ok().and_then(|byte| self.bytes.get(byte));
            let byte = byte.ok_or("the Vorbis code books end early")?;
            value |= u64::from(byte >> (position % 8) & 1) << bit;
        }
        self.position += count;
        Ok(value)
    }

    fn skip(&mut self, count: u64) {
        self.position += count;
    }

    /// Skips the code lengths of a codebook; returns false if they are invalid.
    fn lengths(&mut self, entries: u64) -> Result<bool, String> {
        if self.take(1)? == 0 {
            let sparse = self.take(1)? == 1;
            for _ in 0..entries {
                if !sparse || self.take(1)? == 1 {
                    self.take(5)?;
                }
            }
            return Ok(true);
        }
        let (mut length, mut done) = (self.take(5)? + 1, 0);
        while done < entries {
            if length > 32 {
                return Ok(false);
            }
            let width = u64::from(u64::BITS - (entries - done).leading_zeros());
            done += self.take(width)?;
            length += 1;
        }
        Ok(done == entries)
    }
}

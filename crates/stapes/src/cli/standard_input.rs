//! A recording from standard input, as a temporary file.

use std::io::{self, Read, Seek, SeekFrom, Write};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use tempfile::NamedTempFile;

use super::console::Console;

/// Format of raw samples, mono.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SampleFormat {
    /// Signed integers of 16 bits, little-endian.
    #[value(name = "s16le")]
    S16le,
    /// Floats of 32 bits in [-1, 1], little-endian.
    #[value(name = "f32le")]
    F32le,
}

impl SampleFormat {
    /// Returns the number of bytes of a sample.
    pub(crate) fn bytes(self) -> usize {
        usize::from(self.wav().1)
    }

    /// Appends samples in [-1, 1] from whole samples as bytes.
    pub(crate) fn samples(self, bytes: &[u8], to: &mut Vec<f32>) {
        match self {
            SampleFormat::S16le => {
                let samples = bytes.as_chunks::<2>().0.iter();
                to.extend(samples.map(|&sample| f32::from(i16::from_le_bytes(sample)) / 32768.0));
            }
            SampleFormat::F32le => {
                to.extend(bytes.as_chunks::<4>().0.iter().map(|&sample| f32::from_le_bytes(sample)));
            }
        }
    }

    /// Returns the code of the format in a WAV header and the number of bytes of a sample.
    fn wav(self) -> (u16, u16) {
        match self {
            SampleFormat::S16le => (1, 2),
            SampleFormat::F32le => (3, 4),
        }
    }
}

/// Warning about raw samples that do not end with a whole sample.
pub(crate) const INCOMPLETE: &str = "standard input: the last sample is incomplete and was not used";

/// Error of a standard input without a byte.
pub(crate) const EMPTY: &str = "standard input: is empty; pipe a recording or samples into the program";

/// Copies the standard input into a temporary file: a sound file of any format, or raw samples at `rate_hz`.
pub(crate) fn copy(rate_hz: Option<u32>, format: SampleFormat, console: &Console) -> Result<NamedTempFile> {
    copy_from(&mut io::stdin().lock(), rate_hz, format, &mut |warning| console.warning(warning))
}

fn copy_from(
    input: &mut impl Read,
    rate_hz: Option<u32>,
    format: SampleFormat,
    on_warning: &mut dyn FnMut(&str),
) -> Result<NamedTempFile> {
    let mut file = NamedTempFile::new().context("cannot create a temporary file for the standard input")?;
    if let Some(rate_hz) = rate_hz {
        // Sizes that are not set: the samples end with the file.
        file.write_all(&wav_header(rate_hz, format, u32::MAX)).context("temporary file")?;
    }
    let mut first = Vec::new();
    input.by_ref().take(4).read_to_end(&mut first).context("cannot read the standard input")?;
    if rate_hz.is_some() {
        check_raw(&first)?;
    }
    let length =
        io::copy(&mut (&first[..]).chain(input), &mut file).context("cannot copy the standard input")?;
    if length == 0 {
        bail!("{EMPTY}");
    }
    let rest = length % u64::from(format.wav().1);
    if rate_hz.is_some() && rest > 0 {
        on_warning(INCOMPLETE);
    }
    if let (Some(rate_hz), true) = (rate_hz, length < u32::MAX.into()) {
        let whole = length - rest;
        file.seek(SeekFrom::Start(0)).context("temporary file")?;
        file.write_all(&wav_header(rate_hz, format, whole as u32)).context("temporary file")?;
    }
    file.flush().context("temporary file")?;
    Ok(file)
}

/// Checks that raw samples do not begin like a sound file.
pub(crate) fn check_raw(first: &[u8]) -> Result<()> {
    const FILES: [&[u8]; 8] = [b"RIFF", b"RF64", b"FORM", b"fLaC", b"OggS", b"caff", b".snd", b"ID3"];
    if FILES.iter().any(|start| first.starts_with(start)) {
        bail!(
            "standard input: is a sound file, not raw samples; `stapes predict MODEL -` without --rate reads it, and `ffmpeg -i \
             - -f s16le -ac 1 -ar 16000 -` makes samples of it"
        );
    }
    Ok(())
}

/// Returns the header of a mono WAV file with this number of bytes of samples.
fn wav_header(rate_hz: u32, format: SampleFormat, length: u32) -> Vec<u8> {
    let (code, bytes) = format.wav();
    let mut header = Vec::new();
    header.extend(b"RIFF");
    header.extend(length.saturating_add(36).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16u32.to_le_bytes());
    header.extend(code.to_le_bytes());
    header.extend(1u16.to_le_bytes());
    header.extend(rate_hz.to_le_bytes());
    header.extend(rate_hz.saturating_mul(bytes.into()).to_le_bytes());
    header.extend(bytes.to_le_bytes());
    header.extend((8 * bytes).to_le_bytes());
    header.extend(b"data");
    header.extend(length.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_samples_become_a_recording() {
        let mut bytes: Vec<u8> =
            [0i16, 16_384, -32_768].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        // Half a sample at the end is not a sample.
        bytes.push(7);
        let mut warnings = Vec::new();
        let mut on_warning = |warning: &str| warnings.push(warning.to_owned());
        let file = copy_from(&mut &bytes[..], Some(8000), SampleFormat::S16le, &mut on_warning).unwrap();
        assert_eq!(warnings, [INCOMPLETE]);
        let on_warning = &mut |warning: &str| panic!("{warning}");
        let clip = stapes::audio::read(file.path()).unwrap();
        assert_eq!((clip.samples, clip.sample_rate_hz), (vec![0.0, 0.5, -1.0], 8000));
        let bytes: Vec<u8> = [0.25f32, -0.5].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let file = copy_from(&mut &bytes[..], Some(16_000), SampleFormat::F32le, on_warning).unwrap();
        assert_eq!(stapes::audio::read(file.path()).unwrap().samples, [0.25, -0.5]);
        // A sound file is copied as it is.
        let mut wav = wav_header(8000, SampleFormat::F32le, 8);
        wav.extend(bytes);
        let copied = copy_from(&mut &wav[..], None, SampleFormat::S16le, on_warning).unwrap();
        assert_eq!(stapes::audio::read(copied.path()).unwrap().samples, [0.25, -0.5]);
    }
}

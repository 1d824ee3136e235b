//! Writing clips to WAV files.

use std::path::Path;

use crate::{AudioError, Clip};

/// Number of bytes before the samples in the simplest WAV file.
pub(crate) const PLAIN_HEADER: usize = 44;
/// Sizes in a header have 32 bits.
const MAX_SAMPLES: usize = (u32::MAX as usize - PLAIN_HEADER) / 2;

/// Writes a clip as a mono WAV file of 16-bit PCM.
///
/// Sample x becomes round(32768 x), clipped to -32768..=32767, so a 16-bit file is written back unchanged. The file is
/// written to a temporary file and renamed.
///
/// # Units
/// Samples in [-1, 1].
///
/// # Errors
/// [`AudioError::Io`] if the folder is missing or full, [`AudioError::NotFinite`],
/// [`AudioError::TooLong`] beyond 4 GiB.
///
/// # Example
/// ```
/// let path = std::env::temp_dir().join(format!("stapes-write-{}.wav", std::process::id()));
/// let clip = stapes_audio::Clip { samples: vec![0.5, 2.0], sample_rate_hz: 16_000 };
/// stapes_audio::write_wav(&path, &clip)?;
/// assert_eq!(std::fs::metadata(&path)?.len(), 44 + 2 * 2);
/// assert_eq!(stapes_audio::read(&path)?.samples, [0.5, 32767.0 / 32768.0]);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_wav(path: &Path, clip: &Clip) -> Result<(), AudioError> {
    let bytes = wav_bytes(path, clip)?;
    stapes_files::write_atomic(path, &bytes)
        .map_err(|source| AudioError::Io { path: path.to_owned(), source })
}

/// Returns the bytes of such a file; `path` is used in messages only.
///
/// # Errors
/// [`AudioError::NotFinite`], and [`AudioError::TooLong`] beyond 4 GiB.
///
/// # Example
/// ```
/// let clip = stapes_audio::Clip { samples: vec![0.5, 2.0], sample_rate_hz: 16_000 };
/// let bytes = stapes_audio::wav_bytes("one.wav".as_ref(), &clip)?;
/// assert_eq!((bytes.len(), &bytes[..4]), (44 + 2 * 2, &b"RIFF"[..]));
/// # Ok::<(), stapes_audio::AudioError>(())
/// ```
pub fn wav_bytes(path: &Path, clip: &Clip) -> Result<Vec<u8>, AudioError> {
    if let Some(sample) = clip.samples.iter().position(|sample| !sample.is_finite()) {
        let value = f64::from(clip.samples[sample]);
        return Err(AudioError::NotFinite { path: path.to_owned(), sample, value });
    }
    if clip.samples.len() > MAX_SAMPLES {
        let samples = clip.samples.len();
        return Err(AudioError::TooLong { path: path.to_owned(), samples, max_samples: MAX_SAMPLES });
    }
    let data_bytes = 2 * clip.samples.len() as u32;
    let mut bytes = Vec::with_capacity(PLAIN_HEADER + data_bytes as usize);
    bytes.extend(b"RIFF");
    bytes.extend((data_bytes + 36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(clip.sample_rate_hz.to_le_bytes());
    bytes.extend(clip.sample_rate_hz.saturating_mul(2).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(data_bytes.to_le_bytes());
    for sample in &clip.samples {
        // The cast saturates at the limits of i16.
        bytes.extend(((f64::from(*sample) * 32768.0).round() as i16).to_le_bytes());
    }
    Ok(bytes)
}

#[cfg(all(test, feature = "decode"))]
mod tests {
    use super::*;
    use crate::read;

    #[test]
    fn a_written_clip_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let samples: Vec<f32> = (i16::MIN..=i16::MAX).map(|x| f32::from(x) / 32768.0).collect();
        let clip = Clip { samples, sample_rate_hz: 22_050 };
        write_wav(&path, &clip).unwrap();
        assert_eq!(read(&path).unwrap(), clip);
        write_wav(&path, &Clip { samples: vec![0.25], sample_rate_hz: 8000 }).unwrap();
        assert_eq!(read(&path).unwrap().samples, [0.25]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn samples_are_rounded_and_clipped() {
        let samples = vec![0.6 / 32768.0, -0.6 / 32768.0, 0.4 / 32768.0, 1.0, -1.0, 9.0, -9.0];
        let bytes = wav_bytes(Path::new("a.wav"), &Clip { samples, sample_rate_hz: 8000 }).unwrap();
        let written: Vec<i16> =
            bytes[44..].as_chunks::<2>().0.iter().map(|&bytes| i16::from_le_bytes(bytes)).collect();
        assert_eq!(written, [1, -1, 0, 32767, -32768, 32767, -32768]);
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let clip = Clip { samples: vec![0.0, f32::NAN], sample_rate_hz: 8000 };
        let message = write_wav(&folder.path().join("a.wav"), &clip).unwrap_err().to_string();
        assert!(message.ends_with("sample 1 is NaN; samples must be finite numbers"), "{message}");
        // The target is a folder, so the rename fails.
        std::fs::create_dir(folder.path().join("b.wav")).unwrap();
        let clip = Clip { samples: vec![0.0], sample_rate_hz: 8000 };
        assert!(matches!(write_wav(&folder.path().join("b.wav"), &clip), Err(AudioError::Io { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_wav(&folder.path().join("none/c.wav"), &clip).is_err());
    }
}

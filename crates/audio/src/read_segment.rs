//! Reading a segment of a recording without holding the rest in memory.

use std::path::Path;

use crate::input::Input;
use crate::options::{self, Channel, ReadOptions};
use crate::read::{blocks, sample_at};
use crate::{AudioError, Clip};

/// Tolerance for a segment that ends after the recording: times are often rounded to 0.01 s.
const END_TOLERANCE_SECONDS: f64 = 0.01;

/// Reads a segment [start, end) of a sound file; without `end` up to the end of the file.
///
/// Sample n belongs to the segment if round(start · rate) <= n < round(end · rate). Only the segment is held in memory.
/// WAV files are seekable; in all other formats the part before the segment is decoded and discarded, so a segment
/// starts at exactly the same sample as in the clip of [`read`](crate::read). A segment may end up to 10 ms after the end of
/// the recording; it is shorter then.
///
/// Anything after the segment is not read; a compressed file may be damaged there.
///
/// # Units
/// s
///
/// # Errors
/// [`AudioError::Segment`] if a time is negative or not a number, or the segment is empty; [`AudioError::BeyondEnd`]; those of
/// [`read`](crate::read).
///
/// # Example
/// ```
/// use stapes_audio::{Clip, read_segment, write_wav};
///
/// let path = std::env::temp_dir().join(format!("stapes-segment-{}.wav", std::process::id()));
/// let samples = (0..8000).map(|n| n as f32 / 8192.0).collect();
/// write_wav(&path, &Clip { samples, sample_rate_hz: 8000 })?;
/// let segment = read_segment(&path, 0.5, Some(0.75))?;
/// assert_eq!((segment.samples.len(), segment.samples[0]), (2000, 4000.0 / 8192.0));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_segment(path: &Path, start_seconds: f64, end_seconds: Option<f64>) -> Result<Clip, AudioError> {
    let segment = Some((start_seconds, end_seconds));
    options::read_with(path, &ReadOptions { segment, ..ReadOptions::default() })
}

pub(crate) fn read_from(
    input: Input,
    channel: Channel,
    start_seconds: f64,
    end_seconds: Option<f64>,
) -> Result<Clip, AudioError> {
    let (mut blocks, _) = blocks(input, channel, start_seconds)?;
    let sample_rate_hz = blocks.sample_rate_hz();
    let first = sample_at(start_seconds, sample_rate_hz);
    let end = end_seconds.map_or(u64::MAX, |seconds| sample_at(seconds, sample_rate_hz));
    let mut samples = Vec::new();
    let position = blocks.append_range(first, end, &mut samples)?;
    if first == end {
        let rule = "it is shorter than a sample; correct the times";
        let end_seconds = end_seconds.unwrap_or(f64::INFINITY);
        return Err(AudioError::Segment { path: blocks.path().to_owned(), start_seconds, end_seconds, rule });
    }
    let tolerance = sample_at(END_TOLERANCE_SECONDS, sample_rate_hz);
    let too_short = end_seconds.is_some() && position.saturating_add(tolerance) < end;
    if too_short || samples.is_empty() {
        return Err(AudioError::BeyondEnd {
            path: blocks.path().to_owned(),
            end_seconds: end_seconds.unwrap_or(start_seconds),
            seconds: position as f64 / f64::from(sample_rate_hz),
        });
    }
    Ok(Clip { samples, sample_rate_hz })
}

pub(crate) fn check(path: &Path, start_seconds: f64, end_seconds: Option<f64>) -> Result<(), AudioError> {
    let end = end_seconds.unwrap_or(f64::INFINITY);
    let rule = if !start_seconds.is_finite() || end.is_nan() {
        "the times must be numbers"
    } else if start_seconds < 0.0 {
        "the start must not be before 0 s"
    } else if end <= start_seconds {
        "the end must be after the start"
    } else {
        return Ok(());
    };
    Err(AudioError::Segment { path: path.to_owned(), start_seconds, end_seconds: end, rule })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Seek, SeekFrom, Write};

    use super::*;
    use crate::formats::wav_fixture::Wav;
    use crate::{Channel, read};

    fn read_from(input: Input, start_seconds: f64, end_seconds: Option<f64>) -> Result<Clip, AudioError> {
        super::read_from(input, Channel::Mean, start_seconds, end_seconds)
    }

    fn fixture(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
    }

    #[test]
    fn a_segment_of_every_format_equals_the_same_samples_of_the_clip() {
        for name in ["mono_8k.flac", "ffmpeg_44k.mp3", "mono_16k.aac", "ffmpeg_mono_16k.m4a", "mono_16k.ogg"]
        {
            let path = fixture(name);
            let whole = read(&path).unwrap();
            let rate = f64::from(whole.sample_rate_hz);
            let length = whole.samples.len();
            for (first, end) in [(0, length), (1, 2), (length / 3, length / 2), (length - 1, length)] {
                let segment = read_segment(&path, first as f64 / rate, Some(end as f64 / rate)).unwrap();
                assert_eq!(segment.sample_rate_hz, whole.sample_rate_hz);
                assert_eq!(segment.samples, whole.samples[first..end], "{name} {first}..{end}");
            }
            let rest = read_segment(&path, (length / 2) as f64 / rate, None).unwrap();
            assert_eq!(rest.samples, whole.samples[length / 2..], "{name}");
        }
    }

    #[test]
    fn a_segment_of_wav_is_exact_for_all_widths_and_channels() {
        let bytes: Vec<u8> = (0..24_000u32).map(|n| (n * 37 % 251) as u8).collect();
        for (bits, channels) in [(8, 1), (16, 1), (16, 3), (24, 2), (32, 1)] {
            let wav =
                Wav { before: vec![(*b"LIST", vec![1; 5])], ..Wav::pcm(bits, channels, &bytes) }.bytes();
            let open = || Input::from_bytes(Path::new("a.wav"), wav.clone()).unwrap();
            let whole = read_from(open(), 0.0, None).unwrap();
            assert_eq!(whole.samples.len(), 24_000 / usize::from(bits / 8 * channels));
            for (first, end) in [(0usize, 7usize), (1, 1500), (1999, 2000)] {
                let found = read_from(open(), first as f64 / 8000.0, Some(end as f64 / 8000.0)).unwrap();
                assert_eq!(found.samples, whole.samples[first..end], "{bits} bits, {channels} channels");
            }
        }
    }

    #[test]
    fn a_segment_beyond_the_end_is_rejected_except_for_rounding() {
        let wav = Wav::pcm(16, 1, &[1; 16_000]).bytes();
        let read =
            |start, end| read_from(Input::from_bytes(Path::new("a.wav"), wav.clone()).unwrap(), start, end);
        assert_eq!(read(0.5, Some(1.009)).unwrap().samples.len(), 4000);
        for (start, end) in [(0.5, Some(1.02)), (1.5, Some(2.0)), (1.0, None), (7.0, None)] {
            let message = read(start, end).unwrap_err().to_string();
            assert!(message.starts_with("a.wav: segment up to "), "{message}");
            assert!(message.contains("the recording has only 1.000 s"), "{message}");
        }
    }

    #[test]
    fn a_segment_shorter_than_a_sample_is_rejected() {
        let wav = Wav::pcm(16, 1, &[1; 16_000]).bytes();
        let segment = read_from(Input::from_bytes(Path::new("a.wav"), wav).unwrap(), 0.5, Some(0.50001));
        let expected =
            "a.wav: segment from 0.5 s to 0.50001 s: it is shorter than a sample; correct the times";
        assert_eq!(segment.unwrap_err().to_string(), expected);
    }

    #[test]
    fn invalid_times_are_rejected() {
        for (start, end, rule) in [
            (-0.1, None, "before 0 s"),
            (f64::NAN, None, "numbers"),
            (0.0, Some(f64::NAN), "numbers"),
            (1.0, Some(1.0), "after the start"),
            (2.0, Some(1.0), "after the start"),
        ] {
            let message = read_segment(Path::new("a.wav"), start, end).unwrap_err().to_string();
            assert!(message.starts_with("a.wav: segment from") && message.contains(rule), "{message}");
        }
    }

    #[test]
    fn memory_is_independent_of_the_length_of_the_file() {
        const FRAMES: u32 = 2 * 3600 * 8000;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.wav");
        let header = Wav { data_size: Some(2 * FRAMES), ..Wav::pcm(16, 1, &[]) }.bytes();
        let mut file = File::create(&path).unwrap();
        file.write_all(&header).unwrap();
        // Sparse: only written blocks use disk space.
        file.set_len(header.len() as u64 + 2 * u64::from(FRAMES)).unwrap();
        let marked = 7000 * 8000;
        file.seek(SeekFrom::Start(header.len() as u64 + 2 * marked)).unwrap();
        file.write_all(&16_384i16.to_le_bytes()).unwrap();
        let mut clip = None;
        let counted = allocation_counter::measure(|| clip = read_segment(&path, 7000.0, Some(7001.0)).ok());
        let clip = clip.unwrap();
        assert_eq!((clip.samples.len(), clip.samples[0], clip.samples[1]), (8000, 0.5, 0.0));
        assert!(counted.bytes_max < 1 << 20, "{} bytes", counted.bytes_max);
        let mut seconds = 0;
        let counted = allocation_counter::measure(|| {
            let mut recording = crate::Recording::open(&path).unwrap();
            while let Some(block) = recording.next_block().unwrap() {
                seconds += block.len();
            }
        });
        assert_eq!(seconds, FRAMES as usize);
        assert!(counted.bytes_max < 1 << 20, "{} bytes", counted.bytes_max);
    }
}

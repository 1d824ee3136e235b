//! Pictures of the speech in recordings.

use std::path::Path;

use anyhow::{Context, Result, bail};
use stapes::FileSpeech;
use stapes::audio::{Channel, Recording};
use stapes::infer::{Input, Model};
use stapes::report::SpeechPicture;

use super::super::paths::write_file;

/// Number of parts of a recording whose levels are drawn.
const PARTS: usize = 1000;

/// Draws the level, the speech probability and the segments of a channel of a recording as a PNG file.
pub(super) fn write(
    path: &Path,
    (file, channel): (&Path, Channel),
    model: &Model,
    found: &FileSpeech,
    threshold: f64,
) -> Result<()> {
    let Input::Recordings(features) = &model.input else { bail!("{}: reads frames", file.display()) };
    let times = features.frame_times()?;
    let segments: Vec<(f64, f64)> =
        found.segments.iter().map(|segment| (segment.start_seconds, segment.end_seconds)).collect();
    let picture = SpeechPicture {
        title: &file.file_name().unwrap_or_default().to_string_lossy(),
        seconds: found.seconds,
        levels: &levels(file, channel, found.seconds)?,
        probabilities: &found.probabilities,
        first_seconds: times.center_seconds(0),
        hop_seconds: times.hop_seconds(),
        segments: &segments,
        threshold,
    };
    write_file(path, &picture.draw().with_context(|| file.display().to_string())?.png)
}

/// Returns the largest magnitude of a sample in each part of a recording, which is read in pieces.
fn levels(file: &Path, channel: Channel, seconds: f64) -> Result<Vec<f32>> {
    let mut recording = Recording::open_channel(file, channel)?;
    let samples = seconds * f64::from(recording.sample_rate_hz());
    let (mut levels, mut count) = (vec![0.0f32; PARTS], 0usize);
    while let Some(block) = recording.next_block()? {
        for sample in block {
            let part = (count as f64 / samples * PARTS as f64) as usize;
            let level = &mut levels[part.min(PARTS - 1)];
            *level = level.max(sample.abs());
            count += 1;
        }
    }
    Ok(levels)
}

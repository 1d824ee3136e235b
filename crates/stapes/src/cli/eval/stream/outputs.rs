//! Page of an evaluation on long recordings, and false accepts as WAV files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use stapes::audio::{Channel, Clip, Recording};
use stapes::data::LabeledRecording;
use stapes::recording_view;
use stapes::report::{Excerpt, StreamError, StreamReport, render_stream};

use crate::cli::console::{Console, visible_path};
use crate::cli::paths::{check_extension, create_folder, write_file};

/// Largest number of errors with a sound on a page.
const MAX_SOUNDS: usize = 100;
/// Time shown before and after an error, s.
const CONTEXT_SECONDS: f64 = 1.0;
/// Longest part of an error that is shown, s.
const MAX_SECONDS: f64 = 10.0;

/// Files to write about the errors.
pub(super) struct Outputs<'a> {
    pub(super) page: Option<&'a Path>,
    /// Folder of false accepts.
    pub(super) clips: Option<&'a Path>,
    /// Replaces WAV files that exist.
    pub(super) force: bool,
    /// Channel of the recordings.
    pub(super) channel: Channel,
}

/// Error in one of the recordings.
pub(super) struct FoundError<'a> {
    pub(super) recording: &'a LabeledRecording,
    pub(super) kind: &'static str,
    pub(super) label: &'a str,
    pub(super) start_seconds: f64,
    pub(super) end_seconds: f64,
    pub(super) score: Option<f32>,
    /// True if it is a false accept.
    pub(super) is_false_accept: bool,
}

/// Scores over time for the pages: times, scores and threshold in a range of seconds.
pub(super) type Scores<'a> = dyn Fn(&FoundError<'_>, f64, f64) -> (Vec<f64>, Vec<f32>, f64) + 'a;

impl Outputs<'_> {
    /// Checks the paths before the recordings are read.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(page) = self.page {
            check_extension("--page", page, "html")?;
            if page.parent().is_some_and(|parent| parent != Path::new("") && !parent.is_dir()) {
                bail!("{}: --page needs this folder; create it", page.display());
            }
        }
        self.clips.map_or(Ok(()), create_folder)
    }

    /// Writes the files that are wanted; `report` is the page without errors.
    pub(super) fn write(
        &self,
        report: StreamReport,
        errors: &[FoundError<'_>],
        scores: &Scores<'_>,
        console: &Console,
    ) -> Result<()> {
        if let Some(folder) = self.clips {
            let written = self.write_clips(folder, errors)?;
            console.status(&format!("{}: {written} false accepts", visible_path(folder)));
        }
        if let Some(path) = self.page {
            let page = render_stream(&with_errors(report, errors, scores, self.channel)?)?;
            write_file(path, page.as_bytes())?;
            console.status(&visible_path(path));
        }
        Ok(())
    }

    /// Writes each false accept as a WAV file, `meeting_000012.300.wav` for 12.3 s, in the subfolders of the recordings; returns
    /// their number.
    fn write_clips(&self, folder: &Path, errors: &[FoundError<'_>]) -> Result<usize> {
        let mut places: HashMap<PathBuf, &Path> = HashMap::new();
        let mut clips: Vec<(&LabeledRecording, (f64, f64), PathBuf)> = Vec::new();
        for error in errors.iter().filter(|error| error.is_false_accept) {
            let place = folder.join(&error.recording.id).with_extension("");
            let other = *places.entry(place.clone()).or_insert(&error.recording.path);
            if other != error.recording.path {
                let (one, other) = (error.recording.path.display(), other.display());
                bail!("{other} and {one} would have the same clips; evaluate them one after the other");
            }
            let stem = place.file_name().unwrap_or_default().to_string_lossy();
            let path = place.with_file_name(format!("{stem}_{:010.3}.wav", error.start_seconds));
            if clips.last().is_some_and(|(.., last)| *last == path) {
                continue;
            }
            if !self.force && path.symlink_metadata().is_ok() {
                bail!("{}: exists; choose another folder, or replace it with --force", path.display());
            }
            clips.push((error.recording, (error.start_seconds, error.end_seconds), path));
        }
        for of_recording in clips.chunk_by(|a, b| a.0.path == b.0.path) {
            let parts: Vec<(f64, f64)> = of_recording.iter().map(|clip| clip.1).collect();
            for (clip, (.., path)) in
                cut(&of_recording[0].0.path, self.channel, &parts)?.iter().zip(of_recording)
            {
                path.parent().map_or(Ok(()), create_folder)?;
                stapes::audio::write_wav(path, clip).with_context(|| path.display().to_string())?;
            }
        }
        Ok(clips.len())
    }
}

/// Adds the errors to a page, the first ones with their sounds.
fn with_errors(
    report: StreamReport,
    errors: &[FoundError<'_>],
    scores: &Scores<'_>,
    channel: Channel,
) -> Result<StreamReport> {
    let mut report = report;
    if errors.len() > MAX_SOUNDS {
        report.notes.push(format!("The first {MAX_SOUNDS} of {} errors have a sound.", errors.len()));
    }
    let (with_sound, without) = errors.split_at(errors.len().min(MAX_SOUNDS));
    for of_recording in with_sound.chunk_by(|a, b| a.recording.path == b.recording.path) {
        let part = |error: &FoundError<'_>| {
            let start = (error.start_seconds - CONTEXT_SECONDS).max(0.0);
            (start, error.end_seconds.min(error.start_seconds + MAX_SECONDS) + CONTEXT_SECONDS)
        };
        let parts: Vec<(f64, f64)> = of_recording.iter().map(part).collect();
        let path = &of_recording[0].recording.path;
        let clips = cut(path, channel, &parts)?;
        for ((error, clip), (start_seconds, end)) in of_recording.iter().zip(clips).zip(parts) {
            let (times, scores, threshold) = scores(error, start_seconds, end);
            let sound = recording_view::sound(path, clip)?;
            let excerpt = Excerpt { start_seconds, sound, times, scores, threshold };
            report.errors.push(shown(error, Some(excerpt)));
        }
    }
    report.errors.extend(without.iter().map(|error| shown(error, None)));
    Ok(report)
}

fn shown(error: &FoundError<'_>, excerpt: Option<Excerpt>) -> StreamError {
    let is_cut = error.end_seconds - error.start_seconds > MAX_SECONDS;
    let notes = is_cut.then(|| format!("The first {MAX_SECONDS} s are shown."));
    StreamError {
        kind: error.kind.into(),
        label: error.label.into(),
        recording: error.recording.id.clone(),
        start_seconds: error.start_seconds,
        end_seconds: error.end_seconds,
        score: error.score,
        excerpt,
        notes: notes.into_iter().collect(),
    }
}

/// Reads parts of a channel of a recording, each from a start to an end in seconds, in one pass with the memory of the parts.
fn cut(path: &Path, channel: Channel, parts: &[(f64, f64)]) -> Result<Vec<Clip>> {
    let mut recording = Recording::open_channel(path, channel)?;
    let sample_rate_hz = recording.sample_rate_hz();
    let at = |seconds: f64| (seconds * f64::from(sample_rate_hz)).round() as usize;
    let mut clips = vec![Clip { samples: Vec::new(), sample_rate_hz }; parts.len()];
    let mut position = 0;
    while let Some(block) = recording.next_block()? {
        for (clip, (start, end)) in clips.iter_mut().zip(parts) {
            let inside = |sample: usize| sample.saturating_sub(position).min(block.len());
            clip.samples.extend_from_slice(&block[inside(at(*start))..inside(at(*end))]);
        }
        position += block.len();
    }
    Ok(clips)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_the_whole_recording() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let samples: Vec<f32> = (0..40_000).map(|n| (n % 1000) as f32 / 1024.0).collect();
        stapes::audio::write_wav(&path, &Clip { samples, sample_rate_hz: 8000 }).unwrap();
        let whole = stapes::audio::read(&path).unwrap();
        let parts = [(0.0, 1.0), (0.5, 4.25), (4.0, 9.0), (6.0, 7.0)];
        let clips = cut(&path, Channel::Mean, &parts).unwrap();
        assert_eq!(clips[0].samples, whole.samples[..8000]);
        assert_eq!(clips[1].samples, whole.samples[4000..34_000]);
        assert_eq!(clips[2].samples, whole.samples[32_000..]);
        assert!(clips[3].samples.is_empty());
    }
}

//! `stapes vad`: speech segments of recordings.

mod plot;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;
use stapes::audio::ReadOptions;
use stapes::infer::{Input, Model};
use stapes::report::visible;
use stapes::run::{self, Run, RunState};
use stapes::{BuiltInModel, FileClassifier, FileSpeech, LabeledSegment, SegmentFormat};
use stapes_files::number::rounded_seconds;

use super::batches;
use super::channel_arg::ChannelArg;
use super::console::Console;
use super::input_files::{self, InputFile, STANDARD_INPUT};
use super::paths::{create_folder, write_file};
use super::predict::with_path;
use super::speech_args::SpeechArgs;

/// Files per thread that are read before their results are printed.
const BATCH: usize = 4;

/// Find the speech in recordings with a voice activity model
///
/// The segments are made as by silero-vad, with its options and defaults.
#[derive(Args)]
#[command(after_help = "Examples:\n  stapes vad interview.mp3\n  stapes vad runs/vad interview.mp3\n  \
    stapes vad runs/vad recordings --format textgrid --out segments\n  \
    stapes vad runs/vad meeting.wav --cut pieces --speech-pad-ms 100\n  \
    stapes vad runs/vad meeting.wav --plot pictures\n\n\
    Output without --format: one line per segment, `start end file`, in seconds.")]
pub(crate) struct Vad {
    /// Recordings, folders or patterns such as '*.wav'. If the first is a run folder or a model file, it is the model [default model:
    /// the built-in vad]
    #[arg(value_name = "[MODEL] PATH", required_unless_present = "files_from")]
    paths: Vec<PathBuf>,
    /// File with further paths, one per line; - for the standard input
    #[arg(long, value_name = "LIST")]
    files_from: Option<PathBuf>,
    /// Format of the segments
    #[arg(long, value_parser = PossibleValuesParser::new(SegmentFormat::NAMES).try_map(|name| name.parse::<SegmentFormat>()))]
    format: Option<SegmentFormat>,
    /// Write one file per recording into this folder, with the subfolders of the recordings; overwrites existing files
    #[arg(long, value_name = "DIR", requires = "format")]
    out: Option<PathBuf>,
    /// Write each segment as a WAV file into this folder
    #[arg(long, value_name = "DIR")]
    cut: Option<PathBuf>,
    /// Replace WAV files that exist
    #[arg(long, requires = "cut")]
    force: bool,
    /// Draw level, speech probability and segments of each recording as a PNG file in this folder; overwrites existing files
    #[arg(long, value_name = "DIR")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    speech: SpeechArgs,
}

/// Label of the segments.
const SPEECH: &str = "speech";

impl Vad {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let options = self.speech.options()?;
        let (model, paths) = match self.paths.split_first() {
            Some((first, rest)) if is_model(first) => {
                let model = Run::load_model(first)?;
                check(&model, first)?;
                (model, rest)
            }
            _ => (BuiltInModel::VAD.load()?, &self.paths[..]),
        };
        let found = input_files::find(paths, self.files_from.as_deref(), input_files::is_recording)?;
        let files = found.files;
        if files.iter().any(|file| file.path.as_os_str() == STANDARD_INPUT) {
            bail!("-: this command reads files; `stapes stream` reads the standard input");
        }
        if let Some(format) = self.format.filter(|format| !format.joins())
            && files.len() > 1
            && self.out.is_none()
        {
            bail!("{} recordings are not one .{} file; give --out a folder", files.len(), format.extension());
        }
        self.check_outputs(&files)?;
        let is_any = !files.is_empty();
        for folder in self.out.iter().chain(&self.cut).chain(&self.plot).filter(|_| is_any) {
            create_folder(folder)?;
        }
        if let Some(format) =
            self.format.filter(|_| is_any && self.out.is_none() && !format_is_empty(self.format))
        {
            print_text(console, format.header());
        }
        Ok(batches::process(
            (&files, &found.failed),
            BATCH,
            console,
            || Ok(FileClassifier::new(&model)?.with_channel(self.channel.channel)),
            |classifier, file| with_path(classifier.speech(&file.path, &options), &file.path),
            |file, found| {
                if let Some(folder) = &self.plot {
                    let path = folder.join(file.below.with_extension("png"));
                    create_parent(&path)?;
                    plot::write(
                        &path,
                        (&file.path, self.channel.channel),
                        &model,
                        &found,
                        options.threshold,
                    )?;
                }
                self.write(file, &found, console)
            },
            |file, error| console.failed_file(&file.path, &super::message(error)),
        ))
    }

    /// Checks that no two recordings have the same outputs.
    fn check_outputs(&self, files: &[InputFile]) -> Result<()> {
        let mut seen: HashMap<PathBuf, &Path> = HashMap::new();
        for file in files.iter().filter(|_| self.out.is_some() || self.cut.is_some() || self.plot.is_some()) {
            if let Some(other) = seen.insert(file.below.with_extension(""), &file.path) {
                bail!(
                    "{} and {} would have the same output; write them into two folders, one command for each",
                    other.display(),
                    file.path.display()
                );
            }
        }
        Ok(())
    }

    /// Writes the segments of a file.
    fn write(
        &self,
        InputFile { path: file, below }: &InputFile,
        found: &FileSpeech,
        console: &Console,
    ) -> Result<()> {
        let segments: Vec<LabeledSegment> = found
            .segments
            .iter()
            .map(|segment| LabeledSegment {
                start_seconds: segment.start_seconds,
                end_seconds: segment.end_seconds,
                label: SPEECH.into(),
            })
            .collect();
        let shown = file.display().to_string();
        match (self.format, &self.out) {
            (Some(format), Some(out)) => {
                let text = format.header().to_owned() + &format.text(file, found.seconds, &segments);
                let path = out.join(below.with_extension(format.extension()));
                create_parent(&path)?;
                write_file(&path, text.as_bytes())?;
            }
            (Some(format), None) => print_text(console, &format.text(file, found.seconds, &segments)),
            (None, _) => {
                for segment in &segments {
                    let (start, end) = (segment.start_seconds, segment.end_seconds);
                    console.print(&format!("{start:.3}\t{end:.3}\t{}", visible(&shown)));
                }
                if segments.is_empty() {
                    console.status(&format!("{}: no speech", visible(&shown)));
                }
            }
        }
        if let Some(folder) = &self.cut {
            self.cut(file, &folder.join(below), found)?;
        }
        let times = segments.iter().map(
            |segment| json!({ "start": rounded_seconds(segment.start_seconds), "end": rounded_seconds(segment.end_seconds) }),
        );
        console.json_with(
            || json!({ "file": shown, "seconds": found.seconds, "segments": times.collect::<Vec<_>>() }),
        );
        Ok(())
    }
}

/// Returns true for a run folder, a model file, and the name of a built-in model.
fn is_model(path: &Path) -> bool {
    let is_file = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
    is_file || BuiltInModel::find(path).is_some() || path.join(run::MODEL).exists() || is_run(path)
}

fn is_run(path: &Path) -> bool {
    path.is_dir() && matches!(RunState::of(path), Ok(RunState::Partial | RunState::Complete))
}

/// Checks that the model finds speech.
fn check(model: &Model, path: &Path) -> Result<()> {
    let is_frame_level = model.network()?.objective().is_frame_level();
    if !is_frame_level || !matches!(model.input, Input::Recordings(_)) {
        bail!(
            "{}: not a voice activity model; train one with labels per frame (head = \"per_frame_binary\"), such as the \
             built-in recipe upc-vad",
            path.display()
        );
    }
    Ok(())
}

/// Returns true for a format without text before the first recording.
fn format_is_empty(format: Option<SegmentFormat>) -> bool {
    format.is_none_or(|format| format.header().is_empty())
}

/// Prints lines of a file of segments.
fn print_text(console: &Console, text: &str) {
    let text = text.trim_end_matches('\n');
    if !text.is_empty() {
        console.print(text);
    }
}

/// Creates the folder of a file.
fn create_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), create_folder)
}

impl Vad {
    /// Writes the segments of a recording as WAV files beside `place`: `interview_0001.wav`.
    fn cut(&self, file: &Path, place: &Path, found: &FileSpeech) -> Result<()> {
        create_parent(place)?;
        let stem = place.file_stem().unwrap_or_default().to_string_lossy();
        for (number, segment) in found.segments.iter().enumerate() {
            let path = place.with_file_name(format!("{stem}_{:04}.wav", number + 1));
            if !self.force && path.symlink_metadata().is_ok() {
                bail!("{}: exists; choose another folder, or replace it with --force", path.display());
            }
            let part = Some((segment.start_seconds, Some(segment.end_seconds)));
            let options = ReadOptions { channel: self.channel.channel, segment: part };
            let clip = stapes::audio::read_with(file, &options)?;
            stapes::audio::write_wav(&path, &clip).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

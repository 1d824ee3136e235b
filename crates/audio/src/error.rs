//! Why a sound file could not be read, written or brought to another rate.

use std::path::PathBuf;

use stapes_files::SpecialFile;

/// Why a sound file could not be read, written or brought to another rate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The operating system refused: no such file, no permission, no room.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The path names a folder, a pipe, a socket or a device. It was not opened.
    #[error(
        "{}: is {kind}, and a recording is read from a regular file; save the sound to a file",
        path.display()
    )]
    NotAFile {
        /// Path that was named.
        path: PathBuf,
        /// Kind of what is there.
        kind: SpecialFile,
    },
    /// The file has no bytes.
    #[error("{}: the file is empty (0 bytes)", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file's first bytes are not those of a sound file that is read.
    #[error(
        "{}: not a WAV file, nor FLAC, MP3, AAC, M4A, Ogg Vorbis or Opus: the file is {found}; \
         convert it to WAV or FLAC",
        path.display()
    )]
    NotAudio {
        /// The file.
        path: PathBuf,
        /// What the first bytes look like.
        found: String,
    },
    /// The file ends early.
    #[error(
        "{}: truncated: the {what} at byte {byte} should have {expected} bytes, the file has {got} of them; \
         fetch or copy the file again",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What ends early.
        what: String,
        /// Where it begins.
        byte: u64,
        /// How many bytes it should have.
        expected: u64,
        /// How many are there.
        got: u64,
    },
    /// The file ends before as many samples as it announces.
    #[error(
        "{}: truncated: {announced} {expected} samples, the file has {got} of them; \
         fetch or copy the file again",
        path.display()
    )]
    TooFewSamples {
        /// The file.
        path: PathBuf,
        /// Who announces them, with a verb.
        announced: &'static str,
        /// How many samples the file should have.
        expected: u64,
        /// How many could be decoded.
        got: u64,
    },
    /// The file ends between two of its parts, before the one that marks the end.
    #[error(
        "{}: truncated: the file ends at byte {byte} without {missing}; fetch or copy the file again",
        path.display()
    )]
    NoEnd {
        /// The file.
        path: PathBuf,
        /// Where the file ends.
        byte: u64,
        /// What should have come.
        missing: &'static str,
    },
    /// Bytes that no encoder writes.
    #[error("{}: damaged at byte {byte}: {what}; fetch or copy the file again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the part begins that cannot be read.
        byte: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A field of the header has a value that no sound file can have.
    #[error("{}: byte {byte}: {field} = {value}: must be {rule}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// Where the field lies.
        byte: u64,
        /// The field's name.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        rule: String,
    },
    /// A sound file of a kind that is not read.
    #[error(
        "{}: byte {byte}: {what} is not supported; convert the file to FLAC of 16 or 24 bits, or to WAV with PCM \
         of 8, 16, 24 or 32 bits or float of 32 or 64 bits",
        path.display()
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Where that is written.
        byte: u64,
        /// The kind.
        what: String,
    },
    /// A well-formed file without a single sample.
    #[error("{}: no samples: the {what} at byte {byte} is empty", path.display())]
    NoSamples {
        /// The file.
        path: PathBuf,
        /// What should hold them.
        what: &'static str,
        /// Where they should begin.
        byte: u64,
    },
    /// More samples than are read into memory.
    #[error(
        "{}: decodes to more than {most} samples: cut the recording into shorter files",
        path.display()
    )]
    TooManySamples {
        /// The file.
        path: PathBuf,
        /// The most that are read, counted after the channels are mixed.
        most: u64,
    },
    /// A part that is none: it ends before it begins, or a time is no number.
    #[error("{}: the part from {start_seconds} s to {end_seconds} s: {rule}", path.display())]
    Part {
        /// The file.
        path: PathBuf,
        /// Where it should begin.
        start_seconds: f64,
        /// Where it should end.
        end_seconds: f64,
        /// What must hold.
        rule: &'static str,
    },
    /// A part that goes beyond the end of the recording.
    #[error(
        "{}: the part that ends at {end_seconds} s: the recording lasts {seconds:.3} s; correct the times",
        path.display()
    )]
    BeyondEnd {
        /// The file.
        path: PathBuf,
        /// Where the part should end; where it should begin, if it has no end.
        end_seconds: f64,
        /// How long the recording is.
        seconds: f64,
    },
    /// A sample is NaN or infinite.
    #[error("{}: sample {sample} is {value}: samples must be finite numbers", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Which sample, from 0, counted after the channels are mixed.
        sample: usize,
        /// Its value.
        value: f64,
    },
    /// The decoder refused the samples.
    #[error("{}: cannot be decoded: {reason}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// A clip too long for the sizes in a WAV header.
    #[error("{}: {samples} samples do not fit into a WAV file: write at most {most}", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// How many samples the clip has.
        samples: usize,
        /// How many fit.
        most: usize,
    },
    /// A clip cannot be brought from one rate to the other.
    #[error("resampling from {from_hz} Hz to {to_hz} Hz: {reason}")]
    Resample {
        /// The clip's rate.
        from_hz: u32,
        /// The rate asked for.
        to_hz: u32,
        /// What is wrong.
        reason: String,
    },
}

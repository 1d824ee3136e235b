//! Errors of reading, writing and resampling audio.

use std::path::PathBuf;

use stapes_files::SpecialFile;

/// Error of reading, writing or resampling audio.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The operating system reported an error, such as a missing file or permission.
    #[error("{}: {source}", path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The path is a folder, a pipe, a socket or a device. It was not opened.
    #[error("{}: is {kind}, not a regular file; save the audio to a file", path.display())]
    NotAFile {
        /// Path that was given.
        path: PathBuf,
        /// Kind of file at the path.
        kind: SpecialFile,
    },
    /// The file has no bytes.
    #[error("{}: the file is empty (0 bytes); download or copy it again", path.display())]
    Empty {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file is a placeholder of git-lfs for the recording.
    #[error("{}: a git-lfs pointer, not the recording; run `git lfs pull` in its repository", path.display())]
    LfsPointer {
        /// Path of the file.
        path: PathBuf,
    },
    /// The first bytes do not belong to a supported format.
    #[error(
        "{}: not a WAV, AIFF, AU, CAF, FLAC, MP3, AAC, MP4 or Ogg file: the file is {found}; convert it to WAV or FLAC",
        path.display()
    )]
    NotAudio {
        /// Path of the file.
        path: PathBuf,
        /// Description of the first bytes.
        found: String,
    },
    /// The file ends early.
    #[error(
        "{}: truncated: the {what} at byte {byte} should have {expected} bytes, but the file has {got}; \
         download or copy it again",
        path.display()
    )]
    Truncated {
        /// Path of the file.
        path: PathBuf,
        /// Element that ends early.
        what: String,
        /// Position of the element.
        byte: u64,
        /// Expected number of bytes.
        expected: u64,
        /// Available number of bytes.
        got: u64,
    },
    /// The file has fewer samples than it announces.
    #[error(
        "{}: truncated: {announced} {expected} samples, but the file has {got}; download or copy it again",
        path.display()
    )]
    TooFewSamples {
        /// Path of the file.
        path: PathBuf,
        /// Element that announces the samples, with a verb.
        announced: &'static str,
        /// Announced number of samples.
        expected: u64,
        /// Number of decoded samples.
        got: u64,
    },
    /// The file ends between two elements, before the one that marks the end.
    #[error(
        "{}: truncated: the file ends at byte {byte} without {missing}; download or copy it again",
        path.display()
    )]
    NoEnd {
        /// Path of the file.
        path: PathBuf,
        /// Length of the file.
        byte: u64,
        /// Missing element.
        missing: &'static str,
    },
    /// The file contains bytes that no encoder writes.
    #[error("{}: damaged at byte {byte}: {what}; download or copy it again", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Position of the unreadable element.
        byte: u64,
        /// Description of the damage.
        what: String,
    },
    /// A header field has a value that is impossible in an audio file.
    #[error("{}: byte {byte}: {field} = {value}: must be {rule}", path.display())]
    Header {
        /// Path of the file.
        path: PathBuf,
        /// Position of the field.
        byte: u64,
        /// Name of the field.
        field: &'static str,
        /// Value of the field.
        value: String,
        /// Permitted values.
        rule: String,
    },
    /// The codec or container variant is not supported.
    #[error(
        "{}: byte {byte}: {what} is not supported; convert the file to FLAC of 16 or 24 bits, or to WAV with PCM \
         of 8, 16, 24 or 32 bits or float of 32 or 64 bits",
        path.display()
    )]
    Unsupported {
        /// Path of the file.
        path: PathBuf,
        /// Position in the file that determines the variant.
        byte: u64,
        /// Description of the variant.
        what: String,
    },
    /// The file is valid but has no samples.
    #[error("{}: no samples: the {what} at byte {byte} is empty; record or copy it again", path.display())]
    NoSamples {
        /// Path of the file.
        path: PathBuf,
        /// Element that should contain the samples.
        what: &'static str,
        /// Position of the element.
        byte: u64,
    },
    /// The file does not have the channel that should be read.
    #[error(
        "{}: channel {channel} does not exist: the file has {channels} channel{}, and the first is channel 0; choose \
         another channel, or remove the file",
        path.display(),
        if *channels == 1 { "" } else { "s" }
    )]
    NoChannel {
        /// Path of the file.
        path: PathBuf,
        /// Channel that should be read, counted from 0.
        channel: usize,
        /// Number of channels of the file.
        channels: usize,
    },
    /// The file has more samples than are read into memory.
    #[error("{}: decodes to more than {max_samples} samples; cut it into shorter files", path.display())]
    TooManySamples {
        /// Path of the file.
        path: PathBuf,
        /// Maximum number of samples, counted after the channels are mixed.
        max_samples: u64,
    },
    /// A segment is empty, or one of its times is negative or not a number.
    #[error("{}: segment from {start_seconds} s to {end_seconds} s: {rule}", path.display())]
    Segment {
        /// Path of the file.
        path: PathBuf,
        /// Start of the segment.
        start_seconds: f64,
        /// End of the segment.
        end_seconds: f64,
        /// Violated rule.
        rule: &'static str,
    },
    /// A segment ends after the recording.
    #[error(
        "{}: segment up to {end_seconds} s: the recording has only {seconds:.3} s; correct the times",
        path.display()
    )]
    BeyondEnd {
        /// Path of the file.
        path: PathBuf,
        /// End of the segment, or its start if it has no end.
        end_seconds: f64,
        /// Duration of the recording.
        seconds: f64,
    },
    /// A sample is NaN or infinite.
    #[error("{}: sample {sample} is {value}; samples must be finite numbers", path.display())]
    NotFinite {
        /// Path of the file.
        path: PathBuf,
        /// Index of the sample, counted after the channels are mixed.
        sample: usize,
        /// Value of the sample.
        value: f64,
    },
    /// The decoder rejected the samples.
    #[error("{}: cannot be decoded: {reason}", path.display())]
    Decode {
        /// Path of the file.
        path: PathBuf,
        /// Message of the decoder.
        reason: String,
    },
    /// The clip is too long for the 32-bit sizes of a WAV header.
    #[error(
        "{}: {samples} samples do not fit into a WAV file; write at most {max_samples}",
        path.display()
    )]
    TooLong {
        /// Path of the file.
        path: PathBuf,
        /// Number of samples of the clip.
        samples: usize,
        /// Maximum number of samples.
        max_samples: usize,
    },
    /// A clip cannot be resampled between two rates.
    #[error("resampling from {from_hz} Hz to {to_hz} Hz: {reason}")]
    Resample {
        /// Sample rate of the clip.
        from_hz: u32,
        /// Requested sample rate.
        to_hz: u32,
        /// Reason.
        reason: String,
    },
}

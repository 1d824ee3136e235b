//! Why a sound file could not be read, written or brought to another rate.

use std::path::PathBuf;

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
    /// The path names a folder or a device.
    #[error("{}: not a regular file; name a WAV file", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// The file has no bytes.
    #[error("{}: the file is empty (0 bytes)", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file's first bytes are not those of a WAV file.
    #[error(
        "{}: not a WAV file: byte 0 should start \"RIFF....WAVE\" but the file is {found}; \
         convert it to WAV (PCM)",
        path.display()
    )]
    NotWav {
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
        "{}: byte {byte}: {what} is not supported; convert the file to WAV with PCM of 8, 16, 24 or 32 bits \
         or float of 32 or 64 bits",
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
    #[error("{}: no samples: the data chunk at byte {byte} is empty", path.display())]
    NoSamples {
        /// The file.
        path: PathBuf,
        /// Where the samples should begin.
        byte: u64,
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

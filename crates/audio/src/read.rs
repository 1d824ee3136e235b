//! Reading a file as a clip.

use std::path::Path;

use crate::blocks::{Blocks, Decoder, MAX_SAMPLES, contained};
use crate::formats::adts::Adts;
use crate::formats::encoded::Encoded;
use crate::formats::flac::Flac;
use crate::formats::mp3::Mp3;
use crate::formats::mp4::Mp4;
use crate::formats::ogg::Ogg;
use crate::formats::{aiff, au, caf, wav};
use crate::input::Input;
use crate::kind::Kind;
use crate::options::{self, Channel, ReadOptions};
use crate::{AudioError, Clip};

/// Reads an audio file of any of the [`FORMATS`](crate::FORMATS) as one mono clip.
///
/// The first bytes determine the format; the file name does not. Any sample rate is accepted. Channels are averaged
/// in f64; [`read_with`](crate::read_with) reads one channel.
///
/// - **WAV**, also as RF64 and W64, **AIFF**, AIFC, **AU** and **CAF**: PCM with 8, 16, 24 and 32 bits, float with 32 and
///   64 bits, mu-law and A-law, 1 to 256 channels. A 16-bit sample x becomes exactly x / 32768, an unsigned 8-bit one
///   (x - 128) / 128, 24-bit x / 2^23, 32-bit x / 2^31 (rounded once to f32); float samples keep their value. Mu-law and
///   A-law have 16 bits. IMA ADPCM (and Microsoft's in WAV) with one or two channels; MP3 in WAV; ALAC in CAF.
/// - **FLAC** with up to 24 bits, also in Ogg, and **ALAC** in MP4 (M4A), scaled like PCM.
/// - **MP3** (layer III of MPEG 1, 2 and 2.5), **AAC-LC** with one or two channels in MP4 (M4A) or ADTS,
///   **Vorbis** and **Opus** in Ogg. Opus is decoded at 48 kHz, whatever the rate of the original. Samples of lossy
///   formats may exceed [-1, 1] slightly.
///
/// Encoder delay and padding are removed where the file states them: in the LAME header of MP3, the edit list or
/// `iTunSMPB` tag of MP4, the granule positions and the pre-skip of Ogg. The clip then has the length and the time
/// alignment of the original. A bare MP3 or ADTS stream, or MP3 in WAV, does not state them: its clip is late by the delay of encoder
/// and decoder (1,105 samples after LAME, 1,024 after most AAC encoders).
///
/// A truncated file is an error, not a shorter clip. A bare MP3 or ADTS stream and a FLAC file without a stated length
/// may end after any complete frame; all other formats state their end.
///
/// Memory is allocated only for bytes that exist, whatever a header claims; a compressed file is decoded to at most
/// 2^30 samples. A program that writes WAV to a pipe cannot fill in the sizes afterwards. A file is read as such a
/// stream, up to its end, if *both* its RIFF size and its data size are unset: 0 or at least 2 GiB - 64 KiB (ffmpeg
/// writes 0xFFFFFFFF, sox 0x7FFFF000, arecord 0x80000000), or if the data size is 0 and the RIFF size ends where the
/// data begins. Any other data size beyond the end of the file means that the file is truncated.
///
/// # Units
/// Samples nominally in [-1, 1]; the rate in Hz.
///
/// # Errors
/// [`AudioError::Io`] for a missing or unreadable file, [`AudioError::NotAFile`], [`AudioError::Empty`],
/// [`AudioError::NotAudio`] for other formats; [`AudioError::Truncated`] with the expected and available bytes,
/// [`AudioError::TooFewSamples`] and [`AudioError::NoEnd`] for other kinds of truncation;
/// [`AudioError::Damaged`] for a wrong checksum, or a frame that is missing or cannot be decoded;
/// [`AudioError::Header`] for a rate of 0 Hz, or an impossible number of channels, rows or bytes per frame;
/// [`AudioError::Unsupported`] for other codecs, surround or high-efficiency AAC, fragmented MP4 and several
/// recordings in one file; [`AudioError::NoSamples`], [`AudioError::TooManySamples`], and
/// [`AudioError::NotFinite`] for NaN or infinity, with the sample's index.
///
/// # Example
/// ```
/// let error = stapes_audio::read("no/such/file.mp3".as_ref()).unwrap_err();
/// assert!(error.to_string().starts_with("no/such/file.mp3: "));
/// ```
pub fn read(path: &Path) -> Result<Clip, AudioError> {
    options::read_with(path, &ReadOptions::default())
}

/// Returns the recording block by block, and its number of samples if the header states it, else 0.
///
/// The blocks start at `start_seconds` in seekable formats, else at the start of the recording.
pub(crate) fn blocks(
    input: Input,
    channel: Channel,
    start_seconds: f64,
) -> Result<(Blocks, usize), AudioError> {
    let path = input.path().to_owned();
    let (blocks, samples) = contained(&path, || open_blocks(input, start_seconds))?;
    Ok((blocks.of_channel(channel), samples))
}

fn open_blocks(mut input: Input, start_seconds: f64) -> Result<(Blocks, usize), AudioError> {
    let path = input.path().to_owned();
    let decoder: Box<dyn Decoder> = match Kind::detect(&mut input)? {
        Kind::Wav => return container(wav::encoded(&mut input)?, input, start_seconds),
        Kind::Aiff => return container(aiff::encoded(&mut input)?, input, start_seconds),
        Kind::Caf => return container(caf::encoded(&mut input)?, input, start_seconds),
        Kind::Au => return container(Encoded::Pcm(au::layout(&mut input)?), input, start_seconds),
        Kind::Flac => Box::new(Flac::open(input)?),
        Kind::Mp3 => Box::new(Mp3::open(input)?),
        Kind::Adts => Box::new(Adts::open(input)?),
        Kind::Mp4 => Box::new(Mp4::open(input)?),
        Kind::Ogg => Box::new(Ogg::open(input)?),
    };
    Ok((Blocks::new(path, decoder, MAX_SAMPLES), 0))
}

fn container(encoded: Encoded, input: Input, start_seconds: f64) -> Result<(Blocks, usize), AudioError> {
    let path = input.path().to_owned();
    let Encoded::Pcm(layout) = encoded else {
        return Ok((Blocks::new(path, encoded.open(input, 0)?, MAX_SAMPLES), 0));
    };
    let frames = layout.frames();
    let first = sample_at(start_seconds, layout.format.sample_rate_hz).min(frames);
    let decoder = encoded.open(input, first)?;
    Ok((Blocks::new(path, decoder, u64::MAX).starting_at(first), frames as usize))
}

/// Returns the sample nearest to a time that is not negative.
pub(crate) fn sample_at(seconds: f64, sample_rate_hz: u32) -> u64 {
    // The cast saturates.
    (seconds * f64::from(sample_rate_hz)).round() as u64
}

#[cfg(test)]
mod tests;

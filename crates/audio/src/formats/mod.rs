//! Container formats, one file per format: layout and validation.

pub(crate) mod aac;
pub(crate) mod adpcm;
pub(crate) mod adts;
pub(crate) mod aiff;
pub(crate) mod alac;
pub(crate) mod au;
pub(crate) mod caf;
pub(crate) mod codec;
pub(crate) mod encoded;
pub(crate) mod flac;
pub(crate) mod id3;
pub(crate) mod mp3;
pub(crate) mod mp4;
pub(crate) mod ogg;
pub(crate) mod ogg_flac;
pub(crate) mod opus;
pub(crate) mod pcm;
pub(crate) mod vorbis;
pub(crate) mod wav;
#[cfg(test)]
pub(crate) mod wav_fixture;

/// Returns the big-endian number in at most eight bytes.
pub(crate) fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

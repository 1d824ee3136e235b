//! Container formats, one file per format: layout and validation.

pub(crate) mod aac;
pub(crate) mod adts;
pub(crate) mod codec;
pub(crate) mod flac;
pub(crate) mod id3;
pub(crate) mod mp3;
pub(crate) mod mp4;
pub(crate) mod ogg;
pub(crate) mod opus;
pub(crate) mod vorbis;
pub(crate) mod wav;
#[cfg(test)]
pub(crate) mod wav_fixture;
pub(crate) mod wav_samples;

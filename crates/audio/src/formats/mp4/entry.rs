//! Sample descriptions of an MP4 track.

use super::boxes::Mp4Box;
use crate::AudioError;
use crate::formats::aac::{PACKET_SAMPLES, Settings};
use crate::formats::alac;
use crate::formats::codec::Codec;

/// Codec of a track.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    settings: CodecSettings,
    /// Position of the description in the file.
    pub byte: u64,
}

#[derive(Clone, Debug)]
enum CodecSettings {
    Aac(Settings),
    Alac(alac::Settings),
}

impl Entry {
    pub(super) fn sample_rate_hz(&self) -> u32 {
        match &self.settings {
            CodecSettings::Aac(settings) => settings.sample_rate_hz,
            CodecSettings::Alac(settings) => settings.sample_rate_hz,
        }
    }

    /// Returns the number of samples of a packet, per channel.
    pub(super) fn packet_samples(&self) -> u64 {
        match &self.settings {
            CodecSettings::Aac(_) => PACKET_SAMPLES,
            CodecSettings::Alac(settings) => settings.packet_frames,
        }
    }

    pub(super) fn codec(&self) -> Result<Codec, String> {
        match &self.settings {
            CodecSettings::Aac(settings) => settings.codec(),
            CodecSettings::Alac(settings) => settings.codec(),
        }
    }

    /// Reads the single sample description of an AAC-LC or ALAC track.
    pub(super) fn read(samples: &Mp4Box) -> Result<Entry, AudioError> {
        let descriptions = samples.require(b"stsd")?;
        let count = descriptions.number(4, 4)?;
        if count > 1 {
            return Err(descriptions.unsupported(format!("an MP4 track of {count} kinds of packets")));
        }
        let missing = || descriptions.damaged("the MP4 box \"stsd\" does not describe any packets");
        let entry = descriptions.children_from(8).next().ok_or_else(missing)??;
        if !matches!(&entry.name, b"mp4a" | b"alac") {
            let what =
                format!("MP4 with \"{}\" (it should be \"mp4a\" or \"alac\")", entry.name.escape_ascii());
            return Err(entry.unsupported(what));
        }
        // Later QuickTime versions have more fields before the boxes.
        let fields = match entry.number(8, 2)? {
            0 => 28,
            1 => 44,
            2 => 64,
            version => return Err(entry.unsupported(format!("a sound description of version {version}"))),
        };
        let name = if entry.name == *b"alac" { b"alac" } else { b"esds" };
        let stream = entry.children_from(fields).find_map(|child| match child {
            Ok(child) if child.name == *b"wave" => child.children().find(|child| is(child, name)),
            child => is(&child, name).then_some(child),
        });
        let missing = || {
            entry.damaged(format!("the MP4 sound description is without a box \"{}\"", name.escape_ascii()))
        };
        let stream = stream.ok_or_else(missing)??;
        if entry.name == *b"alac" {
            let settings = stream.content.get(4..).and_then(alac::Settings::parse);
            let settings =
                settings.ok_or_else(|| stream.damaged("the ALAC description is too short or invalid"))?;
            return Ok(Entry { settings: CodecSettings::Alac(settings), byte: stream.byte });
        }
        let settings = settings(&stream)?;
        if let Some(what) = settings.unsupported() {
            return Err(stream.unsupported(what));
        }
        if settings.sample_rate_hz == 0 {
            let (path, value) = (stream.path.to_owned(), "0 Hz".to_owned());
            let (field, rule) = ("sample rate", "above 0 Hz".to_owned());
            return Err(AudioError::Header { path, byte: stream.byte, field, value, rule });
        }
        Ok(Entry { settings: CodecSettings::Aac(settings), byte: stream.byte })
    }
}

/// Returns true for a box with this name, and for errors, which are reported later.
fn is(candidate: &Result<Mp4Box, AudioError>, name: &[u8; 4]) -> bool {
    candidate.as_ref().map_or(true, |found| found.name == *name)
}

/// Reads nested descriptors: stream, decoder, and decoder-specific data.
fn settings(stream: &Mp4Box) -> Result<Settings, AudioError> {
    let short = || stream.damaged("the description of the AAC stream ends early");
    let mut rest = stream.content.get(4..).ok_or_else(short)?;
    loop {
        let (tag, content, after) = descriptor(rest).ok_or_else(short)?;
        rest = match tag {
            3 => {
                let flags = *content.get(2).ok_or_else(short)?;
                let address =
                    if flags & 0x40 == 0 { 0 } else { 1 + usize::from(*content.get(3).unwrap_or(&0)) };
                let optional = usize::from(flags >> 7) * 2 + usize::from(flags >> 5 & 1) * 2;
                content.get(3 + address + optional..).ok_or_else(short)?
            }
            4 => {
                let kind = *content.first().ok_or_else(short)?;
                if kind != 0x40 && kind != 0x67 {
                    return Err(stream.unsupported(format!("MP4 with object type {kind:#04x} (not AAC-LC)")));
                }
                content.get(13..).ok_or_else(short)?
            }
            5 => return Settings::parse(content).ok_or_else(short),
            _ => after,
        };
    }
}

/// Returns tag and content of the first descriptor, and the bytes after it.
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    // Seven bits per byte, at most four bytes; the highest bit means that another byte follows.
    let width = 1 + rest.iter().take(3).take_while(|&&byte| byte & 0x80 != 0).count();
    let (size, rest) = rest.split_at_checked(width)?;
    let size = size.iter().fold(0, |size, &byte| size << 7 | usize::from(byte & 0x7f));
    // Some writers claim more bytes than there are.
    let (content, after) = rest.split_at(size.min(rest.len()));
    Some((tag, content, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<Settings, AudioError> {
        settings(&Mp4Box { path: "a".as_ref(), name: *b"esds", byte: 100, content })
    }

    #[test]
    fn descriptors_are_read_in_every_width() {
        let decoder = [0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut short = vec![0, 0, 0, 0, 3, 22, 0, 0, 0, 4, 17];
        short.extend(decoder);
        short.extend([5, 2, 0x14, 0x08]);
        assert_eq!(read(&short).unwrap().sample_rate_hz, 16_000);
        let mut long = vec![0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 34, 0, 0, 0xa0, 0, 0, 0, 0];
        long.extend([4, 0x80, 0x80, 0x80, 20]);
        long.extend(decoder);
        long.extend([5, 0x80, 0x80, 0x80, 2, 0x14, 0x08]);
        assert_eq!(read(&long).unwrap().sample_rate_hz, 16_000);
        for length in 0..long.len() {
            assert!(read(&long[..length]).is_err());
        }
    }

    #[test]
    fn other_codecs_are_named() {
        let mut mp3 = vec![0, 0, 0, 0, 3, 22, 0, 0, 0, 4, 17, 0x6b];
        mp3.extend([0; 12]);
        assert!(read(&mp3).unwrap_err().to_string().contains("object type 0x6b"));
    }
}

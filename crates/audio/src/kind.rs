//! Detection of the format from the first bytes.

use crate::AudioError;
use crate::formats::id3;
use crate::formats::mp3::Header;
use crate::input::Input;

/// Supported formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Wav,
    Flac,
    Mp3,
    Adts,
    Mp4,
    Ogg,
}

impl Kind {
    /// Detects the format after optional tags, and moves to the start of the audio.
    pub(crate) fn detect(input: &mut Input) -> Result<Kind, AudioError> {
        let tagged = id3::skip(input)?;
        let start = input.peek(21)?;
        let kind = match start.get(..4).unwrap_or(&start) {
            b"fLaC" => Kind::Flac,
            b"OggS" if !tagged => Kind::Ogg,
            _ if !tagged && start.starts_with(b"RIFF") => Kind::Wav,
            _ if !tagged && matches!(start.get(4..8), Some(b"ftyp" | b"moov" | b"mdat")) => Kind::Mp4,
            [0xff, second, ..] if second & 0xf6 == 0xf0 => Kind::Adts,
            [0xff, second, ..] if second & 0xe6 == 0xe4 => {
                return Err(input.unsupported(input.position(), "MPEG audio layer II"));
            }
            word if Header::parse(word).is_some() => Kind::Mp3,
            _ if tagged => {
                let what = "no MP3, AAC or FLAC follows the ID3 tag";
                return Err(input.damaged(input.position(), what));
            }
            _ if start.starts_with(b"version https://git-l") => {
                return Err(AudioError::LfsPointer { path: input.path().to_owned() });
            }
            _ => return Err(AudioError::NotAudio { path: input.path().to_owned(), found: describe(&start) }),
        };
        Ok(kind)
    }
}

/// Describes a file of an unsupported format.
pub(crate) fn describe(start: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 9] = [
        (b"RF64", "RF64 (WAV beyond 4 GiB)"),
        (b"RIFX", "RIFX (big-endian WAV)"),
        (b"FORM", "AIFF"),
        (b"NIST_1A", "NIST SPHERE"),
        (b"caff", "CAF"),
        (b".snd", "Sun/NeXT audio (.au)"),
        (b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
        (b"\x30\x26\xb2\x75", "Windows Media (ASF)"),
        (b"#!AMR", "AMR"),
    ];
    if let Some((_, name)) = KNOWN.iter().find(|(magic, _)| start.starts_with(magic)) {
        return (*name).to_owned();
    }
    let start = &start[..start.len().min(21)];
    match std::str::from_utf8(start) {
        Ok(text) if !text.contains(|c: char| c.is_control() && !c.is_whitespace()) => {
            format!("text, \"{}\"", text.escape_debug())
        }
        _ => {
            let hex: Vec<String> = start.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!("of another kind, bytes {}", hex.join(" "))
        }
    }
}

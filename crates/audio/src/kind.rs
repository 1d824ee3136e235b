//! Detection of the format from the first bytes.

use std::path::Path;

use crate::AudioError;
use crate::formats::mp3::Header;
use crate::formats::{id3, wav};
use crate::input::Input;

/// File format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileFormat {
    /// Name of the container.
    pub name: &'static str,
    /// Usual extensions, in lower case, without a dot.
    pub extensions: &'static [&'static str],
    /// Codecs that are decoded.
    pub codecs: &'static str,
}

/// Formats that [`read`](crate::read) accepts. The content determines the format; the extension does not.
///
/// # Example
/// ```
/// let known = |name: &str| stapes_audio::FORMATS.iter().any(|format| format.extensions.contains(&name));
/// assert!(known("wav") && known("caf") && !known("wma"));
/// ```
pub const FORMATS: &[FileFormat] = {
    const PCM: &str = "PCM of 8 to 32 bits, float, mu-law, A-law";
    &[
        FileFormat {
            name: "WAV",
            extensions: &["wav", "wave", "rf64", "bw64", "w64"],
            codecs: "PCM of 8 to 32 bits, float, mu-law, A-law, IMA ADPCM, Microsoft ADPCM, MP3",
        },
        FileFormat {
            name: "AIFF",
            extensions: &["aiff", "aif", "aifc"],
            codecs: "PCM of 8 to 32 bits, float, mu-law, A-law, IMA ADPCM",
        },
        FileFormat { name: "AU", extensions: &["au", "snd"], codecs: PCM },
        FileFormat {
            name: "CAF",
            extensions: &["caf"],
            codecs: "PCM of 8 to 32 bits, float, mu-law, A-law, IMA ADPCM, ALAC",
        },
        FileFormat { name: "FLAC", extensions: &["flac"], codecs: "FLAC of up to 24 bits" },
        FileFormat { name: "MP3", extensions: &["mp3"], codecs: "MPEG audio layer III" },
        FileFormat { name: "AAC", extensions: &["aac", "adts"], codecs: "AAC-LC" },
        FileFormat { name: "MP4", extensions: &["m4a", "mp4"], codecs: "AAC-LC, ALAC" },
        FileFormat { name: "Ogg", extensions: &["ogg", "oga", "opus"], codecs: "Vorbis, Opus, FLAC" },
    ]
};

/// Returns true if a file has an extension of the [`FORMATS`], in upper or lower case.
///
/// # Example
/// ```
/// assert!(stapes_audio::has_audio_extension("yes/ANNA.WAV".as_ref()));
/// assert!(!stapes_audio::has_audio_extension("yes/notes.txt".as_ref()));
/// ```
pub fn has_audio_extension(path: &Path) -> bool {
    let Some(extension) = path.extension().and_then(|extension| extension.to_str()) else { return false };
    let known =
        |format: &FileFormat| format.extensions.iter().any(|known| known.eq_ignore_ascii_case(extension));
    FORMATS.iter().any(known)
}

/// Kinds of files that differ in how they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// WAV, RF64 or W64.
    Wav,
    Aiff,
    Au,
    Caf,
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
            b"RIFF" | b"RF64" | b"BW64" => Kind::Wav,
            _ if start.starts_with(&wav::W64_START[..]) => Kind::Wav,
            b"FORM" => Kind::Aiff,
            b".snd" => Kind::Au,
            b"caff" => Kind::Caf,
            _ if !tagged && matches!(start.get(4..8), Some(b"ftyp" | b"moov" | b"mdat")) => Kind::Mp4,
            [0xff, second, ..] if second & 0xf6 == 0xf0 => Kind::Adts,
            [0xff, second, ..] if second & 0xe6 == 0xe4 => {
                return Err(input.unsupported(input.position(), "MPEG audio layer II"));
            }
            word if Header::parse(word).is_some() => Kind::Mp3,
            _ if tagged => {
                let what = "no audio of a known format follows the ID3 tag";
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
    const KNOWN: [(&[u8], &str); 5] = [
        (b"RIFX", "RIFX (big-endian WAV)"),
        (b"NIST_1A", "NIST SPHERE"),
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

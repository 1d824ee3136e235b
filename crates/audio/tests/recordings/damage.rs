//! Truncated, damaged and malicious files: an error, never a panic, a hang or a large allocation.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::signal::fixture;
use proptest::prelude::*;
use stapes_audio::{Clip, read};

/// Files that state their length.
const KNOWN: [&str; 23] = [
    "mono_8k.flac",
    "stereo_16k.flac",
    "lame_mono_16k.mp3",
    "lame_vbr_stereo_16k.mp3",
    "ffmpeg_44k.mp3",
    "mono_16k.ogg",
    "ffmpeg_stereo_16k.ogg",
    "mono_16k.opus",
    "six_channels.opus",
    "ffmpeg_mono_16k.m4a",
    "ffmpeg_stereo_16k.m4a",
    "itunes_mono_16k.m4a",
    "mono.aiff",
    "stereo.au",
    "stereo.caf",
    "alac.caf",
    "ima4.caf",
    "alac.m4a",
    "rf64.wav",
    "stereo.w64",
    "flac.oga",
    "ima_adpcm.wav",
    "ms_adpcm_stereo.wav",
];
/// Files that may end after any packet.
const UNKNOWN: [&str; 4] = ["unknown_length.flac", "lame_no_header.mp3", "lame_tagged.mp3", "mono_16k.aac"];

/// Maximum time for a damaged file, relative to the time of all intact files together.
const MAX_SLOWDOWN: u32 = 20;

/// Returns the time to read all intact files.
fn time_of_intact_files() -> Duration {
    let start = Instant::now();
    KNOWN.iter().for_each(|name| assert!(read(&fixture(name)).is_ok(), "{name}"));
    start.elapsed()
}

/// Temporary file that is overwritten by each case.
pub(crate) struct TemporaryFile {
    _folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

impl TemporaryFile {
    pub(crate) fn new() -> TemporaryFile {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        TemporaryFile { _folder: folder, path }
    }

    /// Reads these bytes as a file and checks the time.
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<Clip, String> {
        static USUAL: OnceLock<Duration> = OnceLock::new();
        let usual = *USUAL.get_or_init(time_of_intact_files);
        std::fs::write(&self.path, bytes).unwrap();
        let (result, time) = self.timed();
        let fast = |time: Duration, intact: Duration| time < MAX_SLOWDOWN * intact;
        // A reader that was slow because the machine is busy is fast the next time.
        let again = |_| fast(self.timed().1, time_of_intact_files());
        assert!(fast(time, usual) || (0..5).any(again), "{time:?}, all intact files {usual:?}");
        if let Err(message) = &result {
            assert!(message.starts_with(&self.path.display().to_string()), "{message}");
        }
        result
    }

    /// Returns the result of reading the file, and the time.
    fn timed(&self) -> (Result<Clip, String>, Duration) {
        let start = Instant::now();
        (read(&self.path).map_err(|error| error.to_string()), start.elapsed())
    }
}

pub(crate) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// Returns every length within the headers, and some lengths of the rest.
fn lengths(complete: usize) -> impl Iterator<Item = usize> {
    (0..complete).filter(move |length| *length < 160 || length % 31 == 0 || length + 4 > complete)
}

#[test]
fn a_file_truncated_anywhere_is_an_error() {
    let file = TemporaryFile::new();
    for name in KNOWN {
        let intact = bytes(name);
        for length in lengths(intact.len()) {
            let result = file.read(&intact[..length]);
            let message = result.map(|clip| clip.samples.len()).expect_err(&format!("{name} {length}"));
            assert!(
                ["truncated", "damaged", "empty", "not a WAV, AIFF", "no samples", "must be"]
                    .iter()
                    .any(|word| message.contains(word)),
                "{name} {length}: {message}"
            );
        }
    }
}

#[test]
fn a_stream_without_a_length_truncated_within_a_packet_is_an_error() {
    let file = TemporaryFile::new();
    for name in UNKNOWN {
        let intact = bytes(name);
        let all = file.read(&intact).unwrap().samples;
        let lengths: Vec<usize> = lengths(intact.len()).collect();
        let read: Vec<_> = lengths.iter().filter_map(|&length| file.read(&intact[..length]).ok()).collect();
        for clip in &read {
            assert_eq!(clip.samples, all[..clip.samples.len()], "{name}");
        }
        // Only lengths at the end of a packet or within the final tags result in a clip.
        assert!(read.len() < lengths.len() / 20 + 10, "{name}: {} of {}", read.len(), lengths.len());
    }
}

#[test]
fn errors_of_truncated_files_name_the_missing_element() {
    let file = TemporaryFile::new();
    let cases = [
        ("mono_8k.flac", 3000, "truncated: the FLAC header announces 4001 samples, but the file has 0"),
        (
            "lame_mono_16k.mp3",
            3000,
            "truncated: the MP3 frame at byte 2880 should have 288 bytes, but the file has 120",
        ),
        (
            "lame_mono_16k.mp3",
            2880,
            "truncated: the MP3 header announces 9792 samples, but the file has 5184",
        ),
        ("mono_16k.ogg", 4000, "truncated: the Ogg page at byte "),
        ("mono_16k.opus", 28, "truncated: the Ogg page at byte 28 should have 19 bytes, but the file has 0"),
        ("ffmpeg_mono_16k.m4a", 3000, "truncated: the MP4 box \"mdat\" at byte 36 should have "),
        ("mono_16k.aac", 300, "truncated: the AAC packet at byte "),
    ];
    for (name, length, expected) in cases {
        let message = file.read(&bytes(name)[..length]).unwrap_err();
        assert!(message.contains(expected), "{name}: {message}");
    }
    // Truncated between two pages, and between the samples and the `moov` box.
    let opus = bytes("mono_16k.opus");
    let last = opus.windows(4).rposition(|window| window == b"OggS").unwrap();
    let message = file.read(&opus[..last]).unwrap_err();
    assert!(
        message.contains(&format!("the file ends at byte {last} without the last Ogg page")),
        "{message}"
    );
    let mp4 = bytes("ffmpeg_mono_16k.m4a");
    let movie = mp4.windows(4).rposition(|window| window == b"moov").unwrap() - 4;
    assert!(file.read(&mp4[..movie]).unwrap_err().contains("without the box \"moov\""));
}

#[test]
fn a_flipped_bit_is_detected_in_formats_with_checksums() {
    let file = TemporaryFile::new();
    let names = ["stereo_16k.flac", "mono_16k.ogg", "ffmpeg_stereo_16k.ogg", "mono_16k.opus"];
    for name in names {
        let intact = bytes(name);
        let clip = file.read(&intact).unwrap();
        // The FLAC header has no checksum: a change there changes the rate or the comments.
        let start = if name.ends_with("flac") { 100 } else { 0 };
        for byte in (start..intact.len()).step_by(7) {
            let mut changed = intact.clone();
            changed[byte] ^= 1 << (byte % 8);
            if let Ok(read) = file.read(&changed) {
                assert!(read == clip && name.ends_with("flac") && byte < 150, "{name} {byte}");
            }
        }
    }
}

#[test]
fn changed_bytes_cause_neither_panic_nor_hang() {
    let file = TemporaryFile::new();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for name in KNOWN.iter().chain(&UNKNOWN) {
        let intact = bytes(name);
        for round in 0..150 {
            let mut changed = intact.clone();
            for _ in 0..1 + random() % 4 {
                // Every second time in the headers.
                let within = if round % 2 == 0 { 400.min(intact.len()) } else { intact.len() };
                changed[random() % within] = random() as u8;
            }
            let _ = file.read(&changed);
        }
    }
}

#[test]
fn missing_and_surplus_pages_are_detected() {
    let file = TemporaryFile::new();
    let opus = bytes("stereo_16k.opus");
    let starts: Vec<usize> =
        (0..opus.len() - 4).filter(|&start| opus[start..].starts_with(b"OggS")).chain([opus.len()]).collect();
    assert!(starts.len() >= 4, "{starts:?}");
    let without = [&opus[..starts[1]], &opus[starts[2]..]].concat();
    let message = file.read(&without).unwrap_err();
    assert!(message.contains("Ogg page 2 comes where page 1 should"), "{message}");
    let twice = [opus.as_slice(), &opus].concat();
    let message = file.read(&twice).unwrap_err();
    assert!(
        message.contains(&format!("byte {}: an Ogg file of several recordings", opus.len())),
        "{message}"
    );
}

#[test]
fn bytes_that_are_neither_frame_nor_tag_are_detected() {
    let file = TemporaryFile::new();
    let bare = bytes("lame_no_header.mp3");
    let message = file.read(&[&bare[..], b"garbage that continues for a while"].concat()).unwrap_err();
    assert!(message.contains(&format!("damaged at byte {}: no MP3 frame begins", bare.len())), "{message}");
    for tail in [&[0; 700][..], b"TAG", b"APETAGEX\xd0\x07\0\0"] {
        assert_eq!(file.read(&[&bare, tail].concat()), file.read(&bare));
    }
    let announced = bytes("lame_mono_16k.mp3");
    let broken = [&announced[..2880], b"noise", &announced[2880..]].concat();
    let message = file.read(&broken).unwrap_err();
    assert!(message.contains("damaged at byte 2880: no MP3 frame begins"), "{message}");
    let message = file.read(&[&announced[..], &announced].concat()).unwrap_err();
    assert!(message.contains("the MP3 header announces fewer frames"), "{message}");
    let aac = bytes("mono_16k.aac");
    let message = file.read(&[&aac[..100], &aac[..]].concat()).unwrap_err();
    assert!(message.contains("damaged") || message.contains("truncated"), "{message}");
    let flac = bytes("mono_8k.flac");
    let tagged = [&b"ID3\x04\0\0\0\0\0\x05abcde"[..], &flac, b"TAG", &[0; 125]].concat();
    assert_eq!(file.read(&tagged), file.read(&flac));
}

#[test]
fn other_containers_and_codecs_are_named() {
    let file = TemporaryFile::new();
    let cases: [(&[u8], &str); 6] = [
        (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moof", "byte 16: a fragmented MP4 file is not supported"),
        (b"\xff\xfd\x90\x64 layer two", "byte 0: MPEG audio layer II is not supported"),
        (b"\x1a\x45\xdf\xa3", "the file is Matroska or WebM"),
        (
            b"ID3\x04\0\0\0\0\0\0Some words",
            "damaged at byte 10: no audio of a known format follows the ID3 tag",
        ),
        (b"\xff\xf1\x14\x40\x02\0\x1c\0\0", "byte 0: AAC of kind 1 (Main) is not supported"),
        (b"\xff\xfe\0h\0i", "of another kind, bytes ff fe"),
    ];
    for (bytes, expected) in cases {
        let message = file.read(bytes).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_after_a_known_start_make_a_reader_panic(
        start in prop::sample::select(vec![
            &b"fLaC\0\0\0\x22\x10\0\x10\0"[..],
            b"\xff\xfb\x90\x64",
            b"\xff\xf1\x50\x80",
            b"ID3\x04\0\0\0\0\0\0",
            b"\0\0\0\x08ftyp\0\0\x01\0moov",
            b"OggS\0\x02",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let _ = TemporaryFile::new().read(&[start, &rest].concat());
    }
}

#[test]
fn a_missing_file_is_named() {
    let message = read(Path::new("no/such/file.mp3")).unwrap_err().to_string();
    assert!(message.starts_with("no/such/file.mp3: "), "{message}");
}

//! Files that were cut, changed, or made to deceive: an error, never a panic, a hang or a large allocation.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::signal::fixture;
use proptest::prelude::*;
use stapes_audio::{Clip, read};

/// Files whose length is written in them.
const KNOWN: [&str; 12] = [
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
];
/// Files that may end after any packet, for all that is known.
const UNKNOWN: [&str; 4] = ["unknown_length.flac", "lame_no_header.mp3", "lame_tagged.mp3", "mono_16k.aac"];

/// How many times as long as all whole files together a damaged one may take.
const LONGEST: u32 = 20;

/// The time that all whole files take, one after the other.
fn time_of_whole_files() -> Duration {
    let begun = Instant::now();
    KNOWN.iter().for_each(|name| assert!(read(&fixture(name)).is_ok(), "{name}"));
    begun.elapsed()
}

/// A place for one file after the other.
struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        Place { _folder: folder, path }
    }

    /// Reads these bytes as a file, in a time bounded by that of whole files.
    fn read(&self, bytes: &[u8]) -> Result<Clip, String> {
        static USUAL: OnceLock<Duration> = OnceLock::new();
        let usual = *USUAL.get_or_init(time_of_whole_files);
        std::fs::write(&self.path, bytes).unwrap();
        let (result, time) = self.timed();
        let quick = |time: Duration, whole: Duration| time < LONGEST * whole;
        // A reader that waited for its turn is quick the next time.
        let again = |_| quick(self.timed().1, time_of_whole_files());
        assert!(quick(time, usual) || (0..5).any(again), "{time:?}, all whole files {usual:?}");
        if let Err(message) = &result {
            assert!(message.starts_with(&self.path.display().to_string()), "{message}");
        }
        result
    }

    /// The result of reading the file, and the time that it took.
    fn timed(&self) -> (Result<Clip, String>, Duration) {
        let begun = Instant::now();
        (read(&self.path).map_err(|error| error.to_string()), begun.elapsed())
    }
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// Every length of the headers, and some of the rest.
fn lengths(whole: usize) -> impl Iterator<Item = usize> {
    (0..whole).filter(move |length| *length < 160 || length % 31 == 0 || length + 4 > whole)
}

#[test]
fn a_file_cut_anywhere_is_an_error_and_not_a_shorter_clip() {
    let place = Place::new();
    for name in KNOWN {
        let whole = bytes(name);
        for length in lengths(whole.len()) {
            let result = place.read(&whole[..length]);
            let message = result.map(|clip| clip.samples.len()).expect_err(&format!("{name} {length}"));
            assert!(
                ["truncated", "damaged", "empty", "not a WAV file", "no samples", "must be"]
                    .iter()
                    .any(|word| message.contains(word)),
                "{name} {length}: {message}"
            );
        }
    }
}

#[test]
fn a_stream_without_a_length_cut_within_a_packet_is_an_error() {
    let place = Place::new();
    for name in UNKNOWN {
        let whole = bytes(name);
        let all = place.read(&whole).unwrap().samples;
        let lengths: Vec<usize> = lengths(whole.len()).collect();
        let read: Vec<_> = lengths.iter().filter_map(|&length| place.read(&whole[..length]).ok()).collect();
        for clip in &read {
            assert_eq!(clip.samples, all[..clip.samples.len()], "{name}");
        }
        // Only the few lengths that end a packet, or cut the tags behind the last, give a clip.
        assert!(read.len() < lengths.len() / 20 + 10, "{name}: {} of {}", read.len(), lengths.len());
    }
}

#[test]
fn truncated_files_say_what_is_missing() {
    let place = Place::new();
    let cases = [
        ("mono_8k.flac", 3000, "truncated: the FLAC header announces 4001 samples, the file has 0 of them"),
        (
            "lame_mono_16k.mp3",
            3000,
            "truncated: the MP3 frame at byte 2880 should have 288 bytes, the file has 120",
        ),
        (
            "lame_mono_16k.mp3",
            2880,
            "truncated: the MP3 header announces 9792 samples, the file has 5184 of them",
        ),
        ("mono_16k.ogg", 4000, "truncated: the Ogg page at byte "),
        ("mono_16k.opus", 28, "truncated: the Ogg page at byte 28 should have 19 bytes, the file has 0"),
        ("ffmpeg_mono_16k.m4a", 3000, "truncated: the MP4 box \"mdat\" at byte 36 should have "),
        ("mono_16k.aac", 300, "truncated: the AAC packet at byte "),
    ];
    for (name, length, expected) in cases {
        let message = place.read(&bytes(name)[..length]).unwrap_err();
        assert!(message.contains(expected), "{name}: {message}");
    }
    // Cut between two pages, and between the sound and its description.
    let opus = bytes("mono_16k.opus");
    let last = opus.windows(4).rposition(|window| window == b"OggS").unwrap();
    let message = place.read(&opus[..last]).unwrap_err();
    assert!(
        message.contains(&format!("the file ends at byte {last} without the last Ogg page")),
        "{message}"
    );
    let mp4 = bytes("ffmpeg_mono_16k.m4a");
    let movie = mp4.windows(4).rposition(|window| window == b"moov").unwrap() - 4;
    assert!(place.read(&mp4[..movie]).unwrap_err().contains("without the box \"moov\""));
}

#[test]
fn a_changed_bit_is_found_where_there_are_checksums() {
    let place = Place::new();
    let names = ["stereo_16k.flac", "mono_16k.ogg", "ffmpeg_stereo_16k.ogg", "mono_16k.opus"];
    for name in names {
        let whole = bytes(name);
        let clip = place.read(&whole).unwrap();
        // FLAC has none for its header: a change there changes the rate, or the words about the file.
        let start = if name.ends_with("flac") { 100 } else { 0 };
        for byte in (start..whole.len()).step_by(7) {
            let mut changed = whole.clone();
            changed[byte] ^= 1 << (byte % 8);
            if let Ok(read) = place.read(&changed) {
                assert!(read == clip && name.ends_with("flac") && byte < 150, "{name} {byte}");
            }
        }
    }
}

#[test]
fn changed_bytes_never_make_a_reader_panic_or_hang() {
    let place = Place::new();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for name in KNOWN.iter().chain(&UNKNOWN) {
        let whole = bytes(name);
        for round in 0..150 {
            let mut changed = whole.clone();
            for _ in 0..1 + random() % 4 {
                // Every other time in the headers.
                let within = if round % 2 == 0 { 400.min(whole.len()) } else { whole.len() };
                changed[random() % within] = random() as u8;
            }
            let _ = place.read(&changed);
        }
    }
}

#[test]
fn pages_that_are_missing_or_too_many_are_found() {
    let place = Place::new();
    let opus = bytes("stereo_16k.opus");
    let starts: Vec<usize> =
        (0..opus.len() - 4).filter(|&start| opus[start..].starts_with(b"OggS")).chain([opus.len()]).collect();
    assert!(starts.len() >= 4, "{starts:?}");
    let without = [&opus[..starts[1]], &opus[starts[2]..]].concat();
    let message = place.read(&without).unwrap_err();
    assert!(message.contains("Ogg page 2 comes where page 1 should"), "{message}");
    let twice = [opus.as_slice(), &opus].concat();
    let message = place.read(&twice).unwrap_err();
    assert!(
        message.contains(&format!("byte {}: an Ogg file of several recordings", opus.len())),
        "{message}"
    );
}

#[test]
fn what_is_neither_frame_nor_tag_is_found_between_and_behind_frames() {
    let place = Place::new();
    let bare = bytes("lame_no_header.mp3");
    let message = place.read(&[&bare[..], b"garbage that goes on for a while"].concat()).unwrap_err();
    assert!(message.contains(&format!("damaged at byte {}: no MP3 frame begins", bare.len())), "{message}");
    for tail in [&[0; 700][..], b"TAG", b"APETAGEX\xd0\x07\0\0"] {
        assert_eq!(place.read(&[&bare, tail].concat()), place.read(&bare));
    }
    let announced = bytes("lame_mono_16k.mp3");
    let broken = [&announced[..2880], b"noise", &announced[2880..]].concat();
    let message = place.read(&broken).unwrap_err();
    assert!(message.contains("damaged at byte 2880: no MP3 frame begins"), "{message}");
    let message = place.read(&[&announced[..], &announced].concat()).unwrap_err();
    assert!(message.contains("the MP3 header announces fewer frames"), "{message}");
    let aac = bytes("mono_16k.aac");
    let message = place.read(&[&aac[..100], &aac[..]].concat()).unwrap_err();
    assert!(message.contains("damaged") || message.contains("truncated"), "{message}");
    let flac = bytes("mono_8k.flac");
    let tagged = [&b"ID3\x04\0\0\0\0\0\x05abcde"[..], &flac, b"TAG", &[0; 125]].concat();
    assert_eq!(place.read(&tagged), place.read(&flac));
}

#[test]
fn other_containers_and_codecs_are_named() {
    let place = Place::new();
    let cases: [(&[u8], &str); 6] = [
        (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moof", "byte 16: a fragmented MP4 file is not supported"),
        (b"\xff\xfd\x90\x64 layer two", "byte 0: MPEG audio layer II is not supported"),
        (b"\x1a\x45\xdf\xa3", "the file is Matroska or WebM"),
        (b"ID3\x04\0\0\0\0\0\0Some words", "damaged at byte 10: no MP3, AAC or FLAC follows the ID3 tag"),
        (b"\xff\xf1\x14\x40\x02\0\x1c\0\0", "byte 0: AAC of kind 1 (Main) is not supported"),
        (b"\xff\xfe\0h\0i", "of another kind, bytes ff fe"),
    ];
    for (bytes, expected) in cases {
        let message = place.read(bytes).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}

/// The most memory that was held while these bytes were read, and the error.
fn held(bytes: &[u8]) -> (u64, String) {
    let place = Place::new();
    std::fs::write(&place.path, bytes).unwrap();
    let mut message = String::new();
    let counted = allocation_counter::measure(|| message = read(&place.path).unwrap_err().to_string());
    (counted.bytes_max, message)
}

/// Bits, the lowest of each byte first.
fn packed(fields: &[(u64, usize)]) -> Vec<u8> {
    let bits: Vec<u8> =
        fields.iter().flat_map(|&(value, width)| (0..width).map(move |n| (value >> n & 1) as u8)).collect();
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

/// An Ogg page with the right checksum.
fn page(flags: u8, number: u8, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend([0; 12]);
    page.extend([number, 0, 0, 0, 0, 0, 0, 0]);
    let lacing: Vec<u8> = packets
        .iter()
        .flat_map(|packet| [vec![255; packet.len() / 255], vec![(packet.len() % 255) as u8]].concat())
        .collect();
    page.push(lacing.len() as u8);
    page.extend(lacing);
    page.extend(packets.concat());
    let mut sum = 0u32;
    for &byte in &page {
        sum ^= u32::from(byte) << 24;
        for _ in 0..8 {
            sum = sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 };
        }
    }
    page[22..26].copy_from_slice(&sum.to_le_bytes());
    page
}

#[test]
fn nothing_is_allocated_because_a_header_claims_it() {
    let small = 1 << 20;
    let claims = |bytes: &[u8], expected: &str| {
        let (most, message) = held(bytes);
        assert!(message.contains(expected), "{message}");
        assert!(most < small, "{most} bytes: {message}");
    };
    claims(b"ID3\x04\0\0\x7f\x7f\x7f\x7f and nothing", "the ID3 tag at byte 0 should have 268435465 bytes");
    claims(b"\x7f\xff\xff\xffftypM4A ", "box \"ftyp\" at byte 0 should have 2147483647 bytes");
    claims(b"\0\0\0\x01mdat\x7f\xff\xff\xff\xff\xff\xff\xff ", "should have 9223372036854775807 bytes");
    let mut flac = bytes("mono_8k.flac");
    flac[42..46].copy_from_slice(&[0x06, 0xff, 0xff, 0xff]);
    claims(&flac, "the FLAC block at byte 46 should have 16777215 bytes");
    // Half a million samples in the header of a file of eight channels without a frame.
    let mut flac = bytes("mono_8k.flac")[..42].to_vec();
    flac[4] |= 0x80;
    flac[8..12].fill(0xff);
    flac[20] |= 0x0e;
    claims(&flac, "no samples");
    // A table of four billion packets, of unequal and of equal size.
    let mp4 = bytes("ffmpeg_mono_16k.m4a");
    let table = mp4.windows(4).position(|window| window == b"stsz").unwrap() + 4;
    let mut unequal = mp4.clone();
    unequal[table + 8..table + 12].fill(0xff);
    claims(&unequal, "MP4 table length = 4294967295 rows: must be at most");
    let mut equal = mp4.clone();
    equal[table + 4..table + 12].fill(0xff);
    claims(&equal, "AAC packet");
}

#[test]
fn vorbis_books_that_claim_a_lot_in_a_few_bits_are_refused() {
    // 131,072 entries of 32 dimensions, whose codes all have the same length and whose values are one number.
    let book = [
        (0x56_4342, 24),
        (32, 16),
        (131_072, 24),
        (1, 1),
        (16, 5),
        (131_072, 18),
        (1, 4),
        (0, 64),
        (0, 4),
        (0, 1),
        (0, 1),
    ];
    let mut fields = vec![(255, 8)];
    for _ in 0..256 {
        fields.extend(book);
    }
    let head = [&b"\x01vorbis\0\0\0\0\x01\x40\x1f\0\0"[..], &[0; 12], &[0xb8, 1]].concat();
    let setup = [b"\x05vorbis".to_vec(), packed(&fields)].concat();
    let file = [page(2, 0, &[head]), page(0, 1, &[b"\x03vorbis".to_vec(), setup])].concat();
    let (most, message) = held(&file);
    assert!(
        message.contains("Vorbis code book 1: all books up to this one have 8388608 values"),
        "{message}"
    );
    assert!(most < 1 << 20, "{most}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_behind_a_known_start_make_a_reader_panic(
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
        let _ = Place::new().read(&[start, &rest].concat());
    }
}

#[test]
fn a_missing_file_is_named() {
    let message = read(Path::new("no/such/file.mp3")).unwrap_err().to_string();
    assert!(message.starts_with("no/such/file.mp3: "), "{message}");
}

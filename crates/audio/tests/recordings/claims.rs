//! Files whose headers claim more than they have: no large allocation, no endless work.

use stapes_audio::read;

use crate::damage::{TemporaryFile, bytes};

/// Returns the peak memory while these bytes were read, and the error.
fn peak_memory(bytes: &[u8]) -> (u64, String) {
    let file = TemporaryFile::new();
    std::fs::write(&file.path, bytes).unwrap();
    let mut message = String::new();
    let counted = allocation_counter::measure(|| message = read(&file.path).unwrap_err().to_string());
    (counted.bytes_max, message)
}

/// Packs fields of (value, width) into bytes, least significant bit first.
fn packed(fields: &[(u64, usize)]) -> Vec<u8> {
    let bits: Vec<u8> =
        fields.iter().flat_map(|&(value, width)| (0..width).map(move |n| (value >> n & 1) as u8)).collect();
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

/// Returns an Ogg page with a valid checksum.
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
    let sum = checksum(&page);
    page[22..26].copy_from_slice(&sum.to_le_bytes());
    page
}

/// Returns the checksum of an Ogg page whose own field is zero.
fn checksum(page: &[u8]) -> u32 {
    let mut sum = 0u32;
    for &byte in page {
        sum ^= u32::from(byte) << 24;
        for _ in 0..8 {
            sum = sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 };
        }
    }
    sum
}

#[test]
fn header_claims_do_not_cause_large_allocations() {
    let small = 1 << 20;
    let claims = |bytes: &[u8], expected: &str| {
        let (peak, message) = peak_memory(bytes);
        assert!(message.contains(expected), "{message}");
        assert!(peak < small, "{peak} bytes: {message}");
    };
    claims(b"ID3\x04\0\0\x7f\x7f\x7f\x7f and nothing", "the ID3 tag at byte 0 should have 268435465 bytes");
    claims(b"\x7f\xff\xff\xffftypM4A ", "box \"ftyp\" at byte 0 should have 2147483647 bytes");
    claims(b"\0\0\0\x01mdat\x7f\xff\xff\xff\xff\xff\xff\xff ", "should have 9223372036854775807 bytes");
    let mut flac = bytes("mono_8k.flac");
    flac[42..46].copy_from_slice(&[0x06, 0xff, 0xff, 0xff]);
    claims(&flac, "the FLAC block at byte 46 should have 16777215 bytes");
    // A header with half a million samples and eight channels, without a frame.
    let mut flac = bytes("mono_8k.flac")[..42].to_vec();
    flac[4] |= 0x80;
    flac[8..12].fill(0xff);
    flac[20] |= 0x0e;
    claims(&flac, "no samples");
    // A table with four billion packets, of unequal and of equal size.
    let mp4 = bytes("ffmpeg_mono_16k.m4a");
    let table = mp4.windows(4).position(|window| window == b"stsz").unwrap() + 4;
    let mut unequal = mp4.clone();
    unequal[table + 8..table + 12].fill(0xff);
    claims(&unequal, "MP4 table length = 4294967295 rows: must be at most");
    let mut equal = mp4.clone();
    equal[table + 4..table + 12].fill(0xff);
    claims(&equal, "the MP4 tables describe 18446744065119617025 bytes of packets, more than the file has");
}

#[test]
fn packets_that_overlap_do_not_make_a_small_file_endless() {
    let mut mp4 = bytes("ffmpeg_mono_16k.m4a");
    let table = mp4.windows(4).position(|window| window == b"stsz").unwrap() + 4;
    // A thousand packets of a hundred bytes each.
    mp4[table + 4..table + 12].copy_from_slice(&[0, 0, 0, 100, 0, 0, 3, 232]);
    let message = TemporaryFile::new().read(&mp4).unwrap_err();
    assert!(message.contains("describe 100000 bytes of packets, more than the file has"), "{message}");
}

#[test]
fn a_stream_that_begins_after_its_end_is_rejected_at_once() {
    let mut ogg = bytes("mono_16k.ogg");
    let starts: Vec<usize> = (0..ogg.len() - 4).filter(|&start| ogg[start..].starts_with(b"OggS")).collect();
    // The first page of audio; all samples before its position would be skipped.
    let page = starts[2]..starts.get(3).copied().unwrap_or(ogg.len());
    ogg[page.start + 6..page.start + 14].copy_from_slice(&(-1_000_000_000i64).to_le_bytes());
    ogg[page.start + 22..page.start + 26].fill(0);
    let sum = checksum(&ogg[page.clone()]);
    ogg[page.start + 22..page.start + 26].copy_from_slice(&sum.to_le_bytes());
    let message = TemporaryFile::new().read(&ogg).unwrap_err();
    assert!(message.contains("granule position = -1000000000: must be -1 or more"), "{message}");
}

#[test]
fn huge_vorbis_code_books_are_rejected() {
    // 131,072 entries of 32 dimensions; all codes have the same length, and all values share one number.
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
    let (peak, message) = peak_memory(&file);
    assert!(
        message.contains("Vorbis code book 1: the books up to this one have 8388608 values"),
        "{message}"
    );
    assert!(peak < 1 << 20, "{peak}");
}

//! Tests of reading WAV files from memory, and of rejections.

use proptest::prelude::*;

use super::*;
use crate::formats::wav_fixture::Wav;

fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Clip, AudioError> {
    options::from_input(Input::from_bytes(path, bytes)?, &ReadOptions::default())
}

fn decoded(wav: &Wav) -> Clip {
    from_bytes(Path::new("a.wav"), wav.bytes()).unwrap()
}

fn rejection(bytes: Vec<u8>) -> String {
    from_bytes(Path::new("a.wav"), bytes).unwrap_err().to_string()
}

#[test]
fn pcm_of_every_width_is_scaled_exactly() {
    let words = Wav::pcm(16, 1, [i16::MIN, -1, 0, 1, i16::MAX].map(i16::to_le_bytes).as_flattened());
    let expected = [-1.0, -1.0 / 32768.0, 0.0, 1.0 / 32768.0, 32767.0 / 32768.0];
    assert_eq!(decoded(&words).samples, expected);

    assert_eq!(
        decoded(&Wav::pcm(8, 1, &[0, 127, 128, 255])).samples,
        [-1.0, -1.0 / 128.0, 0.0, 127.0 / 128.0]
    );

    let three = [[0, 0, 0x80], [0xff, 0xff, 0xff], [1, 0, 0], [0xff, 0xff, 0x7f]];
    let scale = (1 << 23) as f32;
    assert_eq!(
        decoded(&Wav::pcm(24, 1, three.as_flattened())).samples,
        [-1.0, -1.0 / scale, 1.0 / scale, 8_388_607.0 / scale]
    );

    let four = [i32::MIN, -1, 1 << 30, i32::MAX].map(i32::to_le_bytes);
    // The largest 32-bit sample rounds up to 1 in f32.
    assert_eq!(decoded(&Wav::pcm(32, 1, four.as_flattened())).samples, [-1.0, -(2f32.powi(-31)), 0.5, 1.0]);
}

#[test]
fn every_16_bit_sample_is_exact() {
    let all: Vec<u8> = (i16::MIN..=i16::MAX).flat_map(i16::to_le_bytes).collect();
    let clip = decoded(&Wav::pcm(16, 1, &all));
    assert_eq!(clip.samples.len(), 65_536);
    for (sample, x) in clip.samples.iter().zip(i16::MIN..=i16::MAX) {
        assert_eq!(*sample, f32::from(x) / 32768.0);
    }
}

#[test]
fn floats_keep_their_value() {
    let single = [0.1f32, -3.5, 1e-30].map(f32::to_le_bytes);
    assert_eq!(decoded(&Wav::float(32, 1, single.as_flattened())).samples, [0.1, -3.5, 1e-30]);
    let double = [0.1f64, -3.5, 1.0 + 1e-12].map(f64::to_le_bytes);
    assert_eq!(decoded(&Wav::float(64, 1, double.as_flattened())).samples, [0.1f32, -3.5, 1.0]);
}

#[test]
fn channels_are_averaged() {
    let stereo = [100i16, 300, -7, 8].map(i16::to_le_bytes);
    let clip = decoded(&Wav::pcm(16, 2, stereo.as_flattened()));
    assert_eq!(clip.samples, [200.0 / 32768.0, 0.5 / 32768.0]);
    // 64 channels are more than any named layout has; the samples span several packets of the decoder.
    let frames = 3000;
    let many: Vec<u8> =
        (0..frames).flat_map(|frame| (0..64).map(move |c| frame + c)).flat_map(i16::to_le_bytes).collect();
    let clip = decoded(&Wav::pcm(16, 64, &many));
    assert_eq!(clip.samples.len(), frames as usize);
    for (frame, sample) in clip.samples.iter().enumerate() {
        assert_eq!(*sample, (frame as f32 + 31.5) / 32768.0);
    }
}

#[test]
fn large_floats_are_averaged_in_f64() {
    let frame = [2e38f32, 2e38, -2e38, 3.0].map(f32::to_le_bytes);
    assert_eq!(decoded(&Wav::float(32, 4, frame.as_flattened())).samples, [5e37]);
}

#[test]
fn any_rate_is_kept() {
    let wav = Wav { sample_rate_hz: 11_127, ..Wav::pcm(16, 1, &[0, 0]) };
    assert_eq!(decoded(&wav).sample_rate_hz, 11_127);
}

#[test]
fn the_extensible_header_is_read() {
    let wav = Wav { extensible: true, ..Wav::pcm(16, 1, &[0, 0x40]) };
    assert_eq!(decoded(&wav).samples, [0.5]);
    let wav = Wav { extensible: true, ..Wav::float(32, 1, &0.25f32.to_le_bytes()) };
    assert_eq!(decoded(&wav).samples, [0.25]);
}

#[test]
fn chunks_before_and_after_the_data_are_skipped() {
    let before = vec![(*b"LIST", b"odd".to_vec()), (*b"fact", vec![9; 4])];
    let wav = Wav { before, after: vec![(*b"id3 ", vec![1; 7])], ..Wav::pcm(16, 1, &[0, 0x40]) };
    assert_eq!(decoded(&wav).samples, [0.5]);
}

#[test]
fn an_odd_chunk_may_lack_its_padding_byte_before_another() {
    let plain = Wav::pcm(16, 1, &[0, 0x40]).bytes();
    let chunk = b"LIST\x03\0\0\0abc";
    let unpadded = [&plain[..12], chunk, &plain[12..]].concat();
    assert_eq!(from_bytes(Path::new("a.wav"), unpadded).unwrap().samples, [0.5]);
    let padded = [&plain[..12], chunk, b"\0", &plain[12..]].concat();
    assert_eq!(from_bytes(Path::new("a.wav"), padded).unwrap().samples, [0.5]);
}

#[test]
fn a_tag_before_the_header_is_skipped() {
    let mut bytes = b"ID3\x04\0\0\0\0\0\x05title".to_vec();
    bytes.extend(Wav::pcm(16, 1, &[0, 0x40]).bytes());
    assert_eq!(from_bytes(Path::new("a.wav"), bytes).unwrap().samples, [0.5]);
}

#[test]
fn an_odd_data_chunk_may_lack_its_padding_byte() {
    assert_eq!(decoded(&Wav::pcm(8, 1, &[128, 192, 64])).samples, [0.0, 0.5, -0.5]);
    let mut bytes = Wav::pcm(8, 1, &[128, 192, 64]).bytes();
    bytes.pop();
    assert_eq!(from_bytes(Path::new("a.wav"), bytes).unwrap().samples, [0.0, 0.5, -0.5]);
}

#[test]
fn a_stream_with_unset_sizes_is_read_to_its_end() {
    let unset = [
        (u32::MAX, u32::MAX),
        (0x7fff_f024, 0x7fff_f000),
        (0x8000_0024, 0x8000_0000),
        (0, 0),
        (0, u32::MAX),
        (36, 0),
    ];
    for (riff_size, data_size) in unset {
        let wav = Wav {
            riff_size: Some(riff_size),
            data_size: Some(data_size),
            ..Wav::pcm(16, 1, &[0, 0x40, 0, 0xc0, 0x55])
        };
        assert_eq!(decoded(&wav).samples, [0.5, -0.5], "{riff_size:#x} {data_size:#x}");
    }
}

#[test]
fn a_data_chunk_beyond_the_end_of_the_file_is_truncated() {
    let mut bytes = Wav::pcm(16, 1, &[0; 100]).bytes();
    bytes.truncate(44 + 61);
    assert_eq!(
        rejection(bytes),
        "a.wav: truncated: the data chunk at byte 44 should have 100 bytes, but the file has 61; \
         download or copy it again"
    );
    let wav = Wav { data_size: Some(u32::MAX), ..Wav::pcm(16, 1, &[0; 100]) };
    assert!(rejection(wav.bytes()).contains("should have 4294967295 bytes, but the file has 100"));
}

#[test]
fn a_header_truncated_anywhere_is_rejected() {
    let complete = Wav::pcm(16, 1, &[1, 2, 3, 4]).bytes();
    for length in 1..complete.len() {
        let message = rejection(complete[..length].to_vec());
        assert!(message.contains("truncated") || message.contains("not a WAV, AIFF"), "{length}: {message}");
    }
}

#[test]
fn other_formats_are_named() {
    assert!(rejection(Vec::new()).contains("the file is empty (0 bytes)"));
    assert!(rejection(b"Dear reader, this is text\n".to_vec()).contains("text, \"Dear reader, this is \""));
    assert!(rejection(b"FORM\0\0\0\x228SVX".to_vec()).contains("IFF form \"8SVX\""));
    assert!(rejection(b"NIST_1A\n   1024".to_vec()).contains("the file is NIST SPHERE"));
    assert!(rejection(b"RIFF\x24\0\0\0AVI LIST".to_vec()).contains("RIFF form \"AVI \""));
    assert!(rejection(b"RIFX\0\0\0\x24WAVE".to_vec()).contains("RIFX (big-endian WAV)"));
    assert!(rejection(vec![0xde, 0xad, 0xbe, 0xef]).contains("bytes de ad be ef"));
}

#[test]
fn impossible_headers_are_rejected_with_byte_and_value() {
    let plain = Wav::pcm(16, 1, &[0, 0]);
    let cases = [
        (Wav { sample_rate_hz: 0, ..plain.clone() }, "byte 24: sample rate = 0 Hz"),
        (Wav { channels: 0, ..plain.clone() }, "byte 22: channels = 0"),
        (Wav { channels: 1000, ..plain.clone() }, "byte 22: channels = 1000: must be 1..=256"),
        (Wav { block_align: Some(3), ..plain.clone() }, "byte 32: bytes per frame = 3: must be 2"),
        (Wav { data: vec![0; 3], ..plain.clone() }, "byte 40: data size = 3 bytes: must be a whole number"),
        (Wav { format: 49, ..plain.clone() }, "byte 20: format 49 (GSM 06.10)"),
        (Wav { bits: 12, block_align: Some(2), ..plain.clone() }, "byte 34: PCM of 12 bits"),
        (Wav { format: 3, ..plain.clone() }, "byte 34: float of 16 bits"),
        (Wav { data: vec![], ..plain.clone() }, "no samples: the data chunk at byte 44 is empty"),
        (Wav { fmt: false, ..plain.clone() }, "chunk = data: must be after the format chunk"),
    ];
    for (wav, expected) in cases {
        let message = rejection(wav.bytes());
        assert!(message.contains(expected), "expected {expected:?} in {message:?}");
    }
}

#[test]
fn floats_that_are_not_finite_are_rejected_with_their_index() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let samples = [0.0, 0.5, 0.25, bad, 0.0, bad].map(f32::to_le_bytes);
        assert!(rejection(Wav::float(32, 1, samples.as_flattened()).bytes()).contains("sample 3 is "));
        assert!(rejection(Wav::float(32, 2, samples.as_flattened()).bytes()).contains("sample 1 is "));
    }
    let beyond_f32 = [1e300f64].map(f64::to_le_bytes);
    assert!(rejection(Wav::float(64, 1, beyond_f32.as_flattened()).bytes()).contains("sample 0 is "));
}

#[test]
fn missing_files_folders_and_empty_files_are_distinguished() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read(&folder.path().join("none.wav")), Err(AudioError::Io { .. })));
    assert!(matches!(read(folder.path()), Err(AudioError::NotAFile { .. })));
    let empty = folder.path().join("empty.wav");
    std::fs::write(&empty, []).unwrap();
    assert!(matches!(read(&empty), Err(AudioError::Empty { .. })));
}

#[cfg(unix)]
#[test]
fn pipes_sockets_and_devices_are_rejected_without_waiting() {
    use stapes_testkit::hang::{fifo, finishes};
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fifo(&at("pipe.wav"));
    std::os::unix::fs::symlink("pipe.wav", at("link.wav")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", at("device.wav")).unwrap();
    std::os::unix::net::UnixListener::bind(at("socket.wav")).unwrap();
    std::fs::create_dir(at("folder.wav")).unwrap();
    for (name, kind) in [
        ("pipe.wav", "a pipe"),
        ("link.wav", "a pipe"),
        ("device.wav", "a device"),
        ("socket.wav", "a socket"),
        ("folder.wav", "a folder"),
    ] {
        let path = at(name);
        let errors = finishes(move || {
            let part = crate::read_segment(&path, 0.0, None).err();
            [read(&path).err(), part, crate::Recording::open(&path).err()]
        });
        for error in errors {
            let message = error.unwrap().to_string();
            assert!(message.contains(&format!("{name}: is {kind}, not a regular file")), "{message}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = from_bytes(Path::new("a.wav"), bytes);
    }

    #[test]
    fn no_bytes_after_a_wav_marker_make_the_reader_panic(
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0".to_vec();
        bytes.extend(rest);
        let _ = from_bytes(Path::new("a.wav"), bytes);
    }

    #[test]
    fn no_change_to_a_valid_file_makes_the_reader_panic(
        extensible: bool,
        bits in prop::sample::select(vec![8u16, 16, 24, 32]),
        channels in 1u16..4,
        changes in prop::collection::vec((0usize..140, any::<u8>()), 1..6),
        length in 0usize..140,
    ) {
        let data = vec![0x5a; usize::from(bits / 8 * channels) * 6];
        let wav = Wav { extensible, before: vec![(*b"LIST", vec![1; 5])], ..Wav::pcm(bits, channels, &data) };
        let mut bytes = wav.bytes();
        for (position, value) in changes {
            let end = bytes.len();
            bytes[position % end] = value;
        }
        let _ = from_bytes(Path::new("a.wav"), bytes.clone());
        bytes.truncate(length);
        let _ = from_bytes(Path::new("a.wav"), bytes);
    }
}

//! Reading a file as a clip.

use std::path::Path;

use crate::blocks::{Blocks, MAX_SAMPLES, Source, contained};
use crate::formats::adts::Adts;
use crate::formats::encoded::Encoded;
use crate::formats::flac::Flac;
use crate::formats::mp3::Mp3;
use crate::formats::mp4::Mp4;
use crate::formats::ogg::Ogg;
use crate::formats::{aiff, au, caf, wav};
use crate::input::Input;
use crate::kind::Kind;
use crate::{AudioError, Clip};

/// Reads an audio file of any of the [`FORMATS`](crate::FORMATS) as one mono clip.
///
/// The first bytes determine the format; the file name does not. Any sample rate is accepted. Channels are averaged
/// in f64.
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
    from_input(Input::open(path)?)
}

fn from_input(input: Input) -> Result<Clip, AudioError> {
    let (blocks, samples) = blocks(input, 0.0)?;
    blocks.into_clip(samples)
}

/// Returns the recording block by block, and its number of samples if the header states it, else 0.
///
/// The blocks start at `start_seconds` in seekable formats, else at the start of the recording.
pub(crate) fn blocks(input: Input, start_seconds: f64) -> Result<(Blocks, usize), AudioError> {
    let path = input.path().to_owned();
    contained(&path, || open_blocks(input, start_seconds))
}

fn open_blocks(mut input: Input, start_seconds: f64) -> Result<(Blocks, usize), AudioError> {
    let path = input.path().to_owned();
    let source: Box<dyn Source> = match Kind::detect(&mut input)? {
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
    Ok((Blocks::new(path, source, MAX_SAMPLES), 0))
}

fn container(encoded: Encoded, input: Input, start_seconds: f64) -> Result<(Blocks, usize), AudioError> {
    let path = input.path().to_owned();
    let Encoded::Pcm(layout) = encoded else {
        return Ok((Blocks::new(path, encoded.open(input, 0)?, MAX_SAMPLES), 0));
    };
    let frames = layout.frames();
    let first = sample_at(start_seconds, layout.format.sample_rate_hz).min(frames);
    let source = encoded.open(input, first)?;
    Ok((Blocks::new(path, source, u64::MAX).starting_at(first), frames as usize))
}

/// Returns the sample nearest to a time that is not negative.
pub(crate) fn sample_at(seconds: f64, sample_rate_hz: u32) -> u64 {
    // The cast saturates.
    (seconds * f64::from(sample_rate_hz)).round() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::wav_fixture::Wav;

    fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Clip, AudioError> {
        from_input(Input::from_bytes(path, bytes)?)
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
        assert_eq!(
            decoded(&Wav::pcm(32, 1, four.as_flattened())).samples,
            [-1.0, -(2f32.powi(-31)), 0.5, 1.0]
        );
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
        let many: Vec<u8> = (0..frames)
            .flat_map(|frame| (0..64).map(move |c| frame + c))
            .flat_map(i16::to_le_bytes)
            .collect();
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
            assert!(
                message.contains("truncated") || message.contains("not a WAV, AIFF"),
                "{length}: {message}"
            );
        }
    }

    #[test]
    fn other_formats_are_named() {
        assert!(rejection(Vec::new()).contains("the file is empty (0 bytes)"));
        assert!(
            rejection(b"Dear reader, this is text\n".to_vec()).contains("text, \"Dear reader, this is \"")
        );
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
            (
                Wav { data: vec![0; 3], ..plain.clone() },
                "byte 40: data size = 3 bytes: must be a whole number",
            ),
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
}

//! Files of every format, compared with the encoded signal.

use crate::signal::{Signal, best_lag, fixture, signal_to_noise};
use stapes_audio::{Clip, read};

const LONG: Signal = Signal { length: 8123, rate_hz: 16_000.0, width: 2 };

const SHORT: Signal = Signal { length: 803, rate_hz: 8000.0, width: 2 };

fn decoded(name: &str) -> Clip {
    read(&fixture(name)).unwrap()
}

#[test]
fn flac_is_decoded_exactly() {
    let mono = Signal { length: 4001, rate_hz: 8000.0, width: 2 };
    let stereo = Signal { length: 2001, rate_hz: 16_000.0, width: 2 };
    let deep = Signal { length: 2001, rate_hz: 8000.0, width: 3 };
    let cases = [
        ("mono_8k.flac", &mono, 1),
        ("unknown_length.flac", &mono, 1),
        ("stereo_16k.flac", &stereo, 2),
        ("mono_24bit.flac", &deep, 1),
    ];
    for (name, signal, channels) in cases {
        let clip = decoded(name);
        assert_eq!(f64::from(clip.sample_rate_hz), signal.rate_hz, "{name}");
        assert_eq!(clip.samples, signal.rounded(channels), "{name}");
    }
}

#[test]
fn every_container_of_lossless_samples_is_decoded_exactly() {
    let cases = [
        ("mono.aiff", 1, 2),
        ("mono_24bit.aiff", 1, 3),
        ("sowt.aifc", 1, 2),
        ("float.aifc", 1, 2),
        ("stereo.au", 2, 2),
        ("float.au", 1, 2),
        ("stereo.caf", 2, 2),
        ("little_24bit.caf", 1, 3),
        ("alac.caf", 2, 2),
        ("alac.m4a", 2, 2),
        ("rf64.wav", 1, 2),
        ("flac.oga", 2, 2),
    ];
    for (name, channels, width) in cases {
        let clip = decoded(name);
        assert_eq!(clip.sample_rate_hz, 8000, "{name}");
        assert_eq!(clip.samples, Signal { width, ..SHORT }.rounded(channels), "{name}");
    }
    // ffmpeg counts the padding of the last chunk as a frame.
    let clip = decoded("stereo.w64");
    assert_eq!(clip.samples[..803], SHORT.rounded(2));
    assert_eq!(clip.samples[803..], [0.0]);
}

#[test]
fn logarithmic_and_adaptive_codes_have_the_length_of_the_original() {
    // Length, and minimum signal-to-noise ratio in dB; the actual one is at most 1 dB higher, and that of ffmpeg's
    // decoder to 0.01 dB. ffmpeg fills the last block of IMA ADPCM, and starts with the smallest step.
    let cases = [
        ("mu_law.wav", 1, 803, 36.0),
        ("mu_law.au", 1, 803, 36.0),
        ("a_law.wav", 2, 803, 39.0),
        ("a_law.aifc", 1, 803, 38.0),
        ("ima_adpcm.wav", 1, 1010, 16.0),
        ("sox_ima_adpcm.wav", 1, 803, 20.0),
        ("ima_adpcm_stereo.wav", 2, 996, 17.0),
        ("ima4.caf", 1, 832, 16.0),
        ("ms_adpcm.wav", 1, 803, 21.0),
        ("ms_adpcm_stereo.wav", 2, 803, 23.0),
    ];
    let mut wrong = Vec::new();
    for (name, channels, length, minimum) in cases {
        let clip = decoded(name);
        let reached = signal_to_noise(&SHORT.at(8000.0, channels), &clip.samples);
        if clip.samples.len() != length || !(minimum..minimum + 1.0).contains(&reached) {
            wrong.push(format!("{name}: {} samples, {reached} dB", clip.samples.len()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn mp3_in_wav_is_decoded_as_a_stream_without_stated_delay() {
    let clip = decoded("mp3_in.wav");
    // Frames of MPEG 2.5 have 576 samples.
    assert_eq!(clip.samples.len() % 576, 0);
    assert_eq!(best_lag(&SHORT.at(8000.0, 1), &clip.samples, 1500), 1105);
}

#[test]
fn other_codecs_in_wav_are_named() {
    let message = read(&fixture("gsm.wav")).unwrap_err().to_string();
    assert!(message.contains("byte 20: format 49 (GSM 06.10) is not supported; convert"), "{message}");
}

#[test]
fn lossy_files_have_the_length_alignment_and_approximate_samples_of_the_original() {
    // Minimum signal-to-noise ratio in dB; the actual one is at most 1 dB higher.
    let cases = [
        ("lame_mono_16k.mp3", 1, 8123, 25.0),
        ("lame_tagged.mp3", 1, 8123, 25.0),
        ("lame_vbr_stereo_16k.mp3", 2, 8123, 40.0),
        ("ffmpeg_44k.mp3", 1, 8123, 25.0),
        ("mono_16k.ogg", 1, 8123, 28.0),
        ("ffmpeg_stereo_16k.ogg", 2, 8123, 26.5),
        ("mono_16k.opus", 1, 8123, 35.0),
        ("stereo_16k.opus", 2, 8123, 34.0),
        ("six_channels.opus", 6, 3123, 14.0),
        ("ffmpeg_mono_16k.m4a", 1, 8123, 26.5),
        ("ffmpeg_stereo_16k.m4a", 2, 8123, 28.0),
        ("itunes_mono_16k.m4a", 1, 8123, 26.5),
    ];
    for (name, channels, length, minimum) in cases {
        let clip = decoded(name);
        let original = Signal { length, ..LONG }.at(f64::from(clip.sample_rate_hz), channels);
        assert_eq!(clip.samples.len(), original.len(), "{name}");
        assert_eq!(best_lag(&original, &clip.samples, 50), 0, "{name}");
        let reached = signal_to_noise(&original, &clip.samples);
        assert!(reached >= minimum, "{name}: {reached} dB");
    }
}

#[test]
fn opus_for_speech_has_the_length_and_alignment_of_the_original() {
    // At 16 kbit/s a speech codec does not preserve a rising tone well.
    let clip = decoded("voice_60ms.opus");
    let original = LONG.at(48_000.0, 1);
    assert_eq!(clip.samples.len(), original.len());
    assert!(best_lag(&original, &clip.samples, 50).abs() <= 2);
    assert!(signal_to_noise(&original, &clip.samples) > 6.0);
}

#[test]
fn all_samples_are_kept_if_the_encoder_delay_is_unknown() {
    // LAME and the decoder are 576 + 529 samples late, ffmpeg's AAC encoder 1024.
    for (name, samples, delay) in [("lame_no_header.mp3", 17 * 576, 1105), ("mono_16k.aac", 9 * 1024, 1024)] {
        let clip = decoded(name);
        assert_eq!(clip.samples.len(), samples, "{name}");
        let original = LONG.at(16_000.0, 1);
        assert_eq!(best_lag(&original, &clip.samples, 1500), delay, "{name}");
        let reached = signal_to_noise(&original, &clip.samples[delay as usize..]);
        assert!(reached > 25.0, "{name}: {reached} dB");
    }
}

#[test]
fn the_content_determines_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "lame_mono_16k.mp3",
        "mono_8k.flac",
        "mono_16k.ogg",
        "ffmpeg_mono_16k.m4a",
        "mono_16k.aac",
        "stereo.caf",
        "mono.aiff",
        "stereo.au",
        "stereo.w64",
    ];
    for name in names {
        let disguised = folder.path().join("a.wav");
        std::fs::copy(fixture(name), &disguised).unwrap();
        assert_eq!(read(&disguised).unwrap(), decoded(name), "{name}");
    }
}

#[test]
fn unsupported_bit_depths_are_named() {
    let message = read(&fixture("stereo_32bit.flac")).unwrap_err().to_string();
    assert!(message.contains("byte 20: FLAC of 32 bits is not supported; convert the file to"), "{message}");
}

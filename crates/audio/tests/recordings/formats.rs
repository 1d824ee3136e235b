//! Files of every format, compared with the encoded signal.

use crate::signal::{Signal, best_lag, fixture, signal_to_noise};
use stapes_audio::{Clip, read};

const LONG: Signal = Signal { length: 8123, rate_hz: 16_000.0, width: 2 };

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
    let names = ["lame_mono_16k.mp3", "mono_8k.flac", "mono_16k.ogg", "ffmpeg_mono_16k.m4a", "mono_16k.aac"];
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

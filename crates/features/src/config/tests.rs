//! Tests of feature configurations: reading, writing and checks.

use super::*;
use crate::{
    DctNorm, DeltaKind, DeltaMode, KaldiCmvn, KaldiMfccConfig, LibrosaMelDbConfig, LibrosaMfccConfig,
    MelNorm, PsfFft, PsfLogFbankConfig, PsfMfccConfig, Reference, Window,
};

fn parse(text: &str) -> Result<FeatureConfig, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

fn rejected(text: &str) -> String {
    parse(text).unwrap().check().unwrap_err().to_string()
}

#[test]
fn recipe_selects_a_front_end_and_overrides_settings() {
    let config = parse(
        "sample_rate_hz = 8000\nscale = \"int16\"\nfixed_length_samples = 8000\n\
         normalization = \"per-coefficient\"\n\
         [deltas]\norder = 2\nmode = \"nearest\"\n\
         [front_end.librosa-mfcc]\nn_mfcc = 13\nwindow = \"boxcar\"\nmel_norm = 2\ntop_db = \"none\"\n\
         ref = \"max\"\nnorm = \"none\"\n",
    )
    .unwrap();
    let expected = LibrosaMfccConfig {
        n_mfcc: 13,
        window: Window::Rectangular,
        mel_norm: MelNorm::P(2.0),
        top_db: None,
        reference: Reference::Max,
        norm: DctNorm::None,
        ..Default::default()
    };
    assert_eq!(config.front_end, FrontEndConfig::LibrosaMfcc(expected));
    assert_eq!(
        config.deltas,
        Some(DeltasConfig { order: 2, mode: Some(DeltaMode::Nearest), ..Default::default() })
    );
    assert_eq!(
        (config.sample_rate_hz, config.scale, config.fixed_length_samples, config.normalization),
        (8000, Scale::Int16, Some(8000), Normalization::PerCoefficient)
    );
    assert_eq!(config.frames_per_second(), 8000.0 / 512.0);
    assert_eq!(config.init().unwrap().width(), 39);
}

#[test]
fn empty_recipe_equals_librosa_defaults() {
    let config = parse("").unwrap();
    assert_eq!(config, FeatureConfig::default());
    assert_eq!(parse("[front_end.librosa-mfcc]\n").unwrap(), config);
}

#[test]
fn settings_round_trip_through_toml_and_json() {
    let mel_db = LibrosaMelDbConfig {
        top_db: None,
        norm: MelNorm::P(f64::INFINITY),
        reference: Reference::Max,
        win_length: Some(400),
        fmax: Some(7600.0),
        ..Default::default()
    };
    let mfcc = LibrosaMfccConfig { mel_norm: MelNorm::None, norm: DctNorm::None, ..Default::default() };
    let psf = PsfMfccConfig { nfft: PsfFft::Auto, highfreq: Some(3000.0), ..Default::default() };
    let kaldi = KaldiMfccConfig { use_energy: Some(false), cmvn: KaldiCmvn::Mean, ..Default::default() };
    for front_end in [
        FrontEndConfig::LibrosaMelDb(mel_db),
        FrontEndConfig::LibrosaMfcc(mfcc),
        FrontEndConfig::PsfMfcc(psf.clone()),
        FrontEndConfig::PsfLogFbank(PsfLogFbankConfig { fbank: psf.fbank() }),
        FrontEndConfig::PsfFbank(psf.fbank()),
        FrontEndConfig::KaldiMfcc(kaldi.clone()),
        FrontEndConfig::KaldiFbank(kaldi.fbank()),
    ] {
        let config = FeatureConfig {
            front_end,
            deltas: Some(DeltasConfig { kind: DeltaKind::Kaldi, ..Default::default() }),
            stacking: StackingConfig { left: 1, right: 2, every: 3 },
            fixed_length_samples: Some(16_000),
            normalization: Normalization::PerUtteranceMean,
            ..Default::default()
        };
        assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<FeatureConfig>(&json).unwrap(), config, "{json}");
    }
}

#[test]
fn recipes_accept_settings_of_psf_and_kaldi() {
    let config = parse(
        "sample_rate_hz = 8000\n[front_end.psf-mfcc]\nnfft = \"auto\"\nappendEnergy = false\ndeltas = 1\nN = 3\n\
         winfunc = \"hamming\"\n",
    )
    .unwrap();
    assert_eq!((config.frames_per_second(), config.init().unwrap().width()), (100.0, 26));
    let config = parse(
        "[front_end.kaldi-mfcc]\ndialect = \"torchaudio\"\ndeltas = 2\ncmvn = \"meanvar\"\n\
         [front_end.kaldi-mfcc.frame_opts]\nsnip_edges = false\n\
         [front_end.kaldi-mfcc.mel_opts]\nnum_bins = 40\n",
    )
    .unwrap();
    assert_eq!((config.frames_per_second(), config.init().unwrap().width()), (100.0, 39));
    assert_eq!(
        rejected("[front_end.kaldi-fbank.frame_opts]\ndither = 1.0"),
        "features.front_end.kaldi-fbank.frame_opts.dither = 1: must be 0; noise makes runs differ"
    );
    assert!(
        rejected("[front_end.psf-logfbank]\nhighfreq = 9000")
            .starts_with("features.front_end.psf-logfbank.high")
    );
    assert_eq!(
        rejected("[front_end.psf-fbank]\nN = 0"),
        "features.front_end.psf-fbank.N = 0: must be within 1..=4999; use 1"
    );
    for text in ["[front_end.kaldi-mfcc]\nnum_bins = 40", "[front_end.psf-mfcc]\nnfft = 1.5"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn unknown_keys_and_values_are_errors() {
    for text in [
        "sample_rate = 8000",
        "scale = \"int8\"",
        "[front_end.librosa-mfc]",
        "[front_end.librosa-mfcc]\nhop_size = 512",
        "[front_end.librosa-mfcc]\nwindow = \"hanning\"",
        "[front_end.librosa-mfcc]\nmel_norm = \"area\"",
        "[front_end.librosa-mfcc]\ntop_db = \"off\"",
        "[front_end.librosa-mfcc]\nhop_length = -1",
        "[deltas]\nwindow = 9",
        "normalization = \"global\"",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert!(
        parse("[front_end.librosa-mfcc]\ntop_db = \"off\"").unwrap_err().contains("a number or \"none\"")
    );
}

#[test]
fn invalid_settings_are_reported_with_their_full_key() {
    assert_eq!(
        rejected("[front_end.librosa-mfcc]\nhop_length = 0"),
        "features.front_end.librosa-mfcc.hop_length = 0: must be at least 1; use 1"
    );
    assert!(
        rejected("[front_end.librosa-mel-db]\nfmax = 9000")
            .starts_with("features.front_end.librosa-mel-db.fmax = 9000: ")
    );
    assert_eq!(
        rejected("sample_rate_hz = 0"),
        "features.sample_rate_hz = 0: must be at least 1; use the recordings' own, such as 16000"
    );
    assert!(rejected("fixed_length_samples = 0").starts_with("features.fixed_length_samples = 0: "));
    assert_eq!(rejected("[deltas]\norder = 3"), "features.deltas.order = 3: must be 0, 1 or 2; use 2");
    assert!(rejected("[deltas]\nwidth = 4").starts_with("features.deltas.width = 4: must be odd"));
    assert!(rejected("[deltas]\norder = 2\nwidth = 1").starts_with("features.deltas.width = 1: "));
}

#[test]
fn fixed_length_must_give_enough_frames() {
    assert_eq!(
        rejected("fixed_length_samples = 3000\n[deltas]\norder = 1"),
        "features.deltas.width = 9: must be at most the 6 frames of 3000 samples; \
         use 5, or mode = \"nearest\""
    );
    assert!(
        rejected("fixed_length_samples = 700\n[deltas]\norder = 1").ends_with("; use mode = \"nearest\"")
    );
    assert!(
        rejected("fixed_length_samples = 2000\n[front_end.librosa-mfcc]\ncenter = false")
            .starts_with("features.fixed_length_samples = 2000: must be enough for one frame")
    );
    assert!(parse("fixed_length_samples = 700\n[deltas]\nmode = \"nearest\"").unwrap().check().is_ok());
}

#[test]
fn work_and_memory_are_bounded() {
    let cases = [
        ("[front_end.librosa-mfcc]\nn_fft = 4194304", "n_fft = 4194304: must be within 1..=65536"),
        ("[front_end.torchaudio-mel-db]\nn_mels = 65536", "n_mels = 65536: must be within 1..=1024"),
        ("fixed_length_samples = 268435456", "fixed_length_samples = 268435456: must be within 1..=16777216"),
        (
            "[front_end.librosa-mel-db]\nn_fft = 65536\nhop_length = 1",
            "features.front_end.librosa-mel-db = frames of 65536 samples every 1 samples: each sample would be in",
        ),
        (
            "fixed_length_samples = 16777216\n[front_end.librosa-mel-db]\nn_fft = 65536\nhop_length = 1024",
            "features.fixed_length_samples = 16777216: gives 16385 frames for every clip, too many",
        ),
        (
            "[front_end.librosa-mel-db]\nn_mels = 1024\nhop_length = 100\n[stacking]\nleft = 1000",
            "features.stacking = frames of 1025024 values every 100 samples: must be at most 1024 values per sample",
        ),
    ];
    for (text, expected) in cases {
        let message = rejected(text);
        assert!(message.contains(expected), "{message}");
    }
    // The advice is valid, and so are four minutes of every sample for a recurrent model.
    let advice = rejected("fixed_length_samples = 16777216\n[front_end.librosa-mel-db]\nhop_length = 16");
    let most: usize = advice.split("at most ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    let at = |length: usize| {
        parse(&format!("fixed_length_samples = {length}\n[front_end.librosa-mel-db]\nhop_length = 16"))
            .unwrap()
            .check()
    };
    assert!(at(most - 16).is_ok() && at(most + 32).is_err(), "{advice}");
    assert!(parse("fixed_length_samples = 4000000\n[front_end.waveform]").unwrap().check().is_ok());
}

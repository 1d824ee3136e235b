//! Edge cases of torchaudio's front ends and of raw frames.

use allocation_counter::measure;
use proptest::prelude::*;
use stapes_features::{
    Extractor, FeatureConfig, FeatureError, FrontEndConfig, MelNorm, MelScale, PadMode, SpectrumNorm,
    TorchaudioMelConfig, TorchaudioMelDbConfig, TorchaudioMfccConfig, WaveformConfig, Window,
};

fn clip(samples: usize) -> Vec<f32> {
    (0..samples).map(|n| (n as f32 * 0.37).sin() * 0.5).collect()
}

fn mfcc(melkwargs: TorchaudioMelConfig) -> TorchaudioMfccConfig {
    TorchaudioMfccConfig { melkwargs, ..Default::default() }
}

#[test]
fn clip_of_half_a_frame_or_less_is_rejected_with_the_minimum_length() {
    let mut default = TorchaudioMfccConfig::default().init(16_000).unwrap();
    for samples in [1, 199, 200] {
        let error = default.extract(&clip(samples)).unwrap_err();
        assert_eq!(error, FeatureError::TooShortToMirror { samples, needed: 201, mirrored: 200 });
        assert_eq!(default.frames_for(samples), 0);
    }
    let error = default.extract(&clip(200)).unwrap_err().to_string();
    assert_eq!(
        error,
        "200 samples are too few to mirror 200 at each end, which needs 201; pad the clip, \
         shorten n_fft, or use pad_mode = \"constant\""
    );
    assert_eq!(default.extract(&clip(201)).unwrap().frames(), 2);
    assert_eq!(default.extract(&clip(400)).unwrap().frames(), 3);
}

#[test]
fn empty_clip_is_rejected_with_any_padding() {
    for (pad_mode, center) in [(PadMode::Reflect, true), (PadMode::Constant, true), (PadMode::Reflect, false)]
    {
        let config = TorchaudioMelConfig { pad_mode, center, pad: 500, ..Default::default() };
        let mut mel = config.init(16_000).unwrap();
        assert_eq!(mel.frames_for(0), 0);
        assert_eq!(mel.extract(&[]), Err(FeatureError::TooShort { samples: 0, needed: 1 }));
    }
}

#[test]
fn silence_is_the_floor_and_only_the_first_coefficient() {
    let silence = TorchaudioMelDbConfig::default().init(16_000).unwrap().extract(&[0.0; 800]).unwrap();
    assert!(silence.values().iter().all(|&value| value == -100.0));
    let mut cepstra = TorchaudioMfccConfig::default().init(16_000).unwrap();
    let cepstra = cepstra.extract(&[0.0; 800]).unwrap();
    for t in 0..cepstra.frames() {
        assert!((cepstra.frame(t)[0] + 1131.3708).abs() < 1e-3);
        assert!(cepstra.frame(t)[1..].iter().all(|value| value.abs() < 1e-3));
    }
}

#[test]
fn invalid_sample_is_located_in_the_unpadded_clip() {
    let config = TorchaudioMelConfig { pad: 100, ..Default::default() };
    let mut mel = config.init(16_000).unwrap();
    let mut samples = clip(1000);
    samples[777] = f32::NAN;
    let error = mel.extract(&samples).unwrap_err();
    assert!(matches!(error, FeatureError::NotFinite { sample: 777, .. }), "{error}");
    samples[777] = 1e30;
    let error = mfcc(config).init(16_000).unwrap().extract(&samples).unwrap_err();
    assert!(matches!(error, FeatureError::Overflow { .. }), "{error}");
    // The next clip is not affected.
    assert_eq!(mel.extract(&clip(1000)), mel.clone().extract(&clip(1000)));
}

#[test]
fn empty_band_is_silent() {
    let config = TorchaudioMelConfig { n_fft: 64, n_mels: 100, ..Default::default() };
    let energies = config.init(16_000).unwrap().extract(&clip(1000)).unwrap();
    assert_eq!(energies.frame(3)[0], 0.0);
    let config = TorchaudioMelDbConfig { n_fft: 64, n_mels: 100, ..Default::default() };
    let decibels = config.init(16_000).unwrap().extract(&clip(1000)).unwrap();
    assert_eq!(decibels.frame(3)[0], -100.0);
}

#[test]
fn features_do_not_depend_on_the_previous_clip() {
    let mut extractor = TorchaudioMfccConfig::default().init(16_000).unwrap();
    let quiet: Vec<f32> = clip(3000).iter().map(|sample| sample * 1e-3).collect();
    let expected = extractor.extract(&quiet).unwrap();
    extractor.extract(&clip(9000)).unwrap();
    assert_eq!(extractor.extract(&quiet).unwrap(), expected);
}

#[test]
fn appended_zeros_change_no_frame() {
    let config = TorchaudioMelConfig { pad_mode: PadMode::Constant, ..Default::default() };
    let mut extractor = mfcc(config).init(16_000).unwrap();
    let short = extractor.extract(&clip(2000)).unwrap();
    let mut padded = clip(2000);
    padded.resize(8000, 0.0);
    let long = extractor.extract(&padded).unwrap();
    assert_eq!(&long.values()[..short.values().len()], short.values());
    assert_eq!(long.frame(20), long.frame(40));
}

#[test]
fn recipes_accept_settings_of_torchaudio() {
    let parse = |text: &str| toml::from_str::<FeatureConfig>(text).map_err(|error| error.to_string());
    let config = parse(
        "[front_end.torchaudio-mfcc]\nn_mfcc = 13\nlog_mels = true\n\
         melkwargs = { n_fft = 512, hop_length = 80, n_mels = 40, normalized = true, norm = \"slaney\", \
         mel_scale = \"slaney\", window = \"hamming\" }\n",
    )
    .unwrap();
    let expected = TorchaudioMfccConfig {
        n_mfcc: 13,
        log_mels: true,
        melkwargs: TorchaudioMelConfig {
            n_fft: 512,
            hop_length: Some(80),
            n_mels: 40,
            normalized: SpectrumNorm::Window,
            norm: MelNorm::Slaney,
            mel_scale: MelScale::Slaney,
            window: Window::Hamming,
            ..Default::default()
        },
        ..Default::default()
    };
    assert_eq!(config.front_end, FrontEndConfig::TorchaudioMfcc(expected));
    assert_eq!(config.frames_per_second(), 200.0);
    assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
    let mel_db = parse("[front_end.torchaudio-mel-db]\nnormalized = \"frame_length\"\ntop_db = 60").unwrap();
    assert_eq!(parse(&toml::to_string(&mel_db).unwrap()).unwrap(), mel_db);
    let mut net = parse("sample_rate_hz = 8000\nfixed_length_samples = 6000\n[front_end.waveform]\n")
        .unwrap()
        .init()
        .unwrap();
    let samples = net.extract(&clip(7000)).unwrap();
    assert_eq!((samples.frames(), samples.width()), (6000, 1));
    assert_eq!(samples.values(), &clip(7000)[..6000]);
    for text in [
        "[front_end.torchaudio-mfcc]\nn_fft = 512",
        "[front_end.torchaudio-mfcc]\nmelkwargs = { fmin = 1 }",
        "[front_end.torchaudio-mel-db]\nmel_scale = \"kaldi\"",
        "[front_end.waveform]\nlength = 3",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    let error = parse("[front_end.torchaudio-mfcc]\nn_mfcc = 200").unwrap().check().unwrap_err().to_string();
    assert!(error.starts_with("features.front_end.torchaudio-mfcc.n_mfcc = 200: "), "{error}");
}

#[test]
fn extractors_allocate_nothing_after_the_first_clip() {
    let samples = clip(16_000);
    let log_mels = TorchaudioMfccConfig { log_mels: true, ..Default::default() };
    let mut extractors: Vec<Box<dyn Extractor<f32>>> = vec![
        Box::new(TorchaudioMfccConfig::default().init(16_000).unwrap()),
        Box::new(log_mels.init(16_000).unwrap()),
        Box::new(TorchaudioMelDbConfig { pad: 9, n_fft: 441, ..Default::default() }.init(16_000).unwrap()),
        Box::new(TorchaudioMelConfig::default().init(16_000).unwrap()),
        Box::new(WaveformConfig { frame_length: 400, hop_length: 160 }.init().unwrap()),
    ];
    for extractor in &mut extractors {
        let mut values = Vec::new();
        let first = measure(|| assert!(extractor.extract_into(&samples, &mut values).is_ok()));
        let later = measure(|| {
            for length in [16_000, 8000, 16_000] {
                assert!(extractor.extract_into(&samples[..length], &mut values).is_ok());
            }
        });
        assert!(first.count_total > 0);
        assert_eq!(later.count_total, 0);
    }
}

prop_compose! {
    /// Small settings, some of them invalid.
    fn settings()(
        (n_fft, hop_length, win_length) in (0usize..70, prop::option::of(0usize..40), prop::option::of(0usize..80)),
        (center, reflect, slaney, log_mels) in any::<(bool, bool, bool, bool)>(),
        (n_mels, n_mfcc, pad) in (0usize..30, 0usize..35, 0usize..20),
        (f_min, f_max) in (-10.0..3000.0f64, prop::option::of(-10.0..4500.0f64)),
        power in prop::sample::select(vec![0.0, 0.5, 1.0, 2.0, 3.0]),
        norm in prop::sample::select(vec![MelNorm::Slaney, MelNorm::None, MelNorm::P(1.0)]),
        normalized in prop::sample::select(vec![
            SpectrumNorm::None, SpectrumNorm::Window, SpectrumNorm::FrameLength,
        ]),
        window in prop::sample::select(vec![Window::Hann, Window::Hamming, Window::Rectangular]),
        top_db in prop::option::of(-5.0..90.0f64),
    ) -> TorchaudioMfccConfig {
        let melkwargs = TorchaudioMelConfig {
            n_fft, hop_length, win_length, center, n_mels, pad, f_min, f_max, power, norm, normalized, window,
            pad_mode: if reflect { PadMode::Reflect } else { PadMode::Constant },
            mel_scale: if slaney { MelScale::Slaney } else { MelScale::Htk },
        };
        TorchaudioMfccConfig { n_mfcc, log_mels, top_db, melkwargs, ..Default::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_clip_or_settings_panic_and_features_are_finite(
        config in settings(),
        rate_hz in prop::sample::select(vec![0u32, 1, 2, 8000, 8001]),
        samples in prop::collection::vec(-40_000.0f32..40_000.0, 0..200),
    ) {
        let Ok(mut extractor) = config.init(rate_hz) else {
            let rejected = matches!(config.check(rate_hz), Err(FeatureError::Setting { .. }));
            prop_assert!(rejected);
            return Ok(());
        };
        match extractor.extract(&samples) {
            Ok(features) => {
                prop_assert_eq!(features.frames(), extractor.frames_for(samples.len()));
                prop_assert_eq!(features.width(), config.n_mfcc);
                prop_assert!(features.values().iter().all(|value| value.is_finite()));
            }
            Err(FeatureError::TooShort { needed, .. } | FeatureError::TooShortToMirror { needed, .. }) => {
                prop_assert_eq!(extractor.frames_for(samples.len()), 0);
                prop_assert!(samples.len() < needed);
                // `needed` is the exact minimum.
                prop_assert!(extractor.frames_for(needed) > 0);
                prop_assert_eq!(extractor.frames_for(needed - 1), 0);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

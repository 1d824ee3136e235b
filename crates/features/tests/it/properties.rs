//! Properties of all clips and all settings.

use proptest::prelude::*;
use stapes_features::{
    DeltaMode, DeltasConfig, Extractor, FeatureConfig, FeatureError, FrontEndConfig, LibrosaMelDbConfig,
    LibrosaMfccConfig, MelNorm, Normalization, PadMode, Reference, Window,
};

fn windows() -> impl Strategy<Value = Window> {
    prop::sample::select(vec![Window::Hann, Window::Hamming, Window::Blackman, Window::Rectangular])
}

prop_compose! {
    /// Small settings, some of them invalid.
    fn settings()(
        (n_fft, hop_length, win_length) in (0usize..70, 0usize..40, prop::option::of(0usize..80)),
        window in windows(),
        (center, reflect, htk) in any::<(bool, bool, bool)>(),
        (n_mels, n_mfcc) in (0usize..30, 0usize..35),
        (fmin, fmax) in (-10.0..3000.0f64, prop::option::of(-10.0..4500.0f64)),
        power in prop::sample::select(vec![0.0, 0.5, 1.0, 2.0, 3.0]),
        mel_norm in prop::sample::select(vec![MelNorm::Slaney, MelNorm::None, MelNorm::P(1.0), MelNorm::P(-1.0)]),
        reference in prop::sample::select(vec![Reference::Max, Reference::Power(1.0), Reference::Power(0.0)]),
        top_db in prop::option::of(-5.0..90.0f64),
        lifter in prop::sample::select(vec![-1.0, 0.0, 0.5, 22.0]),
    ) -> LibrosaMfccConfig {
        LibrosaMfccConfig {
            n_fft, hop_length, win_length, window, center, htk, n_mels, n_mfcc, fmin, fmax, power, mel_norm,
            reference, top_db, lifter,
            pad_mode: if reflect { PadMode::Reflect } else { PadMode::Constant },
            ..LibrosaMfccConfig::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_clip_or_settings_panic_and_features_are_finite(
        config in settings(),
        samples in prop::collection::vec(-40_000.0f32..40_000.0, 0..200),
    ) {
        let Ok(mut mfcc) = config.init::<f32>(8000) else {
            let rejected = matches!(config.check(8000), Err(FeatureError::Setting { .. }));
            prop_assert!(rejected);
            return Ok(());
        };
        let mut wide = config.init::<f64>(8000).unwrap();
        let double: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
        match (mfcc.extract(&samples), wide.extract(&double)) {
            (Ok(features), Ok(exact)) => {
                prop_assert_eq!(features.frames(), mfcc.frames_for(samples.len()));
                prop_assert_eq!(features.width(), config.n_mfcc.min(config.n_mels));
                prop_assert!(features.values().iter().all(|value| value.is_finite()));
                prop_assert_eq!(exact.values().len(), features.values().len());
            }
            (Err(FeatureError::TooShort { needed, .. }), Err(FeatureError::TooShort { .. })) => {
                prop_assert_eq!(mfcc.frames_for(samples.len()), 0);
                prop_assert!(samples.len() < needed);
                prop_assert!(mfcc.frames_for(needed) > 0);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn appended_silence_adds_only_frames_at_the_floor(
        sound in prop::collection::vec(-1.0f32..1.0, 0..150),
        before in 0usize..150,
        after in 0usize..300,
        n_fft in 1usize..70,
        hop_length in 1usize..40,
        window in windows(),
        center: bool,
    ) {
        let config = LibrosaMelDbConfig {
            n_fft, hop_length, window, center, n_mels: 8, top_db: None, ..Default::default()
        };
        let mut mel_db = config.init::<f32>(8000).unwrap();
        let mut samples = vec![0.0; before];
        samples.extend(&sound);
        let margin = if center { n_fft / 2 } else { 0 };
        let mut padded = samples.clone();
        padded.resize(samples.len() + after, 0.0);
        let Ok(features) = mel_db.extract(&padded) else { return Ok(()) };
        if let Ok(short) = mel_db.extract(&samples) {
            prop_assert_eq!(&features.values()[..short.values().len()], short.values());
        }
        // Each frame equals the features of its own samples.
        let mut plain = LibrosaMelDbConfig { center: false, ..config }.init::<f32>(8000).unwrap();
        for t in 0..features.frames() {
            let sample = |n: usize| (t * hop_length + n).checked_sub(margin).and_then(|n| padded.get(n));
            let frame: Vec<f32> = (0..n_fft).map(|n| *sample(n).unwrap_or(&0.0)).collect();
            let single = plain.extract(&frame).unwrap();
            prop_assert_eq!(features.frame(t), single.frame(0));
            if frame.iter().all(|&sample| sample == 0.0) {
                prop_assert_eq!(features.frame(t), [-100.0; 8]);
            }
        }
    }

    #[test]
    fn no_feature_settings_panic(
        sample_rate_hz in prop::sample::select(vec![0u32, 1, 100, 8000, 44_100]),
        fixed_length_samples in prop::option::of(0usize..300),
        deltas in prop::option::of((0usize..4, 0usize..12, any::<bool>())),
        normalization in prop::sample::select(vec![
            Normalization::None, Normalization::PerUtterance, Normalization::PerUtteranceMean,
        ]),
        front_end in settings(),
        samples in prop::collection::vec(-1.0f32..1.0, 0..300),
    ) {
        let mode = |interp| if interp { DeltaMode::Interp } else { DeltaMode::Nearest };
        let config = FeatureConfig {
            sample_rate_hz,
            fixed_length_samples,
            deltas: deltas.map(|(order, width, interp)| DeltasConfig {
                order,
                width: Some(width),
                mode: Some(mode(interp)),
                ..Default::default()
            }),
            normalization,
            front_end: FrontEndConfig::LibrosaMfcc(front_end),
            ..Default::default()
        };
        let Ok(mut front_end) = config.init() else { return Ok(()) };
        let Ok(features) = front_end.extract(&samples) else { return Ok(()) };
        prop_assert_eq!(features.width(), front_end.width());
        prop_assert_eq!(features.frames(), front_end.frames_for(samples.len()));
        prop_assert!(features.values().iter().all(|value| value.is_finite()));
    }
}

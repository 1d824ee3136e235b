//! Streamed features equal those of the whole clip bit for bit, or the settings are rejected with the reason.

use allocation_counter::measure;
use proptest::prelude::*;
use stapes_features::{
    DeltaKind, DeltaMode, DeltasConfig, FeatureConfig, FeatureError, FrontEndConfig, KaldiCmvn,
    KaldiFbankConfig, KaldiFrameConfig, KaldiMfccConfig, LibrosaMelDbConfig, LibrosaMfccConfig,
    Normalization, PRESETS, PsfFbankConfig, PsfLogFbankConfig, PsfMfccConfig, Reference, Scale,
    StackingConfig, StandardScaler, StreamingExtractor, TorchaudioMelConfig, TorchaudioMelDbConfig,
    TorchaudioMfccConfig, WaveformConfig,
};

const RATE_HZ: u32 = 8000;

fn clip(samples: usize) -> Vec<f32> {
    (0..samples).map(|n| (n as f32 * 0.37).sin() * 0.3 + ((n * n) % 101) as f32 * 1e-3).collect()
}

/// Front ends that can be streamed.
fn front_ends() -> Vec<FrontEndConfig> {
    let melkwargs = TorchaudioMelConfig { n_fft: 200, n_mels: 20, center: false, ..Default::default() };
    let frame_opts = KaldiFrameConfig { snip_edges: false, ..Default::default() };
    vec![
        FrontEndConfig::LibrosaMfcc(LibrosaMfccConfig {
            n_fft: 256,
            hop_length: 80,
            n_mels: 20,
            n_mfcc: 7,
            center: false,
            top_db: None,
            ..Default::default()
        }),
        FrontEndConfig::LibrosaMelDb(LibrosaMelDbConfig {
            n_fft: 255,
            win_length: Some(200),
            hop_length: 300,
            n_mels: 9,
            center: false,
            top_db: None,
            reference: Reference::Power(0.5),
            ..Default::default()
        }),
        FrontEndConfig::PsfMfcc(PsfMfccConfig { deltas: 1, ..Default::default() }),
        FrontEndConfig::PsfLogFbank(PsfLogFbankConfig::default()),
        FrontEndConfig::PsfFbank(PsfFbankConfig::default()),
        FrontEndConfig::KaldiMfcc(KaldiMfccConfig { deltas: 2, ..Default::default() }),
        FrontEndConfig::KaldiFbank(KaldiFbankConfig { frame_opts, ..Default::default() }),
        FrontEndConfig::TorchaudioMfcc(TorchaudioMfccConfig {
            n_mfcc: 5,
            top_db: None,
            melkwargs: melkwargs.clone(),
            ..Default::default()
        }),
        FrontEndConfig::TorchaudioMfcc(TorchaudioMfccConfig {
            n_mfcc: 5,
            log_mels: true,
            melkwargs: TorchaudioMelConfig { pad: 150, ..melkwargs },
            ..Default::default()
        }),
        FrontEndConfig::TorchaudioMelDb(TorchaudioMelDbConfig {
            n_fft: 200,
            n_mels: 20,
            center: false,
            ..Default::default()
        }),
        FrontEndConfig::Waveform(WaveformConfig { frame_length: 50, hop_length: 40 }),
    ]
}

fn deltas() -> impl Strategy<Value = Option<DeltasConfig>> {
    let kinds = [DeltaKind::Librosa, DeltaKind::Psf, DeltaKind::Kaldi, DeltaKind::Torchaudio];
    let modes = [None, Some(DeltaMode::Nearest), Some(DeltaMode::Mirror), Some(DeltaMode::Constant)];
    let config = (
        prop::sample::select(kinds.to_vec()),
        prop::sample::select(modes.to_vec()),
        0usize..3,
        prop::sample::select(vec![None, Some(3), Some(7)]),
    );
    prop::option::of(config.prop_map(|(kind, mode, order, width)| DeltasConfig {
        kind,
        order,
        width,
        mode: mode.filter(|_| kind == DeltaKind::Librosa),
    }))
}

prop_compose! {
    fn settings()(
        front_end in prop::sample::select(front_ends()),
        deltas in deltas(),
        (left, right, every) in (0usize..4, 0usize..4, 1usize..4),
        int16: bool,
        fixed_length_samples in prop::option::of(600usize..5000),
        fitted: bool,
    ) -> FeatureConfig {
        FeatureConfig {
            sample_rate_hz: RATE_HZ,
            scale: if int16 { Scale::Int16 } else { Scale::Unit },
            fixed_length_samples,
            front_end,
            deltas,
            stacking: StackingConfig { left, right, every },
            normalization: if fitted { Normalization::PerCoefficient } else { Normalization::None },
        }
    }
}

/// Returns the frames (or the error) of the whole clip and of a stream with these chunk sizes.
fn offline_and_streamed(
    config: &FeatureConfig,
    samples: &[f32],
    sizes: &[usize],
) -> [Result<Vec<f32>, FeatureError>; 2] {
    let mut front_end = config.init().unwrap();
    let mut whole = front_end.extract(samples);
    let fitted = match (&whole, config.normalization) {
        (Ok(features), Normalization::PerCoefficient) => Some(StandardScaler::fit([features]).unwrap()),
        _ => None,
    };
    if let (Some(fitted), Ok(features)) = (&fitted, &mut whole) {
        fitted.apply(features).unwrap();
    }
    let mut stream = config.stream(fitted.as_ref()).unwrap();
    assert_eq!(stream.width(), front_end.width());
    assert_eq!(stream.frames_for(samples.len()), front_end.frames_for(samples.len()));
    // An abandoned clip has no effect.
    stream.push(&samples[..samples.len() / 3], &mut Vec::new()).unwrap();
    stream.reset();
    let mut streamed = || {
        let (mut frames, mut rest, mut emitted) = (Vec::new(), samples, 0);
        for &size in sizes.iter().cycle() {
            let (chunk, tail) = rest.split_at(size.min(rest.len()));
            emitted += stream.push(chunk, &mut frames)?;
            assert_eq!(emitted * stream.width(), frames.len());
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
        emitted += stream.finish(&mut frames)?;
        assert_eq!(emitted * stream.width(), frames.len());
        Ok(frames)
    };
    let first = streamed();
    assert!(streamed() == first, "a stream's second clip");
    [whole.map(|features| features.values().to_vec()), first]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_composition_streams_bit_for_bit(
        config in settings(),
        length in 1usize..6000,
        sizes in prop::collection::vec(1usize..2500, 1..5),
    ) {
        // A fixed length may give too few frames for the deltas, which is an error.
        prop_assume!(config.check().is_ok());
        let [whole, streamed] = offline_and_streamed(&config, &clip(length), &sizes);
        prop_assert!(whole == streamed, "{config:?} {length} {sizes:?}: {:?}", (whole.err(), streamed.err()));
    }
}

#[test]
fn one_sample_at_a_time_gives_equal_frames() {
    for front_end in front_ends() {
        let config = FeatureConfig { sample_rate_hz: RATE_HZ, front_end, ..Default::default() };
        for length in [600, 2000] {
            let [whole, streamed] = offline_and_streamed(&config, &clip(length), &[1]);
            assert!(whole.is_ok() && whole == streamed, "{config:?} {length}");
        }
    }
}

#[test]
fn clip_with_silence_streams_bit_for_bit() {
    let mut samples = vec![0.0; 3000];
    samples[1000..1600].copy_from_slice(&clip(600));
    for front_end in front_ends() {
        let config = FeatureConfig { sample_rate_hz: RATE_HZ, front_end, ..Default::default() };
        let [whole, streamed] = offline_and_streamed(&config, &samples, &[80]);
        assert!(whole.is_ok() && whole == streamed, "{config:?}");
    }
}

#[test]
fn settings_that_need_the_whole_clip_are_rejected_with_an_alternative() {
    let rejected = |front_end, deltas, normalization| {
        let config = FeatureConfig { front_end, deltas, normalization, ..Default::default() };
        assert!(config.check().is_ok());
        let error = config.stream(None).unwrap_err();
        assert!(matches!(error, FeatureError::NeedsWholeClip { .. }), "{error}");
        error.to_string()
    };
    let message = |front_end| rejected(front_end, None, Normalization::None);
    let mfcc = LibrosaMfccConfig::default();
    assert_eq!(
        message(FrontEndConfig::LibrosaMfcc(mfcc.clone())),
        "features.front_end.librosa-mfcc.center = true needs the whole clip and cannot be streamed; \
         use center = false, in training too"
    );
    let uncentered = LibrosaMfccConfig { center: false, ..mfcc };
    assert!(
        message(FrontEndConfig::LibrosaMfcc(uncentered))
            .starts_with("features.front_end.librosa-mfcc.top_db = 80 needs the whole clip")
    );
    let largest =
        LibrosaMelDbConfig { center: false, top_db: None, reference: Reference::Max, ..Default::default() };
    assert!(message(FrontEndConfig::LibrosaMelDb(largest)).contains("librosa-mel-db.ref = max needs"));
    let melkwargs = TorchaudioMelConfig { center: false, ..Default::default() };
    let torchaudio = TorchaudioMfccConfig::default();
    assert!(
        message(FrontEndConfig::TorchaudioMfcc(torchaudio.clone())).contains("melkwargs.center = true needs")
    );
    let floored = TorchaudioMfccConfig { melkwargs, ..torchaudio };
    assert!(message(FrontEndConfig::TorchaudioMfcc(floored)).contains("torchaudio-mfcc.top_db = 80 needs"));
    let floored = TorchaudioMelDbConfig { top_db: Some(60.0), center: false, ..Default::default() };
    assert!(
        message(FrontEndConfig::TorchaudioMelDb(floored)).contains("torchaudio-mel-db.top_db = 60 needs")
    );
    let cmvn = KaldiMfccConfig { cmvn: KaldiCmvn::Mean, ..Default::default() };
    assert!(message(FrontEndConfig::KaldiMfcc(cmvn)).contains("kaldi-mfcc.cmvn = mean needs"));
    let streamable = FrontEndConfig::KaldiMfcc(KaldiMfccConfig::default());
    let wrap = DeltasConfig { mode: Some(DeltaMode::Wrap), ..Default::default() };
    assert!(
        rejected(streamable.clone(), Some(wrap), Normalization::None)
            .starts_with("features.deltas.mode = wrap needs the whole clip")
    );
    for normalization in [
        Normalization::PerUtterance,
        Normalization::PerUtteranceMean,
        Normalization::Cmvn,
        Normalization::CmvnMean,
    ] {
        let error = rejected(streamable.clone(), None, normalization);
        assert!(
            error.starts_with(&format!("features.normalization = {} needs", normalization.name()))
                && error.contains("per-coefficient"),
            "{error}"
        );
    }
}

#[test]
fn scaler_of_another_width_is_rejected() {
    let config = FeatureConfig {
        front_end: FrontEndConfig::KaldiMfcc(KaldiMfccConfig::default()),
        normalization: Normalization::PerCoefficient,
        ..Default::default()
    };
    let scaler = StandardScaler { mean: vec![0.0; 20], scale: vec![1.0; 20] };
    let error = config.stream(Some(&scaler)).unwrap_err();
    assert_eq!(error, FeatureError::Width { expected: 20, got: 13 });
}

#[test]
fn invalid_samples_are_located_from_the_start_of_the_clip() {
    for front_end in front_ends() {
        let config =
            FeatureConfig { sample_rate_hz: RATE_HZ, front_end, scale: Scale::Int16, ..Default::default() };
        let (mut stream, mut frames) = (config.stream(None).unwrap(), Vec::new());
        let samples = clip(4000);
        stream.push(&samples[..3000], &mut frames).unwrap();
        let mut bad = samples[3000..].to_vec();
        bad[123] = f32::NAN;
        let error = stream.push(&bad, &mut frames).unwrap_err();
        assert!(matches!(error, FeatureError::NotFinite { sample: 3123, .. }), "{config:?} {error}");
        // The invalid chunk was ignored.
        stream.push(&samples[3000..], &mut frames).unwrap();
        stream.finish(&mut frames).unwrap();
        assert_eq!(frames, config.init().unwrap().extract(&samples).unwrap().values(), "{config:?}");
    }
}

#[test]
fn overflowing_frame_is_reported() {
    for front_end in front_ends() {
        if matches!(front_end, FrontEndConfig::Waveform(_) | FrontEndConfig::PsfMfcc(_)) {
            continue;
        }
        let config = FeatureConfig { sample_rate_hz: RATE_HZ, front_end, ..Default::default() };
        if matches!(config.front_end, FrontEndConfig::PsfLogFbank(_) | FrontEndConfig::PsfFbank(_)) {
            continue;
        }
        let mut samples = clip(4000);
        samples[2000] = 1e30;
        let whole = config.init().unwrap().extract(&samples).unwrap_err();
        let mut stream = config.stream(None).unwrap();
        let streamed = stream.push(&samples, &mut Vec::new()).unwrap_err();
        assert!(matches!(whole, FeatureError::Overflow { frame: 1.. }), "{config:?} {whole}");
        assert_eq!(streamed, whole, "{config:?}");
    }
}

#[test]
fn streams_allocate_nothing_after_the_first_clip() {
    let samples = clip(20_000);
    for front_end in front_ends() {
        let config = FeatureConfig {
            sample_rate_hz: RATE_HZ,
            scale: Scale::Int16,
            front_end,
            deltas: Some(DeltasConfig { order: 2, ..Default::default() }),
            stacking: StackingConfig { left: 1, right: 1, every: 2 },
            normalization: Normalization::PerCoefficient,
            ..Default::default()
        };
        let width = config.init().unwrap().width();
        let scaler = StandardScaler { mean: vec![1.0; width], scale: vec![2.0; width] };
        let mut stream = config.stream(Some(&scaler)).unwrap();
        let mut frames = Vec::new();
        let mut run = || {
            frames.clear();
            samples.chunks(80).for_each(|chunk| assert!(stream.push(chunk, &mut frames).is_ok()));
            stream.finish(&mut frames).unwrap();
        };
        run();
        let later = measure(&mut run);
        assert_eq!(later.count_total, 0, "{config:?}");
    }
}

#[test]
fn every_preset_allocates_nothing_after_the_first_clip() {
    let samples = clip(20_000);
    for preset in PRESETS {
        let mut front_end = preset.config().init().unwrap();
        let mut values = Vec::new();
        front_end.extract_into(&samples, &mut values).unwrap();
        let later = measure(|| {
            for length in [16_000, 20_000, 9000] {
                assert!(front_end.extract_into(&samples[..length], &mut values).is_ok());
            }
        });
        assert_eq!(later.count_total, 0, "{}", preset.name);
    }
}

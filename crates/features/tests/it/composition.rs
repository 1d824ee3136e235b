//! Deltas, stacking and normalization of a configured front end compared with the toolkits'.

use stapes_features::{
    DeltaConfig, DeltaKind, DeltaMode, DeltasConfig, Extractor, FeatureConfig, Features, FrontEndConfig,
    KaldiCmvn, KaldiMfccConfig, Normalization, PsfMfccConfig, StackingConfig, TorchaudioDeltaConfig,
    TorchaudioMfccConfig,
};

const RATE_HZ: u32 = 8000;

fn clip() -> Vec<f32> {
    (0..6000).map(|n| (n as f32 * 0.37).sin() * 0.3 + ((n * n) % 101) as f32 * 1e-3).collect()
}

fn extract(config: &FeatureConfig) -> Features {
    config.init().unwrap().extract(&clip()).unwrap()
}

fn config_with(front_end: FrontEndConfig, deltas: Option<DeltasConfig>) -> FeatureConfig {
    FeatureConfig { sample_rate_hz: RATE_HZ, front_end, deltas, ..Default::default() }
}

fn deltas(kind: DeltaKind, width: Option<usize>) -> Option<DeltasConfig> {
    Some(DeltasConfig { kind, order: 2, width, ..Default::default() })
}

fn close(got: &[f32], expected: &[f32], allowed: f32) {
    assert_eq!(got.len(), expected.len());
    for (n, (a, b)) in got.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= allowed * (1.0 + b.abs()), "{n}: {a} {b}");
    }
}

/// Concatenates the columns of features and two orders of deltas.
fn concat_columns(parts: [&Features; 3]) -> Vec<f32> {
    (0..parts[0].frames()).flat_map(|t| parts.map(|part| part.frame(t).to_vec()).concat()).collect()
}

#[test]
fn composed_deltas_equal_those_of_kaldi_and_psf() {
    let kaldi = KaldiMfccConfig::default();
    let expected =
        KaldiMfccConfig { deltas: 2, ..kaldi.clone() }.init(RATE_HZ).unwrap().extract(&clip()).unwrap();
    let composed = extract(&config_with(FrontEndConfig::KaldiMfcc(kaldi), deltas(DeltaKind::Kaldi, None)));
    assert_eq!((composed.frames(), composed.width()), (73, 39));
    close(composed.values(), expected.values(), 2e-6);
    for (reach, width) in [(2, None), (3, Some(7))] {
        let psf = PsfMfccConfig::default();
        let expected = PsfMfccConfig { deltas: 2, delta_reach: reach, ..psf.clone() };
        let expected = expected.init(RATE_HZ).unwrap().extract(&clip()).unwrap();
        let composed = extract(&config_with(FrontEndConfig::PsfMfcc(psf), deltas(DeltaKind::Psf, width)));
        close(composed.values(), expected.values(), 2e-6);
    }
}

#[test]
fn deltas_of_one_toolkit_follow_features_of_another() {
    let front_end = FrontEndConfig::TorchaudioMfcc(TorchaudioMfccConfig::default());
    let base = extract(&config_with(front_end.clone(), None));
    let torchaudio = TorchaudioDeltaConfig { win_length: 7 }.init().unwrap();
    let first = torchaudio.apply(&base).unwrap();
    let second = torchaudio.apply(&first).unwrap();
    let composed = extract(&config_with(front_end.clone(), deltas(DeltaKind::Torchaudio, Some(7))));
    close(composed.values(), &concat_columns([&base, &first, &second]), 1e-6);
    for mode in
        [DeltaMode::Interp, DeltaMode::Nearest, DeltaMode::Mirror, DeltaMode::Constant, DeltaMode::Wrap]
    {
        let order = |order| DeltaConfig { order, width: 9, mode }.init().unwrap().apply(&base).unwrap();
        let config = DeltasConfig { order: 2, mode: Some(mode), ..Default::default() };
        let composed = extract(&config_with(front_end.clone(), Some(config)));
        assert_eq!(composed.values(), concat_columns([&base, &order(1), &order(2)]), "{mode:?}");
    }
}

#[test]
fn stacking_follows_deltas_and_repeats_edges() {
    let front_end = FrontEndConfig::KaldiMfcc(KaldiMfccConfig::default());
    let mut config = config_with(front_end, deltas(DeltaKind::Kaldi, None));
    let plain = extract(&config);
    assert_eq!(config.frames_per_second(), 100.0);
    config.stacking = StackingConfig { left: 2, right: 1, every: 3 };
    let stacked = extract(&config);
    assert_eq!((stacked.frames(), stacked.width()), (25, 4 * 39));
    assert!((config.frames_per_second() - 100.0 / 3.0).abs() < 1e-12);
    assert_eq!(config.init().unwrap().frames_for(6000), 25);
    for t in 0..stacked.frames() {
        for (slot, frame) in stacked.frame(t).chunks(39).enumerate() {
            let at = (3 * t + slot).saturating_sub(2).min(plain.frames() - 1);
            assert_eq!(frame, plain.frame(at), "{t} {slot}");
        }
    }
}

#[test]
fn cmvn_equals_kaldi() {
    let kaldi = KaldiMfccConfig { deltas: 1, ..Default::default() };
    for (normalization, cmvn) in
        [(Normalization::Cmvn, KaldiCmvn::MeanVar), (Normalization::CmvnMean, KaldiCmvn::Mean)]
    {
        let expected = KaldiMfccConfig { cmvn, ..kaldi.clone() };
        let expected = expected.init(RATE_HZ).unwrap().extract(&clip()).unwrap();
        let front_end = FrontEndConfig::KaldiMfcc(kaldi.clone());
        let composed = extract(&FeatureConfig { normalization, ..config_with(front_end, None) });
        assert_eq!(composed, expected, "{normalization:?}");
    }
}

#[test]
fn invalid_post_processing_is_reported_with_its_key() {
    let parse = |text: &str| toml::from_str::<FeatureConfig>(text).map_err(|error| error.to_string());
    let config = parse(
        "normalization = \"cmvn\"\n[deltas]\nkind = \"kaldi\"\norder = 2\n\
         [stacking]\nleft = 3\nright = 3\nevery = 3\n[front_end.kaldi-mfcc]\n",
    )
    .unwrap();
    assert_eq!(config.init().unwrap().width(), 7 * 39);
    assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
    let rejected = |text: &str| parse(text).unwrap().check().unwrap_err().to_string();
    assert_eq!(
        rejected("[stacking]\nevery = 0"),
        "features.stacking.every = 0: must be within 1..=1000; use 1"
    );
    assert!(
        rejected("[deltas]\nkind = \"psf\"\nmode = \"wrap\"")
            .starts_with("features.deltas.mode = wrap: is only valid")
    );
    assert_eq!(
        rejected("[deltas]\nkind = \"torchaudio\"\nwidth = 1"),
        "features.deltas.width = 1: must be within 3..=9999; use 3"
    );
    for text in ["[stacking]\nright_frames = 1", "[deltas]\nkind = \"htk\"", "normalization = \"cmvn-var\""] {
        assert!(parse(text).is_err(), "{text}");
    }
}

//! Tests of the augmentation of frames.

use super::*;

fn ramp(frames: usize, width: usize) -> Features {
    Features::new(width, (1..=frames * width).map(|value| value as f32).collect())
}

#[test]
fn masks_cover_ranges_and_bands_within_their_limits() {
    let config = SpecAugmentConfig {
        probability: 1.0,
        time_masks: 1,
        time_frames: 5,
        feature_masks: 1,
        feature_width: 3,
    };
    let augment = AugmentConfig { spec_augment: Some(config), ..AugmentConfig::default() };
    let (mut longest, mut widest) = (0, 0);
    for epoch in 0..200 {
        let mut features = ramp(20, 8);
        augment.apply(&mut features, usize::MAX, 1, [epoch, 3]);
        let stretch = (0..20).filter(|&t| features.frame(t).iter().all(|&value| value == 0.0)).count();
        let band = (0..8).filter(|&f| (0..20).all(|t| features.frame(t)[f] == 0.0)).count();
        let zeros = features.values().iter().filter(|&&value| value == 0.0).count();
        assert_eq!(zeros, stretch * 8 + band * 20 - stretch * band);
        assert!(stretch <= 5 && band <= 3);
        (longest, widest) = (longest.max(stretch), widest.max(band));
    }
    assert_eq!((longest, widest), (5, 3));
}

#[test]
fn examples_and_epochs_are_augmented_differently() {
    let shift = Some(ShiftConfig { probability: 1.0, frames: 9 });
    let augment = AugmentConfig { shift, ..AugmentConfig::default() };
    let shifted = |numbers| {
        let mut features = ramp(40, 1);
        augment.apply(&mut features, usize::MAX, 1, numbers);
        features
    };
    let changed = (0..20).filter(|&n| shifted([n, 0]) != shifted([0, n])).count();
    assert!(changed > 10, "{changed}");
    let single = Features::new(2, vec![1.0, 2.0]);
    let mut one_frame = single.clone();
    augment.apply(&mut one_frame, usize::MAX, 1, [1, 1]);
    assert_eq!(one_frame, single);
}

#[test]
fn an_impossible_probability_is_rejected() {
    let shift = Some(ShiftConfig { probability: 1.5, frames: 9 });
    let augment = AugmentConfig { shift, ..AugmentConfig::default() };
    assert!(augment.check().unwrap_err().to_string().contains("augment.shift.probability"));
}

#[test]
fn level_adds_one_line_over_the_features_to_all_frames() {
    let config = |offset, slope| AugmentConfig {
        level: Some(LevelConfig { probability: 0.8, offset, slope }),
        ..AugmentConfig::default()
    };
    let (mut changed, mut highest, mut steepest) = (0, 0.0f32, 0.0f32);
    for epoch in 0..300 {
        let mut features = ramp(4, 5);
        config(2.0, 0.5).apply(&mut features, usize::MAX, 1, [epoch, 7]);
        let added: Vec<f32> =
            features.values().iter().zip(ramp(4, 5).values()).map(|(new, old)| new - old).collect();
        for frame in added.chunks_exact(5) {
            for (added, first) in frame.iter().zip(&added[..5]) {
                assert!((added - first).abs() < 1e-5);
            }
            let slope = (frame[4] - frame[0]) / 2.0;
            assert!((frame[1] - (frame[2] - slope / 2.0)).abs() < 1e-5, "{frame:?}");
            (highest, steepest) = (highest.max(frame[2].abs()), steepest.max(slope.abs()));
        }
        changed += usize::from(added.iter().any(|added| *added != 0.0));
    }
    assert!((210..270).contains(&changed), "{changed}");
    assert!((1.8..=2.0).contains(&highest) && (0.45..=0.501).contains(&steepest), "{highest} {steepest}");
    let mut single = Features::new(1, vec![1.0, 2.0]);
    config(0.0, 3.0).apply(&mut single, usize::MAX, 1, [0, 0]);
    assert_eq!(single.values(), [1.0, 2.0]);
    for (offset, slope, key) in [(-1.0, 0.0, "augment.level.offset"), (1.0, f32::NAN, "augment.level.slope")]
    {
        assert!(config(offset, slope).check().unwrap_err().to_string().contains(key));
    }
}

/// Configuration with one augmentation of each kind.
const ALL: &str = "[warp]\nspread = 0.1\n[stretch]\nfactor = [0.8, 1.2]\n[rotation]\ndegrees = 20.0\n[scale]\nfactor = \
                   [0.9, 1.1]\n[jitter]\nstd = 0.1\n[drop]\nfraction = 0.1\n[shift]\nframes = 3\n[level]\noffset = \
                   0.5\n[spec_augment]\ntime_masks = 1\ntime_frames = 3";

fn all() -> AugmentConfig {
    toml::from_str(ALL).unwrap()
}

#[test]
fn shift_level_and_masks_match_recorded_draws() {
    let shift = Some(ShiftConfig { probability: 0.9, frames: 2 });
    let level = Some(LevelConfig { probability: 0.9, offset: 1.0, slope: 0.5 });
    let masks = SpecAugmentConfig {
        probability: 0.9,
        time_masks: 1,
        time_frames: 2,
        feature_masks: 1,
        feature_width: 1,
    };
    let augment = AugmentConfig { shift, level, spec_augment: Some(masks), ..AugmentConfig::default() };
    let mut features = ramp(6, 2);
    augment.apply(&mut features, usize::MAX, 7, [3, 11]);
    let recorded = [
        0.0, 0.0, 4.022034, 4.806973, 6.022034, 6.806973, 8.022035, 8.806973, 10.022035, 10.806973,
        12.022035, 12.806973,
    ];
    assert_eq!(features.values(), recorded);
}

#[test]
fn an_augmentation_does_not_affect_the_draws_of_others() {
    let (with, without) = (all(), AugmentConfig { jitter: None, warp: None, ..all() });
    let applied = |augment: &AugmentConfig, epoch| {
        let mut features = ramp(30, 4);
        augment.apply(&mut features, usize::MAX, 1, [epoch, 5]);
        features
    };
    let noiseless = WarpConfig { probability: 1.0, spread: 0.0 };
    for epoch in 0..50 {
        let still = JitterConfig { probability: 1.0, std: 0.0 };
        let still = AugmentConfig { jitter: Some(still), warp: Some(noiseless), ..with.clone() };
        assert_eq!(applied(&still, epoch), applied(&without, epoch));
        assert_ne!(applied(&with, epoch), applied(&without, epoch));
        assert_eq!(applied(&with, epoch), applied(&with, epoch));
    }
}

#[test]
fn impossible_values_of_every_augmentation_are_rejected_by_key() {
    assert!(all().check().is_ok());
    assert_eq!(toml::from_str::<AugmentConfig>(&toml::to_string(&all()).unwrap()).unwrap(), all());
    for (text, key) in [
        ("[warp]\nspread = 1.0", "augment.warp.spread"),
        ("[stretch]\nfactor = [0.0, 1.0]", "augment.stretch.factor"),
        ("[rotation]\ndegrees = 200.0", "augment.rotation.degrees"),
        ("[scale]\nfactor = [2.0, 1.0]", "augment.scale.factor"),
        ("[jitter]\nstd = -1.0", "augment.jitter.std"),
        ("[drop]\nfraction = 1.0", "augment.drop.fraction"),
    ] {
        let section = text.lines().next().unwrap();
        let augment: AugmentConfig = toml::from_str(text).unwrap();
        assert!(augment.check().unwrap_err().to_string().starts_with(&format!("{key} = ")), "{text}");
        let (name, _) = section[1..].split_once(']').unwrap();
        let rest = ALL.split(section).nth(1).unwrap().split("\n[").next().unwrap();
        let augment: AugmentConfig = toml::from_str(&format!("{section}\nprobability = 2.0{rest}")).unwrap();
        let error = augment.check().unwrap_err().to_string();
        assert_eq!(error, format!("augment.{name}.probability = 2: must be from 0 to 1"));
    }
}

#[test]
fn changing_the_number_of_frames_is_incompatible_with_a_fixed_number_and_frame_labels() {
    let key = |text: &str, width, fixed, frame_labels| {
        let augment: AugmentConfig = toml::from_str(text).unwrap();
        augment.check_frames(width, fixed, frame_labels).err().map(|misfit| misfit.key)
    };
    let (stretch, drop) = ("[stretch]\nfactor = [0.8, 1.2]", "[drop]\nfraction = 0.1");
    for (fixed, frame_labels) in [(Some(98), false), (None, true), (Some(98), true)] {
        assert_eq!(key(stretch, 4, fixed, frame_labels), Some("augment.stretch.factor"));
        assert_eq!(key(drop, 4, fixed, frame_labels), Some("augment.drop.fraction"));
        let others = AugmentConfig { stretch: None, drop: None, ..all() };
        assert_eq!(others.check_frames(4, fixed, frame_labels), Ok(()));
    }
    assert_eq!(key(ALL, 4, None, false), None);
    assert_eq!(key(ALL, 3, None, false), Some("augment.rotation.degrees"));
    let incompatible = all().check_frames(4, Some(98), false).unwrap_err();
    assert_eq!(
        AugmentError::from(incompatible).to_string(),
        "augment.stretch.factor = [0.8, 1.2]: changes the number of frames, but the model requires a fixed number; \
         remove it, or remove the fixed length"
    );
}

#[test]
fn moving_audio_is_incompatible_with_frame_labels() {
    let key = |text: &str, frame_labels| {
        let augment: AugmentConfig = toml::from_str(text).unwrap();
        augment.check_frames(4, None, frame_labels).err().map(|misfit| misfit.key)
    };
    let (speed, shift) = ("[waveform.speed]\nfactor = [0.9, 1.1]", "[waveform.shift]\nseconds = 0.1");
    assert_eq!(key(speed, true), Some("augment.waveform.speed.factor"));
    assert_eq!(key(shift, true), Some("augment.waveform.shift.seconds"));
    assert_eq!((key(speed, false), key(shift, false)), (None, None));
    assert_eq!(key("[waveform.gain]\ndb = [-6.0, 6.0]", true), None);
    let augment: AugmentConfig = toml::from_str("[waveform.gain]\ndb = [6.0, -6.0]").unwrap();
    assert!(augment.check().unwrap_err().to_string().starts_with("augment.waveform.gain.db = [6, -6]: "));
}

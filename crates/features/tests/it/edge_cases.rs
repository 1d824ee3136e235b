//! Edge cases of python_speech_features and Kaldi.

use stapes_features::{
    Extractor, FeatureError, KaldiCmvn, KaldiDialect, KaldiFbankConfig, KaldiFrameConfig, KaldiMelConfig,
    KaldiMfccConfig, PsfFbankConfig, PsfFft, PsfLogFbankConfig, PsfMfccConfig,
};

const RATE_HZ: u32 = 8000;

fn clip(samples: usize) -> Vec<f64> {
    (0..samples).map(|n| (n as f64 * 0.37).sin() * 9000.0).collect()
}

fn narrow(samples: &[f64]) -> Vec<f32> {
    samples.iter().map(|&sample| sample as f32).collect()
}

#[test]
fn psf_rejects_empty_clips_and_pads_short_ones() {
    let mut mfcc = PsfMfccConfig { deltas: 2, ..Default::default() }.init::<f64>(RATE_HZ).unwrap();
    assert_eq!(mfcc.extract(&[]), Err(FeatureError::TooShort { samples: 0, needed: 1 }));
    assert_eq!(mfcc.frames_for(0), 0);
    for (samples, frames) in [(1, 1), (100, 1), (200, 1), (201, 2), (280, 2), (281, 3), (6000, 74)] {
        let features = mfcc.extract(&clip(samples)).unwrap();
        assert_eq!((features.frames(), mfcc.frames_for(samples)), (frames, frames), "{samples}");
        // Without pre-emphasis, which would extend into them, appended zeros change nothing.
        let flat = PsfFbankConfig { preemph: 0.0, ..Default::default() };
        let mut fbank = flat.init::<f64>(RATE_HZ).unwrap();
        let mut padded = clip(samples);
        padded.resize((frames - 1) * 80 + 200, 0.0);
        assert_eq!(fbank.extract(&padded).unwrap(), fbank.extract(&clip(samples)).unwrap(), "{samples}");
    }
}

#[test]
fn psf_pads_after_the_pre_emphasis() {
    // With the zeros appended first, the sample after the last would be -0.97 times it.
    let mut fbank = PsfFbankConfig::default().init::<f64>(RATE_HZ).unwrap();
    let one = fbank.extract(&[1.0]).unwrap();
    let flat = PsfFbankConfig { preemph: 0.0, ..Default::default() };
    assert_eq!(one, flat.init(RATE_HZ).unwrap().extract(&[1.0]).unwrap());
    assert_ne!(one, fbank.extract(&[1.0, 0.0]).unwrap());
}

#[test]
fn silence_is_the_logarithm_of_epsilon() {
    let mut mfcc = PsfMfccConfig::default().init::<f64>(RATE_HZ).unwrap();
    let silence = mfcc.extract(&[0.0; 1000]).unwrap();
    for t in 0..silence.frames() {
        assert!((silence.frame(t)[0] - f64::EPSILON.ln()).abs() < 1e-12);
        assert!(silence.frame(t)[1..].iter().all(|value| value.abs() < 1e-12));
    }
    let mut bands = PsfLogFbankConfig::default().init::<f64>(RATE_HZ).unwrap();
    assert!(bands.extract(&[0.0; 10]).unwrap().values().iter().all(|&value| value == f64::EPSILON.ln()));
    let mut mfcc = KaldiMfccConfig::default().init(RATE_HZ).unwrap();
    let silence = mfcc.extract(&[0.0; 1000]).unwrap();
    for t in 0..silence.frames() {
        assert!((silence.frame(t)[0] - f32::EPSILON.ln()).abs() < 1e-6);
        assert!(silence.frame(t)[1..].iter().all(|value| value.abs() < 1e-5));
    }
    let torchaudio =
        KaldiMfccConfig { dialect: KaldiDialect::Torchaudio, use_energy: Some(true), ..Default::default() };
    let floored = torchaudio.init(RATE_HZ).unwrap().extract(&[0.0; 200]).unwrap();
    assert_eq!(floored.frame(0)[0], 0.0, "an energy has the floor 1");
}

#[test]
fn invalid_samples_are_located() {
    for bad in [f64::NAN, f64::INFINITY] {
        let mut samples = clip(3000);
        samples[2222] = bad;
        let psf = PsfMfccConfig::default().init::<f64>(RATE_HZ).unwrap().extract(&samples);
        let kaldi = KaldiMfccConfig::default().init(RATE_HZ).unwrap().extract(&narrow(&samples));
        assert!(matches!(psf, Err(FeatureError::NotFinite { sample: 2222, .. })), "{psf:?}");
        assert!(matches!(kaldi, Err(FeatureError::NotFinite { sample: 2222, .. })), "{kaldi:?}");
    }
}

#[test]
fn overflow_is_an_error_and_does_not_affect_the_next_clip() {
    let mut psf = PsfMfccConfig::default().init::<f64>(RATE_HZ).unwrap();
    let mut kaldi = KaldiMfccConfig { deltas: 2, ..Default::default() }.init(RATE_HZ).unwrap();
    let (before, narrow_before) = (psf.extract(&clip(900)), kaldi.extract(&narrow(&clip(900))));
    let mut loud = clip(1000);
    loud[300] = 1e200;
    assert_eq!(psf.extract(&loud), Err(FeatureError::Overflow { frame: 2 }));
    loud[300] = 1e30;
    assert_eq!(kaldi.extract(&narrow(&loud)), Err(FeatureError::Overflow { frame: 2 }));
    assert_eq!(psf.extract(&clip(900)), before);
    assert_eq!(kaldi.extract(&narrow(&clip(900))), narrow_before);
}

#[test]
fn empty_bands_are_epsilon_in_psf_and_an_error_in_kaldi() {
    let fbank = PsfFbankConfig { nfilt: 120, nfft: PsfFft::Points(256), ..Default::default() };
    let crowded = PsfLogFbankConfig { fbank };
    let features = crowded.init::<f64>(RATE_HZ).unwrap().extract(&clip(1000)).unwrap();
    assert!(features.frame(3).contains(&f64::EPSILON.ln()));
    assert!(features.values().iter().all(|value| value.is_finite()));
    let mel_opts = KaldiMelConfig { num_bins: 128, ..Default::default() };
    let crowded = KaldiFbankConfig { mel_opts: mel_opts.clone(), ..Default::default() };
    assert!(
        matches!(crowded.init(16_000), Err(FeatureError::Setting { key, .. }) if key == "mel_opts.num_bins")
    );
    let silent = KaldiFbankConfig { dialect: KaldiDialect::Torchaudio, mel_opts, ..Default::default() };
    let features = silent.init(16_000).unwrap().extract(&narrow(&clip(1000))).unwrap();
    assert!(features.frame(0).contains(&f32::EPSILON.ln()));
}

#[test]
fn more_coefficients_than_bands_are_clamped_in_psf_and_an_error_in_kaldi() {
    let psf = PsfMfccConfig { numcep: 40, ..Default::default() };
    assert_eq!(psf.init::<f64>(RATE_HZ).unwrap().width(), 26);
    let kaldi = KaldiMfccConfig { num_ceps: 24, ..Default::default() };
    assert!(matches!(kaldi.init(RATE_HZ), Err(FeatureError::Setting { key, .. }) if key == "num_ceps"));
}

#[test]
fn frames_longer_than_the_transform_are_truncated() {
    let truncated = PsfFbankConfig { nfft: PsfFft::Points(128), winstep: 0.025, ..Default::default() };
    let mut samples = clip(200);
    let features = truncated.init::<f64>(RATE_HZ).unwrap().extract(&samples).unwrap();
    samples[128..].fill(0.0);
    assert_eq!(truncated.init(RATE_HZ).unwrap().extract(&samples).unwrap(), features);
}

#[test]
fn kaldi_has_no_frames_for_short_clips_without_mirroring() {
    let mirrored = KaldiFrameConfig { snip_edges: false, ..Default::default() };
    let mut snipped = KaldiMfccConfig { deltas: 2, cmvn: KaldiCmvn::MeanVar, ..Default::default() };
    let mut extractor = snipped.init(RATE_HZ).unwrap();
    for (samples, frames) in [(0, 0), (1, 0), (199, 0), (200, 1), (279, 1), (280, 2)] {
        let features = extractor.extract(&narrow(&clip(samples))).unwrap();
        assert_eq!((features.frames(), extractor.frames_for(samples)), (frames, frames), "{samples}");
    }
    snipped.frame_opts = mirrored.clone();
    let mut extractor = snipped.init(RATE_HZ).unwrap();
    for (samples, frames) in [(0, 0), (39, 0), (40, 1), (100, 1), (200, 3), (6000, 75)] {
        let features = extractor.extract(&narrow(&clip(samples))).unwrap();
        assert_eq!((features.frames(), extractor.frames_for(samples)), (frames, frames), "{samples}");
    }
    for frame_opts in [mirrored, KaldiFrameConfig::default()] {
        let torchaudio =
            KaldiFbankConfig { dialect: KaldiDialect::Torchaudio, frame_opts, ..Default::default() };
        let mut extractor = torchaudio.init(RATE_HZ).unwrap();
        let short = extractor.extract(&narrow(&clip(199)));
        assert_eq!(short, Err(FeatureError::TooShort { samples: 199, needed: 200 }));
        assert!(extractor.extract(&narrow(&clip(200))).is_ok());
    }
}

#[test]
fn deltas_of_a_single_frame_are_zero() {
    let psf = PsfMfccConfig { deltas: 2, ..Default::default() };
    let features = psf.init::<f64>(RATE_HZ).unwrap().extract(&clip(200)).unwrap();
    assert!(features.frame(0)[13..].iter().all(|delta| delta.abs() < 1e-12));
    let kaldi = KaldiMfccConfig { deltas: 2, ..Default::default() };
    let features = kaldi.init(RATE_HZ).unwrap().extract(&narrow(&clip(200))).unwrap();
    assert!(features.frame(0)[13..].iter().all(|delta| delta.abs() < 1e-4));
}

//! Augmented crops: without augmentation they have the frames of the recording, with augmentation they are aligned with its
//! labels.

use std::path::PathBuf;

use stapes_audio::write_wav;
use stapes_data::{Example, Label};
use stapes_features::{StackingConfig, StandardScaler};
use stapes_infer::Input;
use stapes_nn::layer::Shape;
use stapes_random::Rng;

use super::*;

const RATE_HZ: u32 = 8000;
const NO_CHANGE: &str = "[gain]\ndb = [0.0, 0.0]";

/// Recordings of given lengths, with all inputs of a [`WaveformSource`].
struct Recordings {
    folder: tempfile::TempDir,
    dataset: DataSet,
    indices: Vec<usize>,
    config: FeatureConfig,
    model: Model,
    full: Vec<Features>,
}

fn noise(length: usize, number: u64) -> Vec<f32> {
    let mut rng = Rng::numbered(5, "recording", [number, 0]);
    (0..length).map(|_| (0.3 * rng.symmetric(1.0) * FULL_SCALE).round() / FULL_SCALE).collect()
}

impl Recordings {
    fn new(features: &str, lengths: &[usize]) -> Recordings {
        let folder = tempfile::tempdir().unwrap();
        let config: FeatureConfig =
            toml::from_str(&format!("sample_rate_hz = {RATE_HZ}\n{features}")).unwrap();
        let mut extractor = ClipExtractor::new(&config).unwrap();
        let (mut examples, mut full) = (Vec::new(), Vec::new());
        for (number, &length) in lengths.iter().enumerate() {
            let clip = Clip { samples: noise(length, number as u64), sample_rate_hz: RATE_HZ };
            let path = folder.path().join(format!("{number}.wav"));
            write_wav(&path, &clip).unwrap();
            full.push(extractor.extract(&clip).unwrap());
            let (label, source) = (Label::Class(0), stapes_data::Source::File(path));
            examples.push(Example {
                id: number.to_string(),
                label,
                group: None,
                fold: None,
                predefined: None,
                source,
                channel: stapes_data::Channel::Mean,
            });
        }
        let per_coefficient = config.normalization == Normalization::PerCoefficient;
        let width = full[0].width();
        let model = Model {
            input: Input::Recordings(config.clone()),
            config: toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 2").unwrap(),
            labels: vec!["a".into(), "b".into()],
            shape: Shape::frames(width),
            normalizer: per_coefficient.then(|| StandardScaler::fit(full.iter()).unwrap()),
            parameters: Vec::new(),
            recipe: String::new(),
            keywords: None,
        };
        let full = full.iter().map(|frames| model.normalize(frames).unwrap()).collect();
        let dataset =
            DataSet { name: "made".into(), classes: Vec::new(), examples, missing: 0, notes: Vec::new() };
        Recordings { folder, dataset, indices: (0..lengths.len()).collect(), config, model, full }
    }

    fn augmenter(text: &str) -> WaveformAugmenter {
        WaveformAugmenter::new(&toml::from_str(text).unwrap(), std::path::Path::new("."), RATE_HZ).unwrap()
    }

    fn waveforms<'a>(&'a self, augmenter: &'a WaveformAugmenter, cache_bytes: usize) -> WaveformSource<'a> {
        WaveformSource {
            dataset: &self.dataset,
            indices: &self.indices,
            frames: self.full.iter().map(Features::frames).collect(),
            config: &self.config,
            augmenter,
            model: &self.model,
            seed: 1,
            clips: ClipCache::new(self.indices.len(), cache_bytes),
        }
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("{number}.wav"))
    }

    fn rows(&self, crop: &Crop) -> Vec<f32> {
        let frame = |t| self.full[crop.example].frame(t);
        (crop.start_frame..crop.start_frame + crop.frames).flat_map(|t| frame(t).to_vec()).collect()
    }
}

fn crop(example: usize, start_frame: usize, frames: usize) -> Crop {
    Crop { example, start_frame, frames, repetition: 3 }
}

/// Front ends whose windows start before, at and after their frame, with deltas, stacking, and both kinds of normalization.
const FRONT_ENDS: [&str; 6] = [
    "normalization = 'per-coefficient'\n[front_end.librosa-mel-db]\nn_fft = 256\nhop_length = 80\nn_mels = 12\ntop_db = \
     200.0",
    "normalization = 'per-utterance'\n[front_end.librosa-mfcc]\nn_fft = 256\nhop_length = 80\nn_mels = 24\nn_mfcc = 8",
    "[front_end.kaldi-mfcc]\nnum_ceps = 10\nframe_opts = { dither = 0.0 }\n[deltas]\norder = 2",
    "[front_end.kaldi-fbank]\nframe_opts = { dither = 0.0, snip_edges = false }\n[stacking]\nleft = 2\nright = 1\nevery = 2",
    "[front_end.psf-mfcc]\nnumcep = 9",
    "[front_end.waveform]\nframe_length = 200\nhop_length = 80",
];

#[test]
fn without_augmentation_a_crop_has_the_frames_of_the_recording() {
    for features in FRONT_ENDS {
        // 5.5 s, so that a crop in the middle has context on both sides; and 0.4 s.
        let recordings = Recordings::new(features, &[44_000, 3_210]);
        let augmenter = Recordings::augmenter(NO_CHANGE);
        let waveforms = recordings.waveforms(&augmenter, usize::MAX);
        let mut worker = waveforms.worker();
        let last = recordings.full[0].frames();
        for crop in [
            crop(0, 0, last),
            crop(1, 0, recordings.full[1].frames()),
            crop(0, 0, 30),
            crop(0, last / 2, 40),
            crop(0, last / 2 + 1, 1),
            crop(0, last - 30, 30),
            crop(1, 4, 9),
        ] {
            let made = worker(&crop).unwrap();
            let expected = recordings.rows(&crop);
            assert_eq!(made.frames(), crop.frames, "{features} {crop:?}");
            let off = made.values().iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 2e-4, "{features} {crop:?}: {off}");
        }
    }
}

#[test]
fn a_crop_has_one_second_of_context_on_either_side() {
    let recordings = Recordings::new(FRONT_ENDS[4], &[80_000]);
    let augmenter = Recordings::augmenter(NO_CHANGE);
    let waveforms = recordings.waveforms(&augmenter, usize::MAX);
    // A hop is 80 samples; 100 frames are 1 s.
    assert_eq!(waveforms.sample_range(&crop(0, 300, 50), 80_000), (16_000..36_000, 100));
    assert_eq!(waveforms.sample_range(&crop(0, 20, 50), 80_000), (0..13_600, 20));
    assert_eq!(waveforms.sample_range(&crop(0, 940, 50), 80_000), (67_200..80_000, 100));
    let per_utterance = Recordings::new(FRONT_ENDS[1], &[80_000]);
    let waveforms = per_utterance.waveforms(&augmenter, usize::MAX);
    assert_eq!(waveforms.sample_range(&crop(0, 300, 50), 80_000), (0..80_000, 300));
}

#[test]
fn an_augmented_crop_stays_aligned_with_its_labels() {
    // Quiet noise, loud from 2 s to 3 s: the loud frames stay in their places.
    let mut recordings = Recordings::new("[front_end.psf-logfbank]\nnfilt = 20", &[44_000]);
    let mut samples = noise(44_000, 0);
    samples.iter_mut().enumerate().for_each(|(n, sample)| {
        *sample *= if (16_000..24_000).contains(&n) { 1.0 } else { 0.05 };
    });
    write_wav(&recordings.path(0), &Clip { samples: samples.clone(), sample_rate_hz: RATE_HZ }).unwrap();
    let clip = Clip { samples, sample_rate_hz: RATE_HZ };
    recordings.full = vec![ClipExtractor::new(&recordings.config).unwrap().extract(&clip).unwrap()];
    let text = "[gain]\ndb = [-9.0, 9.0]\n[noise]\nsnr_db = [15.0, 25.0]\ncolor = 'white'\n[codec]\nlow_hz = [100.0, \
                300.0]\nhigh_hz = [3000.0, 3500.0]";
    let augmenter = Recordings::augmenter(text);
    let waveforms = recordings.waveforms(&augmenter, usize::MAX);
    let mut worker = waveforms.worker();
    for first in [150, 177, 260, 281] {
        let crop = crop(0, first, 60);
        let made = worker(&crop).unwrap();
        assert_eq!(made.frames(), 60);
        let level = |t: usize| made.frame(t).iter().sum::<f32>();
        let levels: Vec<f32> = (0..60).map(level).collect();
        let middle = levels.iter().sum::<f32>() / 60.0;
        for (t, level) in levels.iter().enumerate() {
            // A window is 2.5 hops: frames whose window contains an edge of the loud second may be either.
            let loud = match first + t {
                200..=297 => true,
                0..=196 | 301.. => false,
                _ => continue,
            };
            assert_eq!(*level > middle, loud, "frame {} of a crop from {first} on", first + t);
        }
    }
}

#[test]
fn speed_perturbation_changes_the_length_of_a_crop() {
    let recordings = Recordings::new(FRONT_ENDS[4], &[44_000]);
    for (speed, frames) in [("1.25", 80), ("0.8", 125), ("1.0", 100)] {
        let augmenter = Recordings::augmenter(&format!("[speed]\nfactor = [{speed}, {speed}]"));
        let waveforms = recordings.waveforms(&augmenter, usize::MAX);
        assert_eq!(waveforms.worker()(&crop(0, 200, 100)).unwrap().frames(), frames, "{speed}");
        let full = recordings.full[0].frames();
        let made = waveforms.worker()(&crop(0, 0, full)).unwrap().frames() as f64;
        assert!((made / full as f64 - frames as f64 / 100.0).abs() < 0.01, "{speed}: {made}");
    }
}

#[test]
fn cached_and_decoded_clips_give_the_same_bits() {
    let recordings = Recordings::new(FRONT_ENDS[0], &[4000, 5000, 6000]);
    let text = "[gain]\ndb = [-9.0, 9.0]\n[noise]\nsnr_db = [5.0, 25.0]\ncolor = 'pink'";
    let augmenter = Recordings::augmenter(text);
    let crops: Vec<Crop> =
        [0, 1, 2, 1, 0, 2].map(|example| crop(example, 0, recordings.full[example].frames())).to_vec();
    let made = |waveforms: &WaveformSource<'_>| {
        let mut worker = waveforms.worker();
        crops.iter().map(|crop| worker(crop).unwrap()).collect::<Vec<_>>()
    };
    let cached = recordings.waveforms(&augmenter, usize::MAX);
    let expected = made(&cached);
    assert!(cached.clips.samples.iter().all(|clip| matches!(clip.get(), Some(Samples::Short(_)))));
    // The first two fit: 4,000 and 5,000 samples of two bytes.
    let some = recordings.waveforms(&augmenter, 18_000);
    assert_eq!(made(&some), expected);
    assert_eq!([0, 1, 2].map(|clip| some.clips.samples[clip].get().is_some()), [true, true, false]);
    let none = recordings.waveforms(&augmenter, 0);
    assert_eq!(made(&none), expected);
    // Cached clips do not need their files; otherwise the error names the missing file.
    std::fs::remove_file(recordings.path(0)).unwrap();
    assert_eq!(made(&cached), expected);
    let error = none.worker()(&crops[0]).unwrap_err();
    assert!(error.contains("0.wav") && !error.contains("1.wav"), "{error}");
}

#[test]
fn samples_are_cached_exactly_and_in_16_bits_if_possible() {
    let exact = [0.0, 1.0 / 32768.0, -1.0, 0.5, 32767.0 / 32768.0];
    let others = [1.0, 0.1, 1e-9, -1.5, f32::MAX];
    assert!(matches!(Samples::new(&exact), Samples::Short(_)));
    assert_eq!(Samples::new(&exact).range(1..4), exact[1..4]);
    for other in others {
        let samples = Samples::new(&[0.5, other]);
        assert!(matches!(samples, Samples::Float(_)), "{other}");
        assert_eq!((samples.range(0..2), samples.bytes()), (vec![0.5, other], 8));
    }
}

#[test]
fn stacked_frames_are_aligned_by_their_middle_frame() {
    // Every second frame is kept, so a range starts at an even one.
    let recordings = Recordings::new(FRONT_ENDS[3], &[44_000]);
    assert_eq!(recordings.config.stacking, StackingConfig { left: 2, right: 1, every: 2 });
    let augmenter = Recordings::augmenter(NO_CHANGE);
    let waveforms = recordings.waveforms(&augmenter, usize::MAX);
    // 50 stacked frames per second, 160 samples apart.
    assert_eq!(waveforms.sample_range(&crop(0, 101, 20), 44_000), (8_160..27_360, 50));
}

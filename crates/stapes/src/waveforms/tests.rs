//! What comes of a cut: the recording's frames where nothing is changed, aligned with its labels where something is.

use std::path::PathBuf;

use stapes_audio::write_wav;
use stapes_data::{Example, Label};
use stapes_features::{StackingConfig, StandardScaler};
use stapes_infer::Input;
use stapes_nn::layer::Shape;
use stapes_random::Rng;

use super::*;

const RATE_HZ: u32 = 8000;
const NOTHING: &str = "[gain]\ndb = [0.0, 0.0]";

/// Recordings of these numbers of samples, and what training on them needs.
struct Set {
    folder: tempfile::TempDir,
    dataset: DataSet,
    indices: Vec<usize>,
    config: FeatureConfig,
    model: Model,
    whole: Vec<Features>,
}

fn noise(length: usize, number: u64) -> Vec<f32> {
    let mut stream = Rng::numbered(5, "recording", [number, 0]);
    (0..length).map(|_| (0.3 * stream.symmetric(1.0) * FULL_SCALE).round() / FULL_SCALE).collect()
}

impl Set {
    fn new(features: &str, lengths: &[usize]) -> Set {
        let folder = tempfile::tempdir().unwrap();
        let config: FeatureConfig =
            toml::from_str(&format!("sample_rate_hz = {RATE_HZ}\n{features}")).unwrap();
        let mut extractor = ClipExtractor::new(&config).unwrap();
        let (mut examples, mut whole) = (Vec::new(), Vec::new());
        for (number, &length) in lengths.iter().enumerate() {
            let clip = Clip { samples: noise(length, number as u64), sample_rate_hz: RATE_HZ };
            let path = folder.path().join(format!("{number}.wav"));
            write_wav(&path, &clip).unwrap();
            whole.push(extractor.extract(&clip).unwrap());
            let (truth, source) = (Label::Class(0), stapes_data::Source::File(path));
            examples.push(Example { id: number.to_string(), truth, group: None, predefined: None, source });
        }
        let per_coefficient = config.normalization == Normalization::PerCoefficient;
        let width = whole[0].width();
        let model = Model {
            input: Input::Recordings(config.clone()),
            model: toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 2").unwrap(),
            labels: vec!["a".into(), "b".into()],
            shape: Shape::frames(width),
            standardiser: per_coefficient.then(|| StandardScaler::fit(whole.iter()).unwrap()),
            parameters: Vec::new(),
            recipe: String::new(),
        };
        let whole = whole.iter().map(|frames| model.normalize(frames).unwrap()).collect();
        let dataset = DataSet { name: "made".into(), classes: Vec::new(), examples, missing: 0 };
        Set { folder, dataset, indices: (0..lengths.len()).collect(), config, model, whole }
    }

    fn augmenter(text: &str) -> WaveformAugmenter {
        WaveformAugmenter::new(&toml::from_str(text).unwrap(), std::path::Path::new("."), RATE_HZ).unwrap()
    }

    fn waveforms<'a>(&'a self, augmenter: &'a WaveformAugmenter, held_bytes: usize) -> Waveforms<'a> {
        Waveforms {
            dataset: &self.dataset,
            indices: &self.indices,
            frames: self.whole.iter().map(Features::frames).collect(),
            config: &self.config,
            augmenter,
            model: &self.model,
            seed: 1,
            clips: Clips::new(self.indices.len(), held_bytes),
        }
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("{number}.wav"))
    }

    fn rows(&self, cut: &Crop) -> Vec<f32> {
        let frame = |t| self.whole[cut.example].frame(t);
        (cut.first..cut.first + cut.frames).flat_map(|t| frame(t).to_vec()).collect()
    }
}

fn cut(example: usize, first: usize, frames: usize) -> Crop {
    Crop { example, first, frames, pass: 3 }
}

/// Front ends with windows that begin before, at and behind their frame, deltas, stacking, and both kinds of normalization.
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
fn without_a_change_a_cut_has_the_frames_that_the_recording_has_there() {
    for features in FRONT_ENDS {
        // 5.5 s, so that a segment in the middle has neither end near; and 0.4 s.
        let set = Set::new(features, &[44_000, 3_210]);
        let augmenter = Set::augmenter(NOTHING);
        let waveforms = set.waveforms(&augmenter, usize::MAX);
        let mut worker = waveforms.worker();
        let last = set.whole[0].frames();
        for cut in [
            cut(0, 0, last),
            cut(1, 0, set.whole[1].frames()),
            cut(0, 0, 30),
            cut(0, last / 2, 40),
            cut(0, last / 2 + 1, 1),
            cut(0, last - 30, 30),
            cut(1, 4, 9),
        ] {
            let made = worker(&cut).unwrap();
            let expected = set.rows(&cut);
            assert_eq!(made.frames(), cut.frames, "{features} {cut:?}");
            let off = made.values().iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 2e-4, "{features} {cut:?}: {off}");
        }
    }
}

#[test]
fn a_segment_is_heard_with_a_second_on_either_side_and_not_the_whole_recording() {
    let set = Set::new(FRONT_ENDS[4], &[80_000]);
    let augmenter = Set::augmenter(NOTHING);
    let waveforms = set.waveforms(&augmenter, usize::MAX);
    // Hops of 80 samples; 100 frames are a second.
    assert_eq!(waveforms.part(&cut(0, 300, 50), 80_000), (16_000..36_000, 100));
    assert_eq!(waveforms.part(&cut(0, 20, 50), 80_000), (0..13_600, 20));
    assert_eq!(waveforms.part(&cut(0, 940, 50), 80_000), (67_200..80_000, 100));
    let of_the_utterance = Set::new(FRONT_ENDS[1], &[80_000]);
    let waveforms = of_the_utterance.waveforms(&augmenter, usize::MAX);
    assert_eq!(waveforms.part(&cut(0, 300, 50), 80_000), (0..80_000, 300));
}

#[test]
fn a_changed_segment_stays_aligned_with_its_labels() {
    // Quiet noise with a loud second from 2 s on: the loud frames are where they are in the recording.
    let mut set = Set::new("[front_end.psf-logfbank]\nnfilt = 20", &[44_000]);
    let mut samples = noise(44_000, 0);
    samples.iter_mut().enumerate().for_each(|(n, sample)| {
        *sample *= if (16_000..24_000).contains(&n) { 1.0 } else { 0.05 };
    });
    write_wav(&set.path(0), &Clip { samples: samples.clone(), sample_rate_hz: RATE_HZ }).unwrap();
    let clip = Clip { samples, sample_rate_hz: RATE_HZ };
    set.whole = vec![ClipExtractor::new(&set.config).unwrap().extract(&clip).unwrap()];
    let text = "[gain]\ndb = [-9.0, 9.0]\n[noise]\nsnr_db = [15.0, 25.0]\ncolour = 'white'\n[codec]\nlow_hz = [100.0, \
                300.0]\nhigh_hz = [3000.0, 3500.0]";
    let augmenter = Set::augmenter(text);
    let waveforms = set.waveforms(&augmenter, usize::MAX);
    let mut worker = waveforms.worker();
    for first in [150, 177, 260, 281] {
        let cut = cut(0, first, 60);
        let made = worker(&cut).unwrap();
        assert_eq!(made.frames(), 60);
        let level = |t: usize| made.frame(t).iter().sum::<f32>();
        let levels: Vec<f32> = (0..60).map(level).collect();
        let middle = levels.iter().sum::<f32>() / 60.0;
        for (t, level) in levels.iter().enumerate() {
            // A window is 2.5 hops: frames whose window holds an edge of the loud second may be either.
            let loud = match first + t {
                200..=297 => true,
                0..=196 | 301.. => false,
                _ => continue,
            };
            assert_eq!(*level > middle, loud, "frame {} of a segment from {first} on", first + t);
        }
    }
}

#[test]
fn another_speed_makes_a_segment_shorter_or_longer() {
    let set = Set::new(FRONT_ENDS[4], &[44_000]);
    for (speed, frames) in [("1.25", 80), ("0.8", 125), ("1.0", 100)] {
        let augmenter = Set::augmenter(&format!("[speed]\nfactor = [{speed}, {speed}]"));
        let waveforms = set.waveforms(&augmenter, usize::MAX);
        assert_eq!(waveforms.worker()(&cut(0, 200, 100)).unwrap().frames(), frames, "{speed}");
        let whole = set.whole[0].frames();
        let made = waveforms.worker()(&cut(0, 0, whole)).unwrap().frames() as f64;
        assert!((made / whole as f64 - frames as f64 / 100.0).abs() < 0.01, "{speed}: {made}");
    }
}

#[test]
fn what_is_held_and_what_is_decoded_again_give_the_same_bits() {
    let set = Set::new(FRONT_ENDS[0], &[4000, 5000, 6000]);
    let text = "[gain]\ndb = [-9.0, 9.0]\n[noise]\nsnr_db = [5.0, 25.0]\ncolour = 'pink'";
    let augmenter = Set::augmenter(text);
    let cuts: Vec<Crop> =
        [0, 1, 2, 1, 0, 2].map(|example| cut(example, 0, set.whole[example].frames())).to_vec();
    let made = |waveforms: &Waveforms<'_>| {
        let mut worker = waveforms.worker();
        cuts.iter().map(|cut| worker(cut).unwrap()).collect::<Vec<_>>()
    };
    let held = set.waveforms(&augmenter, usize::MAX);
    let expected = made(&held);
    assert!(held.clips.samples.iter().all(|clip| matches!(clip.get(), Some(Samples::Short(_)))));
    // Room for the first two: 4,000 and 5,000 samples of two bytes.
    let some = set.waveforms(&augmenter, 18_000);
    assert_eq!(made(&some), expected);
    assert_eq!([0, 1, 2].map(|clip| some.clips.samples[clip].get().is_some()), [true, true, false]);
    let none = set.waveforms(&augmenter, 0);
    assert_eq!(made(&none), expected);
    // What is held needs its file no more, what is not says which file is gone.
    std::fs::remove_file(set.path(0)).unwrap();
    assert_eq!(made(&held), expected);
    let error = none.worker()(&cuts[0]).unwrap_err();
    assert!(error.contains("0.wav") && !error.contains("1.wav"), "{error}");
}

#[test]
fn samples_that_16_bits_hold_are_held_in_16_bits_and_all_come_back_exactly() {
    let exact = [0.0, 1.0 / 32768.0, -1.0, 0.5, 32767.0 / 32768.0];
    let others = [1.0, 0.1, 1e-9, -1.5, f32::MAX];
    assert!(matches!(Samples::new(&exact), Samples::Short(_)));
    assert_eq!(Samples::new(&exact).part(1..4), exact[1..4]);
    for other in others {
        let samples = Samples::new(&[0.5, other]);
        assert!(matches!(samples, Samples::Float(_)), "{other}");
        assert_eq!((samples.part(0..2), samples.bytes()), (vec![0.5, other], 8));
    }
}

#[test]
fn stacked_frames_begin_where_their_middle_does() {
    // Every second frame: a part begins at an even one.
    let set = Set::new(FRONT_ENDS[3], &[44_000]);
    assert_eq!(set.config.stacking, StackingConfig { left: 2, right: 1, every: 2 });
    let augmenter = Set::augmenter(NOTHING);
    let waveforms = set.waveforms(&augmenter, usize::MAX);
    // 50 stacked frames a second, 160 samples apart.
    assert_eq!(waveforms.part(&cut(0, 101, 20), 44_000), (8_160..27_360, 50));
}

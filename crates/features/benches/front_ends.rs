//! Throughput of feature extraction on one core: frames, clips and folders per second.
//!
//! `cargo bench -p stapes-features`; elements per second are frames, clips, and clips of a folder. The clips
//! are synthetic but speech-like: voiced and unvoiced segments with a moving pitch, surrounded by silence.

use std::f32::consts::TAU;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stapes_features::{
    FeatureConfig, FrontEnd, FrontEndConfig, LibrosaMfccConfig, PRESETS, Scale, StreamingExtractor,
    TorchaudioMelConfig, TorchaudioMfccConfig,
};

const RATE_HZ: f32 = 16_000.0;
/// One second.
const CLIP_SAMPLES: usize = 16_000;
/// 10 ms.
const CHUNK_SAMPLES: usize = 160;
const FOLDER_CLIPS: usize = 64;
/// The longest frame of a preset.
const FRAME_SAMPLES: usize = 2048;

/// Returns a deterministic utterance of 0.2 to 1 second that depends on the seed.
fn utterance(seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 16) as u16 as i16) / 32_768.0
    };
    let samples = 3200 + (seed as usize * 7919) % 12_800;
    let pitch_hz = 90.0 + 20.0 * (seed % 8) as f32;
    let mut phase = 0.0f32;
    let sample = |n: usize| {
        let along = n as f32 / samples as f32;
        phase = (phase + TAU * pitch_hz * (1.0 + 0.2 * (TAU * along).sin()) / RATE_HZ) % TAU;
        let harmonics: f32 = (1..20).map(|k| (phase * k as f32).sin() / k as f32).sum();
        let voiced = f32::from(u8::from((along * 6.0) as usize % 3 != 2));
        let loudness = (along * std::f32::consts::PI).sin() * 0.3;
        loudness * (voiced * harmonics + (1.2 - voiced) * 0.3 * noise())
    };
    (0..samples).map(sample).collect()
}

/// Repeats the utterance, so that no frame is silent.
fn full(seed: u32) -> Vec<f32> {
    utterance(seed).into_iter().cycle().take(CLIP_SAMPLES).collect()
}

/// All presets, and torchaudio's MFCC with librosa's frames.
fn configurations() -> Vec<(String, FeatureConfig)> {
    let melkwargs = TorchaudioMelConfig { n_fft: 2048, hop_length: Some(512), ..Default::default() };
    let torchaudio = TorchaudioMfccConfig { n_mfcc: 20, melkwargs, ..Default::default() };
    let mut all: Vec<_> = PRESETS.iter().map(|preset| (preset.name.to_owned(), preset.config())).collect();
    let front_end = FrontEndConfig::TorchaudioMfcc(torchaudio);
    all.push(("torchaudio-mfcc 2048".to_owned(), FeatureConfig { front_end, ..Default::default() }));
    all
}

fn init(config: &FeatureConfig) -> FrontEnd {
    config.init().expect("the settings are valid")
}

fn one_frame(criterion: &mut Criterion) {
    let samples = full(1);
    let mut group = criterion.benchmark_group("one frame");
    let mfcc = LibrosaMfccConfig { center: false, ..Default::default() };
    let librosa = FeatureConfig { front_end: FrontEndConfig::LibrosaMfcc(mfcc), ..Default::default() };
    for (name, config) in [("librosa-mfcc", librosa), ("kaldi-mfcc-39", preset("kaldi-mfcc-39"))] {
        let mut front_end = init(&config);
        let mut values = Vec::new();
        let needed = (1..=FRAME_SAMPLES).find(|&samples| front_end.frames_for(samples) == 1);
        let frame = &samples[..needed.unwrap_or(FRAME_SAMPLES)];
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            bencher.iter(|| front_end.extract_into(black_box(frame), &mut values));
        });
    }
    group.finish();
}

fn preset(name: &str) -> FeatureConfig {
    stapes_features::preset(name).expect("the preset exists")
}

fn one_clip(criterion: &mut Criterion) {
    let (repeated, single) = (full(2), utterance(2));
    let mut group = criterion.benchmark_group("one clip of a second");
    group.throughput(Throughput::Elements(1));
    for (name, config) in configurations() {
        let mut front_end = init(&config);
        let mut values = Vec::new();
        group.bench_function(BenchmarkId::new(&name, "every frame"), |bencher| {
            bencher.iter(|| front_end.extract_into(black_box(&repeated), &mut values));
        });
        let mut front_end = init(&FeatureConfig { fixed_length_samples: Some(CLIP_SAMPLES), ..config });
        group.bench_function(BenchmarkId::new(&name, "and zeros"), |bencher| {
            bencher.iter(|| front_end.extract_into(black_box(&single[..3500]), &mut values));
        });
    }
    group.finish();
}

fn one_folder(criterion: &mut Criterion) {
    let clips: Vec<_> = (0..FOLDER_CLIPS as u32).map(utterance).collect();
    let mut group = criterion.benchmark_group("one folder");
    group.throughput(Throughput::Elements(FOLDER_CLIPS as u64));
    group.sample_size(20);
    for (name, config) in configurations() {
        let mut front_end = init(&config);
        let mut values = Vec::new();
        group.bench_function(&name, |bencher| {
            bencher.iter(|| {
                clips.iter().filter(|clip| front_end.extract_into(clip, &mut values).is_ok()).count()
            });
        });
    }
    group.finish();
}

/// Cost of streaming compared with the whole clip.
fn streaming(criterion: &mut Criterion) {
    let samples = full(3);
    let mut group = criterion.benchmark_group("one second in chunks of 10 ms");
    group.throughput(Throughput::Elements(1));
    let mfcc = LibrosaMfccConfig { center: false, top_db: None, ..Default::default() };
    let librosa = FeatureConfig {
        front_end: FrontEndConfig::LibrosaMfcc(mfcc),
        scale: Scale::Int16,
        ..Default::default()
    };
    for (name, config) in [
        ("librosa-mfcc uncentered", librosa),
        ("kaldi-mfcc-39", preset("kaldi-mfcc-39")),
        ("psf-mfcc", preset("psf-mfcc")),
    ] {
        let mut front_end = init(&config);
        let mut frames = Vec::new();
        group.bench_function(BenchmarkId::new(name, "whole"), |bencher| {
            bencher.iter(|| front_end.extract_into(black_box(&samples), &mut frames));
        });
        let mut stream = config.stream(None).expect("the settings can be streamed");
        group.bench_function(BenchmarkId::new(name, "streamed"), |bencher| {
            bencher.iter(|| {
                frames.clear();
                let chunks = black_box(&samples).chunks(CHUNK_SAMPLES);
                let emitted: usize = chunks.flat_map(|chunk| stream.push(chunk, &mut frames)).sum();
                (emitted, stream.finish(&mut frames))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, one_frame, one_clip, one_folder, streaming);
criterion_main!(benches);

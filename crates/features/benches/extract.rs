//! How many clips a second the front ends turn into features, on one core.
//!
//! `cargo bench -p stapes-features`; elements a second are clips (frames) a second.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stapes_features::{Extractor, FeatureConfig, LibrosaMelDbConfig, LibrosaMfccConfig, Scale};

const SAMPLE_RATE_HZ: u32 = 16_000;
/// The mean length of a spoken digit at 8 kHz.
const SPOKEN_SAMPLES: usize = 3500;

/// Noise that is the same in every run.
fn noise(samples: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 16) as u16 as i16) / 65536.0
    };
    (0..samples).map(|_| next()).collect()
}

fn extract(criterion: &mut Criterion) {
    let full = noise(16_000);
    let mut padded = noise(SPOKEN_SAMPLES);
    padded.resize(16_000, 0.0);
    let mut values = Vec::new();
    let mut group = criterion.benchmark_group("librosa-mfcc 20 of 128, n_fft 2048, hop 512");
    group.throughput(Throughput::Elements(1));
    let mut mfcc = LibrosaMfccConfig::default().init::<f32>(SAMPLE_RATE_HZ).expect("defaults are valid");
    let mut one = LibrosaMfccConfig { center: false, ..Default::default() }
        .init::<f32>(SAMPLE_RATE_HZ)
        .expect("defaults are valid");
    group.bench_function("one frame", |bencher| {
        bencher.iter(|| one.extract_into(black_box(&full[..2048]), &mut values))
    });
    group.bench_function("one clip of 16000 samples, 32 frames", |bencher| {
        bencher.iter(|| mfcc.extract_into(black_box(&full), &mut values))
    });
    group.bench_function("one clip of 3500 samples and zeros up to 16000", |bencher| {
        bencher.iter(|| mfcc.extract_into(black_box(&padded), &mut values))
    });
    let config =
        FeatureConfig { scale: Scale::Int16, fixed_length_samples: Some(16_000), ..Default::default() };
    let mut front_end = config.init().expect("defaults are valid");
    group.bench_function("the same through a configured front end", |bencher| {
        bencher.iter(|| front_end.extract_into(black_box(&padded[..SPOKEN_SAMPLES]), &mut values))
    });
    let mut mel_db = LibrosaMelDbConfig::default().init::<f32>(SAMPLE_RATE_HZ).expect("defaults are valid");
    group.bench_function("one clip, mel decibels alone", |bencher| {
        bencher.iter(|| mel_db.extract_into(black_box(&full), &mut values))
    });
    let double: Vec<f64> = full.iter().map(|&sample| f64::from(sample)).collect();
    let mut wide = LibrosaMfccConfig::default().init::<f64>(SAMPLE_RATE_HZ).expect("defaults are valid");
    let mut wide_values = Vec::new();
    group.bench_function("one clip in f64", |bencher| {
        bencher.iter(|| wide.extract_into(black_box(&double), &mut wide_values))
    });
    group.finish();
}

criterion_group!(benches, extract);
criterion_main!(benches);

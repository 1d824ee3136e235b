//! How many clips a second torchaudio's front end turns into features, on one core.
//!
//! `cargo bench -p stapes-features --bench torchaudio`; the settings are those of the peer's comparison.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stapes_features::{
    Extractor, MelNorm, MelScale, PadMode, TorchaudioMelConfig, TorchaudioMfccConfig, WaveformConfig,
};

const SAMPLE_RATE_HZ: u32 = 16_000;
/// The mean length of a spoken digit at 8 kHz.
const SPOKEN_SAMPLES: usize = 3500;

fn extract(criterion: &mut Criterion) {
    let full: Vec<f32> =
        (0..16_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65536.0 - 0.5).collect();
    let mut padded = full[..SPOKEN_SAMPLES].to_vec();
    padded.resize(16_000, 0.0);
    let melkwargs = TorchaudioMelConfig {
        n_fft: 2048,
        hop_length: Some(512),
        mel_scale: MelScale::Slaney,
        norm: MelNorm::Slaney,
        pad_mode: PadMode::Constant,
        ..Default::default()
    };
    let config = TorchaudioMfccConfig { n_mfcc: 20, melkwargs, ..Default::default() };
    let mut mfcc = config.init(SAMPLE_RATE_HZ).expect("the settings are valid");
    let mut default = TorchaudioMfccConfig::default().init(SAMPLE_RATE_HZ).expect("defaults are valid");
    let frames = WaveformConfig { frame_length: 400, hop_length: 160 };
    let mut waveform = frames.init().expect("the settings are valid");
    let mut values = Vec::new();
    let mut group = criterion.benchmark_group("torchaudio-mfcc 20 of 128, n_fft 2048, hop 512");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one clip of 16000 samples, 32 frames", |bencher| {
        bencher.iter(|| mfcc.extract_into(black_box(&full), &mut values))
    });
    group.bench_function("one clip of 3500 samples and zeros up to 16000", |bencher| {
        bencher.iter(|| mfcc.extract_into(black_box(&padded), &mut values))
    });
    group.bench_function("torchaudio's defaults, 81 frames", |bencher| {
        bencher.iter(|| default.extract_into(black_box(&full), &mut values))
    });
    group.bench_function("raw frames of 400 samples every 160", |bencher| {
        bencher.iter(|| waveform.extract_into(black_box(&full), &mut values))
    });
    group.finish();
}

criterion_group!(benches, extract);
criterion_main!(benches);

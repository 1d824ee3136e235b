//! Cost of waveform augmentation on one core.
//!
//! Run with `cargo bench -p stapes-augment --bench augment`: every augmentation alone, and usual combinations, on one
//! second at 16 kHz. The last group is the same speed change by the resampler for whole files.

use std::f32::consts::TAU;
use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use stapes_audio::Clip;
use stapes_augment::WaveformAugmenter;

const RATE_HZ: u32 = 16_000;

const ENTRIES: [(&str, &str); 11] = [
    ("nothing", ""),
    ("shift", "[shift]\nseconds = 0.1"),
    ("gain", "[gain]\ndb = [-10.0, 6.0]"),
    ("noise", "[noise]\nsnr_db = [0.0, 20.0]\ncolor = 'pink'"),
    (
        "shift, gain and noise",
        "[shift]\nseconds = 0.1\n[gain]\ndb = [-10.0, 6.0]\n[noise]\nsnr_db = [0.0, 20.0]\ncolor = 'pink'",
    ),
    ("speed", "[speed]\nfactor = [0.9, 1.1]"),
    ("reverb, 0.5 s", "[reverb]\nrt60_seconds = [0.5, 0.5]\ndirect_to_reverberant_db = [0.0, 10.0]"),
    ("reverb, 0.2 to 0.8 s", "[reverb]\nrt60_seconds = [0.2, 0.8]\ndirect_to_reverberant_db = [0.0, 10.0]"),
    ("clipping", "[clipping]\nthreshold = [0.3, 0.9]"),
    ("codec", "[codec]\nlow_hz = [200.0, 400.0]\nhigh_hz = [3000.0, 3800.0]"),
    ("codec with mu-law", "[codec]\nlow_hz = [200.0, 400.0]\nhigh_hz = [3000.0, 3800.0]\nmu_law = true"),
];

/// One second of a voice-like tone.
fn clip() -> Vec<f32> {
    let sample = |n: usize| {
        let phase = TAU * 120.0 * n as f32 / RATE_HZ as f32;
        0.1 * (1..20).map(|k| (phase * k as f32).sin() / k as f32).sum::<f32>()
    };
    (0..RATE_HZ as usize).map(sample).collect()
}

fn one_second(criterion: &mut Criterion) {
    let clip = clip();
    let mut group = criterion.benchmark_group("one second");
    for (name, text) in ENTRIES {
        let config = toml::from_str(text).expect("the entry is complete");
        let augmenter =
            WaveformAugmenter::new(&config, Path::new("."), RATE_HZ).expect("its values are allowed");
        let mut pass = 0;
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || clip.clone(),
                |samples| {
                    pass += 1;
                    augmenter.apply(black_box(samples), 1, [pass, 0]);
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn resampler(criterion: &mut Criterion) {
    let clip = Clip { samples: clip(), sample_rate_hz: RATE_HZ };
    let mut group = criterion.benchmark_group("resampler for files");
    for (speed, rate_hz) in [(0.9, 17_778), (1.03, 15_534), (1.25, 12_800)] {
        group.bench_function(format!("speed {speed}"), |bencher| {
            bencher.iter(|| black_box(&clip).resampled(rate_hz).expect("the rate is allowed"));
        });
    }
    group.finish();
}

criterion_group!(benches, one_second, resampler);
criterion_main!(benches);

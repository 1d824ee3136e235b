//! Extractors allocate nothing after the first clip.

use allocation_counter::measure;
use stapes_features::{
    DeltasConfig, Extractor, FeatureConfig, LibrosaMelDbConfig, LibrosaMfccConfig, LibrosaStftConfig,
    Normalization, Sample, Scale,
};

fn clip(samples: usize) -> Vec<f32> {
    (0..samples).map(|n| (n as f32 * 0.37).sin() * 0.5).collect()
}

fn check<S: Sample>(mut extractor: impl Extractor<S>, samples: &[S]) {
    let mut values = Vec::new();
    let first = measure(|| assert!(extractor.extract_into(samples, &mut values).is_ok()));
    let later = measure(|| {
        for length in [samples.len(), samples.len() / 2, samples.len()] {
            assert!(extractor.extract_into(&samples[..length], &mut values).is_ok());
        }
    });
    assert!(first.count_total > 0);
    assert_eq!(later.count_total, 0);
}

#[test]
fn extractors_allocate_nothing_after_the_first_clip() {
    let samples = clip(16_000);
    let double: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
    check(LibrosaMfccConfig::default().init::<f32>(16_000).unwrap(), &samples);
    check(LibrosaMfccConfig { lifter: 22.0, ..Default::default() }.init::<f64>(16_000).unwrap(), &double);
    check(LibrosaMelDbConfig::default().init::<f32>(16_000).unwrap(), &samples);
    check(LibrosaMelDbConfig::default().mel().init::<f32>(16_000).unwrap(), &samples);
    // An odd length uses the other path of the transform.
    check(LibrosaStftConfig { n_fft: 441, ..Default::default() }.init().unwrap(), &samples);
}

#[test]
fn front_end_allocates_nothing_after_the_first_clip() {
    let config = FeatureConfig {
        scale: Scale::Int16,
        fixed_length_samples: Some(16_000),
        deltas: Some(DeltasConfig { order: 2, ..Default::default() }),
        normalization: Normalization::PerUtterance,
        ..Default::default()
    };
    let mut front_end = config.init().unwrap();
    let (samples, mut values) = (clip(20_000), Vec::new());
    front_end.extract_into(&samples, &mut values).unwrap();
    let later = measure(|| {
        for length in [3000, 20_000, 16_000, 1] {
            assert!(front_end.extract_into(&samples[..length], &mut values).is_ok());
        }
    });
    assert_eq!(later.count_total, 0);
}

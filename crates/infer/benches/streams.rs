//! Real-time factors of models that listen, on one thread: processing time over duration of the sound.
//!
//! `cargo bench -p stapes-infer --bench streams`
//!
//! - frames: one-layer LSTM of 64 units with a decision per frame, on 20 MFCC every 10 ms, samples in chunks of 10 ms;
//! - windows: BC-ResNet-1 and DS-CNN on 40 log-mel bands, windows of 1 s every 100 ms, and the network alone on the same windows.
//!
//! Prints the median and the minimum of alternating rounds.

use std::time::Instant;

use stapes_features::{FeatureConfig, Features};
use stapes_infer::{Classifier, Model, StreamClassifier, WindowStream};
use stapes_nn::ModelConfig;

const RATE_HZ: usize = 16_000;
/// Duration of the sound of a round, s.
const SECONDS: usize = 20;
const ROUNDS: usize = 9;
/// Duration of a chunk of samples, 10 ms.
const CHUNK: usize = RATE_HZ / 100;

const MFCC: &str = "sample_rate_hz = 16000\n[front_end.librosa-mfcc]\nn_mfcc = 20\nn_fft = 512\nwin_length = 400\nhop_length = 160\n\
                    center = false\ntop_db = 'none'";
const LOG_MEL: &str = "sample_rate_hz = 16000\n[front_end.librosa-mel-db]\nn_fft = 512\nwin_length = 480\nhop_length = 160\n\
                       n_mels = 40\ncenter = false\ntop_db = 'none'";

fn model(features: &str, network: &str) -> Model {
    let features: FeatureConfig = toml::from_str(features).expect("features");
    let config: ModelConfig = toml::from_str(network).expect("network");
    Model::untrained(features, config, vec!["other".into(), "word".into()], 1).expect("a model")
}

fn samples() -> Vec<f32> {
    (0..SECONDS * RATE_HZ).map(|n| 0.3 * (n as f32 * 0.05).sin() * (n as f32 * 0.0003).cos()).collect()
}

/// Returns the real-time factor of a call.
fn factor(call: impl FnOnce()) -> f64 {
    let started = Instant::now();
    call();
    started.elapsed().as_secs_f64() / SECONDS as f64
}

fn print(name: &str, factors: &mut [f64]) -> f64 {
    factors.sort_by(f64::total_cmp);
    let (median, lowest) = (factors[factors.len() / 2], factors[0]);
    println!("{name:<44} {median:9.5} {lowest:9.5}");
    median
}

fn frames(samples: &[f32]) {
    let network = "[recurrent]\ncell = 'lstm'\nhidden_size = 64\nhead = 'per_frame_binary'";
    let model = model(MFCC, network);
    let mut factors: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let mut stream = StreamClassifier::new(&model).expect("a causal model");
            factor(|| {
                for chunk in samples.chunks(CHUNK) {
                    stream.push(chunk, |row| assert!(row[0].is_finite())).expect("finite samples");
                }
            })
        })
        .collect();
    print("LSTM 64, 20 MFCC, every 10 ms", &mut factors);
}

fn windows(name: &str, network: &str, samples: &[f32]) {
    // A second has 97 frames: 32 ms, the length of the transform, every 10 ms.
    let model = model(LOG_MEL, network);
    let (mut listening, mut alone) = (Vec::new(), Vec::new());
    let features = Features::new(40, vec![-40.0; 97 * 40]);
    let mut classifier = Classifier::new(&model).expect("a model");
    for _ in 0..ROUNDS {
        let mut stream = WindowStream::new(&model, 1.0, 0.1).expect("windows");
        let mut count = 0;
        listening.push(factor(|| {
            for chunk in samples.chunks(CHUNK) {
                stream
                    .push(chunk, |_, row| count += usize::from(row[0].is_finite()))
                    .expect("finite samples");
            }
        }));
        alone.push(factor(|| {
            for _ in 0..count {
                classifier.classify_frames(&features).expect("frames");
            }
        }));
    }
    let listening = print(&format!("{name}, windows of 1 s every 100 ms"), &mut listening);
    let alone = print("  the network alone", &mut alone);
    println!("{:<44} {:9.3}", "  ratio", listening / alone);
}

fn main() {
    let samples = samples();
    println!("{:<44} {:>9} {:>9}", "real-time factor", "median", "minimum");
    frames(&samples);
    windows("BC-ResNet-1", "[bc-resnet]\nwidth = 1", &samples);
    windows("DS-CNN", "[ds-cnn]", &samples);
}

//! Times of messages alone, without training.

use std::time::Instant;

use serde_json::Value;
use stapes::nn::ModelConfig;
use stapes::nn::layer::Shape;
use stapes::train::{Communicator, all_reduce_sum};

use super::{MODELS, median};

/// Sizes of messages in values of 4 bytes.
const SIZES: [usize; 7] = [1, 256, 4096, 16_384, 65_536, 262_144, 1_048_576];

/// Process 0 prints lines as JSON strings.
pub(crate) fn time_messages(communicator: &dyn Communicator) {
    let print = |line: String| {
        if communicator.rank() == 0 {
            println!("{}", Value::String(line));
        }
    };
    let mut times = Vec::new();
    for size in SIZES {
        let mut values = vec![0.0; size];
        // There and back.
        let seconds = 0.5
            * time(communicator, size, || match communicator.rank() {
                0 => {
                    communicator.send(&values, 1);
                    communicator.receive(&mut values, 1);
                }
                1 => {
                    communicator.receive(&mut values, 0);
                    communicator.send(&values, 0);
                }
                _ => {}
            });
        print(format!("message of {:8} bytes: {:9.1} us", 4 * size, seconds * 1e6));
        times.push((4.0 * size as f64, seconds));
    }
    let (latency, per_byte) = fit(&times);
    print(format!("fitted: latency {:.1} us, bandwidth {:.0} MB/s", latency * 1e6, 1e-6 / per_byte));
    let gathering = time(communicator, 1, || drop(communicator.all_gather(&[0; 8])));
    print(format!("losses gathered: {:.1} us", gathering * 1e6));
    for model in &MODELS {
        let config: ModelConfig = toml::from_str(model.text).expect("a model");
        let network = config.build(Shape::frames(model.features), model.classes).expect("a model");
        let (mut values, mut received) = (vec![0.0; network.buffer_len()], Vec::new());
        let len = values.len();
        let seconds = time(communicator, len, || all_reduce_sum(communicator, &mut values, &mut received));
        print(format!("sum of the {len} gradients of {}: {:.1} us", model.name, seconds * 1e6));
    }
}

/// Median seconds of a call in which all processes take part.
fn time(communicator: &dyn Communicator, size: usize, mut call: impl FnMut()) -> f64 {
    let repetitions = (4_000_000 / (size + 10_000)).max(20);
    let mut times = Vec::new();
    for _ in 0..repetitions {
        // All processes start together.
        communicator.all_gather(&[]);
        let start = Instant::now();
        call();
        times.push(start.elapsed().as_secs_f64());
    }
    median(times)
}

/// Returns latency and seconds per byte with the smallest sum of squared relative errors.
fn fit(times: &[(f64, f64)]) -> (f64, f64) {
    let [mut aa, mut ab, mut bb, mut a, mut b] = [0.0; 5];
    for (bytes, seconds) in times {
        let (x, y) = (1.0 / seconds, bytes / seconds);
        (aa, ab, bb, a, b) = (aa + x * x, ab + x * y, bb + y * y, a + x, b + y);
    }
    let determinant = aa * bb - ab * ab;
    ((a * bb - b * ab) / determinant, (aa * b - ab * a) / determinant)
}

//! Computes librosa's MFCC of samples: `cargo run --example features`.

use stapes::features::{Extractor, LibrosaMfccConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let samples: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.1).sin()).collect();
    let mfcc = LibrosaMfccConfig { n_mfcc: 13, ..Default::default() }.init(16_000)?.extract(&samples)?;
    println!("{} frames of {} coefficients; the first: {:?}", mfcc.frames(), mfcc.width(), mfcc.frame(0));
    Ok(())
}

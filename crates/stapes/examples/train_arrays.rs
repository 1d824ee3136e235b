//! Trains a GRU on sequences in memory and saves it: `cargo run --example train_arrays`.

use stapes::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Rising and falling sequences of 8 to 12 frames with one value each.
    let slope = |n: usize| if n.is_multiple_of(2) { 0.1 } else { -0.1 };
    let frames: Vec<Features> =
        (0..60).map(|n| Features::new(1, (0..8 + n % 5).map(|t| slope(n) * t as f32).collect())).collect();
    let labels = (0..60).map(|n| n % 2).collect();
    let (train, validation) =
        InMemoryDataset::from_frames(frames.clone(), labels, ["up", "down"])?.split(0.2, 1);
    let model = RecurrentModelConfig { hidden_size: 16, ..Default::default() };
    let config = TrainConfig { epochs: 20, learning_rate: 0.01, ..Default::default() };
    let fitted =
        Trainer::new(model, config).normalization(Normalization::PerCoefficient).fit(&train, &validation)?;
    let path = std::env::temp_dir().join("slope.safetensors");
    fitted.model.save(&path)?;
    let prediction = Classifier::load(&path)?.predict_frames(&frames[0])?;
    println!("{} {:.1} %", prediction.label, 100.0 * prediction.probability);
    Ok(())
}

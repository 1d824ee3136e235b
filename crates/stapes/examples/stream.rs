//! Classifies a sound file in chunks of 10 ms, as a microphone would deliver it: `cargo run --example stream -- MODEL FILE`.

use std::path::Path;

use stapes::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("usage: stream MODEL FILE");
    let model = Model::load(Path::new(&argument()?))?;
    let Input::Recordings(features) = &model.input else {
        return Err("the model reads frames, not samples".into());
    };
    let (rate_hz, times, labels) = (features.sample_rate_hz, features.frame_times()?, model.labels.clone());
    let samples = stapes::audio::read(Path::new(&argument()?))?.resampled(rate_hz)?.samples;
    let (mut stream, mut frame) = (StreamClassifier::from_model(model)?, 0);
    let mut report = |probabilities: &[f32]| {
        println!("{:.3} s  {}  {probabilities:.3?}", times.center_seconds(frame), labels.join(" "));
        frame += 1;
    };
    for chunk in samples.chunks(rate_hz as usize / 100) {
        stream.push(chunk, &mut report)?;
    }
    Ok(stream.finish(&mut report)?)
}

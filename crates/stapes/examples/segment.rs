//! Prints the segments of sound files by a frame-level model: `cargo run --example segment -- MODEL FILE...`.

use std::path::Path;

use stapes::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().ok_or("usage: segment MODEL FILE...")?;
    let mut classifier = Classifier::load(Path::new(&model))?;
    for file in arguments {
        let clip = stapes::audio::read(Path::new(&file))?;
        for segment in classifier.segments(&clip)? {
            let label = &classifier.model().labels[segment.class];
            println!("{file}\t{:.2}\t{:.2}\t{label}", segment.start_seconds, segment.end_seconds);
        }
    }
    Ok(())
}

//! Classifies sound files: `cargo run --example classify -- MODEL FILE...`.

use std::path::Path;

use stapes::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().ok_or("usage: classify MODEL FILE...")?;
    let mut classifier = Classifier::load(Path::new(&model))?;
    for file in arguments {
        let clip = stapes::audio::read(Path::new(&file))?;
        let prediction = classifier.predict(&clip)?;
        println!("{file}\t{}\t{:.3}", prediction.label, prediction.probability);
    }
    Ok(())
}

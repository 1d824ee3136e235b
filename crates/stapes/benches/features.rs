//! Feature extraction of the 3,000 FSDD clips: decoding and extraction on all threads, and extraction on one thread.
//!
//! The configuration is `librosa_16k` of the benchmarks of other toolkits: clips are treated as 16 kHz audio and zero-padded
//! to 16,000 samples; n_fft 2048, hop 512, 128 bands, 20 MFCC (32 frames). The last line is JSON.
//!
//! `STAPES_DATA=../shared/data cargo bench -p stapes --bench features`

use std::path::PathBuf;
use std::time::Instant;

use rayon::prelude::*;
use stapes::features::{FeatureConfig, FrontEnd};
use stapes_testkit::fixture::Fixture;

const CONFIG: &str = r#"
sample_rate_hz = 16000
scale = "int16"
fixed_length_samples = 16000
[front_end.librosa-mfcc]
n_fft = 2048
hop_length = 512
n_mfcc = 20
"#;

fn main() {
    let folder = match Fixture::Data.folder() {
        Ok(folder) => folder.join("fsdd/recordings"),
        Err(reason) => return println!("skipped: {reason}"),
    };
    let entries = std::fs::read_dir(&folder).expect("the data set's folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wav"));
    files.sort();
    let config: FeatureConfig = toml::from_str(CONFIG).expect("the configuration");
    let front_end = config.init().expect("the front end");

    let decode_extract_s = median(|| {
        let work = |front_end: &mut FrontEnd, file: &PathBuf| {
            let clip = stapes::audio::read(file).expect("a recording");
            front_end.extract(&clip.samples).expect("features").frames()
        };
        files.par_iter().map_init(|| front_end.clone(), work).sum()
    });
    let clips: Vec<_> = files.iter().map(|file| stapes::audio::read(file).expect("a recording")).collect();
    let mut one = front_end.clone();
    let mut values = Vec::new();
    let extract_s = median(|| {
        clips.iter().map(|clip| one.extract_into(&clip.samples, &mut values).expect("features")).sum()
    });
    println!(
        "{} clips: {decode_extract_s:.3} s to decode and extract on {} threads; {:.0} clips/s to extract on one thread",
        clips.len(),
        rayon::current_num_threads(),
        clips.len() as f64 / extract_s
    );
    let (threads, count) = (rayon::current_num_threads(), clips.len());
    println!(
        "{}",
        serde_json::json!({ "clips": count, "threads": threads, "decode_extract_s": decode_extract_s, "extract_s": extract_s })
    );
}

/// Returns the median time in s of five passes after a warm-up; a pass returns its number of frames.
fn median(mut pass: impl FnMut() -> usize) -> f64 {
    let frames = pass();
    let mut times: Vec<f64> = (0..5)
        .map(|_| {
            let began = Instant::now();
            assert_eq!(pass(), frames);
            began.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[2]
}

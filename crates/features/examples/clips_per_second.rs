//! How fast a front end is over a folder of WAV files, on one core, from samples in memory.
//!
//! `cargo run --release -p stapes-features --example clips_per_second -- FRONT_END FOLDER [CHUNK]`: FRONT_END is
//! `psf-mfcc`, `kaldi-mfcc` or `kaldi-mfcc-39` at 8 kHz and the clips' own length. With CHUNK the clips are
//! streamed in pieces of so many samples. The last line is what `features_peers.py --extra` reads.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use stapes_features::{Extractor, FeatureError, KaldiMfccConfig, PsfMfccConfig, Stream};

const RATE_HZ: u32 = 8000;
const ROUNDS: usize = 5;

/// Features of one clip into a vector.
type Extract = Box<dyn FnMut(&[f32], &mut Vec<f32>) -> Result<(), FeatureError>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [front_end, folder, chunk @ ..] = arguments.as_slice() else {
        return Err("give a front end and a folder".into());
    };
    let chunk = chunk.first().map(|chunk| chunk.parse::<usize>()).transpose()?;
    let mut extract = front_end_of(front_end, chunk)?;
    let clips = clips(Path::new(folder))?;
    let mut values = Vec::new();
    let mut seconds = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for clip in &clips {
            extract(clip, &mut values)?;
        }
        seconds = seconds.min(start.elapsed().as_secs_f64());
    }
    let per_second = clips.len() as f64 / seconds;
    println!("{{\"clips\": {}, \"extract_s\": {seconds:.6}, \"clips_per_s\": {per_second:.1}}}", clips.len());
    Ok(())
}

fn front_end_of(name: &str, chunk: Option<usize>) -> Result<Extract, Box<dyn Error>> {
    let kaldi = |deltas| KaldiMfccConfig { deltas, ..Default::default() };
    Ok(match (name, chunk) {
        ("psf-mfcc", None) => whole(PsfMfccConfig::default().init(RATE_HZ)?),
        ("kaldi-mfcc", None) => whole(kaldi(0).init(RATE_HZ)?),
        ("kaldi-mfcc-39", None) => whole(kaldi(2).init(RATE_HZ)?),
        ("psf-mfcc", Some(chunk)) => streamed(PsfMfccConfig::default().stream(RATE_HZ)?, chunk),
        ("kaldi-mfcc", Some(chunk)) => streamed(kaldi(0).stream(RATE_HZ)?, chunk),
        ("kaldi-mfcc-39", Some(chunk)) => streamed(kaldi(2).stream(RATE_HZ)?, chunk),
        _ => return Err(format!("{name}: must be psf-mfcc, kaldi-mfcc or kaldi-mfcc-39").into()),
    })
}

fn whole(mut extractor: impl Extractor<f32> + 'static) -> Extract {
    Box::new(move |clip, values| extractor.extract_into(clip, values).map(drop))
}

fn streamed(mut stream: impl Stream<f32> + 'static, chunk: usize) -> Extract {
    Box::new(move |clip, values| {
        values.clear();
        clip.chunks(chunk).try_for_each(|piece| stream.push(piece, values).map(drop))?;
        stream.finish(values).map(drop)
    })
}

/// All clips of a folder, scaled to 16-bit integers.
fn clips(folder: &Path) -> Result<Vec<Vec<f32>>, Box<dyn Error>> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    paths
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "wav"))
        .map(|path| Ok(stapes_audio::read(path)?.samples.iter().map(|sample| sample * 32768.0).collect()))
        .collect()
}

//! Throughput of a front end over a folder of WAV files, from samples in memory.
//!
//! `cargo run --release -p stapes-features --example clips_per_second -- FRONT_END FOLDER [--chunk SAMPLES]
//! [--threads N] [--rounds N]`: FRONT_END is `psf-mfcc`, `kaldi-mfcc` or `kaldi-mfcc-39` at 8 kHz and the
//! clips' original length, or `librosa-mfcc` or `torchaudio-mfcc` (n_fft 2048, hop 512, 20 of 128 bands) at a
//! nominal 16 kHz and 16,000 samples: the clip and zeros, or, with the suffix `-full`, the clip repeated, so
//! that no frame is silent. With `--chunk` the clips are streamed in chunks of SAMPLES samples: the 8 kHz
//! front ends unchanged, the others as `librosa-mfcc-uncentered` and `torchaudio-mfcc-uncentered`, which have
//! no `top_db`. The last line is JSON with the median over the rounds, which `benches/peers/features.py`
//! reads.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use stapes_features::{
    Extractor, FeatureError, KaldiMfccConfig, LibrosaMfccConfig, MelNorm, MelScale, PadMode, PsfMfccConfig,
    StreamingExtractor, TorchaudioMelConfig, TorchaudioMfccConfig,
};

const RATE_HZ: u32 = 8000;
const NOMINAL_RATE_HZ: u32 = 16_000;
const FIXED_SAMPLES: usize = 16_000;
const ROUNDS: usize = 7;

/// Extracts the features of one clip into a vector.
type Extract = Box<dyn FnMut(&[f32], &mut Vec<f32>) -> Result<(), FeatureError>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [front_end, folder, options @ ..] = arguments.as_slice() else {
        return Err("give a front end and a folder".into());
    };
    let option = |name: &str| {
        let at = options.iter().position(|option| option == name);
        at.and_then(|at| options.get(at + 1)).map(|value| value.parse::<usize>()).transpose()
    };
    let (chunk, threads) = (option("--chunk")?, option("--threads")?.unwrap_or(1).max(1));
    let rounds = option("--rounds")?.unwrap_or(ROUNDS).max(1);
    // Reports errors before the threads start.
    drop(front_end_of(front_end, chunk)?);
    let clips: Vec<_> = clips(Path::new(folder))?.into_iter().map(|clip| fixed(front_end, clip)).collect();
    let mut seconds = vec![0.0; rounds];
    // The first round is a warm-up and is overwritten.
    for round in [0].into_iter().chain(0..rounds) {
        seconds[round] = pass(front_end, chunk, threads, &clips)?;
    }
    seconds.sort_unstable_by(f64::total_cmp);
    let (median, count) = (seconds[rounds / 2], clips.len());
    let per_second = count as f64 / median;
    println!(
        "{{\"clips\": {count}, \"threads\": {threads}, \"extract_s\": {median:.6}, \"clips_per_s\": {per_second:.1}}}"
    );
    Ok(())
}

/// Returns the seconds for all clips, distributed to threads that each have an extractor.
fn pass(front_end: &str, chunk: Option<usize>, threads: usize, clips: &[Vec<f32>]) -> Result<f64, String> {
    let start = Instant::now();
    let run_thread = |thread: usize| {
        let mut extract = front_end_of(front_end, chunk).map_err(|error| error.to_string())?;
        let mut values = Vec::new();
        let mut thread_clips = clips.iter().skip(thread).step_by(threads);
        thread_clips.try_for_each(|clip| extract(clip, &mut values)).map_err(|error| error.to_string())
    };
    let run_thread = &run_thread;
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run_thread(thread))).collect();
        let panicked = |_| Err("a thread panicked".to_owned());
        running.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(panicked))
    })?;
    Ok(start.elapsed().as_secs_f64())
}

fn front_end_of(name: &str, chunk: Option<usize>) -> Result<Extract, Box<dyn Error>> {
    let kaldi = |deltas| KaldiMfccConfig { deltas, ..Default::default() };
    Ok(match (name.trim_end_matches("-full"), chunk) {
        ("psf-mfcc", None) => whole(PsfMfccConfig::default().init(RATE_HZ)?),
        ("kaldi-mfcc", None) => whole(kaldi(0).init(RATE_HZ)?),
        ("kaldi-mfcc-39", None) => whole(kaldi(2).init(RATE_HZ)?),
        ("librosa-mfcc", None) => whole(LibrosaMfccConfig::default().init::<f32>(NOMINAL_RATE_HZ)?),
        ("librosa-mfcc-uncentered", None) => whole(librosa_uncentered().init::<f32>(NOMINAL_RATE_HZ)?),
        ("torchaudio-mfcc", None) => whole(torchaudio(true).init(NOMINAL_RATE_HZ)?),
        ("torchaudio-mfcc-uncentered", None) => whole(torchaudio(false).init(NOMINAL_RATE_HZ)?),
        ("psf-mfcc", Some(chunk)) => streamed(PsfMfccConfig::default().stream(RATE_HZ)?, chunk),
        ("kaldi-mfcc", Some(chunk)) => streamed(kaldi(0).stream(RATE_HZ)?, chunk),
        ("kaldi-mfcc-39", Some(chunk)) => streamed(kaldi(2).stream(RATE_HZ)?, chunk),
        ("librosa-mfcc-uncentered", Some(chunk)) => {
            streamed(librosa_uncentered().stream::<f32>(NOMINAL_RATE_HZ)?, chunk)
        }
        ("torchaudio-mfcc-uncentered", Some(chunk)) => {
            streamed(torchaudio(false).stream(NOMINAL_RATE_HZ)?, chunk)
        }
        _ => {
            return Err(format!("{name}: unknown front end; the head of this example lists the names").into());
        }
    })
}

fn librosa_uncentered() -> LibrosaMfccConfig {
    LibrosaMfccConfig { center: false, top_db: None, ..Default::default() }
}

/// torchaudio's MFCC with librosa's settings; without `center` also without a floor.
fn torchaudio(center: bool) -> TorchaudioMfccConfig {
    let melkwargs = TorchaudioMelConfig {
        n_fft: 2048,
        hop_length: Some(512),
        mel_scale: MelScale::Slaney,
        norm: MelNorm::Slaney,
        pad_mode: PadMode::Constant,
        center,
        ..Default::default()
    };
    TorchaudioMfccConfig { n_mfcc: 20, melkwargs, top_db: center.then_some(80.0), ..Default::default() }
}

fn whole(mut extractor: impl Extractor<f32> + 'static) -> Extract {
    Box::new(move |clip, values| extractor.extract_into(clip, values).map(drop))
}

fn streamed(mut stream: impl StreamingExtractor<f32> + 'static, chunk: usize) -> Extract {
    Box::new(move |clip, values| {
        values.clear();
        clip.chunks(chunk).try_for_each(|piece| stream.push(piece, values).map(drop))?;
        stream.finish(values).map(drop)
    })
}

/// Returns the clip with the length for its front end.
fn fixed(front_end: &str, mut clip: Vec<f32>) -> Vec<f32> {
    if front_end.ends_with("-full") {
        clip.iter().copied().cycle().take(FIXED_SAMPLES).collect()
    } else {
        if front_end.starts_with("librosa") || front_end.starts_with("torchaudio") {
            clip.resize(FIXED_SAMPLES, 0.0);
        }
        clip
    }
}

/// Reads all clips of a folder, scaled to 16-bit integers.
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

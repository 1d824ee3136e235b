//! librosa's recorded results: over real and synthetic clips, mostly with its defaults.

mod replay;

use std::process::ExitCode;

use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};

/// The kinds that other tests cover; one that nobody knows fails here.
const ELSEWHERE: [&str; 11] = [
    "psf_mfcc",
    "psf_logfbank",
    "psf_fbank",
    "psf_delta",
    "kaldi_mfcc",
    "kaldi_fbank",
    "ta_kaldi_mfcc",
    "ta_kaldi_fbank",
    "ta_mfcc",
    "ta_meldb",
    "ta_deltas",
];

fn main() -> ExitCode {
    let seen = replay::Seen::default();
    let code = suite::run(Fixture::Golden, |folder| {
        let replays = replay::list(&folder.join("frontends"), |kind| !ELSEWHERE.contains(&kind))?;
        let case = |replay: replay::Replay| {
            let seen = seen.clone();
            Case::new(replay.name(), move || replay.run(&seen))
        };
        Ok(replays.into_iter().map(case).collect())
    });
    replay::report(&seen);
    code
}

//! Recorded results of librosa on real and synthetic clips, mostly with default settings.

mod replay;

use std::process::ExitCode;

use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};

/// Kinds that other tests cover; an unknown kind fails here.
const COVERED_ELSEWHERE: [&str; 11] = [
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
    let differences = replay::Differences::default();
    let code = suite::run(Fixture::Golden, |folder| {
        let replays = replay::list(&folder.join("frontends"), |kind| !COVERED_ELSEWHERE.contains(&kind))?;
        let case = |replay: replay::Replay| {
            let differences = differences.clone();
            Case::new(replay.name(), move || replay.run(&differences))
        };
        Ok(replays.into_iter().map(case).collect())
    });
    replay::report(&differences);
    code
}

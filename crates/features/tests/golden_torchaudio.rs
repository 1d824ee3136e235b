//! Recorded results of torchaudio.transforms on real and synthetic clips.

mod replay;

use std::process::ExitCode;

use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};

/// Kinds of torchaudio.transforms; those of torchaudio.compliance.kaldi are tested with Kaldi.
const KINDS: [&str; 3] = ["ta_mfcc", "ta_meldb", "ta_deltas"];

fn main() -> ExitCode {
    let differences = replay::Differences::default();
    let code = suite::run(Fixture::Golden, |folder| {
        let replays = replay::list(&folder.join("frontends"), |kind| KINDS.contains(&kind))?;
        let case = |replay: replay::Replay| {
            let differences = differences.clone();
            Case::new(replay.name(), move || replay.run(&differences))
        };
        Ok(replays.into_iter().map(case).collect())
    });
    replay::report(&differences);
    code
}

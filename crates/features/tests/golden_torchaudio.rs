//! The recorded results of torchaudio.transforms, over real and synthetic clips.

mod replay;

use std::process::ExitCode;

use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};

/// The kinds of torchaudio.transforms; those of torchaudio.compliance.kaldi are Kaldi's.
const KINDS: [&str; 3] = ["ta_mfcc", "ta_meldb", "ta_deltas"];

fn main() -> ExitCode {
    let seen = replay::Seen::default();
    let code = suite::run(Fixture::Golden, |folder| {
        let replays = replay::list(&folder.join("frontends"), |kind| KINDS.contains(&kind))?;
        let case = |replay: replay::Replay| {
            let seen = seen.clone();
            Case::new(replay.name(), move || replay.run(&seen))
        };
        Ok(replays.into_iter().map(case).collect())
    });
    replay::report(&seen);
    code
}

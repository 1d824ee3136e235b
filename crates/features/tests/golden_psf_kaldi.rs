//! The recorded results of python_speech_features, kaldi-native-fbank and torchaudio.compliance.kaldi, over real
//! and synthetic clips.

mod replay;

use std::process::ExitCode;

use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};

/// What the names of the kinds begin with; one that nobody knows fails.
const KINDS: [&str; 3] = ["psf_", "kaldi_", "ta_kaldi_"];

fn main() -> ExitCode {
    let seen = replay::Seen::default();
    let code = suite::run(Fixture::Golden, |folder| {
        let covers = |kind: &str| KINDS.iter().any(|prefix| kind.starts_with(prefix));
        let replays = replay::list(&folder.join("frontends"), covers)?;
        let case = |replay: replay::Replay| {
            let seen = seen.clone();
            Case::new(replay.name(), move || replay.run(&seen))
        };
        Ok(replays.into_iter().map(case).collect())
    });
    replay::report(&seen);
    code
}

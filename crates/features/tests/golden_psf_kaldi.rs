//! Recorded results of python_speech_features, kaldi-native-fbank and torchaudio.compliance.kaldi on real and
//! synthetic clips.

mod replay;

use std::process::ExitCode;

use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};

/// Prefixes of the kinds; an unknown kind fails.
const KINDS: [&str; 3] = ["psf_", "kaldi_", "ta_kaldi_"];

fn main() -> ExitCode {
    let differences = replay::Differences::default();
    let code = suite::run(Fixture::Golden, |folder| {
        let covers = |kind: &str| KINDS.iter().any(|prefix| kind.starts_with(prefix));
        let replays = replay::list(&folder.join("frontends"), covers)?;
        let case = |replay: replay::Replay| {
            let differences = differences.clone();
            Case::new(replay.name(), move || replay.run(&differences))
        };
        Ok(replays.into_iter().map(case).collect())
    });
    replay::report(&differences);
    code
}

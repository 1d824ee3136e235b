//! Recorded results of librosa, python_speech_features, kaldi-native-fbank and torchaudio on real and synthetic clips, mostly
//! with default settings.

mod replay;

use std::process::ExitCode;

use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};

fn main() -> ExitCode {
    let differences = replay::Differences::default();
    let code = suite::run(Fixture::Golden, |folder| {
        let replays = replay::list(&folder.join("frontends"), |_| true)?;
        let case = |replay: replay::Replay| {
            let differences = differences.clone();
            Case::new(replay.name(), move || replay.run(&differences))
        };
        Ok(replays.into_iter().map(case).collect())
    });
    replay::report(&differences);
    code
}

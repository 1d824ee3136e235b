//! The recorded results of librosa, python_speech_features, kaldi-native-fbank and torchaudio, over real and synthetic
//! clips, mostly with their defaults.

mod replay;

use std::process::ExitCode;

use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};

fn main() -> ExitCode {
    let seen = replay::Seen::default();
    let code = suite::run(Fixture::Golden, |folder| {
        let replays = replay::list(&folder.join("frontends"), |_| true)?;
        let case = |replay: replay::Replay| {
            let seen = seen.clone();
            Case::new(replay.name(), move || replay.run(&seen))
        };
        Ok(replays.into_iter().map(case).collect())
    });
    replay::report(&seen);
    code
}

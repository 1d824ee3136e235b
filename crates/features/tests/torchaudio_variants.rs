//! torchaudio's results under settings away from its defaults; `torchaudio_variants/make.py` recorded them.

mod replay;

use std::path::Path;

#[test]
fn every_setting_gives_what_torchaudio_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torchaudio_variants");
    let seen = replay::Seen::default();
    let replays = replay::list(&folder, |_| true).unwrap();
    assert!(replays.len() > 50, "{} cases", replays.len());
    let failures: Vec<String> = replays
        .iter()
        .filter_map(|replay| replay.run(&seen).err().map(|reason| format!("{}: {reason}", replay.name())))
        .collect();
    replay::report(&seen);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

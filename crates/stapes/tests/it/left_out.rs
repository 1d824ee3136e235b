//! Warnings about data that is not used, and faults that `train` and `data info` find by the same rules.

use crate::support::{Scratch, TONES, wav};

const FSDD: &str = "[data.fsdd]\nsplit = \"official\"\nvalidation_fraction = 0.2";

/// Returns a tone of this many samples at 8 kHz; every number gives another one.
fn tone(number: usize, length: usize) -> Vec<u8> {
    let step = 0.2 + 0.01 * number as f32;
    wav(&(0..length).map(|n| 0.4 * (step * n as f32).sin()).collect::<Vec<_>>(), 8000)
}

/// Writes two classes with recordings of five speakers, and a recipe with this data section.
fn data(keys: &str) -> Scratch {
    let scratch = Scratch::new();
    for (number, class) in ["low", "high"].into_iter().enumerate() {
        for (at, speaker) in ["ann", "bob", "cid", "dan", "eva"].into_iter().enumerate() {
            for index in 0..2 {
                let number = 50 * number + 5 * at + index;
                scratch.write(&format!("my/{class}/{speaker}_{index}.wav"), tone(number, 1600));
            }
        }
    }
    scratch.write("my.toml", TONES.replace(FSDD, keys));
    scratch
}

const FOLDERS: &str = "[data.folders]\nspeaker = \"before _\"";

#[test]
fn train_and_data_info_name_all_unusable_files_at_once() {
    let scratch = data(FOLDERS);
    for speaker in ["ann", "bob", "cid", "dan", "eva"] {
        scratch.write(&format!("my/low/{speaker}_short.wav"), tone(1, 20));
    }
    let whole = "--set features.front_end.librosa-mfcc.center=false";
    let info = scratch.run(&format!("data info my.toml --data my {whole}")).fails(1, &[]);
    let trained = scratch
        .run(&format!("train my.toml --data my --out run {whole}"))
        .fails(2, &["5 of 25 files cannot be used"]);
    for speaker in ["ann", "bob", "cid", "dan", "eva"] {
        let line = |text: &str| {
            let line = text.lines().find(|line| line.contains(&format!("{speaker}_short.wav")));
            line.unwrap_or_else(|| panic!("{text}")).split_once(".wav: ").unwrap().1.to_owned()
        };
        assert_eq!(line(&info.stdout()), line(&trained.stderr()));
    }
}

#[test]
fn header_only_files_are_skipped_if_the_recipe_permits_them() {
    let scratch = data(&format!("{FOLDERS}\nmax_unreadable_fraction = 0.5"));
    for speaker in ["ann", "bob", "cid", "dan", "eva"] {
        scratch.write(&format!("my/low/{speaker}_empty.wav"), wav(&[], 8000));
    }
    let trained = scratch.run("train my.toml --data my --out run --set train.max_steps=1").fails(1, &[]);
    assert_eq!(trained.stderr().matches("skipped: ").count(), 5, "{}", trained.stderr());
}

#[test]
fn what_is_not_used_is_printed_by_train_and_data_info() {
    let scratch = data(FOLDERS);
    scratch.write("my/low/x.wma", "x");
    scratch.write("my/_noise_/1.wav", tone(3, 900));
    scratch.write("my/high/eva_long.wav", tone(99, 3600));
    let cut = "1 of 21 recordings are longer than features.fixed_length_samples = 1600 (0.200 s): 0.250 s after that";
    let expected = ["1 sound file has a format that is not read: low/x.wma", "_noise_ (1 recordings)", cut];
    let fixed = "--set features.fixed_length_samples=1600";
    let info = scratch.run(&format!("data info my.toml --data my {fixed}")).succeeds();
    let trained =
        scratch.run(&format!("train my.toml --data my --out run --set train.max_steps=1 {fixed}")).succeeds();
    for part in expected {
        assert!(info.stdout().contains(part), "{}", info.stdout());
        assert_eq!(trained.stderr().matches(part).count(), 1, "{}", trained.stderr());
    }
    let predicted = scratch.run("predict run my/high/eva_long.wav my/low/ann_0.wav").succeeds();
    let warning = "warning: my/high/eva_long.wav: only the first 0.200 s were read";
    assert!(predicted.stderr().contains(warning), "{}", predicted.stderr());
    assert_eq!(predicted.stderr().matches("warning").count(), 1);
}

#[test]
fn a_window_longer_than_the_fft_is_warned_of_once() {
    let scratch = data(FOLDERS);
    scratch.write("a.wav", wav(&[0.1; 4800], 48_000));
    scratch.write("b.wav", wav(&[0.1; 4800], 48_000));
    let ran = scratch.run("features psf-mfcc a.wav b.wav --out frames --set sample_rate_hz=48000").succeeds();
    assert_eq!(
        ran.stderr().matches("1200 samples at 48000 Hz, but nfft = 512").count(),
        1,
        "{}",
        ran.stderr()
    );
    let ran = scratch.run("features psf-mfcc a.wav --out frames").succeeds();
    assert!(!ran.stderr().contains("warning"), "{}", ran.stderr());
}

#[test]
fn settings_out_of_range_are_named_with_their_range() {
    let scratch = data(FOLDERS);
    scratch
        .run("train my.toml --data my --out run --set features.sample_rate_hz=4000000000")
        .fails(2, &["features.sample_rate_hz = 4000000000: must be at most 1536000"]);
    scratch
        .run("train my.toml --data my --out run --set seed=9223372036854775808")
        .fails(2, &["seed", "a whole number from 0 to 9223372036854775807"]);
}

#[test]
fn formats_are_listed_in_full() {
    let scratch = Scratch::new();
    let listed = scratch.run("formats").succeeds().stdout();
    for format in stapes::audio::FORMATS {
        let line = listed.lines().find(|line| line.starts_with(format.name)).unwrap();
        assert!(line.contains(&format.extensions.join(", ")) && line.ends_with(format.codecs), "{listed}");
    }
    let lines = scratch.run("formats --json").succeeds().json();
    assert_eq!(lines.len(), stapes::audio::FORMATS.len());
}

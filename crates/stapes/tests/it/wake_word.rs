//! Wake words: clips, recipe and long recordings from few recordings.

use std::fs;

use crate::support::{Scratch, wav};

const RATE: usize = 16_000;

/// Returns quiet noise with a rising tone of half a second from `start` seconds.
fn word(seconds: f32, start: f32, seed: u32) -> Vec<f32> {
    let mut noise = seed;
    let at = (start * RATE as f32) as usize;
    (0..(seconds * RATE as f32) as usize)
        .map(|n| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = 0.004 * ((noise >> 8) as f32 / (1 << 24) as f32 - 0.5);
            let phase = n.saturating_sub(at) as f32 / RATE as f32;
            let speaks = n >= at && phase < 0.5;
            white
                + if speaks {
                    0.4 * (std::f32::consts::TAU * (300.0 + 900.0 * phase) * phase).sin()
                } else {
                    0.0
                }
        })
        .collect()
}

fn recordings(scratch: &Scratch) {
    for number in 0..12u32 {
        let clip = word(2.0, 0.3 + 0.1 * number as f32, number + 1);
        scratch.write(&format!("word/{number}.wav"), wav(&clip, RATE as u32));
        // Steady tones are not the word.
        let hum: Vec<f32> =
            (0..6 * RATE).map(|n| 0.2 * (n as f32 * (0.05 + 0.01 * number as f32)).sin()).collect();
        scratch.write(&format!("others/{number}.wav"), wav(&hum, RATE as u32));
    }
}

#[test]
fn a_recipe_for_a_wake_word_trains_on_clips_cut_from_recordings() {
    let scratch = Scratch::new();
    recordings(&scratch);
    let new = "new chirp --task wake-word --data word --negatives others --voices 0";
    let made = scratch.run(new).succeeds();
    for part in
        ["12 recordings:", "320 windows of the word", "windows of 1.0 s", "stapes train chirp", "--choose-on"]
    {
        assert!(made.stdout().contains(part), "{part} in {}", made.stdout());
    }
    // Little background, which is said.
    assert!(made.stderr().contains("only 0.1") && made.stderr().contains("--negatives"), "{}", made.stderr());
    let clips = |subset: &str, class: &str| {
        fs::read_dir(scratch.path(&format!("chirp-data/clips/{subset}/{class}"))).unwrap().count()
    };
    assert_eq!(
        (clips("train", "chirp"), clips("validation", "chirp"), clips("test", "chirp")),
        (8 * 40, 6, 6)
    );
    assert!(clips("train", "_other_") > 300 && clips("test", "_other_") > 4);

    // The words of the long recording are where the manifest says.
    let stream = scratch.path("chirp-data/streams/test");
    let manifest = fs::read_to_string(stream.join("manifest.csv")).unwrap();
    assert_eq!(manifest.lines().next().unwrap(), "path,label,start,end");
    let long = stapes::audio::read(&stream.join("words.wav")).unwrap();
    let row: Vec<&str> = manifest.lines().nth(1).unwrap().split(',').collect();
    let (start, end): (f64, f64) = (row[2].parse().unwrap(), row[3].parse().unwrap());
    assert_eq!(row[1], "chirp");
    assert!((0.5..0.8).contains(&(end - start)), "{row:?}");
    assert!(end <= long.seconds());

    let trained =
        scratch.run("train chirp --json --set train.max_steps=4 --set train.batch_size=16").succeeds();
    assert!(trained.last_json()["test_accuracy"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_folder_of_clips_is_only_replaced_if_it_was_written_by_the_command() {
    let scratch = Scratch::new();
    recordings(&scratch);
    let new = "new chirp --task wake-word --data word --negatives others --voices 0";
    scratch.run(new).succeeds();
    scratch.run(new).fails(2, &["chirp.toml: exists", "--force"]);
    scratch.run(&format!("{new} --force")).succeeds();
    let inside = "--hard-negatives chirp-data/clips/train/_other_/00000.wav";
    scratch.run(&format!("{new} --force {inside}")).fails(2, &["00000.wav: is inside", "move it"]);
    fs::remove_file(scratch.path("chirp-data/README.txt")).unwrap();
    scratch.run(&format!("{new} --force")).fails(2, &["chirp-data", "not written by this command"]);
    assert!(scratch.path("chirp-data/clips/train").is_dir());
    // Hard negatives become windows for training.
    scratch.write("hard/1.wav", wav(&word(0.4, 0.1, 3), RATE as u32));
    scratch.run(&new.replace("chirp", "second").replace("others", "others --hard-negatives hard")).succeeds();
    let count =
        |run: &str| fs::read_dir(scratch.path(&format!("{run}-data/clips/train/_other_"))).unwrap().count();
    assert_eq!(count("second"), count("chirp") + 10);
}

#[test]
fn unusable_recordings_and_options_are_errors() {
    let scratch = Scratch::new();
    recordings(&scratch);
    fs::remove_file(scratch.path("word/3.wav")).unwrap();
    scratch.write("word/silent.wav", wav(&vec![0.0; RATE], RATE as u32));
    scratch.write("word/broken.wav", "RIFF");
    let made = scratch.run("new chirp --task wake-word --data word --negatives others --voices 0").succeeds();
    assert!(made.stderr().contains("silent.wav: no word was found"), "{}", made.stderr());
    assert!(
        made.stderr().contains("not used: ") && made.stderr().contains("broken.wav"),
        "{}",
        made.stderr()
    );
    for number in 0..4 {
        let _ = fs::remove_file(scratch.path(&format!("word/{number}.wav")));
    }
    let few = "new few --task wake-word --data word --negatives others --voices 0";
    scratch.run(few).fails(2, &["8 recordings of the word", "at least 10"]);
    assert!(!scratch.path("few-data").exists() && !scratch.path("few.toml").exists());
    scratch.run("new chirp2 --task wake-word --data word --voices 0").fails(2, &["--negatives", "espeak-ng"]);
    scratch.run("new words --data others --voices 3").fails(2, &["--task wake-word"]);
}

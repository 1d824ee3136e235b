//! Bad input gives an error that names the file or key, without a panic and without partial output.

use crate::support::{Scratch, TONES, wav, wav_file};

/// Asserts that training fails with these parts in the message and leaves no files.
#[track_caller]
fn training_fails(scratch: &Scratch, parts: &[&str]) {
    let before = scratch.names();
    scratch.run("train tones.toml --data tones --out run").fails(2, parts);
    assert_eq!(scratch.names(), before, "something was left behind");
}

#[test]
fn missing_data_folder_is_named() {
    let scratch = Scratch::new();
    scratch.tones_recipe();
    training_fails(&scratch, &["tones"]);
    scratch.run("train tones.toml --out run").fails(2, &["--data"]);
}

#[test]
fn class_without_recordings_is_named() {
    let scratch = Scratch::new();
    let tones = scratch.tones();
    scratch.tones_recipe();
    for entry in std::fs::read_dir(tones.join("recordings")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with('4') {
            std::fs::remove_file(path).unwrap();
        }
    }
    training_fails(&scratch, &["4"]);
}

#[test]
fn damaged_recordings_are_named() {
    let whole = wav(&[0.1; 800], 8000);
    let nan: Vec<u8> = [0.0f32, f32::NAN, 0.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let broken: [(&str, Vec<u8>); 5] = [
        ("zero samples", wav(&[], 8000)),
        ("truncated header", whole[..30].to_vec()),
        ("truncated data", whole[..500].to_vec()),
        ("text", b"not a sound at all, only text that was renamed".to_vec()),
        ("not a number", wav_file(3, 32, 8000, &nan)),
    ];
    for (what, bytes) in broken {
        let scratch = Scratch::new();
        scratch.tones();
        scratch.tones_recipe();
        scratch.write("tones/recordings/5_ann_7.wav", bytes);
        println!("{what}");
        training_fails(&scratch, &["5_ann_7.wav"]);
    }
}

#[test]
fn recipe_errors_name_the_key() {
    let cases = [
        ("hidden_size = 16", "hiden = 16", vec!["tones.toml", "hiden"]),
        ("hop_length = 80", "hop_length = -80", vec!["tones.toml", "hop_length"]),
        ("hop_length = 80", "hop_length = 0", vec!["tones.toml", "hop_length"]),
        ("n_mels = 24", "n_mels = 0", vec!["tones.toml", "n_mels"]),
        ("hidden_size = 16", "hidden_size = 0", vec!["tones.toml", "hidden"]),
        ("batch_size = 16", "batch_size = 0", vec!["tones.toml", "train.batch_size"]),
        ("learning_rate = 2e-2", "learning_rate = nan", vec!["tones.toml", "learning_rate"]),
        ("cell = \"lstm\"", "cell = \"lsmt\"", vec!["tones.toml", "lsmt"]),
        ("[model.recurrent]", "[model.recurent]", vec!["tones.toml", "recurent"]),
        ("validation_fraction = 0.2", "validation_fraction = 2", vec!["tones.toml", "validation_fraction"]),
        ("[features]", "[features", vec!["tones.toml"]),
        ("hidden_size = 16", "hidden_size = 1000000000000", vec!["tones.toml", "hidden"]),
    ];
    for (from, to, parts) in cases {
        let scratch = Scratch::new();
        assert!(TONES.contains(from));
        scratch.write("tones.toml", TONES.replace(from, to));
        println!("{to}");
        training_fails(&scratch, &parts);
        scratch.run("summary tones.toml").fails(2, &parts);
    }
    let scratch = Scratch::new();
    scratch.run("train nowhere.toml --out run").fails(2, &["nowhere.toml"]);
}

#[test]
fn class_that_the_data_lacks_is_named() {
    let scratch = Scratch::new();
    let recipe =
        TONES.replace("[data.fsdd]\nsplit = \"official\"\nvalidation_fraction = 0.2", SPEECH_COMMANDS);
    scratch.write("words.toml", recipe);
    scratch.write("words/bed/a_nohash_0.wav", wav(&[0.1; 800], 8000));
    scratch.write("words/validation_list.txt", "bed/b_nohash_0.wav\n");
    scratch.write("words/testing_list.txt", "bed/c_nohash_0.wav\n");
    scratch.run("train words.toml --data words --out run").fails(2, &["giraffe"]);
    assert!(!scratch.path("run").exists());
}

const SPEECH_COMMANDS: &str = "[data.speech-commands]\nclasses = [\"bed\", \"giraffe\"]";

#[test]
fn existing_output_folder_is_rejected_without_force() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run("train tones.toml --data tones --out run --set train.epochs=1").succeeds();
    let model = std::fs::read(scratch.path("run/model.safetensors")).unwrap();
    training_fails(&scratch, &["run", "--force"]);
    assert_eq!(std::fs::read(scratch.path("run/model.safetensors")).unwrap(), model);
    scratch.run("train tones.toml --data tones --out run --force --seed 5 --set train.epochs=1").succeeds();
    assert_ne!(std::fs::read(scratch.path("run/model.safetensors")).unwrap(), model);

    scratch.write("precious/letter.txt", "not a run");
    scratch.run("train tones.toml --data tones --out precious --force").fails(2, &["precious"]);
    assert!(scratch.path("precious/letter.txt").is_file());
}

#[test]
fn damaged_and_foreign_model_files_are_rejected() {
    let scratch = Scratch::new();
    scratch.run("quickstart --set train.epochs=1 --out run").succeeds();
    let model = std::fs::read(scratch.path("run/model.safetensors")).unwrap();
    for length in [0, 4, 100, model.len() / 2, model.len() - 1] {
        scratch.write("cut.safetensors", &model[..length]);
        scratch.run("predict cut.safetensors run/example.csv").fails(2, &["cut.safetensors"]);
    }
    let text = String::from_utf8_lossy(&model).into_owned();
    assert!(text.contains(r#"\"format\":2"#));
    let at = model.windows(13).position(|window| window == br#"\"format\":2,"#).unwrap();
    let mut other = model.clone();
    other[at + 11] = b'9';
    scratch.write("other.safetensors", &other);
    // A file of another format has the checksum of its content; this one was changed.
    scratch
        .run("predict other.safetensors run/example.csv")
        .fails(2, &["other.safetensors", "checksum is wrong"]);
    scratch.run("predict nowhere run/example.csv").fails(2, &["nowhere"]);
}

#[test]
fn closed_standard_output_does_not_stop_the_run() {
    let scratch = Scratch::new();
    let program = assert_cmd::cargo::cargo_bin("stapes");
    let script = format!(
        "{} quickstart --json --out run --set train.max_steps=30 --set train.validate_every_steps=1 | head -1",
        program.display()
    );
    let shell =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(scratch.path(".")).output();
    assert_eq!(shell.unwrap().stdout.iter().filter(|&&byte| byte == b'\n').count(), 1);
    assert!(scratch.path("run/report.html").is_file());
    assert_eq!(scratch.names(), ["run"]);
}

#[test]
fn file_names_that_are_not_utf8_are_accepted() {
    use std::os::unix::ffi::OsStrExt;
    let scratch = Scratch::new();
    let name = std::ffi::OsStr::from_bytes(b"o\xffut");
    let program = assert_cmd::cargo::cargo_bin("stapes");
    let run = |arguments: &[&std::ffi::OsStr]| {
        std::process::Command::new(&program).args(arguments).current_dir(scratch.path(".")).output().unwrap()
    };
    let text = std::ffi::OsStr::new;
    let trained = run(&[text("quickstart"), text("--set"), text("train.max_steps=1"), text("--out"), name]);
    assert_eq!(trained.status.code(), Some(0), "{}", String::from_utf8_lossy(&trained.stderr));
    // The run folder has an example.
    let predicted = run(&[text("predict"), text("--json"), name, name]);
    assert_eq!(predicted.status.code(), Some(0), "{}", String::from_utf8_lossy(&predicted.stderr));
}

#[test]
fn evaluation_on_other_classes_is_rejected() {
    let scratch = Scratch::new();
    for word in ["bed", "cat"] {
        for speaker in 0..12 {
            let tone = if word == "bed" { 0.1 } else { 0.3 };
            let samples: Vec<f32> = (0..800).map(|n| (n as f32 * tone).sin() * 0.5).collect();
            scratch.write(&format!("words/{word}/s{speaker}_nohash_0.wav"), wav(&samples, 8000));
        }
    }
    scratch.write("words/validation_list.txt", "bed/s0_nohash_0.wav\ncat/s0_nohash_0.wav\n");
    scratch.write("words/testing_list.txt", "bed/s1_nohash_0.wav\ncat/s1_nohash_0.wav\n");
    let words = "[data.speech-commands]\nclasses = [\"bed\", \"cat\"]";
    let recipe = TONES.replace("[data.fsdd]\nsplit = \"official\"\nvalidation_fraction = 0.2", words);
    scratch.write("words.toml", recipe);
    scratch.run("train words.toml --data words --out run --set train.max_steps=1").succeeds();
    let text = std::fs::read_to_string(scratch.path("run/recipe.toml")).unwrap();
    let swapped = text.replace("\"bed\", \"cat\"", "\"cat\", \"bed\"");
    assert_ne!(text, swapped);
    scratch.write("run/recipe.toml", swapped);
    scratch.run("eval run").fails(2, &["cat, bed", "bed, cat"]);
}

#[test]
fn folders_of_all_seeds_are_checked_before_training() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.write("many/seed-2/letter.txt", "taken");
    scratch.run("train tones.toml --data tones --out many --seeds 2").fails(2, &["seed-2"]);
    assert!(!scratch.path("many/seed-1").exists());
    let arguments = "train tones.toml --data tones --out two --seeds 2 --set train.max_steps=2 --json";
    let trained = scratch.run(arguments).succeeds().last_json();
    assert_eq!(trained["runs"].as_array().unwrap().len(), 2);
    assert!(scratch.path("two/seed-2/model.safetensors").is_file());
}

#[test]
fn frames_that_do_not_match_the_model_are_rejected() {
    let scratch = Scratch::new();
    scratch.run("quickstart --set train.epochs=1 --out run").succeeds();
    for (text, part) in [
        ("1,2,3\n4,5\n", "frames.csv:2:"),
        ("1,x,3\n", "frames.csv:1:"),
        ("", "no frames"),
        ("1,2,3\n", "12"),
    ] {
        scratch.write("frames.csv", text);
        scratch.run("predict run frames.csv").fails(2, &["frames.csv", part]);
    }
}

#[cfg(not(feature = "mpi"))]
#[test]
fn launched_processes_are_rejected_without_mpi() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    let arguments = "train tones.toml --data tones --out run --set train.max_steps=1";
    scratch.run_with("OMPI_COMM_WORLD_SIZE", "2", arguments).fails(2, &["--features mpi"]);
    scratch.run_with("OMPI_COMM_WORLD_SIZE", "1", arguments).succeeds();
}

#[test]
fn outputs_do_not_replace_files_of_another_kind() {
    let scratch = Scratch::new();
    scratch.write("one.wav", wav(&[0.1; 8000], 8000));
    scratch.write("other.wav", wav(&[0.1; 8000], 8000));
    scratch.run("inspect one.wav --out other.wav").fails(2, &["--out other.wav", "is not a .html file"]);
    scratch.run("eval run --predictions my.toml").fails(2, &["--predictions my.toml", "is not a .csv file"]);
    scratch.run("gradients run --out my.toml").fails(2, &["--out my.toml", "is not a .svg file"]);
    assert_eq!(std::fs::read(scratch.path("other.wav")).unwrap(), wav(&[0.1; 8000], 8000));
}

#[test]
fn a_folder_without_recordings_does_not_stop_the_others() {
    let scratch = Scratch::new();
    scratch.write("one.wav", wav(&[0.1; 8000], 8000));
    std::fs::create_dir(scratch.path("empty")).unwrap();
    for command in ["predict digits", "vad"] {
        scratch.run(&format!("{command} empty one.wav")).fails(1, &["empty: no file in this folder"]);
        scratch
            .run(&format!("{command} empty a*.ogg"))
            .fails(2, &["empty: no file in", "a*.ogg: no file fits"]);
    }
    let ran = scratch.run("predict digits empty one.wav").fails(1, &[]);
    assert!(ran.stdout().ends_with("one.wav\n"), "{}", ran.stdout());
    let ran = scratch.run("predict digits empty one.wav --json").fails(1, &[]);
    assert_eq!((ran.last_json()["files"].as_u64(), ran.last_json()["failed"].as_u64()), (Some(2), Some(1)));
}

#[test]
fn models_that_do_not_exist_are_explained() {
    let scratch = Scratch::new();
    scratch.write("one.wav", wav(&[0.1; 8000], 8000));
    scratch.run("predict vaad one.wav").fails(2, &["vaad: does not exist", "did you mean `vad`?"]);
    scratch.run("predict runs/my one.wav").fails(2, &["runs/my: does not exist", "stapes models"]);
    scratch.run("predict one.wav one.wav").fails(2, &["one.wav: not a complete model file"]);
    for seed in ["seed-2", "seed-1"] {
        std::fs::create_dir_all(scratch.path("seeds").join(seed)).unwrap();
        scratch.write(&format!("seeds/{seed}/model.safetensors"), "");
    }
    let parts = ["seeds: is not a run folder, but contains runs", "choose one, such as seeds/seed-1"];
    scratch.run("predict seeds one.wav").fails(2, &parts);
}

#[test]
fn negative_numbers_are_checked_by_the_option() {
    let scratch = Scratch::new();
    for (command, option) in [
        ("predict digits one.wav --window -1", "--window"),
        ("train tones.toml --seeds -1", "--seeds"),
        ("vad one.wav --threshold -1", "--threshold"),
    ] {
        let ran = scratch.run(command).fails(2, &["-1", option]);
        assert!(!ran.stderr().contains("tip:") && !ran.stderr().contains("unexpected"), "{}", ran.stderr());
    }
}

#[test]
fn negatives_that_do_not_exist_are_an_error() {
    let scratch = Scratch::new();
    scratch.tones();
    let words = ["new", "word", "--task", "wake-word", "--data", "tones/recordings", "--negatives", "nope"];
    scratch.run_words(&words).fails(2, &["nope: does not exist"]);
    assert!(!scratch.path("word.toml").exists());
}

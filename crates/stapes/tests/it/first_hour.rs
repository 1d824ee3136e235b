//! The first hour of a new user: a recipe for her recordings, a model, and its use on other files.

use std::fs;

use serde_json::Value;

use crate::support::{Scratch, wav};

/// Writes recordings of two words by six speakers into class folders: `words/low/ann_0.wav`.
pub(crate) fn words(scratch: &Scratch, folder: &str, speakers: &[&str]) {
    let mut noise = 7u32;
    for (class, hz) in [("low", 300.0), ("high", 1200.0)] {
        for (number, speaker) in speakers.iter().enumerate() {
            for take in 0..6 {
                let length = 3000 + 200 * take + 100 * number;
                let samples: Vec<f32> = (0..length)
                    .map(|n| {
                        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let white = (noise >> 8) as f32 / (1 << 24) as f32 - 0.5;
                        let hz = hz + 20.0 * number as f32;
                        0.4 * (std::f32::consts::TAU * hz * n as f32 / 8000.0).sin() + 0.05 * white
                    })
                    .collect();
                scratch.write(&format!("{folder}/{class}/{speaker}_{take}.wav"), wav(&samples, 8000));
            }
        }
    }
}

pub(crate) const SPEAKERS: [&str; 6] = ["ann", "bob", "cy", "dee", "eve", "flo"];
/// A training of a second.
pub(crate) const SHORT: &str = "--set train.epochs=8 --set model.recurrent.hidden_size=12 --set model.recurrent.dropout=0 \
                     --set model.recurrent.head_dropout=0 --set train.batch_size=8";

#[test]
fn a_new_user_trains_evaluates_and_predicts_without_reading_anything() {
    let scratch = Scratch::new();
    words(&scratch, "words", &SPEAKERS);
    let made = scratch.run("new tones --data words").succeeds().stdout();
    for part in ["72 recordings of 2 classes", "6 speakers such as ann", "8000 Hz", "stapes train tones"] {
        assert!(made.contains(part), "{part} in {made}");
    }
    let recipe = fs::read_to_string(scratch.path("tones.toml")).unwrap();
    assert!(recipe.contains("speaker = ") && recipe.contains("data_folder = \"words\""), "{recipe}");
    scratch.run("new tones --data words").fails(2, &["tones.toml: exists", "--force"]);

    let dry = scratch.run(&format!("train tones --dry-run --json {SHORT}")).succeeds().last_json();
    assert!(dry["steps"].as_u64().unwrap() > 0 && dry["seconds"].as_f64().unwrap() > 0.0, "{dry}");
    assert!(!scratch.path("runs").exists(), "a dry run wrote files");

    let trained = scratch.run(&format!("train tones --json {SHORT}")).succeeds();
    assert_eq!(trained.last_json()["run"], "runs/tones");
    assert!(trained.last_json()["test_accuracy"].as_f64().unwrap() >= 0.9, "{}", trained.last_json());
    // Every validation is a line, with the time that is left.
    let lines: Vec<String> =
        trained.stderr().lines().filter(|line| line.starts_with("step ")).map(str::to_owned).collect();
    assert_eq!(lines.len(), 8, "{}", trained.stderr());
    assert!(lines[0].contains("validation loss") && lines[0].ends_with(" left"), "{}", lines[0]);
    let again = scratch.run(&format!("train tones -q --set train.epochs=1 {SHORT}")).succeeds();
    assert!(again.stdout().contains("runs/tones-2"), "{}", again.stdout());
    assert!(!again.stderr().contains("step "), "{}", again.stderr());

    // Other recordings of one of the words, of speakers without a rule.
    words(&scratch, "others", &["gus"]);
    fs::remove_dir_all(scratch.path("others/high")).unwrap();
    let evaluated = scratch
        .run("eval runs/tones --data others --split all --predictions others.csv --json")
        .succeeds()
        .last_json();
    assert_eq!(evaluated["total"], 6);
    assert_eq!(evaluated["correct"], 6);
    let csv = fs::read_to_string(scratch.path("others.csv")).unwrap();
    assert_eq!(csv.lines().next().unwrap(), "file,true_label,label,probability,high,low");
    assert!(csv.lines().nth(1).unwrap().starts_with("low/gus_0.wav,low,low,0."), "{csv}");
    let model = "runs/tones/model.safetensors";
    let from_file =
        scratch.run(&format!("eval {model} --data others --split all --json")).succeeds().last_json();
    assert_eq!(from_file["accuracy"], evaluated["accuracy"]);
    let all = scratch.run("eval runs/tones --split all --json").succeeds().last_json();
    assert_eq!(all["total"], 72);
    fs::rename(scratch.path("others/low"), scratch.path("others/middle")).unwrap();
    scratch.run("eval runs/tones --data others --split all").fails(2, &["no label middle", "high, low"]);
}

/// Returns the labels of the JSON lines about files.
fn labels(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter_map(|line| line["label"].as_str()).collect()
}

#[test]
fn predict_reads_folders_patterns_lists_and_standard_input() {
    let scratch = Scratch::new();
    words(&scratch, "words", &SPEAKERS);
    scratch.run("new tones --data words").succeeds();
    scratch.run(&format!("train tones {SHORT}")).succeeds();
    let predict = |rest: &str| scratch.run(&format!("predict runs/tones {rest} --json")).succeeds().json();
    let folder = predict("words");
    assert_eq!(folder.last().unwrap()["files"], 72);
    assert_eq!(folder[0]["file"], "words/high/ann_0.wav");
    assert_eq!(predict("words/*/ann_?.wav").last().unwrap()["files"], 12);
    scratch.write("list", "words/low/bob_1.wav\nwords/high/cy_2.wav\n");
    let listed = predict("--files-from list");
    assert_eq!(labels(&listed), ["low", "high"]);

    // A sound file and raw samples through a pipe.
    let bytes = fs::read(scratch.path("words/low/bob_1.wav")).unwrap();
    let piped = scratch.run_piped("predict runs/tones - --json", &bytes).succeeds().json();
    assert_eq!((piped[0]["file"].as_str(), &piped[0]["probability"]), (Some("-"), &listed[0]["probability"]));
    let raw = scratch.run_piped("predict runs/tones - --rate 8000 --json", &bytes[44..]).succeeds().json();
    assert_eq!(raw[0]["probability"], listed[0]["probability"]);
    scratch.run_piped("predict runs/tones -", b"no sound at all, but some text").fails(2, &["-: "]);

    let top = predict("words/low/bob_1.wav --top 2");
    assert_eq!(top[0]["top"][0]["label"], "low");
    assert_eq!(top[0]["top"][1]["label"], "high");
    let unsure = predict("words/low/bob_1.wav --threshold 1");
    assert_eq!(unsure[0]["label"], "unknown");
    assert!(unsure[0]["probabilities"]["low"].as_f64().unwrap() > 0.5);

    // Windows over two words, one after the other.
    let word = |path: &str| fs::read(scratch.path(path)).unwrap()[44..].to_vec();
    let data = [word("words/low/ann_5.wav"), word("words/high/ann_5.wav")].concat();
    let samples: Vec<f32> =
        data.as_chunks::<2>().0.iter().map(|&bytes| f32::from(i16::from_le_bytes(bytes)) / 32768.0).collect();
    scratch.write("two.wav", wav(&samples, 8000));
    let windows = predict("two.wav --window 0.5 --hop 0.5");
    let found = labels(windows[0]["windows"].as_array().unwrap());
    assert_eq!((found[0], *found.last().unwrap()), ("low", "high"), "{windows:?}");
    let text = scratch.run("predict runs/tones two.wav --window 0.5").succeeds().stdout();
    assert!(text.starts_with("0.000\t0.500\tlow\t"), "{text}");
    scratch.run("predict runs/tones two.wav --hop 0.5").fails(2, &["--window"]);
    scratch.run("predict runs/tones nothing*.wav").fails(2, &["nothing*.wav", "no file fits"]);
}

#[test]
fn a_recipe_for_imperfect_data_trains_and_says_what_is_wrong() {
    let scratch = Scratch::new();
    words(&scratch, "words", &SPEAKERS);
    scratch.write("words/low/flo_9.wav", "");
    let made = scratch.run("new a/tones --data words").succeeds();
    assert!(made.stdout().contains("stapes train a/tones"), "{}", made.stdout());
    assert!(made.stderr().contains("1 unreadable recording"), "{}", made.stderr());
    let ran = scratch.run(&format!("train a/tones {SHORT} --set train.max_steps=2")).fails(1, &["flo_9.wav"]);
    assert!(ran.stdout().contains("runs/tones"), "{}", ran.stdout());
    // A copy of another speaker's recording leaks into the test.
    for speaker in ["ann", "bob", "cy", "dee", "eve"] {
        fs::copy(scratch.path("words/low/flo_1.wav"), scratch.path(&format!("words/low/{speaker}_8.wav")))
            .unwrap();
    }
    let made = scratch.run("new b --data words").succeeds();
    assert!(made.stderr().contains("training will stop"), "{}", made.stderr());
    scratch.run_words(&["new", "c\nd", "--data", "words"]).fails(2, &["control characters"]);

    // Segments with a gap are not labels per frame, which is said.
    let rows = "path,label,start,end\nlow/ann_1.wav,a,0,0.1\nlow/ann_1.wav,b,0.2,0.4\n\
                low/bob_1.wav,a,0,0.2\nlow/bob_1.wav,b,0.2,0.4\nlow/cy_1.wav,a,0,0.4\nlow/dee_1.wav,b,0,0.4\n";
    scratch.write("words/gap.csv", rows);
    let made = scratch.run("new gap --data words/gap.csv").succeeds();
    assert!(made.stderr().contains("gap.csv:3: ") && made.stdout().contains("segments"), "{}", made.stderr());
}

#[test]
fn frames_are_read_from_numpy_arrays() {
    let scratch = Scratch::new();
    scratch.run("quickstart --set train.epochs=1").succeeds();
    let text = fs::read_to_string(scratch.path("runs/quickstart/example.csv")).unwrap();
    let rows: Vec<Vec<f64>> =
        text.lines().map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
    let array = ndarray::Array2::from_shape_fn((rows.len(), rows[0].len()), |(t, f)| rows[t][f]);
    // In the order of rows and of columns.
    let write = |name: &str, array: &ndarray::ArrayRef2<f64>| {
        ndarray_npy::WriteNpyExt::write_npy(array, fs::File::create(scratch.path(name)).unwrap()).unwrap();
    };
    write("c.npy", &array);
    let by_columns = array.t().as_standard_layout().into_owned().reversed_axes();
    write("f.npy", &by_columns);
    let lines = scratch
        .run("predict runs/quickstart runs/quickstart/example.csv c.npy f.npy --json")
        .succeeds()
        .json();
    assert_eq!(lines[0]["probabilities"], lines[1]["probabilities"]);
    assert_eq!(lines[0]["probabilities"], lines[2]["probabilities"]);
    scratch.write("bad.npy", "not an array");
    scratch.run("predict runs/quickstart bad.npy").fails(2, &["bad.npy", "float32 or float64"]);
}

#[test]
fn a_new_user_trains_on_arrays_of_frames_without_reading_anything() {
    let scratch = Scratch::new();
    let mut noise = 7u32;
    let mut write = |folder: &str, speakers: &[&str]| {
        for (class, slope) in [("falling", -1.0), ("rising", 1.0)] {
            for (number, speaker) in speakers.iter().enumerate() {
                for take in 0..6 {
                    let array = ndarray::Array2::from_shape_fn((8 + take + number, 3), |(t, f)| {
                        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let white = (noise >> 8) as f32 / (1 << 24) as f32 - 0.5;
                        slope * (t as f32 / 8.0 - 0.6) + f as f32 + 0.2 * white
                    });
                    let path = scratch.write(&format!("{folder}/{class}/{speaker}_{take}.npy"), "");
                    ndarray_npy::WriteNpyExt::write_npy(&array, fs::File::create(path).unwrap()).unwrap();
                }
            }
        }
    };
    write("gestures", &SPEAKERS);
    write("others", &["gus"]);
    for task in ["", " --task sequences --force"] {
        let made = scratch.run(&format!("new curves --data gestures{task}")).succeeds().stdout();
        for part in
            ["72 sequences of 2 classes", "6 speakers such as ann", "frames of 3 values", "8 to 18 frames"]
        {
            assert!(made.contains(part), "{part} in {made}");
        }
    }
    scratch.run("new other --data gestures --task frames").fails(2, &["need a manifest"]);
    let info = scratch.run("data info curves").succeeds().stdout();
    assert!(info.contains("72 examples of 2 classes, 6 speakers; split by-speaker"), "{info}");

    let trained = scratch.run(&format!("train curves --json {SHORT}")).succeeds().last_json();
    assert!(trained["test_accuracy"].as_f64().unwrap() >= 0.9, "{trained}");
    fs::remove_dir_all(scratch.path("others/rising")).unwrap();
    let evaluated = scratch.run("eval runs/curves --data others --split all --json").succeeds().last_json();
    assert_eq!((&evaluated["total"], &evaluated["correct"]), (&6.into(), &6.into()));
    let from_file = "eval runs/curves/model.safetensors --data others --split all --json";
    assert_eq!(scratch.run(from_file).succeeds().last_json()["accuracy"], evaluated["accuracy"]);
    let predicted = scratch.run("predict runs/curves others --json").succeeds().json();
    assert_eq!(labels(&predicted), ["falling"; 6]);
}

#[test]
fn built_in_recipes_need_no_repository() {
    let scratch = Scratch::new();
    let listed = scratch.run("recipes").succeeds().stdout();
    assert!(listed.lines().any(|line| line.starts_with("fsdd-gru ")), "{listed}");
    let shown = scratch.run("recipes show fsdd-gru").succeeds().stdout();
    scratch.write("mine.toml", &shown);
    let summary = |recipe: &str| scratch.run(&format!("summary {recipe}")).succeeds().stdout();
    assert_eq!(summary("mine"), summary("fsdd-gru"));
    scratch.run("recipes show fsdd").fails(2, &["fsdd", "stapes recipes"]);
    scratch.run("recipes fsdd-gru").fails(2, &["stapes recipes show fsdd-gru"]);
    scratch.run("train fsdd-grus --data .").fails(2, &["did you mean `fsdd-gru`"]);
    scratch.tones();
    let run = scratch.run("train fsdd-gru --data tones --set train.epochs=1 --json").succeeds().last_json();
    assert_eq!(run["run"], "runs/fsdd-gru");
    // A file beside has priority over a built-in recipe.
    scratch.write("fsdd-gru.toml", shown.replace("title = \"", "title = \"Mine: "));
    let ran = scratch.run("train fsdd-gru --data tones --set train.epochs=1").succeeds();
    assert!(ran.stderr().contains("Mine: "), "{}", ran.stderr());
}

#[test]
fn weights_can_start_a_model_of_other_classes_with_frozen_layers() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.run("train tones.toml --data tones --out first").succeeds();
    words(&scratch, "words", &SPEAKERS);
    let recipe = crate::support::TONES.replace(
        "[data.fsdd]\nsplit = \"official\"\nvalidation_fraction = 0.2",
        "[data.folders]\nspeaker = \"before _\"",
    );
    scratch.write("words.toml", &recipe);
    let weights = "--weights first/model.safetensors";
    scratch
        .run(&format!("train words --data words {weights}"))
        .fails(2, &["fc.weight is [10, 16], expected [2, 16]"]);
    let tuned = scratch.run(&format!(
        "train words --data words {weights} --reset-head --set train.freeze=[\"rnn\"] --out second"
    ));
    let said = tuned.succeeds().stderr();
    assert!(said.contains("initialized at random: fc.weight, fc.bias"), "{said}");
    assert!(!said.contains("other features"), "{said}");
    let other = "--reset-head --set features.normalization=per-utterance --set train.epochs=1 --out other";
    let said = scratch.run(&format!("train words --data words {weights} {other}")).succeeds().stderr();
    assert!(said.contains("trained with other features") && said.contains("copy [features]"), "{said}");
    let tensors = |run: &str| {
        let bytes = fs::read(scratch.path(run).join("model.safetensors")).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let tensor = |name: &str| file.tensor(name).unwrap().data().to_vec();
        (tensor("rnn.weight_ih_l0"), tensor("rnn.weight_hh_l0"))
    };
    assert!(tensors("first") == tensors("second"), "frozen weights changed");
    scratch
        .run("train words --data words --set train.freeze=[\"lstm\"]")
        .fails(2, &["train.freeze: there is no `lstm`", "rnn, fc"]);
}

#[test]
fn completions_and_manual_pages_come_from_the_command_line() {
    let scratch = Scratch::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = scratch.run(&format!("completions {shell}")).succeeds().stdout();
        assert!(text.contains("quickstart") && text.contains("files-from"), "{shell}");
    }
    scratch.run("man pages").succeeds();
    for page in ["stapes.1", "stapes-train.1", "stapes-recipes-show.1"] {
        let text = fs::read_to_string(scratch.path("pages").join(page)).unwrap();
        assert!(text.contains(".TH "), "{page}");
    }
}

#[test]
fn with_json_an_error_is_the_last_line_and_colors_are_only_used_if_wanted() {
    let scratch = Scratch::new();
    let ran = scratch.run("train missing.toml --json").fails(2, &["missing.toml"]);
    assert!(ran.last_json()["error"].as_str().unwrap().contains("missing.toml"));
    let ran = scratch.run("train --json").fails(2, &["required"]);
    assert!(ran.last_json()["error"].as_str().unwrap().contains("required"));
    let plain = scratch.run("train missing.toml").fails(2, &[]).stderr();
    assert!(plain.starts_with("error: ") && !plain.contains('\x1b'), "{plain:?}");
    let colored = scratch.run("train missing.toml --color always").fails(2, &[]).stderr();
    assert!(colored.starts_with('\x1b') && colored.contains("error:"), "{colored:?}");
    let details = scratch.run("recipes -v").succeeds().stderr();
    assert!(details.contains("threads") && details.contains(env!("CARGO_PKG_VERSION")), "{details}");
}

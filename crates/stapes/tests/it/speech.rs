//! Speech segments of files and streams.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::first_hour::{SHORT, SPEAKERS, words};
use crate::frame_labels::{RATE, voice_segment, voices};
use crate::support::{Scratch, wav};

/// Trains a voice activity model, run, on tones in noise.
fn trained() -> Scratch {
    let scratch = Scratch::new();
    voices(&scratch);
    scratch.run("train voices.toml --data voices --out run").succeeds();
    scratch
}

/// Returns the starts and ends of JSON objects.
fn times(values: &[Value]) -> Vec<(f64, f64)> {
    let time = |value: &Value, key: &str| value[key].as_f64().unwrap();
    values.iter().map(|value| (time(value, "start"), time(value, "end"))).collect()
}

#[test]
fn segments_are_found_and_written_in_every_format() {
    let scratch = trained();
    let file = "voices/first/pav_04.wav";
    let lines = scratch.run(&format!("vad run {file} --json --speech-pad-ms 0")).succeeds().json();
    let found = times(lines[0]["segments"].as_array().unwrap());
    let (from, to) = voice_segment(4);
    assert_eq!(found.len(), 1, "{found:?}");
    let expected = (from as f64 / 100.0, to as f64 / 100.0);
    assert!((found[0].0 - expected.0).abs() < 0.03 && (found[0].1 - expected.1).abs() < 0.03, "{found:?}");
    let padded = scratch.run(&format!("vad run {file} --json")).succeeds().json();
    let padded = times(padded[0]["segments"].as_array().unwrap());
    assert!((found[0].0 - padded[0].0 - 0.03).abs() < 1e-9 && (padded[0].1 - found[0].1 - 0.03).abs() < 1e-9);

    let folder = scratch.run("vad run voices --format csv").succeeds().stdout();
    assert_eq!(folder.lines().next().unwrap(), "file,start,end,label");
    assert_eq!(folder.lines().count(), 1 + 20, "{folder}");
    scratch.run("vad run voices --format textgrid").fails(2, &["20 recordings", "--out"]);
    for (format, extension) in [
        ("json", "json"),
        ("rttm", "rttm"),
        ("audacity", "txt"),
        ("textgrid", "TextGrid"),
        ("webvtt", "vtt"),
        ("lab", "lab"),
    ] {
        scratch.run(&format!("vad run {file} --format {format} --out segments")).succeeds();
        let text = fs::read_to_string(scratch.path("segments").join(format!("pav_04.{extension}"))).unwrap();
        assert!(text.contains("speech"), "{format}: {text}");
    }
    scratch.run(&format!("vad run {file} --cut pieces")).succeeds();
    let piece = stapes::audio::read(&scratch.path("pieces/pav_04_0001.wav")).unwrap();
    assert!((piece.seconds() - (padded[0].1 - padded[0].0)).abs() < 1e-3);
    // Outputs keep the subfolders, never collide, and do not replace recordings.
    scratch.run("vad run voices --format lab --out all").succeeds();
    assert!(
        scratch.path("all/first/pav_04.lab").is_file() && scratch.path("all/second/pav_05.lab").is_file()
    );
    scratch.run(&format!("vad run {file} --cut pieces")).fails(2, &["pav_04_0001.wav: exists", "--force"]);
    scratch.run(&format!("vad run {file} --cut pieces --force")).succeeds();
    scratch.run("vad run voices --plot pictures").succeeds();
    let picture = fs::read(scratch.path("pictures/first/pav_04.png")).unwrap();
    assert_eq!(&picture[..8], b"\x89PNG\r\n\x1a\n");
    fs::create_dir(scratch.path("same")).unwrap();
    fs::copy(scratch.path(file), scratch.path("same/a.wav")).unwrap();
    fs::copy(scratch.path(file), scratch.path("same/a.wave")).unwrap();
    scratch.run("vad run same --format lab --out twice").fails(2, &["a.wav and ", "same output"]);
    let last = scratch.run("vad run same/a.wav --json --speech-pad-ms 5000").succeeds().json();
    assert_eq!(last[0]["segments"][0]["end"], last[0]["seconds"]);
    scratch.run(&format!("vad run {file} --threshold 2")).fails(2, &["--threshold 2", "from 0 to 1"]);
    scratch.run("vad run missing.wav voices/first/pav_00.wav").fails(1, &["missing.wav"]);
    scratch.run("quickstart --set train.epochs=1").succeeds();
    scratch.run(&format!("vad runs/quickstart {file}")).fails(2, &["not a voice activity model"]);
}

#[test]
fn segments_in_every_format_are_labels_of_the_recordings() {
    let scratch = trained();
    let names: Vec<String> = (0..20).step_by(2).map(|number| format!("pav_{number:02}")).collect();
    let copy = |name: &str, folder: &str| {
        fs::create_dir_all(scratch.path(folder)).unwrap();
        let from = scratch.path(&format!("voices/first/{name}.wav"));
        fs::copy(from, scratch.path(&format!("{folder}/{name}.wav"))).unwrap();
    };
    names.iter().for_each(|name| copy(name, "plain"));
    scratch.write("plain/quiet.wav", wav(&vec![0.0; RATE], RATE as u32));
    let csv = scratch.run_in("plain", "vad ../run . --format csv").succeeds().stdout();
    // The recording without speech has no row.
    let segments = csv.lines().count() as u64 - 1;
    assert!(segments >= 10 && !csv.contains("quiet"), "{csv}");
    let check = |place: &str| {
        let ran = scratch.run(&format!("eval run --stream {place} --json")).succeeds();
        assert!(!ran.stderr().contains("warning"), "{place}: {}", ran.stderr());
        let result = ran.last_json();
        let [precision, recall, count] =
            ["precision", "recall", "reference_events"].map(|key| result["segments"][key].as_f64().unwrap());
        assert_eq!((precision, recall, count), (1.0, 1.0, segments as f64), "{place}");
        // Times are rounded to milliseconds.
        assert!(result["detection_error_rate"].as_f64().unwrap() < 2e-3, "{place}: {result}");
    };
    for format in ["rttm", "audacity", "textgrid", "webvtt", "lab"] {
        scratch.run(&format!("vad run plain --format {format} --out {format}")).succeeds();
        names.iter().for_each(|name| copy(name, format));
        fs::copy(scratch.path("plain/quiet.wav"), scratch.path(format).join("quiet.wav")).unwrap();
        check(format);
    }
    let json = scratch.run_in("plain", "vad ../run . --format json").succeeds().stdout();
    for (name, text) in [("plain/segments.csv", csv), ("plain/segments.json", json)] {
        scratch.write(name, text);
        check(name);
    }
    // Label files train a model, too: a manifest without labels names the recordings.
    let row = |(number, name): (usize, &String)| {
        format!("{name}.wav,,{}\n", ["train", "train", "train", "validation", "test"][number % 5])
    };
    let rows: String = names.iter().enumerate().map(row).collect();
    scratch.write("textgrid/manifest.csv", format!("path,label,split\n{rows}"));
    let recipe = fs::read_to_string(scratch.path("voices.toml")).unwrap();
    let data = "[data.manifest]\nframe_labels = true\nsplit = \"predefined\"";
    scratch.write("own.toml", recipe.replace("[data.upc-vad]\nfolds = 4\nvalidation_fraction = 0.2", data));
    let trained = scratch.run("train own.toml --data textgrid --out own --json").succeeds().last_json();
    assert!(trained["test_accuracy"].as_f64().unwrap() > 0.9, "{trained}");
    let found = scratch.run("predict own plain/pav_04.wav").succeeds().stdout();
    assert!(found.contains("speech"), "{found}");
}

/// Returns a WAV file with two channels: the samples and silence.
pub(crate) fn stereo(samples: &[f32]) -> Vec<u8> {
    let mut file = wav(&samples.iter().flat_map(|&sample| [sample, 0.0]).collect::<Vec<f32>>(), RATE as u32);
    file[22..24].copy_from_slice(&2u16.to_le_bytes());
    file[28..32].copy_from_slice(&(4 * RATE as u32).to_le_bytes());
    file[32..34].copy_from_slice(&4u16.to_le_bytes());
    file
}

#[test]
fn a_channel_is_the_recording_with_this_channel_alone() {
    let scratch = trained();
    let samples = stapes::audio::read(&scratch.path("voices/first/pav_04.wav")).unwrap().samples;
    let (two, first, second) = ("stereo_a", "mono_a", "silent_a");
    scratch.write(&format!("{two}/a.wav"), stereo(&samples));
    scratch.write(&format!("{first}/a.wav"), wav(&samples, RATE as u32));
    scratch.write(&format!("{second}/a.wav"), wav(&vec![0.0; samples.len()], RATE as u32));
    for folder in [two, first, second] {
        fs::copy(scratch.path("voices/first/pav_04.lab"), scratch.path(folder).join("a.lab")).unwrap();
    }
    let run = |command: &str, folder: &str| scratch.run(&command.replace("FOLDER", folder));
    let output =
        |command: &str, folder: &str| run(command, folder).succeeds().stdout().replace(folder, "FOLDER");
    let vad = "vad run FOLDER/a.wav --json --cut FOLDER_pieces --force --plot FOLDER_pictures";
    for command in [
        vad,
        "predict run FOLDER/a.wav --json",
        "stream run FOLDER/a.wav --scores",
        "listen run --file FOLDER/a.wav",
        "eval run --stream FOLDER --json",
    ] {
        let channels = [0, 1].map(|channel| output(&format!("{command} --channel {channel}"), two));
        assert_eq!(channels, [first, second].map(|folder| output(command, folder)), "{command}");
        assert_ne!(channels[0], channels[1], "{command}");
        assert_eq!(output(&format!("{command} --channel mean"), first), channels[0], "{command}");
        let failed = run(&format!("{command} --channel 2"), two).stderr();
        assert!(failed.contains("channel") && failed.contains("a.wav"), "{command}: {failed}");
        run(&format!("{command} --channel left"), two).fails(2, &["mean", "0, 1"]);
    }
    run(&format!("{vad} --channel 0"), two).succeeds();
    for file in ["pieces/a_0001.wav", "pictures/a.png"] {
        let [of_two, of_one] =
            [two, first].map(|folder| fs::read(scratch.path(&format!("{folder}_{file}"))).unwrap());
        assert!(of_two == of_one, "{file}");
    }
    scratch.run_piped("stream run - --channel 0", &[0; 100]).fails(2, &["one channel"]);
    scratch.run("listen run --channel 0").fails(2, &["--file"]);
    scratch.run("eval run --channel 0").fails(2, &["--stream"]);
}

/// Returns the events of JSON lines as segments.
fn segments(lines: &[Value]) -> Vec<(f64, f64)> {
    let of = |name: &str| -> Vec<f64> {
        let events = lines.iter().filter(|line| line["event"] == name);
        events.map(|event| event["seconds"].as_f64().unwrap()).collect()
    };
    of("start").into_iter().zip(of("end")).collect()
}

#[test]
fn events_of_a_stream_are_the_segments_of_the_file() {
    let scratch = trained();
    // Several recordings in a row.
    let mut samples = Vec::new();
    for number in 0..6 {
        let clip =
            stapes::audio::read(&scratch.path(&format!("voices/first/pav_{:02}.wav", 2 * number))).unwrap();
        samples.extend(clip.samples);
    }
    scratch.write("long.wav", wav(&samples, RATE as u32));
    let bytes = fs::read(scratch.path("long.wav")).unwrap()[44..].to_vec();
    for options in [
        "",
        "--threshold 0.7 --min-speech-duration-ms 0",
        "--max-speech-duration-s 0.4",
        "--preset faster-whisper",
    ] {
        let file = scratch.run(&format!("vad run long.wav --json {options}")).succeeds().json();
        let expected = times(file[0]["segments"].as_array().unwrap());
        assert!(!expected.is_empty());
        let streamed = segments(&scratch.run(&format!("stream run long.wav {options}")).succeeds().json());
        let piped =
            segments(&scratch.run_piped(&format!("stream run - {options}"), &bytes).succeeds().json());
        for found in [&streamed, &piped] {
            assert_eq!(found.len(), expected.len(), "{options}: {found:?} and {expected:?}");
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    (found.0 - expected.0).abs() < 1e-6 && (found.1 - expected.1).abs() < 1e-6,
                    "{options}"
                );
            }
        }
    }
    let scores = scratch.run("stream run long.wav --scores").succeeds().json();
    let frames = scores.iter().filter(|line| line["event"] == "scores").count();
    assert_eq!(frames, (samples.len() - 200) / 80 + 1);
    // A recording in place of a microphone, and a microphone that is missing or that the program was built without.
    let short = fs::read(scratch.path("long.wav")).unwrap()[44..44 + 2 * 8000].to_vec();
    let samples: Vec<f32> = short
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&sample| f32::from(i16::from_le_bytes(sample)) / 32768.0)
        .collect();
    scratch.write("short.wav", wav(&samples, RATE as u32));
    let listened = scratch.run("listen run --file short.wav").succeeds().stdout();
    assert_eq!(listened, scratch.run("stream run short.wav").succeeds().stdout());
    scratch.run("listen run --device nothing").fails(2, &["microphone"]);
    // Half a sample, another rate and samples that are not numbers.
    let odd = scratch.run_piped("stream run -", &bytes[..16_001]).succeeds();
    assert!(odd.stderr().contains("incomplete"), "{}", odd.stderr());
    scratch.run_piped("stream run - --rate 16000", &bytes).succeeds();
    scratch.run_piped("stream run -", b"").fails(2, &["standard input: is empty"]);
    let nan: Vec<u8> = [f32::NAN; 2000].iter().flat_map(|value| value.to_le_bytes()).collect();
    scratch.run_piped("stream run - --format f32le", &nan).fails(2, &["before 0.2"]);
    scratch.run("stream run long.wav --rate 8000").fails(2, &["--rate"]);
    let wav = fs::read(scratch.path("long.wav")).unwrap();
    scratch.run_piped("stream run -", &wav).fails(2, &["is a sound file, not raw samples"]);
    scratch.run_piped("predict run - --rate 8000", &wav).fails(2, &["is a sound file, not raw samples"]);
}

#[test]
fn scores_arrive_while_the_pipe_is_open_and_a_closed_reader_ends_the_program() {
    let scratch = trained();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("stapes"))
        .current_dir(scratch.path("."))
        .args(["stream", "run", "-", "--scores"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    input.write_all(&[0; 2 * 1000]).unwrap();
    input.flush().unwrap();
    let mut line = String::new();
    // 1,000 samples complete eleven frames of 200 samples every 80, although the pipe is open.
    for _ in 0..11 {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0);
    }
    assert!(line.contains("\"scores\""), "{line}");
    drop(output);
    // The program notices when it writes the next line.
    while input.write_all(&[0; 2 * 1000]).is_ok() {}
    assert!(child.wait().unwrap().code().is_some(), "ended by a signal");
}

/// Returns noise without a period.
pub(crate) fn noise(seed: u32, length: usize) -> Vec<f32> {
    let mut state = seed;
    let mut sample = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0.05 * ((state >> 8) as f32 / (1 << 24) as f32 - 0.5)
    };
    (0..length).map(|_| sample()).collect()
}

/// Trains a model of two words and noise, run.
pub(crate) fn words_and_noise() -> Scratch {
    let scratch = Scratch::new();
    words(&scratch, "words", &SPEAKERS);
    for (number, speaker) in SPEAKERS.iter().enumerate() {
        for take in 0..6 {
            let samples = noise((10 * number + take) as u32, 4000);
            scratch.write(&format!("words/noise/{speaker}_{take}.wav"), wav(&samples, RATE as u32));
        }
    }
    scratch.run("new tones --data words").succeeds();
    let change = "--set features.normalization=per-coefficient --set train.mixup= --set train.epochs=20";
    scratch.run(&format!("train tones --out run {SHORT} {change}")).succeeds();
    scratch
}

/// Writes a recording in which a speaker says words, each after two seconds of noise; returns the start and end of each word, s.
pub(crate) fn spoken(scratch: &Scratch, name: &str, speaker: &str, spoken: &[&str]) -> Vec<(f64, f64)> {
    let (mut samples, mut times) = (Vec::new(), Vec::new());
    for class in spoken {
        samples.extend(noise(samples.len() as u32, 16_000));
        let start = samples.len();
        let word = scratch.path(&format!("words/{class}/{speaker}_3.wav"));
        samples.extend(stapes::audio::read(&word).unwrap().samples);
        times.push((start as f64 / RATE as f64, samples.len() as f64 / RATE as f64));
    }
    samples.extend(noise(3, 16_000));
    scratch.write(name, wav(&samples, RATE as u32));
    times
}

#[test]
fn keywords_are_detected_once_where_they_are_said() {
    let scratch = words_and_noise();
    let said = ["low", "high", "low"];
    let times = spoken(&scratch, "long.wav", "bob", &said);
    let ends: Vec<(&str, f64)> = said.iter().zip(times).map(|(word, (_, end))| (*word, end)).collect();
    let options = "--window 0.5 --hop 0.1 --smoothing 0.2 --keyword low=0.5 --keyword high=0.5";
    let lines = scratch.run(&format!("stream run long.wav {options}")).succeeds().json();
    let found: Vec<(&str, f64)> = lines
        .iter()
        .filter(|line| line["event"] == "keyword")
        .map(|line| (line["label"].as_str().unwrap(), line["seconds"].as_f64().unwrap()))
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    for ((label, seconds), (expected, end)) in found.iter().zip(&ends) {
        assert_eq!(label, expected);
        assert!((seconds - end).abs() < 0.5, "{found:?} and {ends:?}");
    }
    // Through a pipe the same lines come.
    let bytes = fs::read(scratch.path("long.wav")).unwrap()[44..].to_vec();
    assert_eq!(scratch.run_piped(&format!("stream run - {options}"), &bytes).succeeds().json(), lines);
    let scores = scratch.run("stream run long.wav --window 0.5 --hop 0.5").succeeds().json();
    assert!(scores[..scores.len() - 1].iter().all(|line| line["event"] == "scores"), "{scores:?}");
    scratch.run("stream run long.wav").fails(2, &["give --window"]);
    scratch
        .run("stream run long.wav --window 0.5 --keyword no=0.5")
        .fails(2, &["no such label", "high, low, noise"]);
    scratch.run("stream run long.wav --window 0.5 --keyword low").fails(2, &["yes=0.9"]);
    scratch.run("stream run long.wav --window 0.5 --keyword low=high").fails(2, &["yes=0.9"]);
}

#[test]
fn built_in_models_need_no_training() {
    let scratch = Scratch::new();
    scratch.write("tone.wav", wav(&vec![0.1; 8000], 8000));
    let listed = scratch.run("models").succeeds().stdout();
    assert!(listed.contains("vad ") && listed.contains("speech"), "{listed}");
    assert!(listed.contains("digits ") && listed.contains("seven"), "{listed}");
    assert!(scratch.run("predict digits tone.wav").succeeds().stdout().contains("tone.wav"));
    assert!(scratch.run("models show vad").succeeds().stdout().contains("## License"));
    scratch.run("models show words").fails(2, &["words", "stapes models"]);
    // No speech in a constant.
    let found = scratch.run("vad tone.wav --json").succeeds().json();
    assert_eq!(found[0]["segments"].as_array().unwrap().len(), 0);
    assert_eq!(scratch.run("vad vad tone.wav --json").succeeds().json(), found);
    assert!(scratch.run("predict vad tone.wav").succeeds().stderr().contains("only background"));
    // A folder of this name is not the model.
    fs::create_dir(scratch.path("vad")).unwrap();
    scratch.run("predict vad tone.wav").fails(2, &["vad: is not a run folder"]);
    assert_eq!(scratch.run("vad tone.wav --json").succeeds().json(), found);
    scratch.run("vad missing tone.wav").fails(1, &["missing"]);
}

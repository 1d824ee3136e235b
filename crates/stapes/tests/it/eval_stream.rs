//! Evaluation on long recordings: keywords and speech.

use std::fs;

use serde_json::Value;

use crate::frame_labels::{RATE, voices};
use crate::speech::{noise, spoken, stereo, words_and_noise};
use crate::support::{Scratch, wav};

const WINDOWS: &str = "--window 0.5 --hop 0.1 --smoothing 0.2";

/// Writes a label file in the layout of Audacity.
fn labels(scratch: &Scratch, name: &str, words: &[&str], times: &[(f64, f64)]) {
    let line = |(word, (start, end)): (&&str, &(f64, f64))| format!("{start:.6}\t{end:.6}\t{word}\n");
    scratch.write(name, words.iter().zip(times).map(line).collect::<String>());
}

/// Trains a model of words, and writes labeled recordings: test/one.wav with three words, test/two.wav without labels,
/// validation/three.wav, and wrong/one.wav with a word that is not labeled.
fn labeled() -> Scratch {
    let scratch = words_and_noise();
    let said = ["low", "high", "low"];
    let times = spoken(&scratch, "test/one.wav", "bob", &said);
    labels(&scratch, "test/one.txt", &said, &times);
    scratch.write("test/two.wav", wav(&noise(9, 40_000), RATE as u32));
    let times = spoken(&scratch, "validation/three.wav", "cy", &said);
    labels(&scratch, "validation/three.txt", &said, &times);
    let times = spoken(&scratch, "wrong/one.wav", "dee", &["low", "high"]);
    labels(&scratch, "wrong/one.txt", &["high"], &times[1..]);
    scratch
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

/// Returns label and time of the keywords of JSON lines of `stapes stream`, or of a recording of `stapes eval`.
fn detections(values: &[Value]) -> Vec<(String, f64)> {
    let detected = values.iter().filter(|value| value["event"].is_null() || value["event"] == "keyword");
    detected.map(|one| (one["label"].as_str().unwrap().to_owned(), number(&one["seconds"]))).collect()
}

#[test]
fn keywords_are_evaluated_with_the_events_of_the_stream() {
    let scratch = labeled();
    let options = format!("{WINDOWS} --keyword low=0.5 --keyword high=0.5");
    let ran = scratch.run(&format!("eval run --stream test {options} --json")).succeeds();
    assert!(ran.stderr().contains("1 recording has no label file: two.wav"), "{}", ran.stderr());
    assert!(ran.stderr().contains("2 recordings") && ran.stderr().contains("Garwood"), "{}", ran.stderr());
    let lines = ran.json();
    let result = ran.last_json();
    let low = &result["keywords"][0];
    assert_eq!((&low["label"], &low["segments"], &low["misses"]), (&"low".into(), &2.into(), &0.into()));
    assert_eq!((&result["all"]["segments"], &result["all"]["false_accepts"]), (&3.into(), &0.into()));
    let rate = &low["false_accepts_per_hour"];
    let bound = 3.688_879_454 / number(&low["hours"]);
    assert!(
        rate["value"] == 0.0 && (number(&rate["interval"]["high"]) - bound).abs() < 1e-6 * bound,
        "{rate}"
    );
    let latency = &low["latency"];
    assert!(number(&latency["median_seconds"]) < 0.5 && number(&latency["p95_seconds"]) < 0.5, "{latency}");
    let det = low["det"].as_array().unwrap();
    assert!(number(&det[0]["false_accepts_per_hour"]) == 0.0 && number(&det[0]["miss_rate"]) == 1.0, "{low}");
    assert_eq!(det.last().unwrap()["miss_rate"], 0.0);
    let streamed = scratch.run(&format!("stream run test/one.wav {options}")).succeeds().json();
    let one = lines.iter().find(|line| line["file"].as_str().is_some_and(|file| file.ends_with("one.wav")));
    let of_file = detections(one.unwrap()["detections"].as_array().unwrap());
    assert_eq!((of_file.len(), of_file), (3, detections(&streamed)));
    // The table on standard output.
    let text = scratch.run(&format!("eval run --stream test {options}")).succeeds().stdout();
    assert!(text.contains("0 of 2") && text.contains("0 of 1") && text.contains("all"), "{text}");
}

#[test]
fn errors_are_on_a_page_and_false_accepts_are_written_as_clips() {
    let scratch = labeled();
    let options = format!(
        "{WINDOWS} --keyword low=0.5 --keyword high=0.5 --page page.html --export-false-accepts negatives"
    );
    let ran = scratch.run(&format!("eval run --stream wrong {options} --json")).succeeds();
    let result = ran.last_json();
    assert_eq!(
        (&result["keywords"][0]["false_accepts"], &result["keywords"][1]["misses"]),
        (&1.into(), &0.into())
    );
    assert!(ran.stderr().contains("low: no segment has this label"), "{}", ran.stderr());
    let clips: Vec<_> =
        fs::read_dir(scratch.path("negatives")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(clips.len(), 1, "{clips:?}");
    let clip = stapes::audio::read(&clips[0]).unwrap();
    assert!((clip.seconds() - 0.5).abs() < 1e-3, "{clips:?}");
    let page = fs::read_to_string(scratch.path("page.html")).unwrap();
    for part in ["1 false accept of “low”", "<audio", "-scores-title", "-waveform-title", "Garwood"] {
        assert!(page.contains(part), "{part}");
    }
    scratch.run(&format!("eval run --stream wrong {options}")).fails(2, &["exists", "--force"]);
    scratch.run(&format!("eval run --stream wrong {options} --force")).succeeds();
    scratch
        .run(&format!("eval run --stream wrong {options} --force --page page.txt"))
        .fails(2, &["cannot be used"]);
    scratch.run("eval run --stream wrong --window 0.5 --keyword low=0.5 --page a.txt").fails(2, &[".html"]);
}

#[test]
fn chosen_thresholds_are_stored_and_used_by_the_stream() {
    let scratch = labeled();
    let keywords = format!("{WINDOWS} --keyword low --keyword high");
    let choose = format!("eval run --stream test {keywords} --target-fa-per-hour 100");
    scratch.run(&choose).fails(2, &["--choose-on DIR"]);
    scratch.run(&format!("{choose} --choose-on test")).fails(2, &["one.wav", "2 in all"]);
    scratch.run(&format!("eval run --stream test {keywords}")).fails(2, &["no threshold", "yes=0.9"]);
    let ran = scratch.run(&format!("{choose} --choose-on validation --save-thresholds --json")).succeeds();
    assert!(ran.stderr().contains("thresholds chosen on validation (1 recording"), "{}", ran.stderr());
    assert!(ran.stderr().contains("false accepts per hour are none in"), "{}", ran.stderr());
    let result = ran.last_json();
    assert_eq!(result["chosen"].as_array().unwrap().len(), 2);
    assert_eq!(result["keywords"][0]["threshold"], result["chosen"][0]["threshold"]);
    assert_eq!((&result["all"]["misses"], &result["all"]["segments"]), (&0.into(), &3.into()));
    let built_in =
        "eval digits --stream test --keyword one --window 1 --target-fa-per-hour 100 --choose-on validation";
    scratch.run(&format!("{built_in} --save-thresholds")).fails(2, &["digits is built in and has no file"]);
    assert!(!scratch.path("digits").exists());
    // The model file has all settings.
    let stored = scratch.run("eval run --stream test --json").succeeds().last_json();
    for key in ["window_seconds", "hop_seconds", "smoothing_seconds", "refractory_seconds"] {
        assert_eq!(stored[key], result[key], "{key}");
    }
    assert_eq!(stored["all"], result["all"]);
    let streamed = detections(&scratch.run("stream run test/one.wav").succeeds().json());
    let lines = ran.json();
    let one = lines.iter().find(|line| line["file"] == "test/one.wav").unwrap();
    assert_eq!(streamed, detections(one["detections"].as_array().unwrap()));
    let mut model = stapes::infer::Model::load(&scratch.path("run/model.safetensors")).unwrap();
    let settings = model.keywords.clone().unwrap();
    assert_eq!((settings.window_seconds, settings.thresholds.len()), (0.5, 2));
    let windows = scratch.run("predict run test/one.wav --window 0.5 --json").succeeds().json();
    assert_eq!(windows[0]["windows"][1]["start"], 0.1);
    model.keywords.as_mut().unwrap().hop_seconds = -1.0;
    let error = model.to_bytes().unwrap_err().to_string();
    assert!(error.contains("keywords.hop_seconds = -1"), "{error}");
}

#[test]
fn a_manifest_has_the_recordings_to_choose_on_and_to_evaluate() {
    let scratch = labeled();
    let rows = |name: &str, text: &str, subset: &str| -> String {
        let text = fs::read_to_string(scratch.path(text)).unwrap();
        let row = |line: &str| {
            let cells: Vec<&str> = line.split('\t').collect();
            format!("{name},{},{},{},{subset}\n", cells[2], cells[0], cells[1])
        };
        text.lines().map(row).collect()
    };
    let manifest = [
        "path,label,start,end,split\n".to_owned(),
        rows("test/one.wav", "test/one.txt", "test"),
        "test/two.wav,,,,test\n".to_owned(),
        rows("validation/three.wav", "validation/three.txt", "validation"),
    ];
    scratch.write("manifest.csv", manifest.concat());
    let options = format!("{WINDOWS} --keyword low --keyword high --target-fa-per-hour 100");
    let of_manifest =
        scratch.run(&format!("eval run --stream manifest.csv {options} --json")).succeeds().last_json();
    let of_folders = scratch
        .run(&format!("eval run --stream test --choose-on validation {options} --json"))
        .succeeds()
        .last_json();
    assert_eq!(of_manifest, of_folders);
    scratch.write("late.csv", "path,label,start,end\ntest/one.wav,low,100,101\ntest/two.wav,,,\n");
    let late = "eval run --stream late.csv --window 0.5 --keyword low=0.5";
    scratch.run(late).fails(1, &["one.wav", "100 s", "correct its labels"]);
}

#[test]
fn keywords_of_a_channel_are_those_of_the_recording_with_this_channel_alone() {
    let scratch = labeled();
    let recording = stapes::audio::read(&scratch.path("test/one.wav")).unwrap();
    // Both files are written anew, so that they have the same rounding.
    scratch.write("test/one.wav", wav(&recording.samples, recording.sample_rate_hz));
    scratch.write("both/one.wav", stereo(&recording.samples));
    fs::copy(scratch.path("test/one.txt"), scratch.path("both/one.txt")).unwrap();
    fs::remove_file(scratch.path("test/two.wav")).unwrap();
    let options = format!("{WINDOWS} --keyword low=0.5 --keyword high=0.5 --json");
    let result =
        |place: &str| scratch.run(&format!("eval run --stream {place} {options}")).succeeds().last_json();
    assert_eq!(result("both --channel 0"), result("test"));
    // The other channel is silence.
    assert_ne!(result("both --channel 1"), result("test"));
    let clips = "--export-false-accepts clips --keyword high=0 --force";
    let clips = format!("eval run --stream both --channel 1 {WINDOWS} {clips}");
    scratch.run(&clips).succeeds();
    let clip = fs::read_dir(scratch.path("clips")).unwrap().next().unwrap().unwrap().path();
    assert!(stapes::audio::read(&clip).unwrap().samples.iter().all(|sample| *sample == 0.0));
    let windows = |file: &str| scratch.run(&format!("predict run {file} --window 0.5")).succeeds().stdout();
    assert_eq!(windows("both/one.wav --channel 0").replace("both", "test"), windows("test/one.wav"));
}

#[test]
fn options_that_do_not_fit_are_rejected() {
    let scratch = words_and_noise();
    spoken(&scratch, "test/one.wav", "bob", &["low"]);
    let rejected = [
        ("eval run --keyword low=0.5", &["--stream DIR"][..]),
        ("eval run --threshold 0.3", &["--stream DIR"]),
        ("eval run --tolerance 1", &["--stream"]),
        ("eval run --stream test --split all", &["cannot be used"]),
        ("eval run --stream test --window 0.5", &["give --keyword"]),
        ("eval run --stream test --window 0.5 --keyword no=0.5", &["no such label", "high, low, noise"]),
        ("eval run --stream test --window 0.5 --keyword low=0.5 --keyword low=0.6", &["twice"]),
        ("eval run --stream test --keyword low=0.5", &["give --window"]),
        ("eval run --stream test --window 0.5 --keyword low=0.5 --collar 0.1", &["frame-level"]),
        (
            "eval run --stream test --window 0.5 --keyword low=0.5 --target-fa-per-hour 1",
            &["write --keyword LABEL"],
        ),
        ("eval run --stream words.csv --window 0.5 --keyword low=0.5", &["words.csv"]),
    ];
    for (arguments, parts) in rejected {
        scratch.run(arguments).fails(2, parts);
    }
}

#[test]
fn speech_is_evaluated_in_segments_and_frames() {
    let scratch = Scratch::new();
    voices(&scratch);
    scratch.run("train voices.toml --data voices --out run").succeeds();
    fs::remove_file(scratch.path("voices/second/pav_19.lab")).unwrap();
    let ran = scratch.run("eval run --stream voices --speech-pad-ms 0 --page page.html --json").succeeds();
    assert!(ran.stderr().contains("1 recording has no label file: second/pav_19.wav"), "{}", ran.stderr());
    let result = ran.last_json();
    let segments = &result["segments"];
    assert_eq!((&segments["reference_events"], &segments["detected_events"]), (&19.into(), &20.into()));
    assert!(number(&segments["recall"]) > 0.9, "{segments}");
    assert!(number(&result["detection_error_rate"]) < 0.2, "{result}");
    assert!(number(&result["boundary_errors"]["start_ms"]) < 50.0, "{result}");
    assert!(number(&result["frames"]["detection"]["auc"]["value"]) > 0.9, "{result}");
    // The voice of the recording without labels is a false alarm.
    let page = fs::read_to_string(scratch.path("page.html")).unwrap();
    assert!(page.contains("1 false alarm of “speech”") && page.contains("pav_19.wav"));
    let text = scratch.run("eval run --stream voices --collar 0.01").succeeds().stdout();
    assert!(text.contains("match within 10 ms") && text.contains("frames: voice: F1"), "{text}");
    scratch.run("eval run --stream voices --keyword voice=0.5").fails(2, &["models of clips"]);
    scratch.write("voices/first/pav_00.lab", "0 1 music\n");
    scratch.run("eval run --stream voices").fails(1, &["pav_00.wav", "\"music\" is not a label"]);
}

//! C programs against the shared and the static library: the results of `stapes-infer`, bit for bit; wrong calls; valgrind.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use stapes_audio::Clip;
use stapes_infer::{
    Classifier, Keyword, KeywordOptions, Listener, ListenerEvent, ListenerOptions, Model, SpeechOptions,
    SpeechTime,
};
use stapes_testkit::fixture::workspace_root;
use support::{Library, compile, has, libraries, model_file, run, sound};

/// A line of the program: `KIND [SECONDS] [LABEL=VALUE ...]`.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    kind: String,
    seconds: f64,
    values: Vec<(String, f32)>,
}

impl Line {
    fn new(kind: &str, seconds: f64, values: Vec<(String, f32)>) -> Line {
        Line { kind: kind.into(), seconds, values }
    }

    fn parse(line: &str) -> Line {
        let mut words = line.split(' ');
        let mut parsed = Line::new(words.next().unwrap(), 0.0, Vec::new());
        for word in words {
            match word.split_once('=') {
                Some((label, value)) => parsed.values.push((label.into(), value.parse().unwrap())),
                None => parsed.seconds = word.parse().unwrap(),
            }
        }
        parsed
    }
}

fn labeled(model: &Model, row: &[f32]) -> Vec<(String, f32)> {
    model.labels.iter().cloned().zip(row.iter().copied()).collect()
}

/// A model, sound and options of the program, and what it must print.
struct Case {
    model: &'static str,
    rate_hz: u32,
    options: &'static [&'static str],
    samples: Vec<i16>,
    expected: Vec<Line>,
}

impl Case {
    fn command(&self, program: &Path, samples: &Path) -> Command {
        let mut bytes = Vec::new();
        self.samples.iter().for_each(|sample| bytes.extend(sample.to_le_bytes()));
        std::fs::write(samples, bytes).unwrap();
        let mut command = Command::new(program);
        command.arg(model_file(self.model)).arg(samples).arg(self.rate_hz.to_string()).args(self.options);
        command
    }
}

fn floats(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|&sample| f32::from(sample) / 32_768.0).collect()
}

/// Returns what a stream must report; all at once, where the program pushes chunks.
fn listened(
    model: &Model,
    options: &ListenerOptions,
    rate_hz: u32,
    samples: &[i16],
    scores: bool,
) -> Vec<Line> {
    let mut listener = Listener::new(model, options).unwrap().with_sample_rate(rate_hz).unwrap();
    let mut lines = Vec::new();
    let mut report = |event: ListenerEvent<'_>| match event {
        ListenerEvent::Scores { seconds, probabilities, .. } => {
            if scores {
                lines.push(Line::new("scores", seconds, labeled(model, probabilities)));
            }
        }
        ListenerEvent::Speech(SpeechTime::Start(seconds)) => lines.push(Line::new("start", seconds, vec![])),
        ListenerEvent::Speech(SpeechTime::End(seconds)) => lines.push(Line::new("end", seconds, vec![])),
        ListenerEvent::Keyword { seconds, class, score } => {
            lines.push(Line::new("keyword", seconds, vec![(model.labels[class].clone(), score)]));
        }
    };
    listener.push(&floats(samples), &mut report).unwrap();
    listener.finish(&mut report).unwrap();
    lines
}

fn classified(model: &Model, rate_hz: u32, samples: &[i16]) -> Vec<Line> {
    let clip = Clip { samples: floats(samples), sample_rate_hz: rate_hz };
    let found = Classifier::new(model).unwrap().classify(&clip).unwrap();
    found.chunks(model.labels.len()).map(|row| Line::new("row", 0.0, labeled(model, row))).collect()
}

/// Returns the cases: both models, as streams and as recordings, at their rate and at another one.
fn cases() -> Vec<Case> {
    let load = |name: &str| Model::load(&model_file(name)).unwrap();
    let (vad, digits) = (load("vad"), load("digits"));
    let speech = ListenerOptions::Speech(SpeechOptions { threshold: 0.3, ..SpeechOptions::default() });
    let keyword = |class| Keyword { class, threshold: 0.3 };
    let options = KeywordOptions { keywords: (0..10).map(keyword).collect(), ..KeywordOptions::default() };
    let keywords = ListenerOptions::Keywords { window_seconds: 0.5, hop_seconds: 0.1, options };
    let (sound_16, sound_44) = (sound(16_000, 3.0), sound(44_100, 3.0));
    let mut cases = Vec::new();
    let mut add = |model, rate_hz, options, samples: &[i16], expected| {
        cases.push(Case { model, rate_hz, options, samples: samples.to_vec(), expected });
    };
    for (rate_hz, sound) in [(16_000, &sound_16), (44_100, &sound_44)] {
        let expected = listened(&vad, &speech, rate_hz, sound, false);
        add("vad", rate_hz, &["--threshold", "0.3"][..], sound, expected);
        let expected = listened(&vad, &speech, rate_hz, sound, true);
        add("vad", rate_hz, &["--threshold", "0.3", "--scores"], sound, expected);
        let expected = listened(&digits, &keywords, rate_hz, sound, true);
        add("digits", rate_hz, &["--threshold", "0.3", "--window", "0.5", "--scores"], sound, expected);
        add("vad", rate_hz, &["--clip"], sound, classified(&vad, rate_hz, sound));
        add("digits", rate_hz, &["--clip"], sound, classified(&digits, rate_hz, sound));
    }
    for kind in ["start", "end", "keyword", "scores", "row"] {
        let has_kind = |case: &Case| case.expected.iter().any(|line| line.kind == kind);
        assert!(cases.iter().any(has_kind), "no case has {kind}");
    }
    cases
}

#[test]
fn a_c_program_has_the_results_of_the_library_bit_for_bit() {
    if !has("cc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cases = cases();
    for library in [Library::Shared, Library::Static] {
        let program = compile("examples/listen.c", library, folder.path());
        for case in &cases {
            let output = run(&mut case.command(&program, &folder.path().join("samples.raw")));
            let text = String::from_utf8(output.stdout).unwrap();
            let found: Vec<Line> = text.lines().map(Line::parse).collect();
            assert_eq!(found.len(), case.expected.len(), "{} {:?}", case.model, case.options);
            for (found, expected) in found.iter().zip(&case.expected) {
                assert_eq!(found, expected, "{} {} {:?}", case.model, case.rate_hz, case.options);
            }
        }
    }
}

#[test]
fn wrong_calls_are_errors() {
    if !has("cc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for library in [Library::Shared, Library::Static] {
        let program = compile("tests/programs/misuse.c", library, folder.path());
        run(Command::new(program).arg(model_file("vad")).arg(model_file("digits")));
    }
}

#[test]
fn threads_share_a_model() {
    if !has("cc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = compile("tests/programs/threads.c", Library::Shared, folder.path());
    run(Command::new(program).arg(model_file("vad")));
}

#[test]
fn valgrind_finds_no_error_and_no_leak() {
    if !has("cc") || !has("valgrind") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let check = |command: &Command| {
        let mut valgrind = Command::new("valgrind");
        // The hook of panics, 16 bytes, stays reachable until the end of the program.
        let kinds = "definite,indirect,possible";
        valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]);
        valgrind.arg(format!("--errors-for-leak-kinds={kinds}")).arg(format!("--show-leak-kinds={kinds}"));
        valgrind.arg(command.get_program()).args(command.get_args());
        run(&mut valgrind).stdout
    };
    let program = compile("tests/programs/misuse.c", Library::Shared, folder.path());
    check(Command::new(program).arg(model_file("vad")).arg(model_file("digits")));
    let program = compile("tests/programs/threads.c", Library::Shared, folder.path());
    check(Command::new(program).arg(model_file("vad")));
    let program = compile("examples/listen.c", Library::Shared, folder.path());
    // The values may differ in the last bit: valgrind does not have all instructions of the processor.
    for case in cases().iter().filter(|case| case.rate_hz == 44_100) {
        let found = check(&case.command(&program, &folder.path().join("samples.raw")));
        assert!(!case.expected.is_empty() && !found.is_empty(), "{} {:?}", case.model, case.options);
    }
}

/// Returns the program in the manual.
fn example_of_the_manual() -> String {
    let manual = std::fs::read_to_string(workspace_root().join("docs/export.md")).unwrap();
    let (_, section) = manual.split_once("## The library for C\n").unwrap();
    let (_, program) = section.split_once("```c\n").unwrap();
    program.split_once("```\n").unwrap().0.to_owned()
}

#[test]
fn the_example_of_the_manual_prints_speech() {
    if !has("cc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("speech.c");
    std::fs::write(&source, example_of_the_manual()).unwrap();
    let program = compile(&source, Library::Shared, folder.path());
    let samples = sound(16_000, 3.0);
    let bytes: Vec<u8> = floats(&samples).into_iter().flat_map(f32::to_ne_bytes).collect();
    std::fs::write(folder.path().join("samples"), bytes).unwrap();
    let start = || {
        let mut command = Command::new(&program);
        command.current_dir(folder.path());
        command.stdin(Stdio::from(std::fs::File::open(folder.path().join("samples")).unwrap()));
        command
    };
    let output = start().output().unwrap();
    assert_eq!(output.status.code(), Some(1), "there is no model");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("not a complete model file"), "{message}");

    std::fs::copy(model_file("vad"), folder.path().join("model.safetensors")).unwrap();
    let output = String::from_utf8(run(&mut start()).stdout).unwrap();
    let model = Model::load(&model_file("vad")).unwrap();
    let options = ListenerOptions::Speech(SpeechOptions::default());
    let expected = listened(&model, &options, 16_000, &samples, false);
    let expected: Vec<String> =
        expected.iter().map(|line| format!("{} {:.3} s", line.kind, line.seconds)).collect();
    assert!(!expected.is_empty());
    assert_eq!(output.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_header_is_cpp_too() {
    if !has("c++") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("program.cpp"), folder.path().join("program"));
    let text = r#"#include "stapes.h"
#include <string>
int main() { return stapes_model_num_labels(nullptr) != 0 || std::string(STAPES_VERSION) != stapes_version(); }
"#;
    std::fs::write(&source, text).unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let mut compiler = Command::new("c++");
    compiler.args(["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"]).arg(include).arg(source);
    compiler.arg("-o").arg(&program).arg(libraries().join("libstapes.a")).args(["-lpthread", "-ldl", "-lm"]);
    run(&mut compiler);
    run(&mut Command::new(program));
}

//! C programs against the shared and the static library: the results of `stapes-infer`, bit for bit; wrong calls; valgrind.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use stapes_audio::Clip;
use stapes_infer::{
    Classifier, Keyword, KeywordOptions, Listener, ListenerEvent, ListenerOptions, Model, SpeechOptions,
    SpeechTime,
};
use stapes_testkit::fixture::{required, workspace_root};

/// Returns true if a program can be run; else the test is skipped, or fails if everything is required.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(found || !required(), "{program} is not installed");
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// Builds both libraries with the settings of this test, and returns their folder. Cargo does not build them for a test, because
/// Rust cannot link them.
fn libraries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let folder = test.ancestors().nth(2).unwrap();
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            name => name,
        };
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "build",
            "--quiet",
            "--locked",
            "--offline",
            "--package",
            "stapes-c",
            "--profile",
            profile,
        ]);
        cargo.arg("--target-dir").arg(folder.parent().unwrap()).current_dir(workspace_root());
        assert!(cargo.status().unwrap().success());
        folder.to_path_buf()
    })
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    output
}

#[derive(Clone, Copy, PartialEq)]
enum Library {
    Shared,
    Static,
}

/// Compiles a program of this crate into a folder.
fn compile(source: &str, library: Library, folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = folder.join("program");
    let mut cc = Command::new("cc");
    cc.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-I"]).arg(root.join("include"));
    cc.arg(root.join(source)).arg("-o").arg(&program);
    match library {
        Library::Shared => {
            cc.arg("-L")
                .arg(libraries())
                .arg("-lstapes")
                .arg(format!("-Wl,-rpath,{}", libraries().display()));
        }
        Library::Static => {
            cc.arg(libraries().join("libstapes.a")).args(["-lpthread", "-ldl", "-lm"]);
        }
    }
    run(&mut cc);
    program
}

fn model_file(name: &str) -> PathBuf {
    workspace_root().join(format!("crates/stapes/models/{name}/model.safetensors"))
}

/// Returns sound like a voice, with pauses: a buzz with two formants in syllables.
fn sound(rate_hz: u32, seconds: f64) -> Vec<i16> {
    let count = (seconds * f64::from(rate_hz)) as usize;
    let mut noise = 1u32;
    (0..count)
        .map(|n| {
            let time = n as f64 / f64::from(rate_hz);
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = f64::from(noise >> 16) / 32_768.0 - 1.0;
            let is_voiced = (time / 0.9).fract() > 0.4;
            let syllable = (std::f64::consts::TAU * 4.0 * time).sin().powi(2);
            let pitch = 120.0 + 15.0 * (std::f64::consts::TAU * 0.7 * time).sin();
            let buzz: f64 = (1..25)
                .map(|harmonic| {
                    let hertz = pitch * f64::from(harmonic);
                    let formant = |center: f64| (-((hertz - center) / 150.0).powi(2)).exp();
                    (formant(600.0) + 0.6 * formant(1200.0) + 0.3 * formant(2500.0))
                        * (std::f64::consts::TAU * hertz * time).sin()
                })
                .sum();
            (8000.0 * if is_voiced { syllable * buzz } else { 0.0 } + 30.0 * hiss) as i16
        })
        .collect()
}

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
        ListenerEvent::Scores { seconds, probabilities } => {
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
fn valgrind_finds_no_error_and_no_leak() {
    if !has("cc") || !has("valgrind") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let check = |command: &Command| {
        let mut valgrind = Command::new("valgrind");
        valgrind.args([
            "--quiet",
            "--error-exitcode=9",
            "--leak-check=full",
            "--show-leak-kinds=definite,indirect",
        ]);
        valgrind.arg(command.get_program()).args(command.get_args());
        run(&mut valgrind).stdout
    };
    let program = compile("tests/programs/misuse.c", Library::Shared, folder.path());
    check(Command::new(program).arg(model_file("vad")).arg(model_file("digits")));
    let program = compile("examples/listen.c", Library::Shared, folder.path());
    for case in cases() {
        let found = check(&case.command(&program, &folder.path().join("samples.raw")));
        assert!(case.expected.is_empty() || !found.is_empty(), "{} {:?}", case.model, case.options);
    }
}

#[test]
fn the_header_is_cpp_too() {
    if !has("c++") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("program.cpp"), folder.path().join("program"));
    let mut text = String::from("#include \"stapes.h\"\n");
    writeln!(
        text,
        "int main() {{ return stapes_model_num_labels(nullptr) != 0 || *stapes_version() == 0; }}"
    )
    .unwrap();
    std::fs::write(&source, text).unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let mut compiler = Command::new("c++");
    compiler.args(["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"]).arg(include).arg(source);
    compiler.arg("-o").arg(&program).arg(libraries().join("libstapes.a")).args(["-lpthread", "-ldl", "-lm"]);
    run(&mut compiler);
    run(&mut Command::new(program));
}

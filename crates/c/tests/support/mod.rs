//! Compilers, libraries, models and sound for the tests with C programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use stapes_testkit::fixture::{required, workspace_root};

/// Returns true if a program can be run; else the test is skipped, or fails if everything is required.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(found || !required(), "{program} is not installed");
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// Builds both libraries with the settings of this test, and returns their folder. Cargo does not build them for a test, because
/// Rust cannot link them.
pub(crate) fn libraries() -> &'static Path {
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

/// Runs a program that must succeed.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// Kind of the library that a program uses.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Library {
    Shared,
    Static,
}

/// Compiles a program into a folder; the path of the source is relative to this crate.
pub(crate) fn compile(source: impl AsRef<Path>, library: Library, folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = folder.join("program");
    let mut cc = Command::new("cc");
    cc.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-pthread", "-I"])
        .arg(root.join("include"));
    cc.arg(root.join(source)).arg("-o").arg(&program);
    match library {
        Library::Shared => {
            cc.arg("-L")
                .arg(libraries())
                .arg("-lstapes")
                .arg(format!("-Wl,-rpath,{}", libraries().display()))
                .arg("-lm");
        }
        Library::Static => {
            cc.arg(libraries().join("libstapes.a")).args(["-lpthread", "-ldl", "-lm"]);
        }
    }
    run(&mut cc);
    program
}

/// Returns the path of a built-in model.
pub(crate) fn model_file(name: &str) -> PathBuf {
    workspace_root().join(format!("crates/stapes/models/{name}/model.safetensors"))
}

/// Returns sound like a voice, with pauses: a buzz with two formants in syllables.
pub(crate) fn sound(rate_hz: u32, seconds: f64) -> Vec<i16> {
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

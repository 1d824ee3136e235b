//! Compiling and running exported C code.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use stapes_export::ExportFile;

/// Returns true if there is a C compiler; without it, tests have nothing to run.
pub(crate) fn has_compiler() -> bool {
    let found = Command::new("gcc").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(found || !stapes_testkit::fixture::required(), "gcc is missing; install it");
    if !found {
        println!("skipped: gcc is missing");
    }
    found
}

/// Compiles sources that include the files of a folder, strictly, and returns the path of the program.
pub(crate) fn compile(folder: &Path, sources: &[&Path], flags: &[&str]) -> std::path::PathBuf {
    let output = folder.join(format!("program{}", flags.len()));
    let mut compiler = Command::new("gcc");
    compiler.args(["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic"]).args(flags);
    let compiled =
        compiler.arg("-I").arg(folder).args(sources).arg("-o").arg(&output).arg("-lm").output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    output
}

/// Runs a program on an input, and returns its output.
pub(crate) fn run(program: &Path, argument: usize, input: Vec<u8>) -> Vec<u8> {
    let mut child = Command::new(program)
        .arg(argument.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || pipe.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Writes the files of an export into a folder.
pub(crate) fn write_files(folder: &Path, files: &[ExportFile]) {
    files.iter().for_each(|file| std::fs::write(folder.join(&file.path), &file.bytes).unwrap());
}

/// Runs the test that comes with the files of a model in a folder.
pub(crate) fn run_exported_test(name: &str, folder: &Path) {
    let made = Command::new("make").arg("-C").arg(folder).arg("test").output().unwrap();
    let report = String::from_utf8_lossy(&made.stdout);
    let errors = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success() && report.contains(": same"), "{name}: {report}{errors}");
}

//! Exported C code on a Cortex-M4 in QEMU: its size, its instructions per second of audio, and its scores.

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::path::Path;
use std::process::Command;

use stapes_export::{COptions, c_files};

use support::{model, recipe};

const TOOLS: [&str; 3] = ["arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm"];

/// Returns true if the tools are there; without them, the test has nothing to run.
fn has_tools() -> bool {
    let is_missing = |tool: &&&str| {
        !Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    let missing: Vec<&&str> = TOOLS.iter().filter(is_missing).collect();
    assert!(
        missing.is_empty() || !stapes_testkit::fixture::required(),
        "{missing:?} are missing; install gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm"
    );
    if !missing.is_empty() {
        println!("skipped: {missing:?} are missing");
    }
    missing.is_empty()
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    // QEMU prints what the board prints to standard error.
    [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
}

/// Compiles the files of a folder with the program of the board, and returns the path of the result.
fn compile(folder: &Path, name: &str, flags: &[&str]) -> std::path::PathBuf {
    let tests = stapes_testkit::fixture::workspace_root().join("crates/export/tests/cortex_m4");
    let result = folder.join(name);
    let mut compiler = Command::new("arm-none-eabi-gcc");
    compiler
        .args(["-std=gnu99", "-O2", "-mthumb", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"])
        .args(["-Wall", "-Wextra", "-Werror", "-ffp-contract=fast", "-fno-math-errno"])
        .args([
            "-ffunction-sections",
            "-fdata-sections",
            "-nostartfiles",
            "--specs=nosys.specs",
            "-Wl,--gc-sections",
        ])
        .args(flags)
        .arg("-I")
        .arg(folder)
        .arg("-T")
        .arg(tests.join("link.ld"))
        .arg(tests.join("main.c"))
        .arg(folder.join("model.c"))
        .arg("-lm")
        .arg("-o")
        .arg(&result);
    output(&mut compiler);
    result
}

/// Numbers of the program of the board, by name.
fn numbers(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).trim().parse().unwrap()
}

/// Runs a model on the board, prints what it needs, and returns flash and memory in bytes.
fn run(name: &str, features: &str, network: &str, classes: usize, flags: &[&str]) -> [u64; 2] {
    let folder = tempfile::tempdir().unwrap();
    let model = model(features, network, classes);
    let parameters = model.parameters.len();
    let files = c_files(&model, &COptions::default()).unwrap();
    files.iter().for_each(|file| std::fs::write(folder.path().join(&file.path), &file.bytes).unwrap());
    let alone = compile(folder.path(), "alone", &[flags, &["-DSIZE_ONLY"]].concat());
    let sizes = output(Command::new("arm-none-eabi-size").arg(alone));
    let sizes: Vec<u64> =
        sizes.lines().nth(1).unwrap().split_whitespace().take(3).map(|size| size.parse().unwrap()).collect();
    let program = compile(folder.path(), "program", flags);
    let report = output(
        Command::new("timeout")
            .args([
                "500",
                "qemu-system-arm",
                "-M",
                "mps2-an386",
                "-icount",
                "shift=0",
                "-nographic",
                "-semihosting",
                "-kernel",
            ])
            .arg(program),
    );
    let number = |name: &str| numbers(&report, name);
    let (flash, memory) = (sizes[0] + sizes[1], sizes[1] + sizes[2] + number("stack_bytes"));
    println!(
        "{name}: {parameters} parameters, flash {flash} bytes, RAM {memory} bytes (state {}, stack {}), {} instructions per second of \
         audio, largest difference of scores {:.1e}",
        number("state_bytes"),
        number("stack_bytes"),
        number("instructions"),
        number("difference_e9") as f64 * 1e-9
    );
    assert_eq!(number("rows"), number("expected_rows"), "{name}");
    let allowed = if flags.iter().any(|flag| flag.contains("REAL=float")) { 1_000_000 } else { 10_000 };
    assert!(number("difference_e9") <= allowed, "{name}: {report}");
    [flash, memory]
}

#[test]
fn a_model_of_words_runs_on_a_cortex_m4_with_the_scores_of_stapes() {
    if !has_tools() {
        return;
    }
    let (features, _) = recipe("speech-commands-crnn.toml");
    let gru = "[recurrent]\ncell = 'gru'\nhidden_size = 64\nnum_layers = 2\nhead = 'last'";
    run("gru, librosa-mfcc", &features, gru, 12, &[]);
    run("gru, librosa-mfcc in float", &features, gru, 12, &["-DMODEL_REAL=float"]);
    let kaldi =
        "scale = 'int16'\nnormalization = 'per-coefficient'\n[front_end.kaldi-mfcc]\nuse_energy = false";
    let [_, memory] = run("gru, kaldi-mfcc", kaldi, gru, 12, &[]);
    assert!(memory <= 32 * 1024, "{memory} bytes of RAM");
}

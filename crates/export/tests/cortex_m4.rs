//! Exported C code on a Cortex-M4 in QEMU: its size, its instructions per second of audio, and its scores.

#[path = "support/c.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod c;
#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::path::Path;
use std::process::Command;

use stapes_export::{COptions, c_files};
use stapes_features::Features;
use stapes_infer::{Input, Model};
use stapes_quantize::{Calibration, QuantizedNetwork};

use c::write_files;
use support::{model, recipe, sound};

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

/// A model to run on the board.
struct Case<'a> {
    name: &'a str,
    features: &'a str,
    network: &'a str,
    classes: usize,
    /// Longest clip; `None` for a stream.
    max_seconds: Option<f64>,
    /// Further flags of the compiler.
    flags: &'a [&'a str],
    int8: bool,
}

impl<'a> Case<'a> {
    /// A stream of words.
    fn new(name: &'a str, features: &'a str, network: &'a str) -> Case<'a> {
        Case { name, features, network, classes: 12, max_seconds: None, flags: &[], int8: false }
    }
}

/// Runs a model on the board, prints what it needs, and returns flash and memory in bytes.
fn run(case: &Case<'_>) -> [u64; 2] {
    let Case { name, features, network, classes, max_seconds, flags, int8 } = *case;
    let folder = tempfile::tempdir().unwrap();
    let model = model(features, network, classes);
    let parameters = model.parameters.len();
    let quantized = int8.then(|| quantized(&model));
    let options = COptions { quantized: quantized.as_ref(), max_seconds, ..COptions::default() };
    let files = c_files(&model, &options).unwrap();
    write_files(folder.path(), &files);
    let mut flags = flags.to_vec();
    let source = std::str::from_utf8(&files[1].bytes).unwrap();
    flags.extend(max_seconds.is_some().then_some("-DCLIP"));
    flags.extend(source.contains("*network(model_model *model, int frames)").then_some("-DFRAMES"));
    if let Some(network) = &quantized {
        std::fs::write(
            folder.path().join("network_data.h"),
            network_data(&model, network, max_seconds.is_some()),
        )
        .unwrap();
        flags.push("-DNETWORK_BITS");
    }
    let alone = compile(folder.path(), "alone", &[&flags, &["-DSIZE_ONLY"][..]].concat());
    let sizes = output(Command::new("arm-none-eabi-size").arg(alone));
    let sizes: Vec<u64> =
        sizes.lines().nth(1).unwrap().split_whitespace().take(3).map(|size| size.parse().unwrap()).collect();
    let program = compile(folder.path(), "program", &flags);
    let report = output(
        Command::new("timeout")
            .args(["500", "qemu-system-arm", "-M", "mps2-an386", "-icount", "shift=0"])
            .args(["-nographic", "-semihosting", "-kernel"])
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
    if int8 {
        assert_eq!(number("different_bits"), 0, "{name}: {report}");
    }
    // In float, or where a value of the front end is at the border between two integers.
    let is_rounded = int8 || flags.iter().any(|flag| flag.contains("REAL=float"));
    assert!(number("difference_e9") <= if is_rounded { 1_000_000 } else { 10_000 }, "{name}: {report}");
    [flash, memory]
}

/// Normalized frames of the sound that a model is calibrated on.
fn frames(model: &Model) -> Features {
    let Input::Recordings(features) = &model.input else { panic!("a model of frames") };
    let samples = sound(features.sample_rate_hz as usize, 1);
    features.init().unwrap().extract(&samples).unwrap()
}

fn quantized(model: &Model) -> QuantizedNetwork {
    let calibration = Calibration::new(model).unwrap();
    calibration.add(&frames(model)).unwrap();
    calibration.quantize().unwrap()
}

/// Inputs of the network and its scores, as a C header.
fn network_data(model: &Model, network: &QuantizedNetwork, is_clip: bool) -> String {
    let normalized = model.normalize(&frames(model)).unwrap();
    let input = network.input(normalized.values());
    let rows = if is_clip { vec![network.scores(&input)] } else { network.stream_scores(&input) };
    let table = |name: &str, values: &[i16]| {
        let values: Vec<String> = values.iter().map(i16::to_string).collect();
        format!("static const int16_t {name}[{}] = {{{}}};\n", values.len(), values.join(","))
    };
    format!(
        "#define NETWORK_FEATURES {}\n#define NETWORK_FRAMES {}\n#define NETWORK_ROWS {}\n#define NETWORK_SCORES {}\n{}{}",
        normalized.width(),
        normalized.frames(),
        rows.len(),
        rows[0].len(),
        table("network_frames", &input),
        table("network_scores", &rows.concat())
    )
}

/// Kaldi's MFCC, which compute in float.
const KALDI: &str =
    "scale = 'int16'\nnormalization = 'per-coefficient'\n[front_end.kaldi-mfcc]\nuse_energy = false";

#[test]
fn a_model_of_words_runs_on_a_cortex_m4_with_the_scores_of_stapes() {
    if !has_tools() {
        return;
    }
    let (features, _) = recipe("speech-commands-crnn.toml");
    let network = "[recurrent]\ncell = 'gru'\nhidden_size = 64\nnum_layers = 2\nhead = 'last'";
    run(&Case::new("gru, librosa-mfcc", &features, network));
    let flags = &["-DMODEL_REAL=float"];
    run(&Case { flags, ..Case::new("gru, librosa-mfcc in float", &features, network) });
    let [_, memory] = run(&Case::new("gru, kaldi-mfcc", KALDI, network));
    assert!(memory <= 32 * 1024, "{memory} bytes of RAM");
}

#[test]
fn a_model_of_words_on_integers_needs_at_most_80_kilobytes_of_flash_and_32_of_memory() {
    if !has_tools() {
        return;
    }
    let (features, _) = recipe("speech-commands-crnn.toml");
    let network = "[recurrent]\ncell = 'gru'\nhidden_size = 54\nnum_layers = 2\nhead = 'last'";
    let kaldi = Case { int8: true, ..Case::new("int8 gru, kaldi-mfcc", KALDI, network) };
    let librosa = Case::new("int8 gru, librosa-mfcc in float", &features, network);
    for case in [kaldi, Case { flags: &["-DMODEL_REAL=float"], int8: true, ..librosa }] {
        let [flash, memory] = run(&case);
        assert!(flash <= 80 * 1024 && memory <= 32 * 1024, "{}: {flash} {memory}", case.name);
    }
}

#[test]
fn networks_of_recipes_run_on_a_cortex_m4_in_float_and_on_integers() {
    if !has_tools() {
        return;
    }
    for (name, classes, max_seconds) in [
        ("upc-vad", 2, None),
        ("speech-commands-ds-cnn", 12, Some(1.0)),
        ("speech-commands-bc-resnet", 12, Some(1.0)),
        ("fsdd-mfcc-cnn", 10, Some(1.0)),
    ] {
        let (features, network) = recipe(&format!("{name}.toml"));
        let flags: &[&str] = if features.contains("librosa") { &["-DMODEL_REAL=float"] } else { &[] };
        for int8 in [false, true] {
            let name = format!("{}{name}", if int8 { "int8 " } else { "" });
            run(&Case { classes, max_seconds, flags, int8, ..Case::new(&name, &features, &network) });
        }
    }
}

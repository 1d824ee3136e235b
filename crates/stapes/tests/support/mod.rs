//! The program in a temporary folder, and a small data set of tones.

#![allow(dead_code)] // each test program uses a part

use std::f32::consts::TAU;
use std::io::{BufRead, BufReader, PipeReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

/// A temporary folder in which the program runs.
pub(crate) struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    pub(crate) fn write(&self, inside: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(inside);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, contents).unwrap();
        path
    }

    /// Runs `stapes` with arguments separated by spaces.
    pub(crate) fn run(&self, arguments: &str) -> Ran {
        self.run_in(".", arguments)
    }

    /// Runs `stapes` with arguments that may contain spaces.
    pub(crate) fn run_words(&self, words: &[&str]) -> Ran {
        self.run_command(".", "", |command| command.args(words))
    }

    pub(crate) fn run_in(&self, inside: &str, arguments: &str) -> Ran {
        self.run_command(inside, arguments, |command| command)
    }

    /// Runs `stapes` with an environment variable.
    pub(crate) fn run_with(&self, variable: &str, value: &str, arguments: &str) -> Ran {
        self.run_command(".", arguments, |command| command.env(variable, value))
    }

    /// Runs `stapes` with a standard input, a file or nothing; it is killed if it hangs.
    pub(crate) fn run_watched(&self, arguments: &str, input: impl Into<Stdio>) -> Ran {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("stapes"));
        command.current_dir(self.path(".")).args(arguments.split_whitespace()).stdin(input);
        Ran { arguments: arguments.into(), output: stapes_testkit::hang::output(&mut command) }
    }

    /// Runs `stapes` with a pipe with these bytes as its standard input.
    pub(crate) fn run_piped(&self, arguments: &str, input: &[u8]) -> Ran {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let input = input.to_vec();
        // The write fails when the program closes the pipe.
        let writing = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &input).ok());
        let ran = self.run_watched(arguments, reader);
        writing.join().unwrap();
        ran
    }

    /// Runs `stapes` and interrupts it, as Ctrl-C does, at the first line of standard output that contains `part`.
    pub(crate) fn run_interrupted(&self, arguments: &str, part: &str) -> Ran {
        let (mut child, mut output) = self.spawn_paced(arguments);
        let mut stdout = self.read_to(&mut output, part);
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        // The program handles the signal before it continues to write.
        loop {
            let ended = child.try_wait().unwrap().is_some();
            if self.stderr().contains("stopping") {
                break;
            }
            assert!(!ended, "the program ended before it was interrupted\n{}", self.stderr());
            sleep(Duration::from_millis(1));
        }
        output.read_to_end(&mut stdout).unwrap();
        let status = child.wait().unwrap();
        let stderr = self.stderr().into_bytes();
        Ran { arguments: arguments.into(), output: Output { status, stdout, stderr } }
    }

    /// Runs `stapes` and kills it when its standard output has had a line with each of these parts, in order.
    pub(crate) fn run_killed(&self, arguments: &str, parts: &[&str]) {
        let (mut child, mut output) = self.spawn_paced(arguments);
        for part in parts {
            self.read_to(&mut output, part);
        }
        child.kill().unwrap(); // SIGKILL
        assert!(!child.wait().unwrap().success(), "the program ended before it was killed");
    }

    /// Starts `stapes` with a standard output that blocks after 4 kB, the smallest pipe buffer.
    ///
    /// The program is at most 4 kB ahead of the test, however busy the machine is.
    fn spawn_paced(&self, arguments: &str) -> (Child, BufReader<PipeReader>) {
        let (reader, writer) = std::io::pipe().unwrap();
        rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
        let child = Command::new(assert_cmd::cargo::cargo_bin("stapes"))
            .current_dir(self.path("."))
            .args(arguments.split_whitespace())
            .stdout(writer)
            .stderr(std::fs::File::create(self.path("stderr")).unwrap())
            .spawn()
            .unwrap();
        (child, BufReader::with_capacity(64, reader))
    }

    /// Reads up to the first line that contains `part`.
    fn read_to(&self, output: &mut BufReader<PipeReader>, part: &str) -> Vec<u8> {
        let (mut read, mut line) = (Vec::new(), String::new());
        while !line.contains(part) {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "no line with {part}\n{}", self.stderr());
            read.extend(line.bytes());
        }
        read
    }

    /// Returns the standard error of the last program started.
    fn stderr(&self) -> String {
        String::from_utf8(std::fs::read(self.path("stderr")).unwrap()).unwrap()
    }

    fn run_command(
        &self,
        inside: &str,
        arguments: &str,
        change: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Ran {
        let program = assert_cmd::cargo::cargo_bin("stapes");
        let mut command = Command::new(program);
        command.current_dir(self.path(inside)).args(arguments.split_whitespace());
        let output = change(&mut command).output().unwrap();
        Ran { arguments: arguments.into(), output }
    }

    /// Returns the names in the temporary folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Writes a data set with the layout of FSDD: digit d is a tone of 300 + 250 d Hz in noise.
    pub(crate) fn tones(&self) -> PathBuf {
        let mut noise = 1u32;
        for digit in 0..10 {
            for speaker in ["ann", "bob"] {
                for index in 0..9 {
                    let length = 800 + 90 * index + 17 * digit;
                    let samples: Vec<f32> = (0..length)
                        .map(|n| {
                            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                            let white = (noise >> 8) as f32 / (1 << 24) as f32 - 0.5;
                            0.4 * (TAU * (300 + 250 * digit) as f32 * n as f32 / 8000.0).sin() + 0.1 * white
                        })
                        .collect();
                    self.write(
                        &format!("tones/recordings/{digit}_{speaker}_{index}.wav"),
                        wav(&samples, 8000),
                    );
                }
            }
        }
        self.path("tones")
    }

    /// Writes a recipe for the tones that trains in less than a second.
    pub(crate) fn tones_recipe(&self) -> PathBuf {
        self.write("tones.toml", TONES)
    }
}

pub(crate) const TONES: &str = r#"
title = "Tones"
[data.fsdd]
split = "official"
validation_fraction = 0.2
[features]
sample_rate_hz = 8000
scale = "unit"
normalization = "per-coefficient"
[features.front_end.librosa-mfcc]
n_fft = 256
hop_length = 80
n_mels = 24
n_mfcc = 12
[model.recurrent]
cell = "lstm"
hidden_size = 16
head = "mean"
[train]
batch_size = 16
epochs = 8
learning_rate = 2e-2
"#;

/// A finished run of the program.
pub(crate) struct Ran {
    arguments: String,
    pub(crate) output: Output,
}

impl Ran {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Ran {
        assert_eq!(self.output.status.code(), Some(0), "stapes {}\n{}", self.arguments, self.stderr());
        self
    }

    /// Asserts this exit code, each part in the message, and no panic.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, parts: &[&str]) -> Ran {
        let stderr = self.stderr();
        assert_eq!(self.output.status.code(), Some(code), "stapes {}\n{stderr}", self.arguments);
        for part in parts {
            assert!(stderr.contains(part), "stapes {}: no {part:?} in:\n{stderr}", self.arguments);
        }
        assert!(!stderr.contains("panicked"), "{stderr}");
        self
    }

    /// Parses the standard output as JSON lines.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout().lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    pub(crate) fn last_json(&self) -> Value {
        self.json().pop().expect("a last line")
    }
}

/// Returns a 16-bit mono WAV file.
pub(crate) fn wav(samples: &[f32], rate: u32) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|&x| ((x * 32767.0) as i16).to_le_bytes()).collect();
    wav_file(1, 16, rate, &data)
}

/// Returns a mono WAV file of the given format code (1 integer, 3 float) and bits per sample.
pub(crate) fn wav_file(format: u16, bits: u16, rate: u32, data: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(format.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(bits / 8)).to_le_bytes());
    file.extend((bits / 8).to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// Returns true if two files have the same bytes.
pub(crate) fn same_bytes(a: &Path, b: &Path) -> bool {
    std::fs::read(a).unwrap() == std::fs::read(b).unwrap()
}

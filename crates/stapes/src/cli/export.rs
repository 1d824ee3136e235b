//! `stapes export`: writes a trained model for another program.

use std::path::{Path, PathBuf};

use anyhow::{Error, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use serde_json::json;
use stapes::BuiltInModel;
use stapes::infer::{Input, Model};
use stapes::quantize::QuantizedNetwork;
use stapes::run::{self, Run};
use stapes_export::{
    COptions, ExportError, ExportFile, OPSET, OnnxOptions, WebOptions, c_files, onnx_model, torch_files,
    triton_repository, web_files,
};

use super::console::{Console, thousands, visible_path};
use super::eval_data::{EvalData, EvalSubset};
use super::paths::{create_folder, is_input, is_special, output, write_file};
use super::run_options::parse_time;

/// Write a trained model for another program: ONNX, Triton, PyTorch, C, browsers
///
/// The program computes the same probabilities. With --with-features it reads samples in [-1, 1] at the model's sample rate,
/// otherwise frames of the front end.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  stapes export runs/fsdd --to onnx --with-features --out digits.onnx\n  \
                  stapes export vad --to onnx --with-features --streaming\n  stapes export runs/fsdd --to torch --out fsdd-torch\n  stapes export vad --to c --out vad-c\n  \
                  stapes export runs/fsdd --to c --int8 --max-seconds 1\n  stapes export vad --to web --out vad-web"
)]
pub(crate) struct Export {
    /// Run folder, model file, or name of a built-in model
    model: PathBuf,
    /// Format
    #[arg(long, value_name = "FORMAT", value_enum)]
    to: Format,
    /// ONNX, Triton: includes the front end, so that the model reads samples
    #[arg(long)]
    with_features: bool,
    /// ONNX, Triton: reads one frame or one hop of samples, with states as inputs and outputs
    #[arg(long)]
    streaming: bool,
    /// C: longest clip of a model that needs the whole clip
    #[arg(long, value_name = "SECONDS", value_parser = parse_time)]
    max_seconds: Option<f64>,
    /// C: int8 weights and int16 values in place of float32. Ranges are measured on the training data of the run, and both accuracies
    /// are printed
    #[arg(long)]
    int8: bool,
    /// Data for --int8: for a run folder the folder of its data set, otherwise class folders or a manifest [default: as used in
    /// training]
    #[arg(long, value_name = "DIR", requires = "int8")]
    data: Option<PathBuf>,
    /// File for ONNX, folder for the others; existing files need --force [default: runs/MODEL.onnx or runs/MODEL-FORMAT, or the next free name]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// ONNX file
    Onnx,
    /// Model repository of Triton Inference Server
    Triton,
    /// Python file with a torch.nn.Module and the features, and its parameters
    Torch,
    /// C99 source with the front end, for processors without an operating system
    C,
    /// Page with a microphone that runs the model in the browser, and a package for JavaScript
    Web,
}

impl Export {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let options = self.options()?;
        let (model, quantized) = self.load(console)?;
        let name = self.name();
        // Everything is computed before anything is written.
        let files = match self.to {
            Format::Onnx => {
                vec![ExportFile { path: String::new(), bytes: onnx_model(&model, options)?.bytes }]
            }
            Format::Triton => triton_repository(&model, &name, options)?,
            Format::Torch => torch_files(&model)?,
            Format::C => {
                let options = COptions { quantized: quantized.as_ref(), ..self.c_options(&name) };
                c_files(&model, &options).map_err(in_terms_of_flags)?
            }
            Format::Web => web_files(&model, &self.web_options(name.clone()))?,
        };
        let default = match self.to {
            Format::Onnx => format!("{name}.onnx"),
            Format::Triton => format!("{name}-triton"),
            Format::Torch => format!("{name}-torch"),
            Format::C => format!("{name}-c"),
            Format::Web => format!("{name}-web"),
        };
        let out = output(self.out.clone(), Path::new(&default));
        let written = self.write(&out, &files)?;
        for (path, bytes) in &written {
            console.print(&format!("{} ({} bytes)", visible_path(path), thousands(*bytes as u64)));
        }
        self.explain(console, &model, &out, &written[0].0);
        let paths: Vec<_> = written.iter().map(|(path, _)| path.display().to_string()).collect();
        console.json(&json!({ "format": self.to.name(), "out": out.display().to_string(), "files": paths }));
        Ok(super::DONE)
    }

    fn options(&self) -> Result<OnnxOptions> {
        for (given, flag) in [(self.with_features, "--with-features"), (self.streaming, "--streaming")] {
            if given && !matches!(self.to, Format::Onnx | Format::Triton) {
                bail!("{flag} is for ONNX and Triton; remove it, or use --to onnx");
            }
        }
        for (given, flag) in [(self.max_seconds.is_some(), "--max-seconds"), (self.int8, "--int8")] {
            if given && self.to != Format::C {
                bail!("{flag} is for C; remove it, or use --to c");
            }
        }
        Ok(OnnxOptions { features: self.with_features, streaming: self.streaming })
    }

    /// Returns the model, and with --int8 its integers, after both are evaluated.
    fn load(&self, console: &Console) -> Result<(Model, Option<QuantizedNetwork>)> {
        if !self.int8 {
            return Ok((Run::load_model(&self.model)?, None));
        }
        let split = if self.model.is_dir() { EvalSubset::Test } else { EvalSubset::All };
        if self.data.is_none() && !self.model.is_dir() {
            bail!(
                "--int8 measures ranges on recordings, and {} is not a run folder; give class folders or a manifest with --data DIR",
                self.model.display()
            );
        }
        let data = EvalData::open(&self.model, split, self.data.as_deref(), console)?;
        // What C cannot run is refused before the data is read.
        let options = COptions { quantized: None, ..self.c_options(&self.name()) };
        c_files(&data.model, &options).map_err(in_terms_of_flags)?;
        let quantized = data.compare_quantized(console)?;
        Ok((data.model, Some(quantized)))
    }

    /// Returns the texts of the page.
    fn web_options(&self, name: String) -> WebOptions {
        let built_in = BuiltInModel::find(&self.model);
        WebOptions {
            name,
            description: built_in.map(BuiltInModel::title).unwrap_or_default().into(),
            license: built_in.and_then(BuiltInModel::license).map(Into::into),
        }
    }

    /// Returns the settings of the C code, whose names are C identifiers.
    fn c_options(&self, name: &str) -> COptions<'static> {
        let plain =
            |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
        let name: String = name.chars().map(plain).take(40).collect();
        let name =
            if name.starts_with(|first: char| first.is_ascii_lowercase()) { name } else { "model".into() };
        COptions { name, max_seconds: self.max_seconds, quantized: None }
    }

    /// Returns the name of the model, from the path of the run or file.
    fn name(&self) -> String {
        let canonical = self.model.canonicalize();
        let path = canonical.as_deref().unwrap_or(&self.model);
        let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
        let stem = match stem.and_then(|stem| stem.to_str()) {
            // A run's model file: the run's name says more.
            Some("model") if path.is_file() => {
                path.parent().and_then(Path::file_name).and_then(|name| name.to_str())
            }
            stem => stem,
        };
        let plain =
            |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
        stem.unwrap_or("model").chars().map(plain).collect()
    }

    /// Writes the files, and returns their paths and sizes. Nothing is written if one of them may not be replaced.
    fn write(&self, out: &Path, files: &[ExportFile]) -> Result<Vec<(PathBuf, usize)>> {
        let place = |file: &ExportFile| match file.path.is_empty() {
            true => out.to_owned(),
            false => out.join(&file.path),
        };
        for path in files.iter().map(place) {
            if path.is_dir() {
                bail!("{}: is a folder; give another --out", path.display());
            }
            if is_special(&path) {
                continue;
            }
            if is_input(&path, &self.model) || run::is_file_of_run(&path) {
                bail!("{}: is a file of a trained model; give another --out", path.display());
            }
            if !self.force && path.symlink_metadata().is_ok() {
                bail!("{}: exists; give another --out, or replace it with --force", path.display());
            }
        }
        let mut written = Vec::new();
        if self.to != Format::Onnx {
            create_folder(out)?;
        }
        for file in files {
            let path = place(file);
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                create_folder(folder)?;
            }
            write_file(&path, &file.bytes)?;
            written.push((path, file.bytes.len()));
        }
        Ok(written)
    }

    /// Prints what the written model reads and how to use it.
    fn explain(&self, console: &Console, model: &Model, out: &Path, first: &Path) {
        let rate = match &model.input {
            Input::Recordings(config) => Some(config.sample_rate_hz),
            Input::Frames(_) => None,
        };
        match (self.with_features, rate) {
            (true, Some(rate)) => console.print(&format!("It reads samples in [-1, 1] at {rate} Hz.")),
            (false, Some(_)) if matches!(self.to, Format::Onnx | Format::Triton) => {
                console.print("It reads frames of the front end; --with-features includes the front end.");
            }
            _ => {}
        }
        let out = visible_path(out);
        match self.to {
            Format::Onnx => console
                .print(&format!("Operators of opset {OPSET}. Next: onnxruntime.InferenceSession({out:?})")),
            Format::Triton => console.print(&format!("Next: tritonserver --model-repository {out}")),
            Format::Torch => console.print(&format!("Next: python {} FILE.wav", visible_path(first))),
            Format::C => console.print(&format!("Next: make -C {out} test")),
            Format::Web => console.print(&format!(
                "Next: python -m http.server --directory {out}, then open http://127.0.0.1:8000; docs/web.md has the package."
            )),
        }
    }
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Format::Onnx => "onnx",
            Format::Triton => "triton",
            Format::Torch => "torch",
            Format::C => "c",
            Format::Web => "web",
        }
    }
}

/// Names the flag of an option in place of its key.
fn in_terms_of_flags(error: ExportError) -> Error {
    match error {
        ExportError::Option { key: "max_seconds", rule, .. } => anyhow!("--max-seconds: {rule}"),
        error => error.into(),
    }
}

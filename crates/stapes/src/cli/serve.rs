//! `stapes serve`: models as a service.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;
use stapes::BuiltInModel;
use stapes::infer::{KeywordSettings, Model};
use stapes::run::Run;
use stapes_serve::{
    Limits, LogFormat, LogLevel, ServedModel, Server, ServerOptions, Token, allow_connections, start_log,
};

use super::console::{Console, Verbosity};
use super::keyword_args::parse_keyword;
use super::run_options::parse_positive;

/// Environment variable of the token.
const TOKEN: &str = "STAPES_TOKEN";

/// Longest file of a token, bytes.
const MAX_TOKEN_FILE: u64 = 4096;

/// Serve models over HTTP and WebSocket, and wake words for Home Assistant
///
/// POST /v1/classify and /v1/segments take recordings, GET /v1/stream is a WebSocket for samples; /openapi.json describes all. Ctrl-C
/// and SIGTERM end the server after the requests that it has.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  stapes serve vad digits\n  curl -F file=@interview.mp3 'localhost:8080/v1/segments?model=vad'\n  \
    curl --data-binary @one.wav 'localhost:8080/v1/classify?model=digits&top=3'\n  \
    stapes serve vad runs/computer --wyoming 0.0.0.0:10400\n  \
    STAPES_TOKEN=$(openssl rand -hex 32) stapes serve vad --addr 0.0.0.0:8080"
)]
pub(crate) struct Serve {
    /// Run folders, model files, or names of built-in models. A model is served under its name: the part of the path that
    /// distinguishes it, or NAME of NAME=PATH
    #[arg(value_name = "[NAME=]MODEL", required = true)]
    models: Vec<String>,
    /// Address and port of HTTP
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    addr: SocketAddr,
    /// Address and port of the Wyoming protocol, for Home Assistant [default: not served; its usual port is 10400]
    #[arg(long, value_name = "ADDR:PORT")]
    wyoming: Option<SocketAddr>,
    /// Wake word with the threshold of its smoothed score, for all models of clips with this label [default: those of the model files];
    /// repeatable
    #[arg(long, value_name = "LABEL=P", value_parser = parse_keyword)]
    keyword: Vec<(String, Option<f32>)>,
    /// File with the token that requests must carry (Authorization: Bearer TOKEN) [default: the variable STAPES_TOKEN, else no token]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Origin whose pages may call the server, such as https://example.org; * for all; repeatable
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Host name under which the server may be called on a loopback address, beside localhost; * for all; repeatable
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Form of the log on the standard error; -q prints warnings only, -v more
    #[arg(long, value_name = "FORM", default_value = "text",
        value_parser = PossibleValuesParser::new(LogFormat::NAMES).try_map(|name| name.parse::<LogFormat>()))]
    log: LogFormat,
    #[command(flatten)]
    limits: LimitArgs,
}

/// Limits of requests and connections.
#[derive(Args)]
struct LimitArgs {
    /// Megabytes (MiB) of the body of a request
    #[arg(long, value_name = "MB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_body_mb: u32,
    /// Megabytes (MiB) of all bodies in memory at a time
    #[arg(long, value_name = "MB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    max_total_body_mb: u32,
    /// Duration of a recording, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = parse_positive)]
    max_seconds: f64,
    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,
    /// WebSocket streams at a time
    #[arg(long, value_name = "N", default_value_t = 1000)]
    max_streams: u32,
    /// Requests that wait for a thread; more are refused
    #[arg(long, value_name = "N", default_value_t = 128)]
    max_waiting: u32,
    /// Bytes of a message of a stream
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(1024..=1 << 26))]
    max_message_bytes: u32,
    /// Seconds for the header of a request, also between two requests
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds)]
    header_timeout: Duration,
    /// Seconds for the body of a request
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_seconds)]
    body_timeout: Duration,
    /// Seconds without sound after which a stream is closed
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = parse_seconds)]
    idle_timeout: Duration,
    /// Seconds for open requests to end after Ctrl-C
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds)]
    stop_timeout: Duration,
}

/// Parses a time from a millisecond to a day.
fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=86_400.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected seconds from 0.001 to 86400".into())
}

impl LimitArgs {
    fn limits(&self) -> Limits {
        let mebibytes = |number: u32| (number as usize) << 20;
        Limits {
            max_connections: self.max_connections as usize,
            max_streams: self.max_streams as usize,
            max_waiting: self.max_waiting as usize,
            max_body_bytes: mebibytes(self.max_body_mb),
            max_total_body_bytes: mebibytes(self.max_total_body_mb.max(self.max_body_mb)),
            max_seconds: self.max_seconds,
            max_message_bytes: self.max_message_bytes as usize,
            header_timeout: self.header_timeout,
            body_timeout: self.body_timeout,
            idle_timeout: self.idle_timeout,
            stop_timeout: self.stop_timeout,
            ..Limits::default()
        }
    }
}

impl Serve {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let models = self.load()?;
        let token = self.token()?;
        let options = ServerOptions {
            wyoming: self.wyoming,
            token,
            allow_origins: self.allow_origin.clone(),
            allow_hosts: self.allow_host.clone(),
            threads: rayon::current_num_threads(),
            limits: self.limits.limits(),
            ..ServerOptions::new(self.addr)
        };
        if !self.addr.ip().is_loopback() && options.token.is_none() {
            console.warning(&format!(
                "{}: other machines can use the server, and there is no token; set {TOKEN}, or use --addr 127.0.0.1:{}",
                self.addr,
                self.addr.port()
            ));
        }
        if let Some(addr) = self.wyoming.filter(|addr| !addr.ip().is_loopback()) {
            console.warning(&format!(
                "{addr}: other machines can use the Wyoming protocol, which has no token; keep the port inside your network"
            ));
        }
        if self.wyoming.is_some() && !is_any_for_wyoming(&models)? {
            console.warning(
                "--wyoming: none of the models has wake words or detects voice activity; store wake words with stapes eval \
                 --save-thresholds, or give a label with --keyword LABEL=0.9",
            );
        }
        if let Some(possible) = allow_connections(options.limits.max_connections) {
            console.warning(&format!(
                "--max-connections {}: the system allows {possible}; raise the limit of open files (ulimit -n)",
                options.limits.max_connections
            ));
        }
        start_log(
            self.log,
            match console.verbosity() {
                Verbosity::Quiet => LogLevel::Warnings,
                Verbosity::Normal => LogLevel::Requests,
                Verbosity::Verbose => LogLevel::Details,
            },
        );
        let server = Server::start(models, options)?;
        console.status(&format!("http://{} (Ctrl-C ends)", server.addr()));
        if let Some(addr) = server.wyoming_addr() {
            console.status(&format!("wyoming: tcp://{addr}"));
        }
        console.json(&json!({
            "addr": server.addr().to_string(), "wyoming": server.wyoming_addr().map(|addr| addr.to_string()),
        }));
        server.run_until_signal()?;
        Ok(super::DONE)
    }

    /// Reads the models and sets their wake words.
    fn load(&self) -> Result<Vec<ServedModel>> {
        let mut models = Vec::new();
        let mut unused: Vec<&str> = self.keyword.iter().map(|(label, _)| &**label).collect();
        for text in &self.models {
            let (name, path) = named(text);
            let mut model = Run::load_model(path)?;
            unused.retain(|label| !model.labels.iter().any(|known| known == label));
            set_keywords(&mut model, &self.keyword).with_context(|| text.clone())?;
            let served = ServedModel::new(name, model);
            models.push(match BuiltInModel::find(path) {
                Some(built_in) => {
                    let served = served.with_description(built_in.title());
                    built_in.license().into_iter().fold(served, ServedModel::with_license)
                }
                None => served,
            });
        }
        if let Some(label) = unused.first() {
            bail!("--keyword {label}: none of the models has this label; choose one of a model");
        }
        Ok(models)
    }

    /// Reads the token from its file, else from the environment.
    fn token(&self) -> Result<Option<Token>> {
        let (place, text) = match &self.token_file {
            Some(path) => {
                let text = stapes_files::read_text_or_stream(path, MAX_TOKEN_FILE);
                (path.display().to_string(), text.with_context(|| path.display().to_string())?)
            }
            None => match std::env::var(TOKEN) {
                Ok(text) => (TOKEN.to_owned(), text),
                Err(std::env::VarError::NotPresent) => return Ok(None),
                Err(error) => bail!("{TOKEN}: {error}; choose another token"),
            },
        };
        match Token::new(&text) {
            Ok(token) => Ok(Some(token)),
            Err(fault) => bail!("{place}: {fault}"),
        }
    }
}

/// True if a model has wake words with thresholds, or detects voice activity.
fn is_any_for_wyoming(models: &[ServedModel]) -> Result<bool> {
    for model in models.iter().map(ServedModel::model) {
        let has_words = model.keywords.as_ref().is_some_and(|keywords| !keywords.thresholds.is_empty());
        if has_words || model.network()?.objective().is_frame_level() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the name and the path of `NAME=PATH` or `PATH`; the name of a path is that of the run folder or the file.
fn named(text: &str) -> (String, &Path) {
    if let Some((name, path)) = text.split_once('=')
        && !name.is_empty()
        && Path::new(text).symlink_metadata().is_err()
    {
        return (name.to_owned(), Path::new(path));
    }
    let path = Path::new(text);
    let is_usual = path.file_name().is_some_and(|name| name == stapes::run::MODEL);
    let place = path.parent().filter(|folder| is_usual && folder.file_name().is_some()).unwrap_or(path);
    let name = if is_usual { place.file_name() } else { path.file_stem() };
    (name.map_or_else(|| text.to_owned(), |name| name.to_string_lossy().into_owned()), path)
}

/// Sets the thresholds of wake words that the model has as labels, if it is of clips.
fn set_keywords(model: &mut Model, keywords: &[(String, Option<f32>)]) -> Result<()> {
    let mut thresholds = BTreeMap::new();
    for (label, threshold) in keywords.iter().filter(|(label, _)| model.labels.contains(label)) {
        let stored = model.keywords.as_ref().and_then(|settings| settings.thresholds.get(label));
        let Some(threshold) = threshold.or(stored.copied()) else {
            bail!(
                "--keyword {label}: the model file has no threshold of this keyword; give one, such as --keyword {label}=0.9"
            );
        };
        thresholds.insert(label.clone(), threshold);
    }
    if thresholds.is_empty() || model.network()?.objective().is_frame_level() {
        return Ok(());
    }
    // A second is the usual length of a wake word's clip.
    let settings = KeywordSettings::of_model(model).unwrap_or_else(|| KeywordSettings::with_window(1.0));
    model.keywords = Some(KeywordSettings { thresholds, ..settings });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_has_the_name_of_its_run() {
        for (text, name, path) in [
            ("vad", "vad", "vad"),
            ("runs/words", "words", "runs/words"),
            ("runs/words/", "words", "runs/words/"),
            ("runs/words/model.safetensors", "words", "runs/words/model.safetensors"),
            ("models/computer.safetensors", "computer", "models/computer.safetensors"),
            ("model.safetensors", "model.safetensors", "model.safetensors"),
            ("a=runs/b", "a", "runs/b"),
        ] {
            assert_eq!(named(text), (name.to_owned(), Path::new(path)), "{text}");
        }
    }
}

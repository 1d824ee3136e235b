//! A server with the built-in models, and clients that write bytes.

#![allow(dead_code, reason = "each test program uses a part")]

pub(crate) mod http;
pub(crate) mod schema;
pub(crate) mod websocket;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stapes_audio::Clip;
use stapes_infer::Model;
use stapes_serve::{ServedModel, Server, ServerOptions};

/// A server that runs; it stops when it is dropped.
pub(crate) struct Running {
    server: Option<Server>,
    pub(crate) addr: SocketAddr,
}

impl Running {
    /// Starts a server with `vad` and `digits`.
    pub(crate) fn start(change: impl FnOnce(&mut ServerOptions)) -> Running {
        let models = ["vad", "digits"].map(|name| ServedModel::new(name, model(name)));
        Running::with_models(models.into(), change)
    }

    pub(crate) fn with_models(models: Vec<ServedModel>, change: impl FnOnce(&mut ServerOptions)) -> Running {
        let mut options = ServerOptions::new(([127, 0, 0, 1], 0).into());
        options.threads = 2;
        options.limits.stop_timeout = Duration::from_secs(3);
        change(&mut options);
        let server = Server::start(models, options).unwrap();
        Running { addr: server.addr(), server: Some(server) }
    }

    pub(crate) fn wyoming_addr(&self) -> SocketAddr {
        self.server.as_ref().unwrap().wyoming_addr().unwrap()
    }

    /// Takes the server, to stop it.
    pub(crate) fn into_server(mut self) -> Server {
        self.server.take().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}

/// Returns a built-in model.
pub(crate) fn model(name: &str) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stapes/models");
    Model::load(&folder.join(name).join("model.safetensors")).unwrap()
}

/// Returns the path of a sound file of `stapes-audio`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../audio/tests/fixtures").join(name)
}

/// Returns sound with two loud parts with harmonics, which the model of voice activity finds.
pub(crate) fn clip(seconds: f64, sample_rate_hz: u32) -> Clip {
    let rate = f64::from(sample_rate_hz);
    let mut noise = 1u32;
    let sample = |n: usize| {
        let time = n as f64 / rate;
        let is_loud = (0.8..1.6).contains(&(time % 2.5));
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = f64::from(noise >> 16) / 65_536.0 - 0.5;
        let pitch = 130.0 + 20.0 * (time * 3.0).sin();
        let voice: f64 = (1..=20)
            .map(|k| (std::f64::consts::TAU * pitch * f64::from(k) * time).sin() / f64::from(k))
            .sum();
        let syllables = (std::f64::consts::TAU * 4.0 * time).sin().abs();
        (0.002 * hiss + if is_loud { 0.15 * voice * syllables } else { 0.0 }) as f32
    };
    Clip { samples: (0..(seconds * rate) as usize).map(sample).collect(), sample_rate_hz }
}

/// Returns the bytes of a WAV file, and the clip that its 16-bit samples are.
pub(crate) fn wav(clip: &Clip) -> (Vec<u8>, Clip) {
    let bytes = stapes_audio::wav_bytes("a.wav".as_ref(), clip).unwrap();
    let samples = bytes[44..].chunks_exact(2);
    let samples = samples.map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0).collect();
    (bytes, Clip { samples, sample_rate_hz: clip.sample_rate_hz })
}

/// Resident memory of the process, bytes.
pub(crate) fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

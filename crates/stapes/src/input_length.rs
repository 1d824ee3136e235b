//! The sequence that multiply-accumulates are counted for.

use stapes_infer::Input;
use stapes_nn::Network;

use crate::error::Error;
use crate::recipe::Recipe;

/// The sequence that multiply-accumulates are counted for: what all recordings are cut to, or else a second of audio, or
/// a hundred frames where there is no audio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputLength {
    /// T.
    pub frames: usize,
    /// How long it is, where it is audio.
    pub seconds: Option<f64>,
}

impl Recipe {
    /// The sequence that multiply-accumulates of its model are counted for.
    ///
    /// # Errors
    /// As [`Recipe::shape`].
    pub fn input_length(&self) -> Result<InputLength, Error> {
        Ok(match (self.input()?, self.shape()?.length()) {
            (Input::Frames(_), fixed) => InputLength { frames: fixed.unwrap_or(100), seconds: None },
            (Input::Recordings(features), fixed) => match (fixed, features.fixed_length_samples) {
                (Some(frames), Some(samples)) => {
                    let seconds = samples as f64 / f64::from(features.sample_rate_hz);
                    InputLength { frames, seconds: Some(seconds) }
                }
                _ => InputLength {
                    frames: features.frames_per_second().round() as usize,
                    seconds: Some(1.0),
                },
            },
        })
    }
}

impl InputLength {
    /// Multiply-accumulates of a network for a second of audio; None where there is no audio.
    pub fn macs_per_second(&self, network: &Network) -> Option<u64> {
        let macs: u64 = network.summary(self.frames).iter().map(|line| line.macs).sum();
        self.seconds.map(|seconds| (macs as f64 / seconds).round() as u64)
    }
}

impl std::fmt::Display for InputLength {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let InputLength { frames, seconds } = self;
        let s = if *frames == 1 { "" } else { "s" };
        match seconds {
            None => write!(f, "{frames} frame{s}"),
            Some(1.0) => write!(f, "a second of audio ({frames} frame{s})"),
            Some(seconds) => write!(f, "a clip of {seconds:.3} s ({frames} frame{s})"),
        }
    }
}

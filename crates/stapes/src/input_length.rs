//! Input length for which multiply-accumulates are counted.

use stapes_infer::Input;
use stapes_nn::Network;

use crate::recipe::ResolvedRecipe;

/// Input length for which multiply-accumulates (MACs) are counted: the fixed length of all recordings if there is one,
/// else one second of audio, or 100 frames if the data is not audio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputLength {
    /// Number of frames, T.
    pub frames: usize,
    /// Duration in seconds, for audio.
    pub seconds: Option<f64>,
}

impl ResolvedRecipe {
    /// Returns the input length for which MACs of the model are counted.
    pub fn input_length(&self) -> InputLength {
        match (self.input(), self.shape().length()) {
            (Input::Frames(_), fixed) => InputLength { frames: fixed.unwrap_or(100), seconds: None },
            (Input::Recordings(features), fixed) => match (fixed, features.fixed_length_samples) {
                (Some(frames), Some(samples)) => {
                    let seconds = samples as f64 / f64::from(features.sample_rate_hz);
                    InputLength { frames, seconds: Some(seconds) }
                }
                _ => {
                    InputLength { frames: features.frames_per_second().round() as usize, seconds: Some(1.0) }
                }
            },
        }
    }
}

impl InputLength {
    /// Returns the MACs of a network per second of audio; `None` if the input is not audio.
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
            Some(1.0) => write!(f, "1 s of audio ({frames} frame{s})"),
            Some(seconds) => write!(f, "a clip of {seconds:.3} s ({frames} frame{s})"),
        }
    }
}

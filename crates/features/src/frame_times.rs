//! `FrameTimes`: the time of each frame in a recording, for every front end. `segments.rs` makes segments of them.

use crate::{FeatureConfig, FeatureError, FrontEnd};

/// Times of a front end's frames: the center of the window that each frame is computed from.
///
/// Frame t is at first + t hop. The first center, in samples, is
///
/// - librosa and torchaudio: 0 if centered, n_fft / 2 otherwise; torchaudio's `pad` is subtracted from both;
/// - Kaldi with `snip_edges`, python_speech_features and the waveform: half a window;
/// - Kaldi without `snip_edges`: half a shift.
///
/// Stacked frames have the time of their middle frame.
///
/// # Units
/// s
///
/// # Example
/// ```
/// // 25 ms every 10 ms, frame t from sample 160 t on.
/// let times = stapes_features::preset("kaldi-mfcc-39")?.frame_times()?;
/// assert!((times.center_seconds(0) - 0.0125).abs() < 1e-12);
/// assert!((times.center_seconds(100) - 1.0125).abs() < 1e-12);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameTimes {
    first_center_seconds: f64,
    hop_seconds: f64,
}

impl FrameTimes {
    /// Returns the center of frame 0, s.
    pub fn first_center_seconds(&self) -> f64 {
        self.first_center_seconds
    }

    /// Returns the hop between frames, s.
    pub fn hop_seconds(&self) -> f64 {
        self.hop_seconds
    }

    /// Returns the center of frame `frame`, s.
    pub fn center_seconds(&self, frame: usize) -> f64 {
        self.first_center_seconds + frame as f64 * self.hop_seconds
    }
}

impl FrontEnd {
    /// Returns the times of the frames.
    pub fn frame_times(&self) -> FrameTimes {
        let config = self.config();
        let first_center = config.front_end.kind().first_center(config.sample_rate_hz);
        FrameTimes {
            first_center_seconds: first_center / f64::from(config.sample_rate_hz),
            hop_seconds: 1.0 / config.frames_per_second(),
        }
    }
}

impl FeatureConfig {
    /// Checks the settings and returns the times of the frames.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`FeatureConfig::check`].
    pub fn frame_times(&self) -> Result<FrameTimes, FeatureError> {
        Ok(self.init()?.frame_times())
    }
}

#[cfg(test)]
mod tests {
    use crate::{FeatureConfig, FrontEndConfig};

    /// Returns the mean time of the loud frames of a clip with a burst at `burst_seconds`.
    fn measured_center(config: &FeatureConfig, burst_seconds: f64) -> f64 {
        let rate_hz = f64::from(config.sample_rate_hz);
        let middle = (burst_seconds * rate_hz) as usize;
        let mut samples = vec![0.0f32; config.sample_rate_hz as usize];
        for (n, sample) in samples[middle - 8..middle + 8].iter_mut().enumerate() {
            *sample = if n % 2 == 0 { 0.9 } else { -0.7 };
        }
        let features = config.init().unwrap().extract(&samples).unwrap();
        let is_cepstra = config.front_end.name().ends_with("mfcc");
        let level = |t: usize| -> f32 {
            // The middle frame of a stack.
            let width = features.width() / config.stacking.stack_len();
            let frame = &features.frame(t)[config.stacking.left * width..][..width];
            match config.front_end {
                FrontEndConfig::Waveform(_) => frame.iter().map(|x| x.abs()).sum(),
                _ if is_cepstra => frame[0],
                _ => frame.iter().sum(),
            }
        };
        let levels: Vec<f32> = (0..features.frames()).map(level).collect();
        let (low, high) =
            levels.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
        let times = config.frame_times().unwrap();
        let loud: Vec<f64> = (0..levels.len())
            .filter(|&t| levels[t] > low + 0.5 * (high - low))
            .map(|t| times.center_seconds(t))
            .collect();
        assert!(!loud.is_empty() && loud.len() < levels.len() / 2, "{}: {loud:?}", config.front_end.name());
        loud.iter().sum::<f64>() / loud.len() as f64
    }

    #[test]
    fn frame_times_locate_a_burst_for_every_front_end() {
        for (front_end, settings) in [
            ("librosa-mel-db", "n_fft = 512\nhop_length = 160"),
            ("librosa-mel-db", "n_fft = 512\nhop_length = 160\ncenter = false"),
            ("librosa-mfcc", "n_fft = 512\nhop_length = 160"),
            ("librosa-mfcc", "n_fft = 512\nhop_length = 160\ncenter = false"),
            ("torchaudio-mel-db", "n_fft = 512\nhop_length = 160\nn_mels = 40"),
            ("torchaudio-mel-db", "n_fft = 512\nhop_length = 160\nn_mels = 40\ncenter = false"),
            ("torchaudio-mel-db", "n_fft = 512\nhop_length = 160\nn_mels = 40\npad = 300"),
            (
                "torchaudio-mfcc",
                "n_mfcc = 13\nmelkwargs = { n_fft = 512, hop_length = 160, n_mels = 40, pad = 300, center = false }",
            ),
            ("psf-mfcc", ""),
            ("psf-logfbank", ""),
            ("psf-fbank", ""),
            ("kaldi-fbank", ""),
            ("kaldi-fbank", "frame_opts = { snip_edges = false }"),
            ("kaldi-mfcc", ""),
            ("kaldi-mfcc", "frame_opts = { snip_edges = false, frame_length_ms = 50.0 }"),
            ("waveform", "frame_length = 400\nhop_length = 160"),
        ] {
            for stacking in ["", "[stacking]\nleft = 1\nright = 1\nevery = 2"] {
                let text = format!("[front_end.{front_end}]\n{settings}\n{stacking}");
                let config: FeatureConfig = toml::from_str(&text).unwrap();
                let every = config.stacking.every as f64;
                if every > 1.0 && front_end == "waveform" {
                    continue;
                }
                // Several times, so that a wrong center cannot match by chance.
                for burst in [0.4, 0.4925, 0.5071] {
                    let center = measured_center(&config, burst);
                    assert!((center - burst).abs() <= 0.0056 * every, "{text}: {center} for {burst}");
                }
            }
        }
    }
}

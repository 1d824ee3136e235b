//! When the frames of a recording are: what joins decisions for frames with seconds.

use stapes_features::{FeatureConfig, FrontEndConfig, KaldiFrameConfig};

use crate::error::InferError;

/// The moments of a front end's frames: the centre of the window that each is computed from.
///
/// Frame t lies at first + t hop. The first centre, in samples, is
///
/// - librosa and torchaudio, centred: 0; not centred: n_fft / 2 (torchaudio's `pad` is taken off both);
/// - Kaldi with `snip_edges`, python_speech_features and the waveform: half a window; Kaldi without `snip_edges`: half
///   a shift.
///
/// Of frames stacked with neighbours it is the frame in their middle that counts. Samples behind the last frame, and
/// frames behind the last sample, are not moved.
///
/// # Units
/// s
///
/// # Example
/// ```
/// use stapes_infer::FrameTimes;
///
/// // 25 ms every 10 ms, frame t from sample 160 t on.
/// let times = FrameTimes::of(&stapes_features::preset("kaldi-mfcc-39")?)?;
/// assert!((times.centre_seconds(0) - 0.0125).abs() < 1e-12);
/// assert!((times.centre_seconds(100) - 1.0125).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameTimes {
    first_seconds: f64,
    hop_seconds: f64,
}

/// A stretch of a recording that is of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Where it starts, s.
    pub start_seconds: f64,
    /// Where it ends, s.
    pub end_seconds: f64,
    /// The class.
    pub class: usize,
}

impl FrameTimes {
    /// The times of a front end with these settings, which must have been checked.
    ///
    /// # Errors
    /// [`InferError::NoTimes`] of a front end whose framing is not known here.
    pub fn of(config: &FeatureConfig) -> Result<FrameTimes, InferError> {
        let rate_hz = f64::from(config.sample_rate_hz);
        let centred = |center: bool, n_fft: usize| if center { 0.0 } else { n_fft as f64 / 2.0 };
        let kaldi = |frame: &KaldiFrameConfig| {
            let window_ms = if frame.snip_edges { frame.frame_length_ms } else { frame.frame_shift_ms };
            window_ms / 1e3 * rate_hz / 2.0
        };
        let first = match &config.front_end {
            FrontEndConfig::LibrosaMfcc(config) => centred(config.center, config.n_fft),
            FrontEndConfig::LibrosaMelDb(config) => centred(config.center, config.n_fft),
            FrontEndConfig::TorchaudioMfcc(config) => {
                let mel = &config.melkwargs;
                centred(mel.center, mel.n_fft) - mel.pad as f64
            }
            FrontEndConfig::TorchaudioMelDb(config) => {
                centred(config.center, config.n_fft) - config.pad as f64
            }
            FrontEndConfig::PsfMfcc(config) => config.winlen * rate_hz / 2.0,
            FrontEndConfig::PsfLogFbank(config) => config.winlen * rate_hz / 2.0,
            FrontEndConfig::PsfFbank(config) => config.winlen * rate_hz / 2.0,
            FrontEndConfig::KaldiMfcc(config) => kaldi(&config.frame_opts),
            FrontEndConfig::KaldiFbank(config) => kaldi(&config.frame_opts),
            FrontEndConfig::Waveform(config) => config.frame_length as f64 / 2.0,
            other => return Err(InferError::NoTimes { front_end: other.name() }),
        };
        Ok(FrameTimes { first_seconds: first / rate_hz, hop_seconds: 1.0 / config.frames_per_second() })
    }

    /// From one frame to the next, s.
    pub fn hop_seconds(&self) -> f64 {
        self.hop_seconds
    }

    /// The centre of frame t, s.
    pub fn centre_seconds(&self, frame: usize) -> f64 {
        self.first_seconds + frame as f64 * self.hop_seconds
    }

    /// The decisions for the frames of a recording of some seconds as spans: from 0 to its end, without gaps.
    ///
    /// Between two frames of different classes the border lies in the middle of their centres. The first frame also
    /// decides for what is before it, the last for what is behind it.
    ///
    /// # Example
    /// ```
    /// use stapes_infer::{FrameTimes, Span};
    ///
    /// let times = FrameTimes::of(&stapes_features::preset("kaldi-mfcc-39")?)?;
    /// let spans = times.spans(&[0, 0, 1], 0.05);
    /// assert_eq!((spans[0].start_seconds, spans[0].class), (0.0, 0));
    /// // The centres are at 12.5, 22.5 and 32.5 ms.
    /// assert!((spans[0].end_seconds - 0.0275).abs() < 1e-12);
    /// assert_eq!((spans[1].end_seconds, spans[1].class), (0.05, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spans(&self, classes: &[usize], seconds: f64) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for (frame, &class) in classes.iter().enumerate() {
            let start_seconds = match spans.last() {
                Some(last) if last.class == class => continue,
                Some(_) => (self.centre_seconds(frame) - self.hop_seconds / 2.0).clamp(0.0, seconds),
                None => 0.0,
            };
            if let Some(last) = spans.last_mut() {
                last.end_seconds = start_seconds;
            }
            spans.push(Span { start_seconds, end_seconds: seconds, class });
        }
        // Frames behind the end of the recording have nothing to decide for.
        spans.retain(|span| span.end_seconds > span.start_seconds);
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A burst in silence at a moment, and the middle of the frames that are loud.
    fn heard_at(config: &FeatureConfig, burst_seconds: f64) -> f64 {
        let rate_hz = f64::from(config.sample_rate_hz);
        let middle = (burst_seconds * rate_hz) as usize;
        let mut samples = vec![0.0f32; config.sample_rate_hz as usize];
        for (n, sample) in samples[middle - 8..middle + 8].iter_mut().enumerate() {
            *sample = if n % 2 == 0 { 0.9 } else { -0.7 };
        }
        let features = config.init().unwrap().extract(&samples).unwrap();
        // Of cepstra the first, of anything else all values; raw samples by their size.
        let cepstra = config.front_end.name().ends_with("mfcc");
        let level = |t: usize| -> f32 {
            // The frame itself, without its neighbours.
            let beside = config.stacking.left + 1 + config.stacking.right;
            let width = features.width() / beside;
            let frame = &features.frame(t)[config.stacking.left * width..][..width];
            match config.front_end {
                FrontEndConfig::Waveform(_) => frame.iter().map(|x| x.abs()).sum(),
                _ if cepstra => frame[0],
                _ => frame.iter().sum(),
            }
        };
        let levels: Vec<f32> = (0..features.frames()).map(level).collect();
        let (low, high) =
            levels.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
        let times = FrameTimes::of(config).unwrap();
        let loud: Vec<f64> = (0..levels.len())
            .filter(|&t| levels[t] > low + 0.5 * (high - low))
            .map(|t| times.centre_seconds(t))
            .collect();
        assert!(!loud.is_empty() && loud.len() < levels.len() / 2, "{}: {loud:?}", config.front_end.name());
        loud.iter().sum::<f64>() / loud.len() as f64
    }

    #[test]
    fn frames_lie_where_a_burst_is_heard_whatever_the_front_end() {
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
            for more in ["", "[stacking]\nleft = 1\nright = 1\nevery = 2"] {
                let text = format!("[front_end.{front_end}]\n{settings}\n{more}");
                let config: FeatureConfig = toml::from_str(&text).unwrap();
                let every = config.stacking.every as f64;
                if every > 1.0 && front_end == "waveform" {
                    continue;
                }
                // Several moments, so that a chance hit of a wrong centre shows.
                for burst in [0.4, 0.4925, 0.5071] {
                    let heard = heard_at(&config, burst);
                    assert!((heard - burst).abs() <= 0.0056 * every, "{text}: {heard} for {burst}");
                }
            }
        }
    }

    #[test]
    fn spans_cover_the_recording_and_none_is_empty() {
        let config: FeatureConfig =
            toml::from_str("[front_end.librosa-mel-db]\nn_fft = 512\nhop_length = 160").unwrap();
        let times = FrameTimes::of(&config).unwrap();
        assert_eq!(times.spans(&[], 1.0), []);
        // Centres at 0, 10, 20, 30 ms; the recording ends at 24 ms, so the border at 25 ms is behind it.
        let spans = times.spans(&[1, 0, 0, 1], 0.024);
        assert_eq!(spans.iter().map(|span| span.class).collect::<Vec<_>>(), [1, 0]);
        assert_eq!((spans[0].start_seconds, spans[1].end_seconds), (0.0, 0.024));
        assert_eq!(spans[0].end_seconds, spans[1].start_seconds);
        assert!((spans[0].end_seconds - 0.005).abs() < 1e-12);
    }
}

//! What pages and pictures show of a recording: its sound, its spectrogram, and what a model reads and looks at.

use std::path::Path;

use stapes_audio::Clip;
use stapes_eval::FrameAxis;
use stapes_report::{FrameTiming, ShownFrames, Sound};
use stapes_features::{FeatureConfig, Features, FrontEndConfig, LibrosaMelDbConfig, FeatureAxis, preset};
use stapes_infer::{Classifier, ClipExtractor, FrameTimes, InferError, Input};

use crate::error::Error;

/// What the values of a frame are, for pictures; settings must have been checked.
pub fn axis(config: &FeatureConfig) -> FrameAxis {
    match config.feature_axis() {
        FeatureAxis::Bands(centers_hz) => FrameAxis::Bands(centers_hz),
        FeatureAxis::Coefficients => FrameAxis::Numbers("coefficient"),
        FeatureAxis::Samples => FrameAxis::Numbers("sample of the frame"),
    }
}

/// A clip as a page plays it; `path` is for messages alone.
///
/// # Errors
/// [`Error::Infer`] if a sample is not finite or there are too many.
pub fn sound(path: &Path, clip: Clip) -> Result<Sound, Error> {
    let wav = stapes_audio::wav_bytes(path, &clip).map_err(InferError::from)?;
    Ok(Sound { wav, sample_rate_hz: clip.sample_rate_hz, samples: clip.samples })
}

/// A mel spectrogram at the clip's own rate, by the project's log-mel frames.
///
/// # Errors
/// [`Error::Infer`] if the clip is too short or a sample is not finite.
pub fn spectrogram(clip: &Clip) -> Result<ShownFrames, Error> {
    let rate = f64::from(clip.sample_rate_hz);
    let (window, hop) = ((0.025 * rate).round() as usize, (0.01 * rate).round() as usize);
    let log_mel = preset("log-mel")?;
    let front_end = match log_mel.front_end {
        FrontEndConfig::LibrosaMelDb(config) => FrontEndConfig::LibrosaMelDb(LibrosaMelDbConfig {
            // Room for the narrow low bands.
            n_fft: 2 * window.next_power_of_two(),
            win_length: Some(window),
            hop_length: hop,
            n_mels: 80,
            ..config
        }),
        other => other,
    };
    let config = FeatureConfig { sample_rate_hz: clip.sample_rate_hz, front_end, ..log_mel };
    let frames = ClipExtractor::new(&config)?.extract(clip)?;
    let caption = "80 mel bands in decibels, windows of 25 ms every 10 ms.";
    Ok(of_recording(&config, &frames, "Mel spectrogram", caption))
}

/// The frames that a model reads, before they are normalised.
pub fn read(input: &Input, frames: &Features) -> ShownFrames {
    let title = "What the model reads";
    match input {
        Input::Recordings(config) if are_samples(config, frames) => ShownFrames {
            caption: match config.fixed_length_samples {
                Some(length) => format!("Samples, cut to {length} or filled up with zeros."),
                None => "Samples.".into(),
            },
            width: 1,
            timing: FrameTiming::Seconds { first: 0.0, hop: 1.0 / f64::from(config.sample_rate_hz) },
            ..of_recording(config, frames, title, "")
        },
        Input::Recordings(config) => {
            let rate = config.frames_per_second();
            let caption = format!("{rate} frames a second, before they are normalised.");
            of_recording(config, frames, title, &caption)
        }
        Input::Frames(_) => ShownFrames {
            title: title.into(),
            caption: "The frames of the data set, before they are normalised.".into(),
            values: frames.values().to_vec(),
            width: frames.width(),
            timing: FrameTiming::Numbers { step: 1.0 },
            axis: FrameAxis::Numbers("value of the frame"),
            quantity: "value".into(),
        },
    }
}

/// Whether frames put one behind the other are the samples of the recording.
fn are_samples(config: &FeatureConfig, frames: &Features) -> bool {
    match &config.front_end {
        FrontEndConfig::Waveform(waveform) => {
            let apart = frames.frames() == 1 || waveform.hop_length == waveform.frame_length;
            apart && frames.width() == waveform.frame_length
        }
        _ => false,
    }
}

fn of_recording(config: &FeatureConfig, frames: &Features, title: &str, caption: &str) -> ShownFrames {
    let hop = 1.0 / config.frames_per_second();
    // Of a front end whose times are not known frames stand where they would without a window.
    let first = FrameTimes::of(config).map_or(hop / 2.0, |times| times.center_seconds(0));
    ShownFrames {
        title: title.into(),
        caption: caption.into(),
        values: frames.values().to_vec(),
        width: frames.width(),
        timing: FrameTiming::Seconds { first, hop },
        axis: axis(config),
        quantity: config.quantity().into(),
    }
}

/// What a model with attention says of frames.
pub struct Attention {
    /// The probability of each label, \[K\].
    pub probabilities: Vec<f32>,
    /// The weight of each frame, or of each step that layers below make of several, with the sum 1.
    pub weights: Vec<f32>,
}

/// What a model says of frames and what its attention is on; None of a model without attention.
///
/// # Errors
/// [`Error::Infer`] as [`Classifier::classify_frames`].
pub fn attention(classifier: &mut Classifier<'_>, frames: &Features) -> Result<Option<Attention>, Error> {
    if classifier.attention().is_none() {
        return Ok(None);
    }
    let probabilities = classifier.classify_frames(frames)?;
    Ok(classifier.attention().map(|weights| Attention { probabilities, weights: weights.to_vec() }))
}

#[cfg(test)]
mod tests {
    use stapes_features::WaveformConfig;

    use super::*;

    #[test]
    fn a_frame_of_all_samples_is_shown_as_a_line_over_time() {
        let waveform = WaveformConfig { frame_length: 600, hop_length: 600 };
        let config = FeatureConfig {
            sample_rate_hz: 8000,
            front_end: FrontEndConfig::Waveform(waveform),
            fixed_length_samples: Some(600),
            ..FeatureConfig::default()
        };
        let frames = Features::new(600, (0..600).map(|n| n as f32).collect());
        let shown = read(&Input::Recordings(config.clone()), &frames);
        assert_eq!((shown.width, shown.values.len(), &*shown.quantity), (1, 600, config.quantity()));
        assert_eq!(shown.timing, FrameTiming::Seconds { first: 0.0, hop: 1.0 / 8000.0 });
        assert_eq!(shown.caption, "Samples, cut to 600 or filled up with zeros.");
    }

    #[test]
    fn frames_stand_at_the_centres_of_their_windows() {
        let config = preset("kaldi-mfcc-39").unwrap();
        let shown = read(&Input::Recordings(config), &Features::new(39, vec![0.0; 78]));
        let FrameTiming::Seconds { first, hop } = shown.timing else { panic!("{:?}", shown.timing) };
        assert!((first - 0.0125).abs() < 1e-9 && (hop - 0.01).abs() < 1e-9, "{first} {hop}");
        assert!(shown.caption.starts_with("100 frames a second"), "{}", shown.caption);
    }
}

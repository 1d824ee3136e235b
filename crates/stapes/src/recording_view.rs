//! View of a recording for pages and pictures: sound, spectrogram, model input, and attention.

use std::path::Path;

use stapes_audio::Clip;
use stapes_features::{
    FeatureAxis, FeatureConfig, Features, FrontEnd, FrontEndConfig, LibrosaMelDbConfig, Normalization, preset,
};
use stapes_infer::{Classifier, ClipExtractor, InferError, Input};
use stapes_report::{FrameAxis, FrameTiming, FrameView, Sound};

use crate::error::Error;

/// Returns frames of `width` values at the times of a recording.
pub fn frame_view(front_end: &FrontEnd, values: Vec<f32>, width: usize, title: &str) -> FrameView {
    let times = front_end.frame_times();
    FrameView {
        title: title.into(),
        caption: String::new(),
        values,
        width,
        timing: FrameTiming::Seconds { first: times.first_center_seconds(), hop: times.hop_seconds() },
        axis: frame_axis(front_end),
        quantity: front_end.config().quantity().into(),
    }
}

fn frame_axis(front_end: &FrontEnd) -> FrameAxis {
    match front_end.feature_axis() {
        FeatureAxis::Bands(centers_hz) => FrameAxis::Bands(centers_hz),
        FeatureAxis::Coefficients => FrameAxis::Numbers("coefficient"),
        FeatureAxis::Samples => FrameAxis::Numbers("sample of the frame"),
    }
}

/// Returns a clip as a page plays it; `path` is used in messages only.
///
/// # Errors
/// [`Error::Infer`] if a sample is not finite or the clip is too long.
pub fn sound(path: &Path, clip: Clip) -> Result<Sound, Error> {
    let wav = stapes_audio::wav_bytes(path, &clip).map_err(InferError::from)?;
    Ok(Sound { wav, sample_rate_hz: clip.sample_rate_hz, samples: clip.samples })
}

/// Computes a mel spectrogram at the sample rate of the clip, with the preset `log-mel`.
///
/// # Errors
/// [`Error::Infer`] if the clip is too short or a sample is not finite.
pub fn spectrogram(clip: &Clip) -> Result<FrameView, Error> {
    let rate = f64::from(clip.sample_rate_hz);
    let (window, hop) = ((0.025 * rate).round() as usize, (0.01 * rate).round() as usize);
    let log_mel = preset("log-mel")?;
    let front_end = match log_mel.front_end {
        FrontEndConfig::LibrosaMelDb(config) => FrontEndConfig::LibrosaMelDb(LibrosaMelDbConfig {
            // The narrow low bands need a fine frequency resolution.
            n_fft: 2 * window.next_power_of_two(),
            win_length: Some(window),
            hop_length: hop,
            n_mels: 80,
            ..config
        }),
        other => other,
    };
    let config = FeatureConfig { sample_rate_hz: clip.sample_rate_hz, front_end, ..log_mel };
    let mut extractor = ClipExtractor::new(&config)?;
    let frames = extractor.extract(clip)?;
    let caption = "80 mel bands in decibels, windows of 25 ms every 10 ms.";
    Ok(of_recording(extractor.front_end(), &frames, "Mel spectrogram", caption))
}

/// Returns the input of the model, before normalization over the training data.
///
/// # Errors
/// [`Error::Features`] if a setting of the front end is invalid.
pub fn model_input(input: &Input, frames: &Features) -> Result<FrameView, Error> {
    let title = "Model input (features)";
    Ok(match input {
        Input::Recordings(config) if are_samples(config, frames) => FrameView {
            caption: match config.fixed_length_samples {
                Some(length) => format!("Samples, cut or zero-padded to {length}."),
                None => "Samples.".into(),
            },
            width: 1,
            timing: FrameTiming::Seconds { first: 0.0, hop: 1.0 / f64::from(config.sample_rate_hz) },
            ..of_recording(&config.init()?, frames, title, "")
        },
        Input::Recordings(config) => {
            let rate = config.frames_per_second();
            let (state, quantity) = normalized(config.normalization);
            let view =
                of_recording(&config.init()?, frames, title, &format!("{rate} frames per second{state}."));
            FrameView { quantity: quantity.map_or(view.quantity, str::to_owned), ..view }
        }
        Input::Frames(config) => FrameView {
            title: title.into(),
            caption: format!("Frames of the data set{}.", normalized(config.normalization).0),
            values: frames.values().to_vec(),
            width: frames.width(),
            timing: FrameTiming::Numbers { step: 1.0 },
            axis: FrameAxis::Numbers("value of the frame"),
            quantity: normalized(config.normalization).1.unwrap_or("value").into(),
        },
    })
}

/// Returns what the frames of a front end are with this normalization, and their quantity if it is not that of the front end. The
/// statistics over the training data are applied later, by the model.
fn normalized(normalization: Normalization) -> (&'static str, Option<&'static str>) {
    let deviations = Some("standard deviations");
    match normalization {
        Normalization::PerCoefficient => (", before normalization", None),
        Normalization::PerUtterance | Normalization::Cmvn => (", normalized over the recording", deviations),
        Normalization::PerUtteranceMean | Normalization::CmvnMean => {
            (", without the mean of the recording", None)
        }
        _ => ("", None),
    }
}

/// Returns `true` if the concatenated frames are the samples of the recording.
fn are_samples(config: &FeatureConfig, frames: &Features) -> bool {
    match &config.front_end {
        FrontEndConfig::Waveform(waveform) => {
            let disjoint = frames.frames() == 1 || waveform.hop_length == waveform.frame_length;
            disjoint && frames.width() == waveform.frame_length
        }
        _ => false,
    }
}

fn of_recording(front_end: &FrontEnd, frames: &Features, title: &str, caption: &str) -> FrameView {
    let view = frame_view(front_end, frames.values().to_vec(), frames.width(), title);
    FrameView { caption: caption.into(), ..view }
}

/// Probabilities and attention weights of a model.
pub struct Attention {
    /// Probability of each class, \[K\].
    pub probabilities: Vec<f32>,
    /// Weights with the sum 1, one per frame, or one per step if the layers before combine several frames.
    pub weights: Vec<f32>,
}

/// Classifies frames and returns the attention weights; `None` for a model without attention.
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
    fn one_frame_of_all_samples_becomes_a_waveform() {
        let waveform = WaveformConfig { frame_length: 600, hop_length: 600 };
        let config = FeatureConfig {
            sample_rate_hz: 8000,
            front_end: FrontEndConfig::Waveform(waveform),
            fixed_length_samples: Some(600),
            ..FeatureConfig::default()
        };
        let frames = Features::new(600, (0..600).map(|n| n as f32).collect());
        let shown = model_input(&Input::Recordings(config.clone()), &frames).unwrap();
        assert_eq!((shown.width, shown.values.len(), &*shown.quantity), (1, 600, config.quantity()));
        assert_eq!(shown.timing, FrameTiming::Seconds { first: 0.0, hop: 1.0 / 8000.0 });
        assert_eq!(shown.caption, "Samples, cut or zero-padded to 600.");
    }

    #[test]
    fn frames_are_at_the_centers_of_their_windows() {
        let config = preset("kaldi-mfcc-39").unwrap();
        let shown = model_input(&Input::Recordings(config), &Features::new(39, vec![0.0; 78])).unwrap();
        let FrameTiming::Seconds { first, hop } = shown.timing else { panic!("{:?}", shown.timing) };
        assert!((first - 0.0125).abs() < 1e-9 && (hop - 0.01).abs() < 1e-9, "{first} {hop}");
        assert_eq!(shown.caption, "100 frames per second.");
    }

    #[test]
    fn frames_normalized_over_the_recording_are_not_in_decibels() {
        let shown = |normalization| {
            let config = FeatureConfig { normalization, ..preset("log-mel").unwrap() };
            let shown = model_input(&Input::Recordings(config), &Features::new(40, vec![0.0; 80])).unwrap();
            (shown.caption, shown.quantity)
        };
        let text = |caption: &str, quantity: &str| (caption.to_owned(), quantity.to_owned());
        assert_eq!(
            shown(Normalization::PerUtterance),
            text("100 frames per second, normalized over the recording.", "standard deviations")
        );
        assert_eq!(
            shown(Normalization::PerCoefficient),
            text("100 frames per second, before normalization.", "level (dB)")
        );
    }
}

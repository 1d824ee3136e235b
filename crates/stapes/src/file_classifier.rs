//! Classification of sound files, long ones in pieces.

use std::path::Path;

use stapes_audio::{Channel, Clip, Recording, StreamResampler};
use stapes_features::Segment;
use stapes_infer::{Classifier, InferError, Input, Model, SpeechOptions, SpeechStream, StreamClassifier};

use crate::error::Error;

/// Recordings of at most this many samples are read whole, a minute at 16 kHz: a model runs faster on all frames at once.
const WHOLE: usize = 1 << 20;

/// Number of samples whose features are in memory at a time.
const PIECE: usize = 4096;

/// Maximum number of samples of a recording that must be read whole: an hour at 16 kHz, half a gibibyte with its features.
const MAX_WHOLE: usize = 1 << 26;

/// Classifier of sound files.
///
/// A long recording is classified while it is read if the model can run on a stream; of a recording for a model of clips of
/// fixed length only that length is read. The probabilities are those of [`Classifier::classify`], bit for bit.
pub struct FileClassifier<'a> {
    model: &'a Model,
    classifier: Classifier<'a>,
    channel: Channel,
    whole: usize,
    max_whole: usize,
}

/// Result for a sound file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FileProbabilities {
    /// Probability of each label: \[K\], or [T, K] for a frame-level model.
    pub probabilities: Vec<f32>,
    /// Duration of the part that was read, s.
    pub seconds: f64,
    /// True if the recording is longer than the fixed length of the model's clips, and the rest was not read.
    pub is_cut: bool,
}

/// Result for a window of a recording.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WindowProbabilities {
    /// Start of the window, s.
    pub start_seconds: f64,
    /// End of the window, s.
    pub end_seconds: f64,
    /// Probability of each label, \[K\].
    pub probabilities: Vec<f32>,
}

/// Speech of a sound file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FileSpeech {
    /// Segments with speech in the order of time; their class is 1.
    pub segments: Vec<Segment>,
    /// Speech probability of each frame, \[T\].
    pub probabilities: Vec<f32>,
    /// Duration of the recording, s.
    pub seconds: f64,
}

impl FileProbabilities {
    /// Returns the result for frames, whose duration is unknown.
    pub fn of_frames(probabilities: Vec<f32>) -> FileProbabilities {
        FileProbabilities { probabilities, seconds: 0.0, is_cut: false }
    }
}

impl<'a> FileClassifier<'a> {
    /// Creates a classifier.
    ///
    /// # Errors
    /// Those of [`Classifier::new`].
    pub fn new(model: &'a Model) -> Result<FileClassifier<'a>, Error> {
        let classifier = Classifier::new(model)?;
        Ok(FileClassifier { model, classifier, channel: Channel::Mean, whole: WHOLE, max_whole: MAX_WHOLE })
    }

    /// Reads this channel of the files; the default is the mean of all.
    pub fn with_channel(self, channel: Channel) -> FileClassifier<'a> {
        FileClassifier { channel, ..self }
    }

    /// Classifies a sound file of any format and sample rate.
    ///
    /// # Errors
    /// [`Error::Infer`] if the file cannot be read or classified; [`Error::TooLong`] if the model needs the whole recording
    /// at once and it has too many samples.
    pub fn classify(&mut self, path: &Path) -> Result<FileProbabilities, Error> {
        let mut recording = Recording::open_channel(path, self.channel).map_err(InferError::from)?;
        let rate_hz = recording.sample_rate_hz();
        let (model_rate_hz, fixed) = match &self.model.input {
            Input::Recordings(config) => (config.sample_rate_hz, config.fixed_length_samples),
            Input::Frames(_) => (rate_hz, None),
        };
        let cut = fixed.filter(|_| model_rate_hz == rate_hz);
        let mut samples = Vec::new();
        let mut stream = None;
        // Why the recording is read whole.
        let mut reason = String::new();
        while let Some(block) = recording.next_block().map_err(InferError::from)? {
            samples.extend_from_slice(block);
            if cut.is_some_and(|length| samples.len() > length) {
                samples.truncate(cut.unwrap_or_default());
                return self.classify_whole(samples, rate_hz, true);
            }
            if cut.is_none() && samples.len() > self.whole && reason.is_empty() {
                match StreamClassifier::new(self.model) {
                    Ok(started) => {
                        stream = Some(started);
                        break;
                    }
                    Err(error) => reason = error.to_string(),
                }
            }
            if samples.len() > self.max_whole {
                let (path, max_samples) = (path.to_owned(), self.max_whole);
                return Err(Error::TooLong { path, reason, max_samples });
            }
        }
        match stream {
            Some(stream) => {
                let resampler = StreamResampler::new(rate_hz, model_rate_hz).map_err(InferError::from)?;
                self.classify_stream(stream, resampler, samples, recording)
            }
            None => {
                // The fixed length is cut after resampling here.
                let used = fixed.map_or(f64::INFINITY, |length| length as f64 / f64::from(model_rate_hz));
                let is_cut = samples.len() as f64 / f64::from(rate_hz) > used;
                let found = self.classify_whole(samples, rate_hz, is_cut)?;
                Ok(FileProbabilities { seconds: found.seconds.min(used), ..found })
            }
        }
    }

    /// Returns the speech of a sound file, with a frame-level model whose first class is the background.
    ///
    /// # Errors
    /// [`Error::Infer`] if the model is not frame-level; otherwise those of [`FileClassifier::classify`].
    pub fn speech(&mut self, path: &Path, options: &SpeechOptions) -> Result<FileSpeech, Error> {
        let stream = SpeechStream::new(self.model, options)?;
        let FileProbabilities { probabilities, seconds, .. } = self.classify(path)?;
        let segments = stream.segments(&probabilities, seconds).into_iter();
        let segment =
            |[start_seconds, end_seconds]: [f64; 2]| Segment { start_seconds, end_seconds, class: 1 };
        let rows = probabilities.chunks_exact(self.model.labels.len());
        Ok(FileSpeech {
            segments: segments.map(segment).collect(),
            probabilities: rows.map(SpeechStream::probability).collect(),
            seconds,
        })
    }

    /// Classifies windows of a sound file, each as a recording of its own. The last window ends with the recording; a
    /// recording that is shorter than a window is one window.
    ///
    /// # Units
    /// `seconds` and `hop_seconds` in s, at least one sample.
    ///
    /// # Errors
    /// [`Error::Infer`] if the file cannot be read or classified.
    pub fn classify_windows(
        &mut self,
        path: &Path,
        seconds: f64,
        hop_seconds: f64,
    ) -> Result<Vec<WindowProbabilities>, Error> {
        let mut recording = Recording::open_channel(path, self.channel).map_err(InferError::from)?;
        let sample_rate_hz = recording.sample_rate_hz();
        let samples = |seconds: f64| ((seconds * f64::from(sample_rate_hz)).round() as usize).max(1);
        let (length, hop) = (samples(seconds), samples(hop_seconds));
        let mut windows = Vec::new();
        // The samples from `start` on.
        let (mut buffer, mut start) = (Vec::new(), 0);
        let mut classify = |samples: &[f32], start: usize| {
            let clip = Clip { samples: samples.to_vec(), sample_rate_hz };
            let time = |sample: usize| sample as f64 / f64::from(sample_rate_hz);
            windows.push(WindowProbabilities {
                start_seconds: time(start),
                end_seconds: time(start + samples.len()),
                probabilities: self.classifier.classify(&clip)?,
            });
            Ok::<(), Error>(())
        };
        // End of the last window, and the sample where the next one starts.
        let (mut end, mut next) = (0, 0);
        while let Some(block) = recording.next_block().map_err(InferError::from)? {
            buffer.extend_from_slice(block);
            while start + buffer.len() >= next + length {
                classify(&buffer[next - start..next - start + length], next)?;
                (end, next) = (next + length, next + hop);
                // One window before the end of what was read remains, for the last window.
                let keep = (start + buffer.len()).saturating_sub(length).min(next);
                buffer.drain(..keep - start);
                start = keep;
            }
        }
        let total = start + buffer.len();
        if total > end {
            let first = total.saturating_sub(length).max(start);
            classify(&buffer[first - start..], first)?;
        }
        Ok(windows)
    }

    fn classify_whole(
        &mut self,
        samples: Vec<f32>,
        sample_rate_hz: u32,
        is_cut: bool,
    ) -> Result<FileProbabilities, Error> {
        let clip = Clip { samples, sample_rate_hz };
        Ok(FileProbabilities {
            probabilities: self.classifier.classify(&clip)?,
            seconds: clip.seconds(),
            is_cut,
        })
    }

    /// Classifies the first samples and the rest of the recording block by block.
    fn classify_stream(
        &self,
        mut stream: StreamClassifier<'_>,
        mut resampler: StreamResampler,
        first: Vec<f32>,
        mut recording: Recording,
    ) -> Result<FileProbabilities, Error> {
        let frame_level = self.model.network()?.objective().is_frame_level();
        let mut probabilities = Vec::new();
        let mut report = |step: &[f32]| {
            if !frame_level {
                probabilities.clear();
            }
            probabilities.extend_from_slice(step);
        };
        let mut length = first.len();
        let mut resampled = Vec::new();
        for piece in first.chunks(PIECE) {
            resampled.clear();
            resampler.push(piece, &mut resampled).map_err(InferError::from)?;
            stream.push(&resampled, &mut report)?;
        }
        drop(first);
        while let Some(block) = recording.next_block().map_err(InferError::from)? {
            length += block.len();
            resampled.clear();
            resampler.push(block, &mut resampled).map_err(InferError::from)?;
            stream.push(&resampled, &mut report)?;
        }
        resampled.clear();
        resampler.finish(&mut resampled).map_err(InferError::from)?;
        stream.push(&resampled, &mut report)?;
        stream.finish(&mut report)?;
        let seconds = length as f64 / f64::from(recording.sample_rate_hz());
        Ok(FileProbabilities { probabilities, seconds, is_cut: false })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use stapes_features::FeatureConfig;

    use super::*;

    /// Model with random weights.
    fn model(recurrent: &str, change: impl Fn(&mut FeatureConfig)) -> Model {
        let mut features = stapes_features::preset("kaldi-mfcc-39").unwrap();
        change(&mut features);
        let text = format!("[recurrent]\ncell = 'gru'\nhidden_size = 4\n{recurrent}");
        Model::untrained(features, toml::from_str(&text).unwrap(), vec!["no".into(), "yes".into()], 1)
            .unwrap()
    }

    fn recording(folder: &Path, samples: usize, sample_rate_hz: u32) -> PathBuf {
        let path = folder.join(format!("{samples}-{sample_rate_hz}.wav"));
        let sample = |n: usize| f32::from((n * n % 30_011) as i16 - 15_000) / 32768.0;
        let clip = Clip { samples: (0..samples).map(sample).collect(), sample_rate_hz };
        stapes_audio::write_wav(&path, &clip).unwrap();
        path
    }

    #[test]
    fn a_recording_in_pieces_gives_the_bits_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        for rate_hz in [16_000, 8000, 44_100] {
            let path = recording(folder.path(), 50_000, rate_hz);
            let clip = stapes_audio::read(&path).unwrap();
            for head in ["per_frame_binary", "last", "mean", "max"] {
                let model = model(&format!("head = '{head}'"), |_| {});
                let expected = Classifier::new(&model).unwrap().classify(&clip).unwrap();
                for whole in [0, 1000, 49_999, WHOLE] {
                    let mut classifier = FileClassifier { whole, ..FileClassifier::new(&model).unwrap() };
                    let found = classifier.classify(&path).unwrap();
                    assert_eq!(found.probabilities, expected, "{head} {whole} {rate_hz} Hz");
                    assert_eq!((found.seconds, found.is_cut), (clip.seconds(), false));
                }
            }
        }
    }

    #[test]
    fn of_a_fixed_length_only_this_length_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let model = model("", |features| features.fixed_length_samples = Some(16_000));
        for (samples, is_cut) in [(8000, false), (16_000, false), (16_001, true), (50_000, true)] {
            let path = recording(folder.path(), samples, 16_000);
            let clip = stapes_audio::read(&path).unwrap();
            let expected = Classifier::new(&model).unwrap().classify(&clip).unwrap();
            let found = FileClassifier::new(&model).unwrap().classify(&path).unwrap();
            assert_eq!((found.probabilities, found.is_cut), (expected, is_cut), "{samples}");
            assert_eq!(found.seconds, samples.min(16_000) as f64 / 16_000.0);
        }
    }

    #[test]
    fn a_fixed_length_at_another_rate_is_cut_after_resampling() {
        let folder = tempfile::tempdir().unwrap();
        let model = model("", |features| features.fixed_length_samples = Some(16_000));
        let path = recording(folder.path(), 12_000, 8000);
        let clip = stapes_audio::read(&path).unwrap();
        let expected = Classifier::new(&model).unwrap().classify(&clip).unwrap();
        let found = FileClassifier::new(&model).unwrap().classify(&path).unwrap();
        assert_eq!(found, FileProbabilities { probabilities: expected, seconds: 1.0, is_cut: true });
    }

    #[test]
    fn a_recording_that_must_be_read_whole_has_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let model = model("bidirectional = true", |_| {});
        let path = recording(folder.path(), 20_000, 16_000);
        let new = || FileClassifier { whole: 1000, ..FileClassifier::new(&model).unwrap() };
        assert!(new().classify(&path).is_ok());
        let error = FileClassifier { max_whole: 19_000, ..new() }.classify(&path).unwrap_err().to_string();
        assert!(error.contains("19000 samples") && error.contains("stream"), "{error}");
    }

    #[test]
    fn windows_are_classified_as_recordings_and_cover_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let model = model("bidirectional = true", |_| {});
        let mut classifier = FileClassifier::new(&model).unwrap();
        for (samples, hop, starts) in [
            (50_000, 8000, &[0, 8000, 16_000, 24_000, 32_000, 34_000][..]),
            (48_000, 16_000, &[0, 16_000, 32_000]),
            (48_000, 40_000, &[0, 32_000]),
            (16_000, 8000, &[0]),
            (9000, 8000, &[0]),
        ] {
            let path = recording(folder.path(), samples, 16_000);
            let clip = stapes_audio::read(&path).unwrap();
            let found = classifier.classify_windows(&path, 1.0, hop as f64 / 16_000.0).unwrap();
            assert_eq!(found.len(), starts.len(), "{samples} {hop}");
            for (window, &start) in found.iter().zip(starts) {
                let end = samples.min(start + 16_000);
                let piece = Clip { samples: clip.samples[start..end].to_vec(), sample_rate_hz: 16_000 };
                assert_eq!(window.probabilities, Classifier::new(&model).unwrap().classify(&piece).unwrap());
                assert_eq!(window.start_seconds, start as f64 / 16_000.0);
                assert_eq!(window.end_seconds, end as f64 / 16_000.0);
            }
        }
    }

    #[test]
    fn memory_does_not_grow_with_the_length_of_a_recording() {
        let folder = tempfile::tempdir().unwrap();
        let model = model("head = 'per_frame_binary'", |_| {});
        let peak = |samples| {
            let path = recording(folder.path(), samples, 16_000);
            let mut classifier = FileClassifier { whole: 16_000, ..FileClassifier::new(&model).unwrap() };
            let counted = allocation_counter::measure(|| {
                let found = classifier.classify(&path).unwrap();
                assert_eq!(found.probabilities.len(), 2 * ((samples - 400) / 160 + 1));
            });
            counted.bytes_max
        };
        let (short, long) = (peak(320_000), peak(1_600_000));
        // The samples of the long recording take 6.4 MB, and its probabilities 80 kB.
        assert!(long < short + 300_000, "{short} and {long} bytes");
    }
}

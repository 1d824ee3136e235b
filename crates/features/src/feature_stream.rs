//! A configured front end over samples that arrive piece by piece.

use crate::config::{FeatureConfig, FrontEndConfig, Scale};
use crate::kaldi::KaldiStream;
use crate::librosa::{LibrosaMelDb, LibrosaMfcc};
use crate::normalise::{Normalisation, Standardiser};
use crate::psf::PsfStream;
use crate::steps::Steps;
use crate::stream::{all_finite, needs_whole_clip};
use crate::torchaudio::{TorchaudioMelDb, TorchaudioMfcc};
use crate::waveform::Waveform;
use crate::{FeatureError, Stream, Uncentred};

/// How many samples are scaled at a time.
const BLOCK: usize = 1024;

/// Turns samples into a model's input while they arrive; made by [`FeatureConfig::stream`].
///
/// Scale, fixed length, front end, deltas, stacking and normalisation give the frames of
/// [`FrontEnd`](crate::FrontEnd) (and its [`Standardiser`]) for the whole clip, bit for bit, however the clip is
/// cut into pieces.
#[derive(Clone, Debug)]
pub struct FeatureStream {
    toolkit: ToolkitStream,
    scale: Scale,
    fixed_length: Option<usize>,
    steps: Steps,
    standardiser: Option<Standardiser>,
    every: usize,
    /// How many samples of the clip there have been.
    received: usize,
    samples: Vec<f32>,
    base: Vec<f32>,
}

/// The stream of each toolkit.
#[derive(Clone, Debug)]
enum ToolkitStream {
    LibrosaMfcc(Uncentred<LibrosaMfcc<f32>, f32>),
    LibrosaMelDb(Uncentred<LibrosaMelDb<f32>, f32>),
    Psf(PsfStream<f32>),
    Kaldi(KaldiStream),
    TorchaudioMfcc(Uncentred<TorchaudioMfcc, f32>),
    TorchaudioMelDb(Uncentred<TorchaudioMelDb, f32>),
    Waveform(Uncentred<Waveform, f32>),
}

impl ToolkitStream {
    fn new(config: &FrontEndConfig, rate_hz: u32) -> Result<ToolkitStream, FeatureError> {
        Ok(match config {
            FrontEndConfig::LibrosaMfcc(config) => ToolkitStream::LibrosaMfcc(config.stream(rate_hz)?),
            FrontEndConfig::LibrosaMelDb(config) => ToolkitStream::LibrosaMelDb(config.stream(rate_hz)?),
            FrontEndConfig::PsfMfcc(config) => ToolkitStream::Psf(config.stream(rate_hz)?),
            FrontEndConfig::PsfLogFbank(config) => ToolkitStream::Psf(config.stream(rate_hz)?),
            FrontEndConfig::PsfFbank(config) => ToolkitStream::Psf(config.stream(rate_hz)?),
            FrontEndConfig::KaldiMfcc(config) => ToolkitStream::Kaldi(config.stream(rate_hz)?),
            FrontEndConfig::KaldiFbank(config) => ToolkitStream::Kaldi(config.stream(rate_hz)?),
            FrontEndConfig::TorchaudioMfcc(config) => ToolkitStream::TorchaudioMfcc(config.stream(rate_hz)?),
            FrontEndConfig::TorchaudioMelDb(config) => {
                ToolkitStream::TorchaudioMelDb(config.stream(rate_hz)?)
            }
            FrontEndConfig::Waveform(config) => ToolkitStream::Waveform(config.stream()?),
        })
    }

    fn stream(&self) -> &dyn Stream<f32> {
        match self {
            ToolkitStream::LibrosaMfcc(stream) => stream,
            ToolkitStream::LibrosaMelDb(stream) => stream,
            ToolkitStream::Psf(stream) => stream,
            ToolkitStream::Kaldi(stream) => stream,
            ToolkitStream::TorchaudioMfcc(stream) => stream,
            ToolkitStream::TorchaudioMelDb(stream) => stream,
            ToolkitStream::Waveform(stream) => stream,
        }
    }

    fn stream_mut(&mut self) -> &mut dyn Stream<f32> {
        match self {
            ToolkitStream::LibrosaMfcc(stream) => stream,
            ToolkitStream::LibrosaMelDb(stream) => stream,
            ToolkitStream::Psf(stream) => stream,
            ToolkitStream::Kaldi(stream) => stream,
            ToolkitStream::TorchaudioMfcc(stream) => stream,
            ToolkitStream::TorchaudioMelDb(stream) => stream,
            ToolkitStream::Waveform(stream) => stream,
        }
    }
}

impl FeatureConfig {
    /// The front end of these settings for samples that arrive piece by piece.
    ///
    /// `standardiser` is what normalisation per coefficient was fitted to; without one the frames are those that
    /// it is fitted to.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`FeatureConfig::check`]; [`FeatureError::NeedsWholeClip`] where a setting
    /// looks at the end of the clip, naming what can be streamed instead; [`FeatureError::Width`] if
    /// the standardiser is of another width.
    ///
    /// # Example
    /// ```
    /// use stapes_features::{DeltasConfig, FeatureConfig, FrontEndConfig, LibrosaMfccConfig, Stream};
    ///
    /// let mfcc = LibrosaMfccConfig { center: false, top_db: None, ..Default::default() };
    /// let config = FeatureConfig {
    ///     front_end: FrontEndConfig::LibrosaMfcc(mfcc),
    ///     deltas: Some(DeltasConfig::default()),
    ///     ..Default::default()
    /// };
    /// let samples: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.3).sin()).collect();
    /// let (mut stream, mut frames) = (config.stream(None)?, Vec::new());
    /// for chunk in samples.chunks(160) {
    ///     stream.push(chunk, &mut frames)?;
    /// }
    /// stream.finish(&mut frames)?;
    /// assert_eq!(frames, config.init()?.extract(&samples)?.values());
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn stream(&self, standardiser: Option<&Standardiser>) -> Result<FeatureStream, FeatureError> {
        self.check()?;
        let within = |error: FeatureError| error.within("features");
        let name = self.front_end.name();
        let toolkit = ToolkitStream::new(&self.front_end, self.sample_rate_hz)
            .map_err(|error| within(error.within(name).within("front_end")))?;
        if let Some(deltas) = &self.deltas {
            deltas.check_stream().map_err(|error| within(error.within("deltas")))?;
        }
        self.normalisation.check_stream().map_err(within)?;
        let steps = Steps::new(self, toolkit.stream().width())?;
        if let Some(standardiser) = standardiser {
            standardiser.check_width(steps.width())?;
        }
        let per_coefficient = self.normalisation == Normalisation::PerCoefficient;
        Ok(FeatureStream {
            toolkit,
            scale: self.scale,
            fixed_length: self.fixed_length_samples,
            steps,
            standardiser: standardiser.filter(|_| per_coefficient).cloned(),
            every: self.stacking.every,
            received: 0,
            samples: Vec::with_capacity(BLOCK),
            base: Vec::new(),
        })
    }
}

impl Normalisation {
    /// Checks that nothing waits for the end of the clip.
    fn check_stream(self) -> Result<(), FeatureError> {
        if matches!(self, Normalisation::None | Normalisation::PerCoefficient) {
            return Ok(());
        }
        let instead = "use \"per-coefficient\", whose means come from the training clips";
        Err(needs_whole_clip("normalisation", self.name(), instead))
    }
}

impl FeatureStream {
    /// Takes in samples that are kept, and appends the frames that are complete.
    fn take(&mut self, samples: &[f32], frames: &mut Vec<f32>) -> Result<(), FeatureError> {
        for block in samples.chunks(BLOCK) {
            self.samples.clear();
            self.scale.append(block, &mut self.samples);
            self.base.clear();
            self.toolkit.stream_mut().push(&self.samples, &mut self.base)?;
            self.received += block.len();
            self.pass(frames);
        }
        Ok(())
    }

    /// Brings frames of the toolkit through the further steps.
    fn pass(&mut self, frames: &mut Vec<f32>) {
        if self.steps.is_none() {
            frames.extend_from_slice(&self.base);
        } else {
            self.steps.push(&self.base, frames);
        }
    }

    /// Ends the clip: zeros up to its fixed length, then what waited.
    fn end(&mut self, frames: &mut Vec<f32>) -> Result<(), FeatureError> {
        let missing = self.fixed_length.map_or(0, |length| length - self.received);
        for at in (0..missing).step_by(BLOCK) {
            self.take(&[0.0; BLOCK][..BLOCK.min(missing - at)], frames)?;
        }
        let samples = self.received;
        if self.toolkit.stream().frames_for(samples) == 0 {
            let needed = (samples + 1..).find(|&more| self.toolkit.stream().frames_for(more) > 0);
            return Err(FeatureError::TooShort { samples, needed: needed.unwrap_or(usize::MAX) });
        }
        self.base.clear();
        self.toolkit.stream_mut().finish(&mut self.base)?;
        self.pass(frames);
        self.steps.finish(frames)
    }

    /// Normalises the frames from a value on; their number.
    fn normalise(&self, frames: &mut [f32]) -> usize {
        if let Some(standardiser) = &self.standardiser {
            standardiser.apply_to(frames);
        }
        frames.len() / self.steps.width()
    }
}

impl Stream<f32> for FeatureStream {
    fn width(&self) -> usize {
        self.steps.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        let samples = self.fixed_length.unwrap_or(samples);
        self.toolkit.stream().frames_for(samples).div_ceil(self.every)
    }

    fn push(&mut self, samples: &[f32], frames: &mut Vec<f32>) -> Result<usize, FeatureError> {
        let room = self.fixed_length.map_or(samples.len(), |length| length - self.received);
        let samples = &samples[..room.min(samples.len())];
        all_finite(samples, self.received)?;
        let before = frames.len();
        self.take(samples, frames)?;
        Ok(self.normalise(&mut frames[before..]))
    }

    fn finish(&mut self, frames: &mut Vec<f32>) -> Result<usize, FeatureError> {
        let before = frames.len();
        let ended = self.end(frames);
        self.reset();
        ended?;
        Ok(self.normalise(&mut frames[before..]))
    }

    fn reset(&mut self) {
        self.received = 0;
        self.toolkit.stream_mut().reset();
        self.steps.reset();
    }
}

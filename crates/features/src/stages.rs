//! Description of a front end for other programs: its stages, with their tables.
//!
//! Exporters read it; the front end itself runs without it.

use crate::cepstra::Cepstra;
use crate::config::Scale;
use crate::decibel::Decibels;
use crate::mel::MelBank;
use crate::sample::Exponent;
use crate::{DeltaMode, FeatureConfig, FeatureError, Normalization, Reference, StackingConfig};

/// Stages from samples in [-1, 1] to the values of a model, in the order in which they run.
#[derive(Clone, Debug, PartialEq)]
pub struct Stages {
    /// Sample rate.
    pub sample_rate_hz: u32,
    /// Factor of the samples: 1 or 32768.
    pub scale: f32,
    /// Length to which clips are cut or padded with zeros.
    pub fixed_length_samples: Option<usize>,
    /// Coefficient a of the filter x\[n\] - a x\[n - 1\] over the whole clip, with x\[-1\] = 0.
    pub preemphasis: f64,
    /// Frames of the clip.
    pub framing: FramingStage,
    /// Computation of each frame; if `None`, its samples are the values.
    pub spectrum: Option<SpectrumStage>,
    /// Processing of the frames of a clip.
    pub frames: Vec<FrameStage>,
}

/// Frames of equal length and hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramingStage {
    /// Number of samples of a frame.
    pub length: usize,
    /// Hop between frames, samples.
    pub hop: usize,
    /// Frames at the ends of a clip.
    pub edges: Edges,
}

/// Frames at the ends of a clip of L samples; frame t begins at sample t hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edges {
    /// Whole frames only, after padding at both ends: `zeros` zeros, then `reflected` samples without the edge sample.
    Padded {
        /// Number of zeros at each end.
        zeros: usize,
        /// Number of reflected samples at each end, after the zeros.
        reflected: usize,
    },
    /// Zeros complete the last frame.
    Completed,
    /// (L + hop / 2) / hop frames; frame t begins hop / 2 - length / 2 samples later, and the clip is mirrored about its ends with
    /// its edge samples.
    Mirrored,
}

/// From the samples of a frame to band energies, their logarithms or cepstra.
#[derive(Clone, Debug, PartialEq)]
pub struct SpectrumStage {
    /// Subtracts the mean of the frame first.
    pub remove_mean: bool,
    /// Coefficient a of the filter x\[n\] - a x\[n - 1\] within the frame, with x\[-1\] = x\[0\].
    pub preemphasis: f64,
    /// Weights of the samples from `offset` on; the others are not used.
    pub window: Vec<f64>,
    /// Sample of the frame at which the window begins.
    pub offset: usize,
    /// Length of the Fourier transform; zeros follow the samples.
    pub points: usize,
    /// Exponent of the magnitude |X|.
    pub exponent: f64,
    /// Weights of each band, \[M\]\[points / 2 + 1\].
    pub bands: Vec<Vec<f64>>,
    /// Logarithm of the energies of the bands.
    pub logarithm: Logarithm,
    /// Cosine transform with its lifter, \[C\]\[M\].
    pub cepstra: Option<Vec<Vec<f64>>>,
    /// Log energy of the frame.
    pub energy: Option<FrameEnergy>,
    /// Moves the first value to the end.
    pub first_value_last: bool,
}

/// Logarithm of energies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Logarithm {
    /// None; an energy of exactly 0 becomes `zero`.
    None {
        /// Replacement of 0.
        zero: f64,
    },
    /// ln(x), with `zero` in place of an energy of exactly 0.
    NaturalOfNonzero {
        /// Replacement of 0.
        zero: f64,
    },
    /// ln(max(x, floor)).
    NaturalFloored {
        /// Floor.
        floor: f64,
    },
    /// ln(x + offset).
    NaturalOffset {
        /// Offset.
        offset: f64,
    },
    /// 10 log10(max(x, min_power)) - 10 log10(max(ref, min_power)), at least the clip's maximum minus `top_db`.
    Decibels {
        /// Power of 0 dB.
        reference: Reference,
        /// Floor of the power.
        min_power: f64,
        /// Range below the maximum of the clip.
        top_db: Option<f64>,
    },
}

/// Log energy of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameEnergy {
    /// Source.
    pub source: EnergySource,
    /// Floor of the energy; an energy of exactly 0 becomes this value if `only_zero`.
    pub floor: f64,
    /// Applies the floor to an energy of exactly 0 only.
    pub only_zero: bool,
    /// Minimum of the logarithm.
    pub min_logarithm: f64,
    /// True if it replaces the first value; otherwise it is put before the values.
    pub replaces_first: bool,
}

/// Source of the energy of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnergySource {
    /// Sum of the squared samples, after their mean is subtracted.
    Samples,
    /// Sum of the squared samples, filtered and windowed.
    Windowed,
    /// Sum of |X|^2 over the bins, divided by the length of the transform.
    Spectrum,
}

/// Processing of the frames of a clip, \[T, F\].
#[derive(Clone, Debug, PartialEq)]
pub enum FrameStage {
    /// Deltas, appended as further columns.
    Deltas(DeltaStage),
    /// Normalization over the clip. Normalization per coefficient belongs to the model.
    Normalization(Normalization),
    /// Stacking and subsampling.
    Stacking(StackingConfig),
}

/// Delta filters along time.
#[derive(Clone, Debug, PartialEq)]
pub struct DeltaStage {
    /// Filters, in the order of their columns.
    pub filters: Vec<DeltaFilter>,
    /// Extension beyond the ends.
    pub edges: DeltaMode,
}

/// One delta filter.
#[derive(Clone, Debug, PartialEq)]
pub struct DeltaFilter {
    /// Input: 0 for the features, n for the output of filter n - 1.
    pub source: usize,
    /// Weights in time order, of odd number; the middle one is that of frame t.
    pub weights: Vec<f64>,
}

/// Stages of a toolkit's front end.
#[derive(Clone, Debug)]
pub(crate) struct ToolkitStages {
    pub preemphasis: f64,
    pub framing: FramingStage,
    pub spectrum: Option<SpectrumStage>,
    pub frames: Vec<FrameStage>,
}

impl ToolkitStages {
    /// Returns the stages of frames that no other frame changes.
    pub(crate) fn of_frames(framing: FramingStage, spectrum: Option<SpectrumStage>) -> ToolkitStages {
        ToolkitStages { preemphasis: 0.0, framing, spectrum, frames: Vec::new() }
    }
}

impl FeatureConfig {
    /// Returns the stages with their tables; `None` for a front end that has no description.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`FeatureConfig::check`].
    ///
    /// # Example
    /// ```
    /// use stapes_features::{FeatureConfig, preset};
    ///
    /// let stages = preset("kaldi-mfcc-39")?.stages()?.unwrap();
    /// let spectrum = stages.spectrum.unwrap();
    /// assert_eq!((stages.framing.length, spectrum.points, spectrum.bands.len()), (400, 512, 23));
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn stages(&self) -> Result<Option<Stages>, FeatureError> {
        self.check()?;
        let toolkit = self.front_end.kind().stages(self.sample_rate_hz);
        let Some(toolkit) = toolkit.map_err(|error| self.front_end_error(error))? else { return Ok(None) };
        let mut frames = toolkit.frames;
        let width = self.init()?.base_width();
        let deltas = self.deltas.as_ref().map_or(Ok(None), |deltas| deltas.init(width))?;
        frames.extend(deltas.map(|deltas| FrameStage::Deltas(deltas.stage())));
        frames.extend((!self.stacking.is_none()).then_some(FrameStage::Stacking(self.stacking)));
        match self.normalization {
            Normalization::None | Normalization::PerCoefficient => {}
            normalization => frames.push(FrameStage::Normalization(normalization)),
        }
        Ok(Some(Stages {
            sample_rate_hz: self.sample_rate_hz,
            scale: match self.scale {
                Scale::Unit => 1.0,
                Scale::Int16 => 32768.0,
            },
            fixed_length_samples: self.fixed_length_samples,
            preemphasis: toolkit.preemphasis,
            framing: toolkit.framing,
            spectrum: toolkit.spectrum,
            frames,
        }))
    }
}

impl SpectrumStage {
    /// Returns the stage of energies of bands, without cepstra and without energy of the frame.
    pub(crate) fn of_bands<S: crate::Sample>(
        (offset, window): (usize, Vec<f64>),
        points: usize,
        exponent: f64,
        bank: &MelBank<S>,
        logarithm: Logarithm,
    ) -> SpectrumStage {
        SpectrumStage {
            remove_mean: false,
            preemphasis: 0.0,
            window,
            offset,
            points,
            exponent,
            bands: bank.rows(points / 2 + 1),
            logarithm,
            cepstra: None,
            energy: None,
            first_value_last: false,
        }
    }

    /// Adds cepstra of the logarithms.
    pub(crate) fn with_cepstra<S: crate::Sample>(self, cepstra: &Cepstra<S>) -> SpectrumStage {
        let matrix = cepstra.matrix(self.bands.len());
        SpectrumStage { cepstra: Some(matrix), ..self }
    }
}

impl From<Decibels> for Logarithm {
    fn from(decibels: Decibels) -> Logarithm {
        let Decibels { reference, min_power, top_db } = decibels;
        Logarithm::Decibels { reference, min_power, top_db }
    }
}

impl Exponent {
    /// Returns the exponent of the magnitude.
    pub(crate) fn value(self) -> f64 {
        match self {
            Exponent::One => 1.0,
            Exponent::Two => 2.0,
            Exponent::Other(exponent) => exponent,
        }
    }
}

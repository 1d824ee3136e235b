//! Deltas beside the features of any front end.

use serde::{Deserialize, Serialize};

use crate::delta::{Delta, DeltaConfig, DeltaMode};
use crate::stream::{DeltaLine, needs_whole_clip};
use crate::{FeatureError, TorchaudioDeltaConfig};

/// Whose deltas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DeltaKind {
    /// [`DeltaConfig`]: a polynomial fitted to 9 frames; one filter for each order.
    #[default]
    Librosa,
    /// python_speech_features.delta: a line fitted to 5 frames, edge frames repeated; order 2 is the delta of the
    /// delta.
    Psf,
    /// Kaldi's add-deltas: a line fitted to 5 frames, edge frames repeated; order 2 is one filter over 9 frames
    /// of the features.
    Kaldi,
    /// [`TorchaudioDeltaConfig`]: as psf's, under its own name.
    Torchaudio,
}

/// Deltas as further columns: of orders 1 to `order`, behind the features.
///
/// Sums are taken in f64; each order's deltas are f32 numbers.
///
/// # Shapes
/// \[T, F\] -> \[T, F (1 + order)\]
///
/// # Example
/// ```
/// use stapes_features::{DeltaKind, DeltasConfig, FeatureConfig};
///
/// let deltas = DeltasConfig { kind: DeltaKind::Kaldi, order: 2, ..Default::default() };
/// let mut front_end = FeatureConfig { deltas: Some(deltas), ..Default::default() }.init()?;
/// assert_eq!(front_end.extract(&[0.25; 16_000])?.width(), 60);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeltasConfig {
    /// Whose deltas.
    pub kind: DeltaKind,
    /// The highest order: 0 (none), 1 or 2.
    pub order: usize,
    /// Length of the filter of order 1, frames, odd; 9 for librosa's and 5 for the others if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// What lies beyond the ends, for librosa's alone; `interp` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<DeltaMode>,
}

impl Default for DeltasConfig {
    fn default() -> DeltasConfig {
        DeltasConfig { kind: DeltaKind::Librosa, order: 1, width: None, mode: None }
    }
}

const HIGHEST_ORDER: usize = 2;

impl DeltasConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest choice.
    pub fn check(&self) -> Result<(), FeatureError> {
        if self.order > HIGHEST_ORDER {
            let rule = format!("must be 0, 1 or 2; use {HIGHEST_ORDER}");
            return Err(FeatureError::setting("order", self.order, rule));
        }
        if let (Some(mode), true) = (self.mode, self.kind != DeltaKind::Librosa) {
            let rule = "belongs to kind = \"librosa\" alone; leave it out: the others repeat the edge frames";
            return Err(FeatureError::setting("mode", format!("{mode:?}").to_lowercase(), rule));
        }
        match self.kind {
            DeltaKind::Torchaudio => TorchaudioDeltaConfig { win_length: self.width() }
                .init()
                .map(drop)
                .map_err(|error| error.renamed("win_length", "width")),
            // An order of 0 leaves the other settings without effect, but not unchecked.
            _ => DeltaConfig { order: self.order.max(1), ..self.fitted() }.check(),
        }
    }

    /// Length of the filter of order 1.
    pub(crate) fn width(&self) -> usize {
        self.width.unwrap_or(if self.kind == DeltaKind::Librosa { 9 } else { 5 })
    }

    /// Of librosa's, what lies beyond the ends; of the others the edge frame does.
    fn edges(&self) -> DeltaMode {
        match self.kind {
            DeltaKind::Librosa => self.mode.unwrap_or_default(),
            _ => DeltaMode::Nearest,
        }
    }

    /// How many frames there must be.
    pub(crate) fn fewest_frames(&self) -> usize {
        if self.order > 0 && self.edges() == DeltaMode::Interp { self.width() } else { 0 }
    }

    fn fitted(&self) -> DeltaConfig {
        DeltaConfig { order: self.order, width: self.width(), mode: self.edges() }
    }

    /// What computes them from `width` values a frame, of settings that have been checked.
    pub(crate) fn init(&self, width: usize) -> Result<Deltas, FeatureError> {
        let (order, reach) = (self.order, (self.width() - 1) / 2);
        let line = match self.kind {
            DeltaKind::Librosa if self.edges() == DeltaMode::Wrap => {
                let filter = |order| DeltaConfig { order, ..self.fitted() }.init();
                return Ok(Deltas::Whole((1..=order).map(filter).collect::<Result<_, _>>()?));
            }
            DeltaKind::Librosa => DeltaLine::fitted(width, order, (reach, self.edges())),
            DeltaKind::Psf | DeltaKind::Torchaudio => DeltaLine::repeated(width, order, reach),
            DeltaKind::Kaldi => DeltaLine::convolved(width, order, reach),
        };
        Ok(Deltas::Line(line))
    }

    /// Checks that nothing waits for the end of the clip.
    pub(crate) fn check_stream(&self) -> Result<(), FeatureError> {
        if self.order == 0 || self.edges() != DeltaMode::Wrap {
            return Ok(());
        }
        Err(needs_whole_clip("mode", "wrap", "use mode = \"nearest\", in training too"))
    }
}

/// Deltas at work.
#[derive(Clone, Debug)]
pub(crate) enum Deltas {
    /// Frame by frame.
    Line(DeltaLine<f32, f64>),
    /// Over the whole clip, whose first frames look at its last ones.
    Whole(Vec<Delta>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_deltas_are_refused_with_the_nearest_choice() {
        let refused = |config: DeltasConfig| config.check().unwrap_err().to_string();
        let with = |kind, width| DeltasConfig { kind, width: Some(width), ..Default::default() };
        assert_eq!(
            refused(DeltasConfig { order: 3, ..Default::default() }),
            "order = 3: must be 0, 1 or 2; use 2"
        );
        for kind in [DeltaKind::Librosa, DeltaKind::Psf, DeltaKind::Kaldi] {
            assert_eq!(refused(with(kind, 4)), "width = 4: must be odd and within 3..=9999; use 5");
        }
        assert_eq!(refused(with(DeltaKind::Torchaudio, 2)), "width = 2: must be within 3..=9999; use 3");
        let mode = DeltasConfig { kind: DeltaKind::Psf, mode: Some(DeltaMode::Wrap), ..Default::default() };
        assert!(refused(mode).starts_with("mode = wrap: belongs to kind = \"librosa\" alone"));
    }
}

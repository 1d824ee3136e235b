//! Settings of delta features (key `deltas`), after any front end: choice of the toolkit and its filter.

use crate::librosa::delta::{Delta, DeltaConfig, DeltaMode};
use crate::serde_scalar::words;
use crate::settings_macro::config;
use crate::stages::{DeltaFilter, DeltaStage};
use crate::stream::{StreamingDelta, needs_whole_clip};
use crate::{FeatureError, TorchaudioDeltaConfig};

/// Toolkit whose deltas are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeltaKind {
    /// [`DeltaConfig`]: a polynomial fitted to 9 frames; one filter per order.
    #[default]
    Librosa,
    /// python_speech_features.delta: a line fitted to 5 frames, edge frames repeated; order 2 is the delta of
    /// order 1.
    Psf,
    /// Kaldi's add-deltas: a line fitted to 5 frames, edge frames repeated; order 2 is one filter over 9
    /// frames of the features.
    Kaldi,
    /// [`TorchaudioDeltaConfig`]: equal to `Psf`.
    Torchaudio,
}

words! {
    DeltaKind {
        Librosa = "librosa",
        Psf = "psf",
        Kaldi = "kaldi",
        Torchaudio = "torchaudio",
    }
}

config! {
    /// Deltas of orders 1 to `order`, appended to the features as columns.
    ///
    /// Sums are f64; the deltas of each order are f32.
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
    #[derive(Eq)]
    pub struct DeltasConfig {
        /// Toolkit of the deltas: librosa, psf, kaldi or torchaudio.
        kind: DeltaKind = DeltaKind::Librosa, "";
        /// Highest order of the deltas after the features: 0 (none), 1 or 2.
        order: usize = 1, "";
        /// Length of the filter of order 1; odd; 9 (librosa) or 5 if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        width: Option<usize> = None, "frames";
        /// Extension beyond the ends, librosa only: interp (if absent), nearest, mirror, constant or wrap.
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<DeltaMode> = None, "";
    }
}

const MAX_ORDER: usize = 2;

impl DeltasConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self) -> Result<(), FeatureError> {
        if self.order > MAX_ORDER {
            let rule = format!("must be 0, 1 or 2; use {MAX_ORDER}");
            return Err(FeatureError::setting("order", self.order, rule));
        }
        if let (Some(mode), true) = (self.mode, self.kind != DeltaKind::Librosa) {
            let rule =
                "is only valid with kind = \"librosa\"; remove it, the other kinds repeat the edge frames";
            return Err(FeatureError::setting("mode", format!("{mode:?}").to_ascii_lowercase(), rule));
        }
        match self.kind {
            DeltaKind::Torchaudio => TorchaudioDeltaConfig { win_length: self.width() }
                .init()
                .map(drop)
                .map_err(|error| error.renamed("win_length", "width")),
            // With order 0 the other settings have no effect, but are checked.
            _ => DeltaConfig { order: self.order.max(1), ..self.librosa() }.check(),
        }
    }

    /// Returns the length of the filter of order 1.
    pub(crate) fn width(&self) -> usize {
        self.width.unwrap_or(if self.kind == DeltaKind::Librosa { 9 } else { 5 })
    }

    /// Returns the extension beyond the ends.
    fn edges(&self) -> DeltaMode {
        match self.kind {
            DeltaKind::Librosa => self.mode.unwrap_or_default(),
            _ => DeltaMode::Nearest,
        }
    }

    /// Returns the minimum number of frames.
    pub(crate) fn min_frames(&self) -> usize {
        if self.order > 0 && self.edges() == DeltaMode::Interp { self.width() } else { 0 }
    }

    fn librosa(&self) -> DeltaConfig {
        DeltaConfig { order: self.order, width: self.width(), mode: self.edges() }
    }

    /// Checks the settings and builds the deltas of `width` values per frame; `None` for order 0.
    pub(crate) fn init(&self, width: usize) -> Result<Option<Deltas>, FeatureError> {
        self.check()?;
        if self.order == 0 {
            return Ok(None);
        }
        let (order, reach) = (self.order, (self.width() - 1) / 2);
        let deltas = match self.kind {
            DeltaKind::Librosa if self.edges() == DeltaMode::Wrap => {
                let filter = |order| DeltaConfig { order, ..self.librosa() }.init();
                return Ok(Some(Deltas::WholeClip((1..=order).map(filter).collect::<Result<_, _>>()?)));
            }
            DeltaKind::Librosa => StreamingDelta::fitted(width, order, reach, self.edges()),
            DeltaKind::Psf | DeltaKind::Torchaudio => StreamingDelta::repeated(width, order, reach),
            DeltaKind::Kaldi => StreamingDelta::convolved(width, order, reach),
        };
        Ok(Some(Deltas::Streaming(deltas)))
    }

    /// Checks that no setting needs the whole clip.
    pub(crate) fn check_stream(&self) -> Result<(), FeatureError> {
        if self.order == 0 || self.edges() != DeltaMode::Wrap {
            return Ok(());
        }
        Err(needs_whole_clip("mode", "wrap", "use mode = \"nearest\", in training too"))
    }
}

impl Deltas {
    /// Returns the filters.
    pub(crate) fn stage(&self) -> DeltaStage {
        match self {
            Deltas::Streaming(deltas) => deltas.stage(),
            Deltas::WholeClip(deltas) => DeltaStage {
                filters: deltas
                    .iter()
                    .map(|delta| DeltaFilter { source: 0, weights: delta.kernel().to_vec() })
                    .collect(),
                edges: DeltaMode::Wrap,
            },
        }
    }
}

/// Delta computation.
#[derive(Clone, Debug)]
pub(crate) enum Deltas {
    /// Frame by frame.
    Streaming(StreamingDelta<f32, f64>),
    /// Over the whole clip, whose first frames depend on its last ones.
    WholeClip(Vec<Delta>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_deltas_are_rejected_with_the_nearest_value() {
        let rejected = |config: DeltasConfig| config.check().unwrap_err().to_string();
        let with = |kind, width| DeltasConfig { kind, width: Some(width), ..Default::default() };
        assert_eq!(
            rejected(DeltasConfig { order: 3, ..Default::default() }),
            "order = 3: must be 0, 1 or 2; use 2"
        );
        for kind in [DeltaKind::Librosa, DeltaKind::Psf, DeltaKind::Kaldi] {
            assert_eq!(rejected(with(kind, 4)), "width = 4: must be odd and within 3..=9999; use 5");
        }
        assert_eq!(rejected(with(DeltaKind::Torchaudio, 2)), "width = 2: must be within 3..=9999; use 3");
        let mode = DeltasConfig { kind: DeltaKind::Psf, mode: Some(DeltaMode::Wrap), ..Default::default() };
        assert!(rejected(mode).starts_with("mode = wrap: is only valid with kind = \"librosa\""));
    }
}

//! Padded clip.

use std::ops::Range;

use super::TorchaudioMelConfig;
use crate::FeatureError;
use crate::framing::{PadMode, nonzero_range};
use crate::stages::{Edges, FramingStage};
use crate::stream::check_finite;

/// Padded samples of a clip, read frame by frame; reused for the next clip.
#[derive(Clone, Debug)]
pub(super) struct PaddedClip {
    length: usize,
    hop: usize,
    /// Number of zeros at both ends, added first.
    pad: usize,
    /// Half a frame of further padding at both ends, for centered frames.
    margin: Option<(usize, PadMode)>,
    samples: Vec<f32>,
    /// Range from the first to the last nonzero sample.
    nonzero: Range<usize>,
}

impl PaddedClip {
    pub(super) fn new(config: &TorchaudioMelConfig) -> PaddedClip {
        PaddedClip {
            length: config.n_fft,
            hop: config.hop(),
            pad: config.pad,
            margin: config.center.then_some((config.n_fft / 2, config.pad_mode)),
            samples: Vec::new(),
            nonzero: 0..0,
        }
    }

    /// Returns the framing.
    pub(super) fn stage(&self) -> FramingStage {
        let edges = match self.margin {
            Some((margin, PadMode::Reflect)) => Edges::Padded { zeros: self.pad, reflected: margin },
            Some((margin, PadMode::Constant)) => Edges::Padded { zeros: self.pad + margin, reflected: 0 },
            None => Edges::Padded { zeros: self.pad, reflected: 0 },
        };
        FramingStage { length: self.length, hop: self.hop, edges }
    }

    /// Returns T, the number of frames of a clip of `samples` samples; 0 if torchaudio rejects it.
    pub(super) fn frames(&self, samples: usize) -> usize {
        let (margin, _) = self.margin.unwrap_or_default();
        if samples == 0 || self.cannot_be_mirrored(samples) {
            return 0;
        }
        match (samples + 2 * self.pad + 2 * margin).checked_sub(self.length) {
            Some(room) => 1 + room / self.hop,
            None => 0,
        }
    }

    /// Returns true if the reflection padding is not shorter than the clip.
    fn cannot_be_mirrored(&self, samples: usize) -> bool {
        matches!(self.margin, Some((margin, PadMode::Reflect)) if samples + 2 * self.pad <= margin)
    }

    /// Loads a clip and returns its number of frames, at least 1.
    pub(super) fn fill(&mut self, samples: &[f32]) -> Result<usize, FeatureError> {
        let frames = self.frames(samples.len());
        if frames == 0 {
            return Err(self.too_short(samples.len()));
        }
        check_finite(samples, 0)?;
        let (margin, mode) = self.margin.unwrap_or_default();
        let start = margin + self.pad;
        self.samples.clear();
        self.samples.resize(start, 0.0);
        self.samples.extend_from_slice(samples);
        self.samples.resize(samples.len() + 2 * start, 0.0);
        if mode == PadMode::Reflect {
            let end = self.samples.len() - margin;
            for n in 1..=margin {
                self.samples[margin - n] = self.samples[margin + n];
                self.samples[end - 1 + n] = self.samples[end - 1 - n];
            }
        }
        self.nonzero = nonzero_range(&self.samples);
        Ok(frames)
    }

    fn too_short(&self, samples: usize) -> FeatureError {
        let (margin, _) = self.margin.unwrap_or_default();
        if self.cannot_be_mirrored(samples) {
            let needed = margin + 1 - 2 * self.pad;
            return FeatureError::TooShortToMirror { samples, needed, mirrored: margin };
        }
        let needed = self.length.saturating_sub(2 * (self.pad + margin)).max(1);
        FeatureError::TooShort { samples, needed }
    }

    /// Returns the samples of frame `t`; `None` if it is outside the nonzero range and therefore all zeros.
    pub(super) fn frame(&self, t: usize) -> Option<&[f32]> {
        let (start, end) = (t * self.hop, t * self.hop + self.length);
        let silent = end <= self.nonzero.start || start >= self.nonzero.end;
        (!silent).then(|| &self.samples[start..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pad: usize, center: bool, pad_mode: PadMode) -> TorchaudioMelConfig {
        TorchaudioMelConfig { n_fft: 6, hop_length: Some(2), pad, center, pad_mode, ..Default::default() }
    }

    fn frames(config: &TorchaudioMelConfig, samples: &[f32]) -> Vec<Vec<f32>> {
        let mut padded = PaddedClip::new(config);
        let frames = padded.fill(samples).unwrap();
        (0..frames).map(|t| padded.frame(t).map_or(vec![0.0; 6], <[f32]>::to_vec)).collect()
    }

    #[test]
    fn frames_contain_the_clip_and_its_padding() {
        let clip = [1.0, 2.0, 3.0, 4.0];
        let reflect = frames(&config(0, true, PadMode::Reflect), &clip);
        assert_eq!(
            reflect,
            [[4.0, 3.0, 2.0, 1.0, 2.0, 3.0], [2.0, 1.0, 2.0, 3.0, 4.0, 3.0], [2.0, 3.0, 4.0, 3.0, 2.0, 1.0]]
        );
        let constant = frames(&config(0, true, PadMode::Constant), &clip);
        assert_eq!(constant[0], [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(constant[2], [2.0, 3.0, 4.0, 0.0, 0.0, 0.0]);
        assert_eq!(frames(&config(1, false, PadMode::Reflect), &clip), [[0.0, 1.0, 2.0, 3.0, 4.0, 0.0]]);
        // The zeros are part of the clip that is mirrored.
        let both = frames(&config(1, true, PadMode::Reflect), &clip);
        assert_eq!(both[0], [3.0, 2.0, 1.0, 0.0, 1.0, 2.0]);
        assert_eq!((both.len(), &both[3]), (4, &vec![3.0, 4.0, 0.0, 4.0, 3.0, 2.0]));
    }

    #[test]
    fn only_frames_of_zeros_are_silent() {
        for nonzero in [0..0, 0..3, 4..9, 17..20] {
            let samples: Vec<f32> = (0..20).map(|n| if nonzero.contains(&n) { 1.0 } else { 0.0 }).collect();
            for mode in [PadMode::Constant, PadMode::Reflect] {
                let mut padded = PaddedClip::new(&config(0, true, mode));
                for t in 0..padded.fill(&samples).unwrap() {
                    let seen = &padded.samples[t * 2..t * 2 + 6];
                    assert_eq!(padded.frame(t).is_none(), seen.iter().all(|&sample| sample == 0.0), "{t}");
                }
            }
        }
    }

    #[test]
    fn clip_is_rejected_where_torchaudio_rejects_it() {
        let rejected = |config: &TorchaudioMelConfig, samples: usize| {
            let mut padded = PaddedClip::new(config);
            assert_eq!(padded.frames(samples), 0);
            padded.fill(&vec![1.0; samples]).unwrap_err()
        };
        let mirrored = |samples, needed| FeatureError::TooShortToMirror { samples, needed, mirrored: 3 };
        assert_eq!(rejected(&config(0, true, PadMode::Reflect), 3), mirrored(3, 4));
        assert_eq!(rejected(&config(1, true, PadMode::Reflect), 1), mirrored(1, 2));
        assert_eq!(
            rejected(&config(0, true, PadMode::Constant), 0),
            FeatureError::TooShort { samples: 0, needed: 1 }
        );
        assert_eq!(
            rejected(&config(1, false, PadMode::Reflect), 3),
            FeatureError::TooShort { samples: 3, needed: 4 }
        );
        for (config, least) in [
            (config(0, true, PadMode::Reflect), 4),
            (config(1, true, PadMode::Reflect), 2),
            (config(0, true, PadMode::Constant), 1),
            (config(1, false, PadMode::Reflect), 4),
        ] {
            assert_eq!(
                PaddedClip::new(&config).fill(&vec![1.0; least]),
                Ok(PaddedClip::new(&config).frames(least))
            );
        }
    }
}

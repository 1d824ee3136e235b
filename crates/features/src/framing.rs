//! Framing of whole clips.

use std::ops::Range;

use crate::FeatureError;
use crate::sample::Sample;
use crate::serde_scalar::words;
use crate::simd::with_simd;
use crate::stages::{Edges, FramingStage};
use crate::stream::check_finite;

/// Padding before the first and after the last sample, for centered frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PadMode {
    /// Zeros; librosa's default since 0.9.
    #[default]
    Constant,
    /// Reflection about the first and last sample, which are not repeated; librosa's default before 0.9.
    Reflect,
}

words! {
    PadMode {
        Constant = "constant",
        Reflect = "reflect",
    }
}

/// Frames of equal length and hop, as in librosa.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    pub length: usize,
    pub hop: usize,
    /// Padding if frame t is centered on sample t hop; `None` if it starts there.
    pub pad: Option<PadMode>,
}

impl Framing {
    fn margin(&self) -> usize {
        if self.pad.is_some() { self.length / 2 } else { 0 }
    }

    /// Returns the stage with these settings.
    pub(crate) fn stage(&self) -> FramingStage {
        let margin = self.margin();
        let (zeros, reflected) = match self.pad {
            Some(PadMode::Reflect) => (0, margin),
            Some(PadMode::Constant) | None => (margin, 0),
        };
        FramingStage { length: self.length, hop: self.hop, edges: Edges::Padded { zeros, reflected } }
    }

    /// Returns T, the number of whole frames; samples after the last one are ignored.
    pub(crate) fn frames(&self, samples: usize) -> usize {
        // An empty clip cannot be mirrored.
        if samples == 0 && self.pad == Some(PadMode::Reflect) {
            return 0;
        }
        match (samples + 2 * self.margin()).checked_sub(self.length) {
            Some(room) => 1 + room / self.hop,
            None => 0,
        }
    }

    /// Returns T, or an error if the clip has no frame.
    pub(crate) fn require_frames(&self, samples: usize) -> Result<usize, FeatureError> {
        match self.frames(samples) {
            0 => {
                let needed = (self.length - 2 * self.margin()).max(1);
                Err(FeatureError::TooShort { samples, needed })
            }
            frames => Ok(frames),
        }
    }

    /// Returns the first sample of frame `t`; negative before the clip.
    fn start(&self, t: usize) -> isize {
        (t * self.hop) as isize - self.margin() as isize
    }

    /// Returns true if `part` of frame `t` (relative to its start) is all zeros.
    pub(crate) fn is_silent(&self, t: usize, part: Range<usize>, nonzero: &NonzeroRange) -> bool {
        let start = self.start(t) + part.start as isize;
        let end = self.start(t) + part.end as isize;
        let mirrored = self.pad == Some(PadMode::Reflect) && (start < 0 || end > nonzero.samples as isize);
        let Range { start: first, end: last } = nonzero.range;
        nonzero.range.is_empty() || (!mirrored && (end <= first as isize || start >= last as isize))
    }

    /// Multiplies `window` by the samples of frame `t`, starting at its sample `offset`.
    pub(crate) fn windowed<S: Sample>(
        &self,
        samples: &[S],
        t: usize,
        (offset, window): (usize, &[f64]),
        product: &mut [f64],
    ) {
        let start = self.start(t) + offset as isize;
        let end = start + window.len() as isize;
        if self.pad == Some(PadMode::Reflect) && (start < 0 || end > samples.len() as isize) {
            for (n, (product, weight)) in product.iter_mut().zip(window).enumerate() {
                *product = samples[mirror(start + n as isize, samples.len())].widen() * weight;
            }
            return;
        }
        // Existing samples, relative to the frame; zeros around them.
        let first = start.clamp(0, samples.len() as isize) as usize;
        let last = end.clamp(0, samples.len() as isize) as usize;
        let inside = (first as isize - start) as usize..(last as isize - start) as usize;
        product[..inside.start].fill(0.0);
        product[inside.end..].fill(0.0);
        let (samples, window, product) =
            (&samples[first..last], &window[inside.clone()], &mut product[inside]);
        with_simd(
            #[inline(always)]
            || {
                for ((product, sample), weight) in product.iter_mut().zip(samples).zip(window) {
                    *product = sample.widen() * weight;
                }
            },
        );
    }
}

/// Maps an index to a sample of the clip, mirrored repeatedly about its ends.
fn mirror(index: isize, samples: usize) -> usize {
    if samples == 1 {
        return 0;
    }
    let period = 2 * (samples as isize - 1);
    let within = index.rem_euclid(period);
    within.min(period - within) as usize
}

/// Part of a clip outside of which all samples are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NonzeroRange {
    samples: usize,
    /// Range from the first to the last nonzero sample.
    range: Range<usize>,
}

impl NonzeroRange {
    /// Finds the range in `samples`.
    ///
    /// # Errors
    /// [`FeatureError::NotFinite`] if a sample is NaN or infinite.
    pub(crate) fn from_samples<S: Sample>(samples: &[S]) -> Result<NonzeroRange, FeatureError> {
        check_finite(samples, 0)?;
        Ok(NonzeroRange { samples: samples.len(), range: nonzero_range(samples) })
    }
}

/// Returns the range from the first to the last nonzero sample; empty if all samples are zero.
pub(crate) fn nonzero_range<S: Sample>(samples: &[S]) -> Range<usize> {
    const RUN: usize = 64;
    with_simd(
        #[inline(always)]
        || {
            // Without an early exit the compiler vectorizes the test.
            let zeros =
                |part: &&[S]| part.iter().fold(true, |zeros, &sample| zeros & (sample == S::default()));
            let silent_runs = samples.rchunks(RUN).take_while(zeros).count();
            let end = samples.len() - (silent_runs * RUN).min(samples.len());
            let end =
                samples[..end].iter().rposition(|&sample| sample != S::default()).map_or(0, |last| last + 1);
            let start = samples[..end].iter().position(|&sample| sample != S::default()).unwrap_or(0);
            start..end
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(framing: &Framing, samples: &[f64], t: usize) -> Vec<f64> {
        let mut product = vec![f64::NAN; framing.length];
        framing.windowed(samples, t, (0, &vec![1.0; framing.length]), &mut product);
        product
    }

    #[test]
    fn number_of_frames_equals_specification() {
        let frames = |length, hop, centered: bool, samples| {
            Framing { length, hop, pad: centered.then_some(PadMode::Constant) }.frames(samples)
        };
        assert_eq!(frames(2048, 512, true, 16_000), 32);
        assert_eq!(frames(2048, 512, true, 8000), 16);
        assert_eq!(frames(2048, 160, true, 16_000), 101);
        assert_eq!(frames(2048, 512, true, 0), 1);
        assert_eq!(frames(2048, 512, false, 2047), 0);
        assert_eq!(frames(2048, 512, false, 2048), 1);
        // With an odd length the last frame does not fit where one of even length just does.
        assert_eq!(frames(5, 2, true, 4), 2);
        assert_eq!(frames(4, 2, true, 4), 3);
        assert_eq!(frames(5, 2, true, 0), 0);
        assert_eq!(Framing { length: 4, hop: 2, pad: Some(PadMode::Reflect) }.frames(0), 0);
    }

    #[test]
    fn frames_before_the_first_sample_contain_padding() {
        let samples = [1.0, 2.0, 3.0, 4.0, 5.0];
        let constant = Framing { length: 4, hop: 2, pad: Some(PadMode::Constant) };
        assert_eq!(frame(&constant, &samples, 0), [0.0, 0.0, 1.0, 2.0]);
        assert_eq!(frame(&constant, &samples, 2), [3.0, 4.0, 5.0, 0.0]);
        let reflect = Framing { pad: Some(PadMode::Reflect), ..constant };
        assert_eq!(frame(&reflect, &samples, 0), [3.0, 2.0, 1.0, 2.0]);
        assert_eq!(frame(&reflect, &samples, 2), [3.0, 4.0, 5.0, 4.0]);
        let plain = Framing { pad: None, ..constant };
        assert_eq!(frame(&plain, &samples, 0), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn clip_shorter_than_its_padding_is_mirrored_repeatedly() {
        let framing = Framing { length: 12, hop: 3, pad: Some(PadMode::Reflect) };
        assert_eq!(
            frame(&framing, &[1.0, 2.0, 3.0], 0),
            [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0, 2.0]
        );
        assert_eq!(frame(&framing, &[7.0], 0), [7.0; 12]);
        let constant = Framing { pad: Some(PadMode::Constant), ..framing };
        assert_eq!(frame(&constant, &[7.0], 0), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(frame(&constant, &[], 0), [0.0; 12]);
    }

    #[test]
    fn frame_is_silent_if_and_only_if_all_its_samples_are_zero() {
        for zeros_before in [0, 1, 5, 9] {
            for (sound, zeros_after) in [(0, 12), (1, 9), (3, 200), (4, 0)] {
                let mut samples = vec![0.0; zeros_before];
                samples.extend(vec![1.0; sound]);
                samples.extend(vec![0.0; zeros_after]);
                let clip = NonzeroRange::from_samples(&samples).unwrap();
                for pad in [None, Some(PadMode::Constant), Some(PadMode::Reflect)] {
                    let framing = Framing { length: 6, hop: 2, pad };
                    for t in 0..framing.frames(samples.len()) {
                        let seen = &frame(&framing, &samples, t)[1..5];
                        let zeros = seen.iter().all(|&sample| sample == 0.0);
                        let silent = framing.is_silent(t, 1..5, &clip);
                        // Mirrored zeros may be computed; nonzero samples must never be skipped.
                        let exact = pad != Some(PadMode::Reflect);
                        assert!(silent == zeros || (!exact && zeros), "{samples:?} {pad:?} {t}");
                    }
                }
            }
        }
    }

    #[test]
    fn invalid_sample_is_located() {
        for at in [0, 63, 64, 130, 199] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut samples = vec![0.5f32; 200];
                samples[at] = bad;
                let error = NonzeroRange::from_samples(&samples).unwrap_err();
                assert!(matches!(error, FeatureError::NotFinite { sample, .. } if sample == at), "{error}");
            }
        }
    }
}

//! How samples are cut into frames.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::FeatureError;
use crate::sample::Sample;
use crate::stream::all_finite;
use crate::vector::widest;

/// What lies before the first and after the last sample of a centred frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PadMode {
    /// Zeros; librosa's default since 0.9.
    #[default]
    Constant,
    /// The clip mirrored about its first and last sample, neither repeated; librosa's default before 0.9.
    Reflect,
}

/// Frames of equal length at equal distances, as librosa cuts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    pub length: usize,
    pub hop: usize,
    /// Frame t is centred on sample t hop, with this beyond the ends; otherwise it starts there.
    pub pad: Option<PadMode>,
}

impl Framing {
    fn margin(&self) -> usize {
        if self.pad.is_some() { self.length / 2 } else { 0 }
    }

    /// T, the number of whole frames; samples after the last are left out.
    pub(crate) fn frames(&self, samples: usize) -> usize {
        // There is nothing to mirror in an empty clip.
        if samples == 0 && self.pad == Some(PadMode::Reflect) {
            return 0;
        }
        match (samples + 2 * self.margin()).checked_sub(self.length) {
            Some(room) => 1 + room / self.hop,
            None => 0,
        }
    }

    /// T, or why there is no frame.
    pub(crate) fn at_least_one(&self, samples: usize) -> Result<usize, FeatureError> {
        match self.frames(samples) {
            0 => {
                let needed = (self.length - 2 * self.margin()).max(1);
                Err(FeatureError::TooShort { samples, needed })
            }
            frames => Ok(frames),
        }
    }

    /// Where frame `t` starts; negative before the first sample.
    fn start(&self, t: usize) -> isize {
        (t * self.hop) as isize - self.margin() as isize
    }

    /// Whether `part` of frame `t` (from its start) is all zeros, given where the clip is not.
    pub(crate) fn is_silent(&self, t: usize, part: Range<usize>, clip: &Sounding) -> bool {
        let start = self.start(t) + part.start as isize;
        let end = self.start(t) + part.end as isize;
        let mirrored = self.pad == Some(PadMode::Reflect) && (start < 0 || end > clip.samples as isize);
        let Range { start: first, end: last } = clip.range;
        clip.range.is_empty() || (!mirrored && (end <= first as isize || start >= last as isize))
    }

    /// Multiplies `window` with the samples of frame `t` from its sample `offset` on.
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
        // The samples that exist, seen from the frame; zeros around them.
        let first = start.clamp(0, samples.len() as isize) as usize;
        let last = end.clamp(0, samples.len() as isize) as usize;
        let inside = (first as isize - start) as usize..(last as isize - start) as usize;
        product[..inside.start].fill(0.0);
        product[inside.end..].fill(0.0);
        let (samples, window, product) =
            (&samples[first..last], &window[inside.clone()], &mut product[inside]);
        widest(
            #[inline(always)]
            || {
                for ((product, sample), weight) in product.iter_mut().zip(samples).zip(window) {
                    *product = sample.widen() * weight;
                }
            },
        );
    }
}

/// Which sample stands at an index of the clip mirrored about its ends again and again.
fn mirror(index: isize, samples: usize) -> usize {
    if samples == 1 {
        return 0;
    }
    let period = 2 * (samples as isize - 1);
    let within = index.rem_euclid(period);
    within.min(period - within) as usize
}

/// Where a clip is not silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sounding {
    samples: usize,
    /// From the first to behind the last sample that is not zero.
    range: Range<usize>,
}

impl Sounding {
    /// Looks at every sample.
    ///
    /// # Errors
    /// [`FeatureError::NotFinite`] for NaN and infinity.
    pub(crate) fn of<S: Sample>(samples: &[S]) -> Result<Sounding, FeatureError> {
        all_finite(samples, 0)?;
        Ok(Sounding { samples: samples.len(), range: sounding(samples) })
    }
}

/// From the first to behind the last sample that is not zero; an empty range if all are.
pub(crate) fn sounding<S: Sample>(samples: &[S]) -> Range<usize> {
    const RUN: usize = 64;
    widest(
        #[inline(always)]
        || {
            // Without an early end the compiler tests several at once.
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
    fn the_number_of_frames_is_that_of_the_specification() {
        let frames = |length, hop, centred: bool, samples| {
            Framing { length, hop, pad: centred.then_some(PadMode::Constant) }.frames(samples)
        };
        assert_eq!(frames(2048, 512, true, 16_000), 32);
        assert_eq!(frames(2048, 512, true, 8000), 16);
        assert_eq!(frames(2048, 160, true, 16_000), 101);
        assert_eq!(frames(2048, 512, true, 0), 1);
        assert_eq!(frames(2048, 512, false, 2047), 0);
        assert_eq!(frames(2048, 512, false, 2048), 1);
        // An odd length leaves out the last frame where an even one just fits.
        assert_eq!(frames(5, 2, true, 4), 2);
        assert_eq!(frames(4, 2, true, 4), 3);
        assert_eq!(frames(5, 2, true, 0), 0);
        assert_eq!(Framing { length: 4, hop: 2, pad: Some(PadMode::Reflect) }.frames(0), 0);
    }

    #[test]
    fn frames_before_the_first_sample_see_the_padding() {
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
    fn a_clip_shorter_than_its_padding_is_mirrored_again_and_again() {
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
    fn a_frame_is_silent_exactly_when_all_it_sees_is_zero() {
        for zeros_before in [0, 1, 5, 9] {
            for (sound, zeros_after) in [(0, 12), (1, 9), (3, 200), (4, 0)] {
                let mut samples = vec![0.0; zeros_before];
                samples.extend(vec![1.0; sound]);
                samples.extend(vec![0.0; zeros_after]);
                let clip = Sounding::of(&samples).unwrap();
                for pad in [None, Some(PadMode::Constant), Some(PadMode::Reflect)] {
                    let framing = Framing { length: 6, hop: 2, pad };
                    for t in 0..framing.frames(samples.len()) {
                        let seen = &frame(&framing, &samples, t)[1..5];
                        let zeros = seen.iter().all(|&sample| sample == 0.0);
                        let silent = framing.is_silent(t, 1..5, &clip);
                        // Mirrored zeros may be computed; sound must never be skipped.
                        let exact = pad != Some(PadMode::Reflect);
                        assert!(silent == zeros || (!exact && zeros), "{samples:?} {pad:?} {t}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_sample_that_is_no_number_is_located() {
        for at in [0, 63, 64, 130, 199] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut samples = vec![0.5f32; 200];
                samples[at] = bad;
                let error = Sounding::of(&samples).unwrap_err();
                assert!(matches!(error, FeatureError::NotFinite { sample, .. } if sample == at), "{error}");
            }
        }
    }
}

//! Deltas of frames that arrive one after the other.

use std::sync::Arc;

use crate::FeatureError;
use crate::delta::{DeltaMode, kernel, too_few};
use crate::sample::Sample;

/// A weighted sum of a frame and its neighbours.
#[derive(Clone, Debug)]
struct Filter<W> {
    /// Whose frames: 0 the features, g the g-th deltas.
    source: usize,
    /// \[2 reach + 1\], for the frames from the earliest to the latest.
    weights: Arc<[W]>,
}

impl<W> Filter<W> {
    fn reach(&self) -> usize {
        self.weights.len() / 2
    }
}

/// The latest frames of the features or of one of their deltas.
#[derive(Clone, Debug)]
struct Ring<V> {
    rows: Vec<V>,
    /// How many frames there have been.
    count: usize,
}

/// Gives each frame of V with its deltas behind it, as soon as the frames that the deltas look ahead to are
/// there. Sums are taken in W.
#[derive(Clone, Debug)]
pub(crate) struct DeltaLine<V, W = V> {
    width: usize,
    filters: Vec<Filter<W>>,
    /// What lies beyond the ends; not the other end, which a line never holds.
    edges: DeltaMode,
    /// The features, then the deltas of each filter.
    rings: Vec<Ring<V>>,
    /// Frames a ring holds.
    slots: usize,
    /// How many frames have been given.
    given: usize,
    sums: Vec<W>,
}

impl<V: Sample, W: Sample> DeltaLine<V, W> {
    /// No deltas for `order` 0, up to as many as there are filters of (source, weights).
    fn new(width: usize, filters: Vec<(usize, Vec<f64>)>, edges: DeltaMode) -> DeltaLine<V, W> {
        let narrow = |weights: &[f64]| weights.iter().map(|&weight| W::narrow(weight)).collect();
        let filters: Vec<_> = filters
            .iter()
            .map(|(source, weights)| Filter { source: *source, weights: narrow(weights) })
            .collect();
        // At the end of a clip a filter's source runs ahead of it by the delays of both.
        let slots = 2 * filters.iter().map(Filter::reach).sum::<usize>() + 2;
        let ring =
            Ring { rows: vec![V::default(); if filters.is_empty() { 0 } else { slots * width }], count: 0 };
        let rings = vec![ring; filters.len() + 1];
        DeltaLine { width, rings, filters, edges, slots, given: 0, sums: vec![W::default(); width] }
    }

    /// Deltas of orders 1 to `order` by python_speech_features' filter over 2 reach + 1 frames:
    /// sum_n n x\[t + n\] / sum_n n^2. Each order is the delta of the one before.
    pub(crate) fn repeated(width: usize, order: usize, reach: usize) -> DeltaLine<V, W> {
        DeltaLine::new(width, (0..order).map(|source| (source, slope(reach))).collect(), DeltaMode::Nearest)
    }

    /// Deltas of orders 1 to `order` by Kaldi's filters over 2 reach + 1, 4 reach + 1, .. frames: each order's
    /// filter is that of the one before convolved with (-reach, .., reach) / sum n^2, and all are applied to the
    /// features themselves.
    pub(crate) fn convolved(width: usize, order: usize, reach: usize) -> DeltaLine<V, W> {
        let mut weights = vec![1.0];
        let mut filter = || {
            weights = convolution(&weights, &slope(reach));
            (0, weights.clone())
        };
        DeltaLine::new(width, (0..order).map(|_| filter()).collect(), DeltaMode::Nearest)
    }

    /// Deltas of orders 1 to `order` by librosa's Savitzky-Golay filters over 2 reach + 1 frames, with what lies
    /// beyond the ends other than the other end.
    pub(crate) fn fitted(width: usize, order: usize, (reach, edges): (usize, DeltaMode)) -> DeltaLine<V, W> {
        DeltaLine::new(width, (1..=order).map(|order| (0, kernel(reach, order))).collect(), edges)
    }

    /// F, deltas included.
    pub(crate) fn width(&self) -> usize {
        self.width * self.rings.len()
    }

    /// Back to the start of a clip.
    pub(crate) fn reset(&mut self) {
        self.rings.iter_mut().for_each(|ring| ring.count = 0);
        self.given = 0;
    }

    /// Takes in a frame and gives those that are complete, in parts: features, deltas, deltas of order 2.
    pub(crate) fn push(&mut self, frame: &[V], mut give: impl FnMut(&[V])) {
        if self.filters.is_empty() {
            return give(frame);
        }
        let features = &mut self.rings[0];
        let at = features.count % self.slots * self.width;
        features.rows[at..at + self.width].copy_from_slice(frame);
        features.count += 1;
        self.advance(false, give);
    }

    /// Gives the frames that waited for others, at the end of the clip.
    ///
    /// # Errors
    /// [`FeatureError::TooFewFrames`] where a polynomial is fitted to more frames than there were.
    pub(crate) fn finish(&mut self, give: impl FnMut(&[V])) -> Result<(), FeatureError> {
        let (frames, widest) =
            (self.rings[0].count, self.filters.iter().map(|filter| filter.weights.len()).max());
        match widest {
            Some(width) if self.edges == DeltaMode::Interp && frames < width => Err(too_few(frames, width)),
            _ => {
                self.advance(true, give);
                Ok(())
            }
        }
    }

    fn advance(&mut self, ended: bool, mut give: impl FnMut(&[V])) {
        for (index, filter) in self.filters.iter().enumerate() {
            let (sources, deltas) = self.rings.split_at_mut(index + 1);
            let (source, deltas) = (&sources[filter.source], &mut deltas[0]);
            let reach = filter.reach();
            while deltas.count < source.count {
                let (t, last) = (deltas.count, source.count - 1);
                // As the derivative's order is the polynomial's degree, it is constant over the edge.
                let (first, final_one) = match self.edges {
                    DeltaMode::Interp => (reach, if ended { last - reach } else { last }),
                    _ => (0, last),
                };
                let centre = t.clamp(first, final_one.max(first));
                if !ended && centre + reach > last {
                    break;
                }
                self.sums.fill(W::default());
                for (n, &weight) in filter.weights.iter().enumerate() {
                    let at = (centre + n) as isize - reach as isize;
                    let Some(neighbour) = self.edges.frame(at, source.count) else { continue };
                    let values = &source.rows[neighbour % self.slots * self.width..][..self.width];
                    for (sum, value) in self.sums.iter_mut().zip(values) {
                        *sum = *sum + weight * W::narrow(value.widen());
                    }
                }
                let row = &mut deltas.rows[t % self.slots * self.width..][..self.width];
                for (delta, sum) in row.iter_mut().zip(&self.sums) {
                    *delta = V::narrow(sum.widen());
                }
                deltas.count += 1;
            }
        }
        let complete = self.rings.iter().map(|ring| ring.count).min().unwrap_or(0);
        while self.given < complete {
            let at = self.given % self.slots * self.width;
            self.rings.iter().for_each(|ring| give(&ring.rows[at..at + self.width]));
            self.given += 1;
        }
    }
}

/// n / sum n^2 for n = -reach..=reach.
fn slope(reach: usize) -> Vec<f64> {
    let squares: f64 = (1..=reach).map(|n| (n * n) as f64).sum();
    (0..=2 * reach).map(|n| (n as f64 - reach as f64) / (2.0 * squares)).collect()
}

fn convolution(a: &[f64], b: &[f64]) -> Vec<f64> {
    let term = |k: usize, i: usize| k.checked_sub(i).and_then(|j| b.get(j)).map_or(0.0, |b| a[i] * b);
    (0..a.len() + b.len() - 1).map(|k| (0..a.len()).map(|i| term(k, i)).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &mut DeltaLine<f64>, frames: &[[f64; 2]]) -> Vec<f64> {
        let mut given = Vec::new();
        line.reset();
        frames.iter().for_each(|frame| line.push(frame, |part| given.extend_from_slice(part)));
        line.finish(|part| given.extend_from_slice(part)).unwrap();
        given
    }

    fn frames(count: usize) -> Vec<[f64; 2]> {
        (0..count).map(|t| [(t * t % 13) as f64, 100.0 - t as f64]).collect()
    }

    /// sum_n n x[clamp(t + n)] / (2 sum n^2) of a whole clip.
    fn delta(x: &[f64], reach: isize) -> Vec<f64> {
        let at = |t: isize| x[t.clamp(0, x.len() as isize - 1) as usize];
        let squares: isize = (1..=reach).map(|n| n * n).sum();
        let sum = |t: isize| (-reach..=reach).map(|n| n as f64 * at(t + n)).sum::<f64>();
        (0..x.len() as isize).map(|t| sum(t) / (2 * squares) as f64).collect()
    }

    #[test]
    fn repeated_deltas_are_the_delta_of_the_delta() {
        for reach in [1usize, 2, 3, 9] {
            let mut line = DeltaLine::<f64>::repeated(2, 2, reach);
            for count in 1..40 {
                let given = run(&mut line, &frames(count));
                assert_eq!(given.len(), count * 6);
                for column in 0..2 {
                    let x: Vec<f64> = frames(count).iter().map(|frame| frame[column]).collect();
                    let first = delta(&x, reach as isize);
                    let second = delta(&first, reach as isize);
                    for t in 0..count {
                        let expected = [x[t], first[t], second[t]];
                        for (group, expected) in expected.iter().enumerate() {
                            let got = given[t * 6 + group * 2 + column];
                            assert!((got - expected).abs() < 1e-12, "{reach} {count} {t} {group}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn convolved_deltas_are_one_filter_over_nine_frames() {
        let weights = [4.0, 4.0, 1.0, -4.0, -10.0, -4.0, 1.0, 4.0, 4.0];
        let mut line = DeltaLine::<f64>::convolved(2, 2, 2);
        for count in 1..30 {
            let given = run(&mut line, &frames(count));
            let x: Vec<f64> = frames(count).iter().map(|frame| frame[0]).collect();
            let (first, twice) = (delta(&x, 2), delta(&delta(&x, 2), 2));
            for t in 0..count {
                let at = |n: usize| x[(t + n).saturating_sub(4).min(count - 1)];
                let second = (0..9).map(|n| weights[n] * at(n)).sum::<f64>() / 100.0;
                assert!((given[t * 6 + 2] - first[t]).abs() < 1e-12);
                assert!((given[t * 6 + 4] - second).abs() < 1e-12, "{count} {t}");
                if (4..count.saturating_sub(4)).contains(&t) {
                    assert!((second - twice[t]).abs() < 1e-12);
                }
            }
            if count > 4 {
                assert!((given[4] - twice[0]).abs() > 1e-3, "the edges differ from the delta of the delta");
            }
        }
    }

    #[test]
    fn a_frame_waits_for_the_frames_its_deltas_look_ahead_to() {
        for (mut line, delay) in [
            (DeltaLine::<f64>::convolved(2, 0, 2), 0),
            (DeltaLine::<f64>::convolved(2, 1, 2), 2),
            (DeltaLine::<f64>::convolved(2, 2, 2), 4),
            (DeltaLine::<f64>::repeated(2, 1, 3), 3),
            (DeltaLine::<f64>::repeated(2, 2, 3), 6),
        ] {
            let width = line.width();
            let mut given = 0;
            for (t, frame) in frames(20).iter().enumerate() {
                line.push(frame, |part| given += part.len());
                assert_eq!(given, (t + 1usize).saturating_sub(delay) * width, "{delay} {t}");
            }
            line.finish(|part| given += part.len()).unwrap();
            assert_eq!(given, 20 * width);
        }
    }

    #[test]
    fn fitted_deltas_are_those_of_the_whole_matrix_in_every_mode() {
        use crate::{DeltaConfig, Features};
        for mode in [DeltaMode::Interp, DeltaMode::Nearest, DeltaMode::Mirror, DeltaMode::Constant] {
            for (order, reach) in [(1, 1), (2, 1), (1, 4), (2, 4), (2, 7)] {
                let mut line = DeltaLine::<f64>::fitted(2, order, (reach, mode));
                for count in 1..40 {
                    let few = mode == DeltaMode::Interp && count <= 2 * reach;
                    if few {
                        line.reset();
                        frames(count).iter().for_each(|frame| line.push(frame, |_| ()));
                        assert!(line.finish(|_| ()).is_err(), "{mode:?} {count}");
                        continue;
                    }
                    let given = run(&mut line, &frames(count));
                    assert_eq!(given.len(), count * 2 * (order + 1));
                    let whole = Features::new(2, frames(count).concat());
                    for order_here in 1..=order {
                        let config = DeltaConfig { order: order_here, width: 2 * reach + 1, mode };
                        let expected = config.init().unwrap().apply(&whole).unwrap();
                        for t in 0..count {
                            let at = (t * (order + 1) + order_here) * 2;
                            assert_eq!(given[at..at + 2], *expected.frame(t), "{mode:?} {reach} {count} {t}");
                        }
                    }
                }
            }
        }
    }
}

//! Streaming deltas.

use std::sync::Arc;

use crate::FeatureError;
use crate::librosa::delta::{DeltaMode, savitzky_golay, too_few_frames};
use crate::sample::Sample;
use crate::stages::{DeltaFilter, DeltaStage};

/// Weighted sum over a frame and its neighbors.
#[derive(Clone, Debug)]
struct Filter<W> {
    /// Source: 0 for the features, g for the deltas of order g.
    source: usize,
    /// Weights \[2 reach + 1\], in time order.
    weights: Arc<[W]>,
}

impl<W> Filter<W> {
    fn reach(&self) -> usize {
        self.weights.len() / 2
    }
}

/// Ring buffer of the latest frames of the features or of one order of deltas.
#[derive(Clone, Debug)]
struct Ring<V> {
    rows: Vec<V>,
    /// Number of frames received.
    count: usize,
}

/// Emits each frame of V followed by its deltas, as soon as the frames that the deltas need have arrived.
/// Sums are taken in W.
#[derive(Clone, Debug)]
pub(crate) struct StreamingDelta<V, W = V> {
    width: usize,
    filters: Vec<Filter<W>>,
    /// Extension beyond the ends; not [`DeltaMode::Wrap`], which needs the whole clip.
    edges: DeltaMode,
    /// Features, then the deltas of each filter.
    rings: Vec<Ring<V>>,
    /// Capacity of a ring, frames.
    slots: usize,
    /// Number of frames emitted.
    emitted: usize,
    sums: Vec<W>,
}

impl<V: Sample, W: Sample> StreamingDelta<V, W> {
    /// Builds the rings for filters of (source, weights); no filters give no deltas.
    fn new(width: usize, filters: Vec<(usize, Vec<f64>)>, edges: DeltaMode) -> StreamingDelta<V, W> {
        let narrow = |weights: &[f64]| weights.iter().map(|&weight| W::narrow(weight)).collect();
        let filters: Vec<_> = filters
            .iter()
            .map(|(source, weights)| Filter { source: *source, weights: narrow(weights) })
            .collect();
        // At the end of a clip the source of a filter is ahead of it by the delays of both.
        let slots = 2 * filters.iter().map(Filter::reach).sum::<usize>() + 2;
        let ring =
            Ring { rows: vec![V::default(); if filters.is_empty() { 0 } else { slots * width }], count: 0 };
        let rings = vec![ring; filters.len() + 1];
        StreamingDelta { width, rings, filters, edges, slots, emitted: 0, sums: vec![W::default(); width] }
    }

    /// Builds deltas of orders 1 to `order` with python_speech_features' filter over 2 reach + 1 frames:
    /// sum_n n x\[t + n\] / sum_n n^2. Each order is the delta of the previous one.
    pub(crate) fn repeated(width: usize, order: usize, reach: usize) -> StreamingDelta<V, W> {
        StreamingDelta::new(
            width,
            (0..order).map(|source| (source, slope(reach))).collect(),
            DeltaMode::Nearest,
        )
    }

    /// Builds deltas of orders 1 to `order` with Kaldi's filters over 2 reach + 1, 4 reach + 1, .. frames:
    /// the filter of each order is that of the previous one convolved with (-reach, .., reach) / sum n^2. All
    /// are applied to the features.
    pub(crate) fn convolved(width: usize, order: usize, reach: usize) -> StreamingDelta<V, W> {
        let mut weights = vec![1.0];
        let mut filter = || {
            weights = convolution(&weights, &slope(reach));
            (0, weights.clone())
        };
        StreamingDelta::new(width, (0..order).map(|_| filter()).collect(), DeltaMode::Nearest)
    }

    /// Builds deltas of orders 1 to `order` with librosa's Savitzky-Golay filters over 2 reach + 1 frames and
    /// any extension but [`DeltaMode::Wrap`].
    pub(crate) fn fitted(width: usize, order: usize, reach: usize, edges: DeltaMode) -> StreamingDelta<V, W> {
        StreamingDelta::new(
            width,
            (1..=order).map(|order| (0, savitzky_golay(reach, order))).collect(),
            edges,
        )
    }

    /// Returns the filters.
    pub(crate) fn stage(&self) -> DeltaStage {
        let filter = |filter: &Filter<W>| DeltaFilter {
            source: filter.source,
            weights: filter.weights.iter().map(|weight| weight.widen()).collect(),
        };
        DeltaStage { filters: self.filters.iter().map(filter).collect(), edges: self.edges }
    }

    /// Returns F, deltas included.
    pub(crate) fn width(&self) -> usize {
        self.width * self.rings.len()
    }

    /// Resets to the start of a clip.
    pub(crate) fn reset(&mut self) {
        self.rings.iter_mut().for_each(|ring| ring.count = 0);
        self.emitted = 0;
    }

    /// Receives a frame and emits those that are complete, in parts: features, deltas, deltas of order 2.
    pub(crate) fn push(&mut self, frame: &[V], mut emit: impl FnMut(&[V])) {
        if self.filters.is_empty() {
            return emit(frame);
        }
        let features = &mut self.rings[0];
        let at = features.count % self.slots * self.width;
        features.rows[at..at + self.width].copy_from_slice(frame);
        features.count += 1;
        self.advance(false, emit);
    }

    /// Ends the clip: emits the remaining frames.
    ///
    /// # Errors
    /// [`FeatureError::TooFewFrames`] if a polynomial is fitted to more frames than the clip has.
    pub(crate) fn finish(&mut self, emit: impl FnMut(&[V])) -> Result<(), FeatureError> {
        let (frames, widest) =
            (self.rings[0].count, self.filters.iter().map(|filter| filter.weights.len()).max());
        match widest {
            Some(width) if self.edges == DeltaMode::Interp && frames < width => {
                Err(too_few_frames(frames, width))
            }
            _ => {
                self.advance(true, emit);
                Ok(())
            }
        }
    }

    fn advance(&mut self, ended: bool, mut emit: impl FnMut(&[V])) {
        for (index, filter) in self.filters.iter().enumerate() {
            let (sources, deltas) = self.rings.split_at_mut(index + 1);
            let (source, deltas) = (&sources[filter.source], &mut deltas[0]);
            let reach = filter.reach();
            while deltas.count < source.count {
                let (t, last) = (deltas.count, source.count - 1);
                // The order of the derivative equals the degree of the polynomial: constant at the edge.
                let (first, final_one) = match self.edges {
                    DeltaMode::Interp => (reach, if ended { last - reach } else { last }),
                    _ => (0, last),
                };
                let center = t.clamp(first, final_one.max(first));
                if !ended && center + reach > last {
                    break;
                }
                self.sums.fill(W::default());
                for (n, &weight) in filter.weights.iter().enumerate() {
                    let at = (center + n) as isize - reach as isize;
                    let Some(neighbor) = self.edges.frame(at, source.count) else { continue };
                    let values = &source.rows[neighbor % self.slots * self.width..][..self.width];
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
        while self.emitted < complete {
            let at = self.emitted % self.slots * self.width;
            self.rings.iter().for_each(|ring| emit(&ring.rows[at..at + self.width]));
            self.emitted += 1;
        }
    }
}

/// Returns n / sum n^2 for n = -reach..=reach.
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

    fn run(deltas: &mut StreamingDelta<f64>, frames: &[[f64; 2]]) -> Vec<f64> {
        let mut emitted = Vec::new();
        deltas.reset();
        frames.iter().for_each(|frame| deltas.push(frame, |part| emitted.extend_from_slice(part)));
        deltas.finish(|part| emitted.extend_from_slice(part)).unwrap();
        emitted
    }

    fn frames(count: usize) -> Vec<[f64; 2]> {
        (0..count).map(|t| [(t * t % 13) as f64, 100.0 - t as f64]).collect()
    }

    /// Returns sum_n n x[clamp(t + n)] / (2 sum n^2) of a whole clip.
    fn delta(x: &[f64], reach: isize) -> Vec<f64> {
        let at = |t: isize| x[t.clamp(0, x.len() as isize - 1) as usize];
        let squares: isize = (1..=reach).map(|n| n * n).sum();
        let sum = |t: isize| (-reach..=reach).map(|n| n as f64 * at(t + n)).sum::<f64>();
        (0..x.len() as isize).map(|t| sum(t) / (2 * squares) as f64).collect()
    }

    #[test]
    fn repeated_deltas_are_deltas_of_deltas() {
        for reach in [1usize, 2, 3, 9] {
            let mut deltas = StreamingDelta::<f64>::repeated(2, 2, reach);
            for count in 1..40 {
                let emitted = run(&mut deltas, &frames(count));
                assert_eq!(emitted.len(), count * 6);
                for column in 0..2 {
                    let x: Vec<f64> = frames(count).iter().map(|frame| frame[column]).collect();
                    let first = delta(&x, reach as isize);
                    let second = delta(&first, reach as isize);
                    for t in 0..count {
                        let expected = [x[t], first[t], second[t]];
                        for (group, expected) in expected.iter().enumerate() {
                            let got = emitted[t * 6 + group * 2 + column];
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
        let mut deltas = StreamingDelta::<f64>::convolved(2, 2, 2);
        for count in 1..30 {
            let emitted = run(&mut deltas, &frames(count));
            let x: Vec<f64> = frames(count).iter().map(|frame| frame[0]).collect();
            let (first, twice) = (delta(&x, 2), delta(&delta(&x, 2), 2));
            for t in 0..count {
                let at = |n: usize| x[(t + n).saturating_sub(4).min(count - 1)];
                let second = (0..9).map(|n| weights[n] * at(n)).sum::<f64>() / 100.0;
                assert!((emitted[t * 6 + 2] - first[t]).abs() < 1e-12);
                assert!((emitted[t * 6 + 4] - second).abs() < 1e-12, "{count} {t}");
                if (4..count.saturating_sub(4)).contains(&t) {
                    assert!((second - twice[t]).abs() < 1e-12);
                }
            }
            if count > 4 {
                assert!((emitted[4] - twice[0]).abs() > 1e-3, "the edges differ from the delta of the delta");
            }
        }
    }

    #[test]
    fn delay_equals_the_reach_of_the_deltas() {
        for (mut deltas, delay) in [
            (StreamingDelta::<f64>::convolved(2, 0, 2), 0),
            (StreamingDelta::<f64>::convolved(2, 1, 2), 2),
            (StreamingDelta::<f64>::convolved(2, 2, 2), 4),
            (StreamingDelta::<f64>::repeated(2, 1, 3), 3),
            (StreamingDelta::<f64>::repeated(2, 2, 3), 6),
        ] {
            let width = deltas.width();
            let mut emitted = 0;
            for (t, frame) in frames(20).iter().enumerate() {
                deltas.push(frame, |part| emitted += part.len());
                assert_eq!(emitted, (t + 1usize).saturating_sub(delay) * width, "{delay} {t}");
            }
            deltas.finish(|part| emitted += part.len()).unwrap();
            assert_eq!(emitted, 20 * width);
        }
    }

    #[test]
    fn fitted_deltas_equal_those_of_the_whole_matrix_in_every_mode() {
        use crate::{DeltaConfig, Features};
        for mode in [DeltaMode::Interp, DeltaMode::Nearest, DeltaMode::Mirror, DeltaMode::Constant] {
            for (order, reach) in [(1, 1), (2, 1), (1, 4), (2, 4), (2, 7)] {
                let mut deltas = StreamingDelta::<f64>::fitted(2, order, reach, mode);
                for count in 1..40 {
                    let few = mode == DeltaMode::Interp && count <= 2 * reach;
                    if few {
                        deltas.reset();
                        frames(count).iter().for_each(|frame| deltas.push(frame, |_| ()));
                        assert!(deltas.finish(|_| ()).is_err(), "{mode:?} {count}");
                        continue;
                    }
                    let emitted = run(&mut deltas, &frames(count));
                    assert_eq!(emitted.len(), count * 2 * (order + 1));
                    let whole = Features::new(2, frames(count).concat());
                    for order_here in 1..=order {
                        let config = DeltaConfig { order: order_here, width: 2 * reach + 1, mode };
                        let expected = config.init().unwrap().apply(&whole).unwrap();
                        for t in 0..count {
                            let at = (t * (order + 1) + order_here) * 2;
                            assert_eq!(
                                emitted[at..at + 2],
                                *expected.frame(t),
                                "{mode:?} {reach} {count} {t}"
                            );
                        }
                    }
                }
            }
        }
    }
}

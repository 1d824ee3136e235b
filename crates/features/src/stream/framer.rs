//! Framing of streamed samples.

use crate::stages::{Edges, FramingStage};

/// Handling of the samples at the ends of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EdgePolicy {
    /// Samples after the last whole frame are discarded. Kaldi, `snip_edges`.
    Discard,
    /// Zeros complete the last frame, or the first if the clip is shorter. python_speech_features.
    ZeroPad,
    /// Frames are centered on their hop and the clip is mirrored about its ends, with the edge samples
    /// repeated. Kaldi without `snip_edges`.
    Mirror,
}

/// Frame length, hop and handling of the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameSpec {
    pub length: usize,
    pub hop: usize,
    pub edges: EdgePolicy,
}

impl FrameSpec {
    /// Returns the stage with these settings.
    pub(crate) fn stage(&self) -> FramingStage {
        let edges = match self.edges {
            EdgePolicy::Discard => Edges::Padded { zeros: 0, reflected: 0 },
            EdgePolicy::ZeroPad => Edges::Completed,
            EdgePolicy::Mirror => Edges::Mirrored,
        };
        FramingStage { length: self.length, hop: self.hop, edges }
    }

    /// Returns T, the number of frames of a whole clip.
    pub(crate) fn frames(&self, samples: usize) -> usize {
        let beyond = samples.checked_sub(self.length);
        match (self.edges, beyond) {
            (EdgePolicy::Mirror, _) => (samples + self.hop / 2) / self.hop,
            (EdgePolicy::ZeroPad, _) if samples == 0 => 0,
            (EdgePolicy::ZeroPad, None) => 1,
            (EdgePolicy::ZeroPad, Some(beyond)) => 1 + beyond.div_ceil(self.hop),
            (EdgePolicy::Discard, None) => 0,
            (EdgePolicy::Discard, Some(beyond)) => 1 + beyond / self.hop,
        }
    }

    /// Returns the first sample of frame `t`; negative before the clip.
    fn start(&self, t: usize) -> isize {
        let start = (t * self.hop) as isize;
        match self.edges {
            EdgePolicy::Mirror => start + (self.hop / 2) as isize - (self.length / 2) as isize,
            EdgePolicy::Discard | EdgePolicy::ZeroPad => start,
        }
    }
}

/// Number of samples processed at a time.
pub(crate) const BLOCK: usize = 1024;

/// Buffers samples and returns frame after frame, independent of the chunk sizes.
#[derive(Clone, Debug)]
pub(crate) struct Framer<V> {
    spec: FrameSpec,
    /// Samples from index `first` on.
    buffer: Vec<V>,
    first: usize,
    /// Index of the next frame.
    next: usize,
    /// Frame that extends beyond an end of the clip.
    edge_frame: Vec<V>,
}

impl<V: Copy + Default> Framer<V> {
    /// Starts a clip; length and hop must be at least 1.
    pub(crate) fn new(spec: FrameSpec) -> Framer<V> {
        let edge_frame = vec![V::default(); spec.length];
        Framer { spec, buffer: Vec::new(), first: 0, next: 0, edge_frame }
    }

    pub(crate) fn spec(&self) -> &FrameSpec {
        &self.spec
    }

    /// Returns the number of frames emitted.
    pub(crate) fn emitted(&self) -> usize {
        self.next
    }

    /// Returns the number of samples received.
    pub(crate) fn received(&self) -> usize {
        self.first + self.buffer.len()
    }

    /// Resets to the start of a clip.
    pub(crate) fn reset(&mut self) {
        self.buffer.clear();
        self.first = 0;
        self.next = 0;
    }

    /// Returns room for the next samples, at most [`BLOCK`], which the caller writes there. All complete frames must have been
    /// read before: then the buffer never outgrows its capacity.
    ///
    /// # Shapes
    /// -> \[samples\]
    pub(crate) fn push(&mut self, samples: usize) -> &mut [V] {
        let capacity = self.spec.length + 4 * BLOCK;
        self.buffer.reserve_exact(capacity.saturating_sub(self.buffer.len()));
        if self.buffer.len() + BLOCK > capacity {
            self.discard_used();
        }
        let before = self.buffer.len();
        self.buffer.resize(before + samples, V::default());
        &mut self.buffer[before..]
    }

    /// Discards samples that no later frame needs. With mirroring and an odd length, the last frame may need
    /// the sample before its start.
    fn discard_used(&mut self) {
        let needed = (self.spec.start(self.next) - 1).max(0) as usize;
        let used = (needed - self.first.min(needed)).min(self.buffer.len());
        self.buffer.copy_within(used.., 0);
        self.buffer.truncate(self.buffer.len() - used);
        self.first += used;
    }

    /// Returns the next frame if all its samples have arrived or, at the end of the clip, are beyond the end.
    ///
    /// # Shapes
    /// -> \[length\]
    pub(crate) fn frame(&mut self, ended: bool) -> Option<&[V]> {
        let start = self.spec.start(self.next);
        let end = start + self.spec.length as isize;
        let received = self.received() as isize;
        let arrived = end <= received && -start <= received;
        let last = ended && self.next < self.spec.frames(self.received());
        if !(arrived || last) {
            return None;
        }
        self.next += 1;
        if start >= 0 && end <= received {
            let from = start as usize - self.first;
            return Some(&self.buffer[from..from + self.spec.length]);
        }
        let samples = self.received();
        for (at, value) in (start..end).zip(&mut self.edge_frame) {
            *value = match self.spec.edges {
                EdgePolicy::Mirror => self.buffer[mirror(at, samples) - self.first],
                EdgePolicy::Discard | EdgePolicy::ZeroPad if at >= received => V::default(),
                EdgePolicy::Discard | EdgePolicy::ZeroPad => self.buffer[at as usize - self.first],
            };
        }
        Some(&self.edge_frame)
    }
}

/// Maps an index to a sample of the clip, mirrored repeatedly about its ends with the edges repeated.
fn mirror(index: isize, samples: usize) -> usize {
    let samples = samples as isize;
    let within = index.rem_euclid(2 * samples);
    within.min(2 * samples - 1 - within) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns frame `t` by definition.
    fn defined(spec: &FrameSpec, clip: &[i64], t: usize) -> Vec<i64> {
        let start = spec.start(t);
        let value = |mut at: isize| {
            if spec.edges != EdgePolicy::Mirror {
                return clip.get(at as usize).copied().unwrap_or(0);
            }
            // One reflection after the other, as specified.
            loop {
                match at {
                    _ if at < 0 => at = -at - 1,
                    _ if at >= clip.len() as isize => at = 2 * clip.len() as isize - 1 - at,
                    _ => return clip[at as usize],
                }
            }
        };
        (start..start + spec.length as isize).map(value).collect()
    }

    #[test]
    fn frames_equal_their_definition_for_every_chunk_size() {
        for edges in [EdgePolicy::Discard, EdgePolicy::ZeroPad, EdgePolicy::Mirror] {
            for (length, hop) in [(200, 80), (5, 2), (7, 7), (4, 9), (9, 1), (1, 1), (2, 3), (40, 3)] {
                let spec = FrameSpec { length, hop, edges };
                for samples in [0usize, 1, 2, 3, 4, 10, 19, 20, 21, 100, 777, 9000] {
                    let clip: Vec<i64> = (1..=samples as i64).collect();
                    let chunks: &[usize] = if samples > 800 { &[1, 1000, 1024] } else { &[1, 3, 64, 1024] };
                    for &chunk in chunks {
                        check(&spec, &clip, chunk);
                    }
                }
            }
        }
    }

    fn check(spec: &FrameSpec, clip: &[i64], chunk: usize) {
        let mut framer = Framer::new(*spec);
        let mut frames = 0;
        let chunks_and_end = clip.chunks(chunk).map(Some).chain([None]);
        for piece in chunks_and_end {
            let piece_samples = piece.unwrap_or_default();
            framer.push(piece_samples.len()).copy_from_slice(piece_samples);
            while let Some(frame) = framer.frame(piece.is_none()) {
                assert_eq!(frame, defined(spec, clip, frames), "{spec:?} {} {chunk}", clip.len());
                frames += 1;
            }
            assert!(framer.buffer.len() <= spec.length + 4 * BLOCK);
        }
        assert_eq!(frames, spec.frames(clip.len()), "{spec:?} {} {chunk}", clip.len());
        assert_eq!((framer.emitted(), framer.received()), (frames, clip.len()));
    }

    #[test]
    fn number_of_frames_equals_specification() {
        let frames = |edges, samples| FrameSpec { length: 200, hop: 80, edges }.frames(samples);
        assert_eq!(
            [0, 1, 200, 201, 6000].map(|samples| frames(EdgePolicy::ZeroPad, samples)),
            [0, 1, 1, 2, 74]
        );
        assert_eq!(
            [0, 199, 200, 279, 280].map(|samples| frames(EdgePolicy::Discard, samples)),
            [0, 0, 1, 1, 2]
        );
        assert_eq!([0, 39, 40, 100, 200].map(|samples| frames(EdgePolicy::Mirror, samples)), [0, 0, 1, 1, 3]);
    }
}

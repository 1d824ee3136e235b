//! Frames out of samples that arrive piece by piece.

/// What becomes of the samples after the last whole frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// They are left out. Kaldi, `snip_edges`.
    Dropped,
    /// Zeros complete the last frame, and the first where there is no whole one. python_speech_features.
    Zeros,
    /// Frames are centred on the middle of their hop, and the clip is mirrored about its ends, the edge
    /// samples repeated. Kaldi without `snip_edges`.
    Mirrored,
}

/// Frames of equal length at equal distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slicing {
    pub length: usize,
    pub hop: usize,
    pub ending: Ending,
}

impl Slicing {
    /// T, the number of frames of a whole clip.
    pub(crate) fn frames(&self, samples: usize) -> usize {
        let beyond = samples.checked_sub(self.length);
        match (self.ending, beyond) {
            (Ending::Mirrored, _) => (samples + self.hop / 2) / self.hop,
            (Ending::Zeros, _) if samples == 0 => 0,
            (Ending::Zeros, None) => 1,
            (Ending::Zeros, Some(beyond)) => 1 + beyond.div_ceil(self.hop),
            (Ending::Dropped, None) => 0,
            (Ending::Dropped, Some(beyond)) => 1 + beyond / self.hop,
        }
    }

    /// Where frame `t` starts; negative before the first sample.
    fn start(&self, t: usize) -> isize {
        let start = (t * self.hop) as isize;
        match self.ending {
            Ending::Mirrored => start + (self.hop / 2) as isize - (self.length / 2) as isize,
            Ending::Dropped | Ending::Zeros => start,
        }
    }
}

/// How many samples are taken in at a time.
pub(crate) const BLOCK: usize = 1024;

/// Keeps the samples that frames still need and gives frame after frame, whatever pieces they came in.
#[derive(Clone, Debug)]
pub(crate) struct Cutter<V> {
    slicing: Slicing,
    /// The samples from sample `first` on.
    buffer: Vec<V>,
    first: usize,
    /// The frame to come.
    next: usize,
    /// A frame that reaches over an end of the clip.
    completed: Vec<V>,
}

impl<V: Copy + Default> Cutter<V> {
    /// At the start of a clip; length and hop are at least 1.
    pub(crate) fn new(slicing: Slicing) -> Cutter<V> {
        let completed = vec![V::default(); slicing.length];
        Cutter { slicing, buffer: Vec::new(), first: 0, next: 0, completed }
    }

    pub(crate) fn slicing(&self) -> &Slicing {
        &self.slicing
    }

    /// How many frames have been given.
    pub(crate) fn given(&self) -> usize {
        self.next
    }

    /// How many samples have been taken in.
    pub(crate) fn received(&self) -> usize {
        self.first + self.buffer.len()
    }

    /// Back to the start of a clip.
    pub(crate) fn reset(&mut self) {
        self.buffer.clear();
        self.first = 0;
        self.next = 0;
    }

    /// Takes in at most [`BLOCK`] samples, after all frames that were whole have been taken out: then the
    /// buffer never outgrows what it reserves here.
    pub(crate) fn take_in(&mut self, samples: impl Iterator<Item = V>) {
        let most = self.slicing.length + 4 * BLOCK;
        self.buffer.reserve_exact(most.saturating_sub(self.buffer.len()));
        if self.buffer.len() + BLOCK > most {
            self.forget();
        }
        self.buffer.extend(samples);
    }

    /// Drops the samples that no frame needs any more. Mirrored, the last frame may look back to the sample
    /// before its start (of an odd length).
    fn forget(&mut self) {
        let needed = (self.slicing.start(self.next) - 1).max(0) as usize;
        let spent = (needed - self.first.min(needed)).min(self.buffer.len());
        self.buffer.copy_within(spent.., 0);
        self.buffer.truncate(self.buffer.len() - spent);
        self.first += spent;
    }

    /// The next frame, if its samples have all arrived or, at the end of the clip, are known to be beyond it.
    ///
    /// # Shapes
    /// -> \[length\]
    pub(crate) fn frame(&mut self, ended: bool) -> Option<&[V]> {
        let start = self.slicing.start(self.next);
        let end = start + self.slicing.length as isize;
        let received = self.received() as isize;
        let arrived = end <= received && -start <= received;
        let last = ended && self.next < self.slicing.frames(self.received());
        if !(arrived || last) {
            return None;
        }
        self.next += 1;
        if start >= 0 && end <= received {
            let from = start as usize - self.first;
            return Some(&self.buffer[from..from + self.slicing.length]);
        }
        let samples = self.received();
        for (at, value) in (start..end).zip(&mut self.completed) {
            *value = match self.slicing.ending {
                Ending::Mirrored => self.buffer[mirror(at, samples) - self.first],
                Ending::Dropped | Ending::Zeros if at >= received => V::default(),
                Ending::Dropped | Ending::Zeros => self.buffer[at as usize - self.first],
            };
        }
        Some(&self.completed)
    }
}

/// Which sample stands at an index of the clip mirrored about its ends, edges repeated, again and again.
fn mirror(index: isize, samples: usize) -> usize {
    let samples = samples as isize;
    let within = index.rem_euclid(2 * samples);
    within.min(2 * samples - 1 - within) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frame `t` straight from the definition.
    fn defined(slicing: &Slicing, clip: &[i64], t: usize) -> Vec<i64> {
        let start = slicing.start(t);
        let value = |mut at: isize| {
            if slicing.ending != Ending::Mirrored {
                return clip.get(at as usize).copied().unwrap_or(0);
            }
            // One reflection after the other, as the specification says.
            loop {
                match at {
                    _ if at < 0 => at = -at - 1,
                    _ if at >= clip.len() as isize => at = 2 * clip.len() as isize - 1 - at,
                    _ => return clip[at as usize],
                }
            }
        };
        (start..start + slicing.length as isize).map(value).collect()
    }

    #[test]
    fn every_chunking_gives_the_frames_of_the_definition() {
        for ending in [Ending::Dropped, Ending::Zeros, Ending::Mirrored] {
            for (length, hop) in [(200, 80), (5, 2), (7, 7), (4, 9), (9, 1), (1, 1), (2, 3), (40, 3)] {
                let slicing = Slicing { length, hop, ending };
                for samples in [0usize, 1, 2, 3, 4, 10, 19, 20, 21, 100, 777, 9000] {
                    let clip: Vec<i64> = (1..=samples as i64).collect();
                    let chunks: &[usize] = if samples > 800 { &[1, 1000, 1024] } else { &[1, 3, 64, 1024] };
                    for &chunk in chunks {
                        check(&slicing, &clip, chunk);
                    }
                }
            }
        }
    }

    fn check(slicing: &Slicing, clip: &[i64], chunk: usize) {
        let mut cutter = Cutter::new(*slicing);
        let mut frames = 0;
        let pieces = clip.chunks(chunk).map(Some).chain([None]);
        for piece in pieces {
            cutter.take_in(piece.unwrap_or_default().iter().copied());
            while let Some(frame) = cutter.frame(piece.is_none()) {
                assert_eq!(frame, defined(slicing, clip, frames), "{slicing:?} {} {chunk}", clip.len());
                frames += 1;
            }
            assert!(cutter.buffer.len() <= slicing.length + 4 * BLOCK);
        }
        assert_eq!(frames, slicing.frames(clip.len()), "{slicing:?} {} {chunk}", clip.len());
        assert_eq!((cutter.given(), cutter.received()), (frames, clip.len()));
    }

    #[test]
    fn the_number_of_frames_is_that_of_the_specification() {
        let frames = |ending, samples| Slicing { length: 200, hop: 80, ending }.frames(samples);
        assert_eq!([0, 1, 200, 201, 6000].map(|samples| frames(Ending::Zeros, samples)), [0, 1, 1, 2, 74]);
        assert_eq!([0, 199, 200, 279, 280].map(|samples| frames(Ending::Dropped, samples)), [0, 0, 1, 1, 2]);
        assert_eq!([0, 39, 40, 100, 200].map(|samples| frames(Ending::Mirrored, samples)), [0, 0, 1, 1, 3]);
    }
}

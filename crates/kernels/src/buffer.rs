//! Growing memory that is aligned to a cache line.
#![allow(unsafe_code, reason = "cache lines viewed as f32 values")]

/// Values that start at a cache line; the buffer grows to the largest requested size and keeps it.
#[derive(Clone, Default)]
pub(crate) struct Buffer {
    lines: Vec<Line>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; Line::VALUES]);

impl Line {
    const VALUES: usize = 16;
}

impl Buffer {
    /// The first `len` values: zero, or what was written before.
    pub(crate) fn sized(&mut self, len: usize) -> &mut [f32] {
        let lines = len.div_ceil(Line::VALUES);
        if self.lines.len() < lines {
            self.lines.resize(lines, Line([0.0; Line::VALUES]));
        }
        &mut self.all_mut()[..len]
    }

    /// The first `len` values, set to zero.
    pub(crate) fn zeroed(&mut self, len: usize) -> &mut [f32] {
        let values = self.sized(len);
        values.fill(0.0);
        values
    }

    /// All values, up to the largest size so far.
    pub(crate) fn all(&self) -> &[f32] {
        // SAFETY: a line is 16 values without padding (64 bytes, aligned to 64), and lines are contiguous.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * Line::VALUES) }
    }

    /// All values, mutable.
    pub(crate) fn all_mut(&mut self) -> &mut [f32] {
        let len = self.lines.len() * Line::VALUES;
        // SAFETY: as in `all`; the borrow of the buffer is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), len) }
    }
}

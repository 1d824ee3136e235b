//! Memory that grows and starts at a cache line.
#![allow(unsafe_code, reason = "lines of numbers seen as numbers")]

/// Numbers whose first lies at a cache line; it grows to the largest size asked for and keeps it.
#[derive(Clone, Default)]
pub(crate) struct Buffer {
    lines: Vec<Line>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; Line::NUMBERS]);

impl Line {
    const NUMBERS: usize = 16;
}

impl Buffer {
    /// The first `len` numbers, zero or whatever was written before.
    pub(crate) fn sized(&mut self, len: usize) -> &mut [f32] {
        let lines = len.div_ceil(Line::NUMBERS);
        if self.lines.len() < lines {
            self.lines.resize(lines, Line([0.0; Line::NUMBERS]));
        }
        &mut self.all_mut()[..len]
    }

    /// The first `len` numbers, all zero.
    pub(crate) fn zeroed(&mut self, len: usize) -> &mut [f32] {
        let numbers = self.sized(len);
        numbers.fill(0.0);
        numbers
    }

    /// Everything, as far as the buffer has grown.
    pub(crate) fn all(&self) -> &[f32] {
        // SAFETY: a line is 16 numbers without padding (64 bytes, aligned to 64), and lines lie side by side.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * Line::NUMBERS) }
    }

    /// Everything, to be changed.
    pub(crate) fn all_mut(&mut self) -> &mut [f32] {
        let len = self.lines.len() * Line::NUMBERS;
        // SAFETY: as in `all`; the borrow of the buffer is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), len) }
    }
}

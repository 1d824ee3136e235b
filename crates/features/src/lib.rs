//! Samples become frames [T, F], equal to the reference toolkits number for number; no I/O.

mod frames;

pub use frames::Features;

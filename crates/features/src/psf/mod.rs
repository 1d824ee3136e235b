//! Front ends of python_speech_features 0.6: filter banks, their logarithms, cepstra, deltas.
//!
//! Settings have its names and defaults, and everything is computed in f64, as there. The documentation of
//! each configuration defines the features.

mod check;
mod config;
mod extractor;
mod fbank;
mod fft;
mod frame;
mod log_fbank;
mod mfcc;
mod window;

pub use config::{PsfFbankConfig, PsfLogFbankConfig, PsfMfccConfig};
pub use extractor::{Psf, PsfStream};
pub use fft::PsfFft;
pub use window::PsfWindow;

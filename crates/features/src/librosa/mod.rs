//! Front ends of librosa 0.9 to 1.0: spectra, mel bands, decibels, cepstra, deltas.
//!
//! Settings have librosa's names and defaults. The documentation of each configuration defines the features;
//! the arithmetic follows librosa's number types step by step.

mod check;
mod complex_stft;
mod config;
pub(crate) mod delta;
mod functions;
mod mel;
mod mel_db;
mod mfcc;
mod stft;

pub use complex_stft::LibrosaComplexStft;
pub use config::{LibrosaMelConfig, LibrosaMelDbConfig, LibrosaMfccConfig, LibrosaStftConfig};
pub use delta::{Delta, DeltaConfig, DeltaMode};
pub use functions::power_to_db;
pub use mel::LibrosaMel;
pub use mel_db::LibrosaMelDb;
pub use mfcc::LibrosaMfcc;
pub use stft::LibrosaStft;

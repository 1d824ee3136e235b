//! Front ends of torchaudio.transforms 2.11: mel energies, decibels, cepstra, deltas.
//!
//! Settings have torchaudio's names and defaults. Samples, window, transform and products are f32 as in
//! torchaudio; tables are built in f64 and rounded once. The peak for `top_db` is that of the clip;
//! torchaudio takes it over the whole batch, which would make a clip's features depend on the other clips.

mod check;
mod config;
mod delta;
mod energies;
mod mel;
mod mel_db;
mod mfcc;
mod padded;
mod spectrum_norm;

pub use config::{TorchaudioMelConfig, TorchaudioMelDbConfig, TorchaudioMfccConfig};
pub use delta::TorchaudioDeltaConfig;
pub use mel::TorchaudioMel;
pub use mel_db::TorchaudioMelDb;
pub use mfcc::TorchaudioMfcc;
pub use spectrum_norm::SpectrumNorm;

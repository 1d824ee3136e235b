//! Front ends of Kaldi, as in kaldi-native-fbank and torchaudio.compliance.kaldi: filter banks, cepstra,
//! deltas and normalization per utterance.
//!
//! Settings have kaldi-native-fbank's names and defaults; [`KaldiDialect`] lists the differences of
//! torchaudio. Everything is computed in f32, as there. Dither must be 0, and VTLN is not supported.

mod check;
mod cmvn;
mod config;
mod extractor;
mod fbank;
mod frame;
mod mfcc;
mod window;

pub use cmvn::KaldiCmvn;
pub use config::{KaldiDialect, KaldiFbankConfig, KaldiFrameConfig, KaldiMelConfig, KaldiMfccConfig};
pub use extractor::{Kaldi, KaldiStream};
pub use window::KaldiWindow;

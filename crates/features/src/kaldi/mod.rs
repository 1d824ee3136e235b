//! The front ends of Kaldi, as kaldi-native-fbank and torchaudio.compliance.kaldi compute them: filter banks,
//! cepstra, deltas, normalisation per utterance.
//!
//! Settings have kaldi-native-fbank's names and defaults; [`KaldiDialect`] says what torchaudio does otherwise.
//! Everything is computed in f32, as there. Dither must be 0, and there is no warping of the vocal tract (VTLN).

mod check;
mod cmvn;
mod config;
mod extractor;
mod frame;
pub(crate) mod settings;
mod window;

pub use cmvn::KaldiCmvn;
pub use config::{KaldiDialect, KaldiFbankConfig, KaldiFrameConfig, KaldiMelConfig, KaldiMfccConfig};
pub use extractor::{Kaldi, KaldiStream};
pub use window::KaldiWindow;

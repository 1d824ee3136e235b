//! Feature extraction: samples to frames \[T, F\], equal to the reference toolkits within rounding; no I/O.
//!
//! Start at [`FeatureConfig`], the `[features]` section of a recipe: its `init` returns the [`FrontEnd`] that
//! turns clips into a model's input. Each toolkit has its own extractors with the toolkit's names for
//! settings ([`LibrosaMfccConfig`] and others); all implement [`Extractor`]. They share toolkit-independent
//! parts: framing, windows, spectra, mel filter banks, decibels, cosine transforms, lifters and deltas.
//!
//! # Example
//! ```
//! use stapes_features::{Extractor, LibrosaMfccConfig};
//!
//! let mut mfcc = LibrosaMfccConfig { n_mfcc: 13, ..Default::default() }.init(16_000)?;
//! let tone: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.3).sin()).collect();
//! let features = mfcc.extract(&tone)?;
//! assert_eq!((features.frames(), features.width()), (32, 13));
//! # Ok::<(), stapes_features::FeatureError>(())
//! ```

mod cepstra;
mod check;
mod config;
mod dct;
mod decibel;
mod deltas;
mod error;
mod extractor;
mod feature_stream;
mod frame_times;
mod frames;
mod framing;
mod front_end;
mod front_end_kind;
mod front_ends;
mod kaldi;
mod layout;
mod librosa;
mod lifter;
mod logarithm;
mod mel;
mod normalization;
mod post_processing;
mod presets;
mod psf;
mod sample;
mod segments;
mod serde_scalar;
mod settings;
mod settings_macro;
mod simd;
mod spectrum;
mod stacking;
mod stages;
mod stft;
mod stream;
mod torchaudio;
mod window;

pub use config::{FeatureConfig, Scale};
pub use dct::DctNorm;
pub use decibel::Reference;
pub use deltas::{DeltaKind, DeltasConfig};
pub use error::FeatureError;
pub use extractor::Extractor;
pub use feature_stream::FeatureStream;
pub use frame_times::FrameTimes;
pub use frames::Features;
pub use framing::PadMode;
pub use front_end::FrontEnd;
pub use front_ends::*;
pub use kaldi::{
    Kaldi, KaldiCmvn, KaldiDialect, KaldiFbankConfig, KaldiFrameConfig, KaldiMelConfig, KaldiMfccConfig,
    KaldiStream, KaldiWindow,
};
pub use layout::{FeatureAxis, Layout};
pub use librosa::{
    Delta, DeltaConfig, DeltaMode, LibrosaComplexStft, LibrosaMel, LibrosaMelConfig, LibrosaMelDb,
    LibrosaMelDbConfig, LibrosaMfcc, LibrosaMfccConfig, LibrosaStft, LibrosaStftConfig, power_to_db,
};
pub use mel::{MelNorm, MelScale};
pub use normalization::{Normalization, StandardScaler};
pub use presets::{PRESETS, Preset, preset, preset_at};
pub use psf::{Psf, PsfFbankConfig, PsfFft, PsfLogFbankConfig, PsfMfccConfig, PsfStream, PsfWindow};
pub use sample::Sample;
pub use segments::Segment;
pub use settings::Setting;
pub use stacking::StackingConfig;
pub use stages::{
    DeltaFilter, DeltaStage, Edges, EnergySource, FrameEnergy, FrameStage, FramingStage, Logarithm,
    SpectrumStage, Stages,
};
pub use stream::{Streaming, StreamingExtractor};
pub use torchaudio::{
    SpectrumNorm, TorchaudioDeltaConfig, TorchaudioMel, TorchaudioMelConfig, TorchaudioMelDb,
    TorchaudioMelDbConfig, TorchaudioMfcc, TorchaudioMfccConfig,
};
pub use window::Window;

//! Registry of the front ends: one line each.

use serde::{Deserialize, Serialize};

use crate::front_end_kind::FrontEndKind;
use crate::kaldi::{KaldiFbankConfig, KaldiMfccConfig};
use crate::layout::Layout;
use crate::librosa::{LibrosaMelDbConfig, LibrosaMfccConfig};
use crate::psf::{PsfFbankConfig, PsfLogFbankConfig, PsfMfccConfig};
use crate::settings_macro::{Settings, Table};
use crate::torchaudio::{TorchaudioMelDbConfig, TorchaudioMfccConfig};

/// Defines [`FrontEndConfig`] from the name, variant, configuration and description of each front end. `in file` also
/// declares the file `front_ends/file.rs` and makes its configuration public.
macro_rules! front_ends {
    ($(
        $(#[$attribute:meta])*
        $name:literal: $variant:ident($config:ident) $(in $file:ident)?, $description:literal;
    )*) => {
        $(front_end_file! { [$(#[$attribute])*] [$($file)?] $config })*

        /// Front end of one of the toolkits, with its settings; the name is the key:
        /// `[features.front_end.librosa-mfcc]`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum FrontEndConfig {
            $(
                $(#[$attribute])*
                #[doc = $description]
                #[serde(rename = $name)]
                $variant($config),
            )*
        }

        impl FrontEndConfig {
            /// Returns the settings behind the common interface.
            pub(crate) fn kind(&self) -> &dyn FrontEndKind {
                match self {
                    $($(#[$attribute])* FrontEndConfig::$variant(config) => config,)*
                }
            }

            /// Returns the name in recipes.
            pub fn name(&self) -> &'static str {
                match self {
                    $($(#[$attribute])* FrontEndConfig::$variant(_) => $name,)*
                }
            }

            /// Returns the table of the settings.
            pub(crate) fn table(&self) -> Table {
                match self {
                    $($(#[$attribute])* FrontEndConfig::$variant(_) => $config::TABLE,)*
                }
            }
        }
    };
}

macro_rules! front_end_file {
    ([$($attribute:tt)*] [] $config:ident) => {};
    ([$($attribute:tt)*] [$file:ident] $config:ident) => {
        $($attribute)*
        mod $file;
        $($attribute)*
        pub use $file::$config;
    };
}

front_ends! {
    "librosa-mfcc": LibrosaMfcc(LibrosaMfccConfig), "Mel-frequency cepstral coefficients of librosa.";
    "librosa-mel-db": LibrosaMelDb(LibrosaMelDbConfig), "Mel bands in decibels of librosa.";
    "psf-mfcc": PsfMfcc(PsfMfccConfig), "Mel-frequency cepstral coefficients of python_speech_features.";
    "psf-logfbank": PsfLogFbank(PsfLogFbankConfig), "Log mel energies of python_speech_features.";
    "psf-fbank": PsfFbank(PsfFbankConfig), "Mel energies of python_speech_features.";
    "kaldi-mfcc": KaldiMfcc(KaldiMfccConfig), "Mel-frequency cepstral coefficients of Kaldi.";
    "kaldi-fbank": KaldiFbank(KaldiFbankConfig), "Log mel energies of Kaldi.";
    "torchaudio-mfcc": TorchaudioMfcc(TorchaudioMfccConfig), "Mel-frequency cepstral coefficients of torchaudio.";
    "torchaudio-mel-db": TorchaudioMelDb(TorchaudioMelDbConfig), "Mel bands in decibels of torchaudio.";
    "waveform": Waveform(WaveformConfig) in waveform, "Raw samples.";
    #[cfg(test)] "dummy": Dummy(DummyConfig) in dummy, "Mean magnitude of each frame.";
}

pub use waveform::Waveform;

impl Default for FrontEndConfig {
    fn default() -> FrontEndConfig {
        FrontEndConfig::LibrosaMfcc(LibrosaMfccConfig::default())
    }
}

impl FrontEndConfig {
    /// Returns the layout of the reference toolkit's feature matrix.
    ///
    /// # Example
    /// ```
    /// use stapes_features::{FrontEndConfig, Layout};
    ///
    /// assert_eq!(FrontEndConfig::default().layout(), Layout::FeaturesFirst);
    /// ```
    pub fn layout(&self) -> Layout {
        self.kind().layout()
    }
}

impl Settings for FrontEndConfig {
    const TABLE: Table = &[];
}

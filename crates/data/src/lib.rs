//! Data sets, splits and labels: what there is to learn from, and which part may be looked at when.
//!
//! Start with [`DataConfig`], what a recipe says: it opens a folder ([`DataSet`]: classes and examples), and splits
//! it ([`Split`]: training, validation, test). [`load`] turns examples into features on all threads, with a front
//! end of your choice; [`Counts`] and [`fingerprint`] say what a run saw.
//!
//! Nothing here depends on the order in which a file system lists files, and all chance comes from the seed: the
//! same data and the same configuration give the same split on every machine. The test split is drawn first and
//! from numbers of its own, so that another share for validation does not move it.

mod arabic_digits;
mod augment;
mod cache;
mod carve;
mod class_folders;
mod config;
mod consonant_vowel;
mod content;
mod counts;
mod dataset;
mod deal;
mod error;
mod fingerprint;
mod folder;
mod fsdd;
mod handwriting;
mod japanese_vowels;
mod load;
mod numbers;
mod official;
mod own;
mod speech_commands;
mod split;
mod survey;
mod truth;
mod ts;
mod upc_vad;

pub use arabic_digits::ArabicDigitsConfig;
pub use augment::{
    AugmentConfig, ClippingConfig, CodecConfig, DropConfig, GainConfig, JitterConfig, LevelConfig, Misfit,
    NoiseColour, NoiseConfig, ReverbConfig, RotationConfig, ScaleConfig, ShiftConfig, SpecAugmentConfig,
    SpeedConfig, StretchConfig, WarpConfig, WaveformAugmentConfig, WaveformAugmenter, WaveformShiftConfig,
};
pub use cache::FrameCache;
pub use config::{DataConfig, Fold};
pub use consonant_vowel::ConsonantVowelConfig;
pub use counts::{ClassCount, Counts, GroupCount, PartCount};
pub use dataset::{DataSet, Example, Source};
pub use error::DataError;
pub use fingerprint::fingerprint;
pub use fsdd::{FsddConfig, FsddSplit};
pub use handwriting::HandwritingConfig;
pub use japanese_vowels::JapaneseVowelsConfig;
pub use load::{Terms, Usable, Watch, load, load_usable};
pub use own::{FoldersConfig, ManifestConfig, OwnConfig, OwnSplit, SpeakerRule};
pub use speech_commands::{SpeechCommandsConfig, SpeechCommandsSplit};
pub use split::{Partition, Split};
pub use stapes_files::SpecialFile;
pub use survey::{Lengths, Survey};
pub use truth::{Interval, Intervals, Truth};
pub use upc_vad::UpcVadConfig;

//! Data sets, labels, and splits into training, validation and test subsets.
//!
//! Start with [`DataConfig`], the table `data` of a recipe: it opens a folder as a [`DataSet`] (classes and examples)
//! and splits it ([`Split`]). [`load`] converts the examples into features on all threads, with any front end;
//! [`Counts`] and [`fingerprint`] describe the data of a run.
//!
//! Results do not depend on the order in which a file system lists files, and all random draws depend on the seed:
//! the same data and configuration give the same split on every machine. The test subset is drawn first and from a
//! separate random stream, so the validation fraction does not affect it.

mod arabic_digits;
mod cache;
mod class_folders;
mod config;
mod consonant_vowel;
mod counts;
mod custom;
mod dataset;
mod error;
mod fingerprint;
mod folder;
mod frame_file;
mod fsdd;
mod handwriting;
mod japanese_vowels;
mod label;
mod label_files;
mod labeled_segment;
mod leakage;
mod load;
mod note;
mod numbers;
mod predefined_split;
mod sktime_ts;
mod source;
mod speech_commands;
mod split;
mod split_builder;
mod statistics;
mod stratified_sampling;
mod subset;
mod upc_vad;

pub use arabic_digits::ArabicDigitsConfig;
pub use cache::FrameCache;
pub use config::{DataConfig, Fold};
pub use consonant_vowel::ConsonantVowelConfig;
pub use counts::{ClassCount, Counts, GroupCount, SubsetCount};
pub use custom::{
    CustomDataConfig, CustomSplit, FoldersConfig, LabeledRecording, LabeledRecordings, ManifestColumns,
    ManifestConfig, ManifestLayout, SpeakerRule,
};
pub use dataset::{DataSet, Example, Source};
pub use error::DataError;
pub use fingerprint::fingerprint;
pub use frame_file::{FRAME_EXTENSIONS, has_frame_extension, read_frames};
pub use fsdd::{FsddConfig, FsddSplit};
pub use handwriting::HandwritingConfig;
pub use japanese_vowels::JapaneseVowelsConfig;
pub use label::{Label, MAX_LENGTH_DIFFERENCE_SECONDS, Segments};
pub use labeled_segment::LabeledSegment;
pub use load::{LoadOptions, LoadedFeatures, Progress, check_unreadable, load, load_with_options};
pub use note::Note;
pub use speech_commands::{SpeechCommandsConfig, SpeechCommandsSplit};
pub use split::Split;
pub use stapes_audio::Channel;
pub use stapes_features::Segment;
pub use stapes_files::SpecialFile;
pub use statistics::{DataStatistics, Lengths};
pub use subset::{Subset, UnknownSubset};
pub use upc_vad::UpcVadConfig;

//! Split of custom data.

use super::config::{CustomDataConfig, CustomSplit};
use super::folds;
use crate::dataset::DataSet;
use crate::error::{DataError, listed};
use crate::split::Split;
use crate::split_builder::SplitBuilder;
use crate::stratified_sampling::has_shared_recordings;
use crate::subset::Subset;

/// Minimum number of speakers for training, validation and test.
const MIN_SPEAKERS: usize = 3;

/// Returns the kind of split of the recipe, or the default for the data.
pub(crate) fn kind(custom: &CustomDataConfig, dataset: &DataSet) -> CustomSplit {
    custom.split.unwrap_or_else(|| {
        if dataset.examples.iter().any(|example| example.predefined.is_some()) {
            CustomSplit::Predefined
        } else if speakers_known(dataset) && dataset.groups().len() >= MIN_SPEAKERS {
            CustomSplit::BySpeaker
        } else {
            CustomSplit::Random
        }
    })
}

fn speakers_known(dataset: &DataSet) -> bool {
    dataset.examples.iter().all(|example| example.group.is_some())
}

/// Splits the data; speakers in several subsets are an error unless permitted.
pub(super) fn split(
    set: &'static str,
    custom: &CustomDataConfig,
    dataset: &DataSet,
    seed: u64,
) -> Result<Split, DataError> {
    let split = split_unchecked(set, custom, dataset, seed)?;
    if !custom.allow_shared_speakers {
        CustomSplitter { set, custom, dataset, kind: kind(custom, dataset) }.check_speakers(&split)?;
    }
    Ok(split)
}

/// Splits the data without checking for speakers in several subsets.
pub(super) fn split_unchecked(
    set: &'static str,
    custom: &CustomDataConfig,
    dataset: &DataSet,
    seed: u64,
) -> Result<Split, DataError> {
    let kind = kind(custom, dataset);
    let splitter = CustomSplitter { set, custom, dataset, kind };
    let mut builder = splitter.assign_test(seed)?;
    for subset in [Subset::Train, Subset::Test] {
        if builder.is_empty(subset) {
            return Err(splitter.empty(subset, splitter.advice()));
        }
    }
    let fraction = custom.validation_fraction();
    if fraction > 0.0 && builder.is_empty(Subset::Validation) {
        if splitter.whole_groups() {
            builder.assign_groups(fraction, Subset::Validation);
        } else {
            builder.assign_fraction(fraction, Subset::Validation);
        }
        if builder.is_empty(Subset::Validation) {
            let advice = splitter.validation_advice();
            return Err(splitter.empty(Subset::Validation, advice));
        }
    }
    builder.split().with_every_class(dataset, &[Subset::Train], |_| splitter.advice())
}

/// Split that is being built, with its configuration.
pub(super) struct CustomSplitter<'a> {
    pub(super) set: &'static str,
    pub(super) custom: &'a CustomDataConfig,
    pub(super) dataset: &'a DataSet,
    kind: CustomSplit,
}

impl<'a> CustomSplitter<'a> {
    /// Returns true if whole speakers are assigned when the kind of split does not determine it.
    pub(super) fn by_speaker(&self) -> bool {
        speakers_known(self.dataset) && !self.custom.allow_shared_speakers
    }

    /// Returns true if whole speakers are assigned, or whole recordings if speakers are unknown: the same voice and
    /// room in training and test would bias the result. With shared speakers, single examples are assigned.
    pub(super) fn whole_groups(&self) -> bool {
        self.by_speaker() || (!self.custom.allow_shared_speakers && has_shared_recordings(self.dataset))
    }

    /// Assigns the test subset, and the validation subset if the data defines it.
    fn assign_test(&self, seed: u64) -> Result<SplitBuilder<'a>, DataError> {
        let (custom, dataset) = (self.custom, self.dataset);
        let mut builder = SplitBuilder::new(dataset, seed);
        match self.kind {
            CustomSplit::Predefined => {
                if let Some(example) = dataset.examples.iter().find(|example| example.predefined.is_none()) {
                    let value = format!("none for {}", example.id);
                    let rule = format!(
                        "every example needs train, validation or test; complete the column split or set \
                         data.{}.split = \"random\"",
                        self.set
                    );
                    return Err(DataError::setting(
                        format!("{}.split = \"predefined\", split", self.set),
                        value,
                        rule,
                    ));
                }
                builder = SplitBuilder::predefined(dataset, seed);
            }
            CustomSplit::Random if speakers_known(dataset) || !self.whole_groups() => {
                builder.assign_fraction(custom.test_fraction(), Subset::Test);
            }
            CustomSplit::Random => builder.assign_groups(custom.test_fraction(), Subset::Test),
            CustomSplit::BySpeaker => {
                self.check_speakers_known()?;
                builder.assign_groups(custom.test_fraction(), Subset::Test);
            }
            CustomSplit::Folds => builder.assign(folds::test_examples(self)?, Subset::Test),
            CustomSplit::LeaveOneOut => {
                self.check_speakers_known()?;
                let key = format!("{}.group", self.set);
                let Some(group) = &custom.group else {
                    let rule = format!(
                        "leave-one-out requires the test speaker; set it, or use `stapes train --folds` to test each of {}",
                        listed(&dataset.groups(), 40)
                    );
                    return Err(DataError::setting(key, "none", rule));
                };
                dataset.check_group(&key, group)?;
                builder.assign_group(group, Subset::Test);
            }
        }
        Ok(builder)
    }

    fn check_speakers_known(&self) -> Result<(), DataError> {
        let key = format!("{}.split", self.set);
        let ungrouped = self.dataset.examples.iter().filter(|example| example.group.is_none());
        let (mut count, mut first) = (0, None);
        for example in ungrouped {
            count += 1;
            first = first.or(Some(&example.id));
        }
        let rule = match first {
            Some(first) => format!(
                "requires the speaker of every example, but {count} of {} have none ({first} first); complete the column speaker of \
                 the manifest, or set data.folders.speaker = \"before _\"",
                self.dataset.examples.len()
            ),
            None if self.dataset.groups().len() < 2 => {
                let set = self.set;
                format!(
                    "requires at least two speakers, but the data has one; set data.{set}.split = \"random\" and \
                     data.{set}.allow_shared_speakers = true"
                )
            }
            None => return Ok(()),
        };
        Err(DataError::setting(key, self.kind.name(), rule))
    }

    fn empty(&self, subset: Subset, advice: String) -> DataError {
        DataError::NoExamples { set: self.set, subset, advice }
    }

    fn advice(&self) -> String {
        match self.kind {
            CustomSplit::Predefined => "add some to the data or choose another split".to_owned(),
            CustomSplit::Random | CustomSplit::BySpeaker => {
                format!("change data.{}.test_fraction or the seed, or add recordings", self.set)
            }
            CustomSplit::Folds => "choose another number of folds or add recordings".to_owned(),
            CustomSplit::LeaveOneOut => "choose another test speaker or add recordings".to_owned(),
        }
    }

    fn validation_advice(&self) -> String {
        let set = self.set;
        if !self.whole_groups() {
            return format!("increase data.{set}.validation_fraction, or set it to 0 for no validation");
        }
        let group = if self.by_speaker() { "speaker" } else { "recording" };
        format!(
            "only one {group} remains for training and validation; add {group}s, set data.{set}.validation_fraction = 0, or \
             data.{set}.allow_shared_speakers = true"
        )
    }

    /// Checks that each speaker is in one subset.
    fn check_speakers(&self, split: &Split) -> Result<(), DataError> {
        let shared = split.shared_groups(self.dataset);
        if shared.is_empty() {
            return Ok(());
        }
        let names: Vec<String> =
            shared.iter().map(|(name, subsets)| format!("{name} ({})", listed(subsets, 3))).collect();
        let by_speaker = format!("data.{}.split = \"by-speaker\"", self.set);
        let advice = match self.kind {
            CustomSplit::Predefined => format!("correct the split, or set {by_speaker}"),
            _ => format!("set {by_speaker}, so that test speakers are not in the training subset"),
        };
        Err(DataError::SharedSpeakers {
            set: self.set,
            count: shared.len(),
            speakers: listed(&names, 5),
            advice,
        })
    }
}

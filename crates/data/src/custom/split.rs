//! How data of one's own is split.

use super::config::{OwnConfig, OwnSplit};
use super::folds;
use crate::carve::recordings_are_shared;
use crate::dataset::DataSet;
use crate::deal::Deal;
use crate::error::{DataError, listed};
use crate::split::{Partition, Split};

/// Speakers from whom one can be tested, one validated, and one trained on.
const SPEAKERS_TO_SPLIT: usize = 3;

/// The split of a recipe, or the one that the data fits.
pub(crate) fn chosen(own: &OwnConfig, dataset: &DataSet) -> OwnSplit {
    own.split.unwrap_or_else(|| {
        if dataset.examples.iter().any(|example| example.official.is_some()) {
            OwnSplit::Given
        } else if speakers_known(dataset) && dataset.groups().len() >= SPEAKERS_TO_SPLIT {
            OwnSplit::BySpeaker
        } else {
            OwnSplit::Random
        }
    })
}

fn speakers_known(dataset: &DataSet) -> bool {
    dataset.examples.iter().all(|example| example.group.is_some())
}

/// Splits the data; speakers in several parts of the split are an error unless allowed.
pub(super) fn split(
    set: &'static str,
    own: &OwnConfig,
    dataset: &DataSet,
    seed: u64,
) -> Result<Split, DataError> {
    let split = split_as_is(set, own, dataset, seed)?;
    if !own.allow_shared_speakers {
        OwnDeal { set, own, dataset, kind: chosen(own, dataset) }.check_speakers(&split)?;
    }
    Ok(split)
}

/// Splits the data, whoever may be in several parts of the split.
pub(super) fn split_as_is(
    set: &'static str,
    own: &OwnConfig,
    dataset: &DataSet,
    seed: u64,
) -> Result<Split, DataError> {
    let kind = chosen(own, dataset);
    let own_deal = OwnDeal { set, own, dataset, kind };
    let mut deal = own_deal.tested(seed)?;
    for partition in [Partition::Train, Partition::Test] {
        if deal.is_empty(partition) {
            return Err(own_deal.lacks(partition, own_deal.advice()));
        }
    }
    let share = own.validation_share();
    if share > 0.0 && deal.is_empty(Partition::Validation) {
        if own_deal.whole_groups() {
            deal.give_groups(share, Partition::Validation);
        } else {
            deal.give_share(share, Partition::Validation);
        }
        if deal.is_empty(Partition::Validation) {
            let advice = own_deal.validation_advice();
            return Err(own_deal.lacks(Partition::Validation, advice));
        }
    }
    deal.split().with_every_class(dataset, &[Partition::Train], |_| own_deal.advice())
}

/// A deal with what is wanted of it.
pub(super) struct OwnDeal<'a> {
    pub(super) set: &'static str,
    pub(super) own: &'a OwnConfig,
    pub(super) dataset: &'a DataSet,
    kind: OwnSplit,
}

impl<'a> OwnDeal<'a> {
    /// Whether whole speakers are dealt where that is not said.
    pub(super) fn by_speaker(&self) -> bool {
        speakers_known(self.dataset) && !self.own.allow_shared_speakers
    }

    /// Whether whole speakers are dealt, or where none is known whole recordings: the same voice and room on both sides of the
    /// split would flatter. Who lets speakers be shared wants the mix of the whole.
    pub(super) fn whole_groups(&self) -> bool {
        self.by_speaker() || (!self.own.allow_shared_speakers && recordings_are_shared(self.dataset))
    }

    /// The test examples given, and validation where the data says it.
    fn tested(&self, seed: u64) -> Result<Deal<'a>, DataError> {
        let (own, dataset) = (self.own, self.dataset);
        let mut deal = Deal::new(dataset, seed);
        match self.kind {
            OwnSplit::Given => {
                if let Some(example) = dataset.examples.iter().find(|example| example.official.is_none()) {
                    let value = format!("nothing for {}", example.id);
                    let rule = "every example needs train, validation or test: fill the column split, or choose \
                                split = \"random\"";
                    return Err(DataError::setting(
                        format!("{}.split = \"given\", split", self.set),
                        value,
                        rule,
                    ));
                }
                deal = Deal::official(dataset, seed);
            }
            OwnSplit::Random if speakers_known(dataset) || !self.whole_groups() => {
                deal.give_share(own.test_share(), Partition::Test);
            }
            OwnSplit::Random => deal.give_groups(own.test_share(), Partition::Test),
            OwnSplit::BySpeaker => {
                self.check_known()?;
                deal.give_groups(own.test_share(), Partition::Test);
            }
            OwnSplit::Folds => deal.give(folds::tested(self)?, Partition::Test),
            OwnSplit::LeaveOneOut => {
                self.check_known()?;
                let key = format!("{}.group", self.set);
                let Some(group) = &own.group else {
                    let rule = format!(
                        "leave-one-out needs the speaker who is tested, or `stapes train --folds`, which tests each: {}",
                        listed(&dataset.groups(), 40)
                    );
                    return Err(DataError::setting(key, "nothing", rule));
                };
                dataset.check_group(&key, group)?;
                deal.give_group(group, Partition::Test);
            }
        }
        Ok(deal)
    }

    fn check_known(&self) -> Result<(), DataError> {
        let key = format!("{}.split", self.set);
        let nobody = self.dataset.examples.iter().filter(|example| example.group.is_none());
        let (mut count, mut first) = (0, None);
        for example in nobody {
            count += 1;
            first = first.or(Some(&example.id));
        }
        let rule = match first {
            Some(first) => format!(
                "needs the speaker of every example, and {count} of {} have none ({first} first): fill the column speaker of \
                 the manifest, or set data.folders.speaker = \"before _\"",
                self.dataset.examples.len()
            ),
            None if self.dataset.groups().len() < 2 => {
                "needs at least two speakers, and the data has one: choose split = \"random\" with \
                 allow_shared_speakers = true"
                    .to_owned()
            }
            None => return Ok(()),
        };
        Err(DataError::setting(key, self.kind.name(), rule))
    }

    fn lacks(&self, partition: Partition, advice: String) -> DataError {
        DataError::NoExamples { set: self.set, partition, advice }
    }

    fn advice(&self) -> String {
        match self.kind {
            OwnSplit::Given => "name some in the data, or choose another split".to_owned(),
            OwnSplit::Random | OwnSplit::BySpeaker => {
                "change test_share or the seed, or add recordings".to_owned()
            }
            OwnSplit::Folds => "choose other folds, or add recordings".to_owned(),
            OwnSplit::LeaveOneOut => "leave another speaker out, or add recordings".to_owned(),
        }
    }

    fn validation_advice(&self) -> String {
        if self.by_speaker() {
            "only one speaker is left for training and validation: add speakers, set validation_share = 0, or \
             allow_shared_speakers = true"
                .to_owned()
        } else if self.whole_groups() {
            "only one recording is left for training and validation: add recordings, set validation_share = 0, or \
             allow_shared_speakers = true"
                .to_owned()
        } else {
            "raise validation_share, or set it to 0 to go without validation".to_owned()
        }
    }

    /// Whether each speaker is in one part of the split only.
    fn check_speakers(&self, split: &Split) -> Result<(), DataError> {
        let shared = split.shared_groups(self.dataset);
        if shared.is_empty() {
            return Ok(());
        }
        let names: Vec<String> =
            shared.iter().map(|(name, parts)| format!("{name} ({})", listed(parts, 3))).collect();
        let advice = match self.kind {
            OwnSplit::Given => "correct the split, or choose split = \"by-speaker\"",
            _ => "choose split = \"by-speaker\", so that nobody who is tested was heard in training",
        };
        Err(DataError::SharedSpeakers {
            set: self.set,
            count: shared.len(),
            speakers: listed(&names, 5),
            advice,
        })
    }
}

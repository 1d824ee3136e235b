//! How data of one's own is split.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{OwnConfig, OwnSplit};
use crate::carve::groups_of;
use crate::config::{DataConfig, Fold};
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
        // Who lets speakers be shared wants the mix of the whole.
        if own_deal.by_speaker() {
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

/// The folds of the split, each with its configuration.
pub(super) fn folds(
    set: &'static str,
    own: &OwnConfig,
    dataset: &DataSet,
    data: impl Fn(OwnConfig) -> DataConfig,
) -> Result<Vec<Fold>, DataError> {
    match own.split {
        Some(OwnSplit::Folds) => {
            let fold = |fold| Fold {
                name: format!("fold-{fold}"),
                data: data(OwnConfig { fold: Some(fold), ..own.clone() }),
            };
            Ok((0..own.folds()).map(fold).collect())
        }
        Some(OwnSplit::LeaveOneOut) => {
            let speakers = dataset.groups();
            let names = folder_names(&speakers);
            let fold = |(speaker, name): (&&str, String)| {
                let group = Some((*speaker).to_owned());
                Fold { name, data: data(OwnConfig { group, ..own.clone() }) }
            };
            Ok(speakers.iter().zip(names).map(fold).collect())
        }
        _ => Err(DataError::NoFolds {
            set,
            advice: "set split = \"folds\" with folds = 5, or \"leave-one-out\" with a fold for each speaker",
        }),
    }
}

/// Names fit for folders, each once: what a manifest calls a speaker may be anything.
fn folder_names(speakers: &[&str]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let fit = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' ');
    let mut name = |speaker: &&str| {
        let plain: String = speaker.chars().map(|letter| if fit(letter) { letter } else { '_' }).collect();
        let plain = if plain.starts_with('.') { format!("_{plain}") } else { plain };
        let mut name = plain.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{plain}-{number}");
            number += 1;
        }
        name
    };
    speakers.iter().map(&mut name).collect()
}

struct OwnDeal<'a> {
    set: &'static str,
    own: &'a OwnConfig,
    dataset: &'a DataSet,
    kind: OwnSplit,
}

impl<'a> OwnDeal<'a> {
    /// Whether whole speakers are dealt where that is not said.
    fn by_speaker(&self) -> bool {
        speakers_known(self.dataset) && !self.own.allow_shared_speakers
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
            OwnSplit::Random => deal.give_share(own.test_share(), Partition::Test),
            OwnSplit::BySpeaker => {
                self.check_known()?;
                deal.give_groups(own.test_share(), Partition::Test);
            }
            OwnSplit::Folds => deal.give(self.fold()?, Partition::Test),
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

    /// The examples of the tested fold: dealt one by one of each class in turn, or whole speakers where speakers are known.
    fn fold(&self) -> Result<Vec<usize>, DataError> {
        let (folds, fold) = (self.own.folds(), self.own.fold());
        let all: Vec<usize> = (0..self.dataset.examples.len()).collect();
        let dealt = if self.by_speaker() {
            groups_of(self.dataset, &all)
        } else {
            all.iter().map(|&i| vec![i]).collect()
        };
        if dealt.len() < folds {
            let what = if self.by_speaker() { "speakers" } else { "examples" };
            let rule = format!("must be at most {}, the number of {what}", dealt.len());
            return Err(DataError::setting(format!("{}.folds", self.set), folds, rule));
        }
        Ok(if self.by_speaker() {
            self.fold_of_groups(dealt, folds, fold)
        } else {
            self.fold_of_classes(folds, fold)
        })
    }

    /// Example by example, class after class, to one fold after the other.
    fn fold_of_classes(&self, folds: usize, fold: usize) -> Vec<usize> {
        let mut classes: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        for (index, example) in self.dataset.examples.iter().enumerate() {
            classes.entry(example.truth.class()).or_default().push(index);
        }
        let mut tested: Vec<usize> = classes.into_values().flatten().skip(fold).step_by(folds).collect();
        tested.sort_unstable();
        tested
    }

    /// The largest speaker first, each to the fold that has least of the speaker's classes.
    fn fold_of_groups(&self, mut groups: Vec<Vec<usize>>, folds: usize, fold: usize) -> Vec<usize> {
        let classes = self.dataset.classes.len();
        let class = |index: usize| self.dataset.examples[index].truth.class().unwrap_or(0);
        // Stable: speakers of one size stay in the order of names.
        groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
        let mut held = vec![vec![0usize; classes]; folds];
        let mut counts = vec![0usize; folds];
        let mut tested = Vec::new();
        for (at, group) in groups.into_iter().enumerate() {
            let mut of_class: BTreeMap<usize, usize> = BTreeMap::new();
            group.iter().for_each(|&index| *of_class.entry(class(index)).or_default() += 1);
            let cost = |fold: usize| {
                let shared: usize = of_class.iter().map(|(&class, count)| held[fold][class] * count).sum();
                (shared, counts[fold], fold)
            };
            // The first speakers go one to each fold, so that none stays empty.
            let to = if at < folds { at } else { (0..folds).min_by_key(|&fold| cost(fold)).unwrap_or(0) };
            of_class.iter().for_each(|(&class, count)| held[to][class] += count);
            counts[to] += group.len();
            if to == fold {
                tested.extend(group);
            }
        }
        tested.sort_unstable();
        tested
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_speaker_gets_a_folder_of_its_own() {
        let names = folder_names(&["anna", "a/b", "a:b", "..", "ä b"]);
        assert_eq!(names, ["anna", "a_b", "a_b-2", "_..", "ä b"]);
    }
}

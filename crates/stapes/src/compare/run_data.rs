//! Data of runs, to decide which runs of the same recipe form one candidate.

use std::path::Path;

use crate::run::RunRecord;

/// Data of a run.
pub(super) struct RunData {
    seed: u64,
    fold: Option<String>,
    /// Fingerprint of the data and its split.
    fingerprint: String,
    /// Name of the data set, and last part of its folder, which may be elsewhere on another machine.
    place: (Option<String>, Option<String>),
}

impl RunData {
    pub(super) fn new(record: RunRecord, seed: u64, fold: Option<String>) -> RunData {
        let folder = record.data_folder.as_deref().and_then(|folder| Path::new(folder).file_name());
        RunData {
            seed,
            fold,
            fingerprint: record.data_fingerprint,
            place: (record.data_set, folder.map(|name| name.to_string_lossy().into_owned())),
        }
    }

    /// Returns `true` if the data is that of the other runs. The fingerprint depends on seed and fold if they select the split.
    pub(super) fn belongs_to(&self, others: &[RunData]) -> bool {
        let same_split = |other: &RunData| (other.seed, &other.fold) == (self.seed, &self.fold);
        let differs = |other: &RunData| other.fingerprint != self.fingerprint;
        others.iter().any(|other| !differs(other))
            || others.iter().all(|other| other.place == self.place && !(same_split(other) && differs(other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_on_other_data_do_not_belong_to_the_same_candidate() {
        let run = |seed, fingerprint: &str, folder: &str| RunData {
            seed,
            fold: None,
            fingerprint: fingerprint.into(),
            place: (None, Some(folder.into())),
        };
        let first = [run(1, "f1", "digits")];
        assert!(run(2, "f1", "elsewhere").belongs_to(&first));
        // The seed selects the split.
        assert!(run(2, "f2", "digits").belongs_to(&first));
        assert!(!run(1, "f2", "digits").belongs_to(&first));
        assert!(!run(2, "f2", "words").belongs_to(&first));
    }
}

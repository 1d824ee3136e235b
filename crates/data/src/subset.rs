//! Training, validation and test subset.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Subset of a data set.
///
/// # Example
/// ```
/// use stapes_data::Subset;
///
/// assert_eq!("test".parse::<Subset>()?, Subset::Test);
/// assert_eq!(Subset::Validation.to_string(), "validation");
/// # Ok::<(), stapes_data::UnknownSubset>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subset {
    /// Training examples, to which the weights are fitted.
    Train,
    /// Validation examples, for model selection and early stopping.
    Validation,
    /// Test examples, evaluated once.
    Test,
}

impl Subset {
    /// All subsets, in the order of their use.
    pub const ALL: [Subset; 3] = [Subset::Train, Subset::Validation, Subset::Test];

    /// Returns the name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Subset::Train => "train",
            Subset::Validation => "validation",
            Subset::Test => "test",
        }
    }
}

impl fmt::Display for Subset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl AsRef<str> for Subset {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

impl FromStr for Subset {
    type Err = UnknownSubset;

    fn from_str(text: &str) -> Result<Subset, UnknownSubset> {
        let found = Subset::ALL.into_iter().find(|subset| subset.name() == text);
        found.ok_or_else(|| UnknownSubset(text.to_owned()))
    }
}

/// Text that is not the name of a subset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("split = {0}: must be train, validation or test")]
pub struct UnknownSubset(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_others_rejected() {
        for subset in Subset::ALL {
            assert_eq!(subset.name().parse::<Subset>().unwrap(), subset);
            assert_eq!(serde_json::to_string(&subset).unwrap(), format!("\"{subset}\""));
        }
        let error = "dev".parse::<Subset>().unwrap_err().to_string();
        assert_eq!(error, "split = dev: must be train, validation or test");
    }
}

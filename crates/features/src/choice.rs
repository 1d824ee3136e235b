//! Settings that are a number or a word.
//!
//! A recipe's format has no value for "nothing": there it is the word `none`. JSON's null means the same.

use serde::de::{Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

/// What stands in the file.
pub(crate) enum Choice<'a> {
    Word(&'a str),
    Number(f64),
    Nothing,
}

/// Reads a word or a number and turns it into a setting; `expected` names what is accepted.
pub(crate) fn choose<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    accept: impl Fn(Choice<'_>) -> Option<T>,
) -> Result<T, D::Error> {
    struct Reader<F> {
        expected: &'static str,
        accept: F,
    }

    impl<'de, T, F: Fn(Choice<'_>) -> Option<T>> Visitor<'de> for Reader<F> {
        type Value = T;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(self.expected)
        }

        fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
            (self.accept)(Choice::Word(word))
                .ok_or_else(|| E::custom(format!("\"{word}\": must be {}", self.expected)))
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
            (self.accept)(Choice::Number(number))
                .ok_or_else(|| E::custom(format!("{number}: must be {}", self.expected)))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
            self.visit_f64(number as f64)
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            self.visit_f64(number as f64)
        }

        fn visit_unit<E: Error>(self) -> Result<T, E> {
            (self.accept)(Choice::Nothing)
                .ok_or_else(|| E::custom(format!("null: must be {}", self.expected)))
        }
    }

    deserializer.deserialize_any(Reader { expected, accept })
}

/// A number that may be switched off.
pub(crate) mod number_or_none {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(number) => number.serialize(serializer),
            None => "none".serialize(serializer),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        choose(deserializer, "a number or \"none\"", |choice| match choice {
            Choice::Number(number) => Some(Some(number)),
            Choice::Word("none") | Choice::Nothing => Some(None),
            Choice::Word(_) => None,
        })
    }
}

//! Serde for settings that are a number or a word.
//!
//! TOML has no null: a recipe writes the word `none`. JSON's null means the same.

use serde::de::{Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

/// Scalar value read from a file.
pub(crate) enum Scalar<'a> {
    Word(&'a str),
    Number(f64),
    Null,
}

/// Deserializes a word or a number; `expected` names the accepted values.
pub(crate) fn deserialize_scalar<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    accept: impl Fn(Scalar<'_>) -> Option<T>,
) -> Result<T, D::Error> {
    struct Reader<F> {
        expected: &'static str,
        accept: F,
    }

    impl<'de, T, F: Fn(Scalar<'_>) -> Option<T>> Visitor<'de> for Reader<F> {
        type Value = T;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(self.expected)
        }

        fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
            (self.accept)(Scalar::Word(word))
                .ok_or_else(|| E::custom(format!("\"{word}\": must be {}", self.expected)))
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
            (self.accept)(Scalar::Number(number))
                .ok_or_else(|| E::custom(format!("{number}: must be {}", self.expected)))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
            self.visit_f64(number as f64)
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            self.visit_f64(number as f64)
        }

        fn visit_unit<E: Error>(self) -> Result<T, E> {
            (self.accept)(Scalar::Null).ok_or_else(|| E::custom(format!("null: must be {}", self.expected)))
        }
    }

    deserializer.deserialize_any(Reader { expected, accept })
}

/// Serde for a number or the word `none`.
pub(crate) mod number_or_none {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(number) => number.serialize(serializer),
            None => "none".serialize(serializer),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        deserialize_scalar(deserializer, "a number or \"none\"", |scalar| match scalar {
            Scalar::Number(number) => Some(Some(number)),
            Scalar::Word("none") | Scalar::Null => Some(None),
            Scalar::Word(_) => None,
        })
    }
}

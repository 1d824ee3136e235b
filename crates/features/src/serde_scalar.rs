//! Serde for settings that are a word, or a number or a word.
//!
//! TOML has no null: a recipe writes the word `none`. JSON's null means the same.

use std::fmt::{self, Formatter};

use serde::de::{Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

/// Scalar value read from a file.
pub(crate) enum Scalar<'a> {
    Word(&'a str),
    Number(f64),
    Flag(bool),
    Null,
}

/// Deserializes a word or a number; `expected` names the accepted values.
pub(crate) fn deserialize_scalar<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    accept: impl Fn(Scalar<'_>) -> Option<T>,
) -> Result<T, D::Error> {
    let value = deserializer.deserialize_any(ScalarReader { expected })?;
    let scalar = match &value {
        ScalarValue::Word(word) => Scalar::Word(word),
        ScalarValue::Number(number) => Scalar::Number(*number),
        ScalarValue::Flag(flag) => Scalar::Flag(*flag),
        ScalarValue::Null => Scalar::Null,
    };
    accept(scalar).ok_or_else(|| {
        let value = match value {
            ScalarValue::Word(word) => format!("\"{word}\""),
            ScalarValue::Number(number) => number.to_string(),
            ScalarValue::Flag(flag) => flag.to_string(),
            ScalarValue::Null => "null".to_owned(),
        };
        D::Error::custom(format!("{value}: must be {expected}"))
    })
}

/// A [`Scalar`] that owns its word.
enum ScalarValue {
    Word(String),
    Number(f64),
    Flag(bool),
    Null,
}

/// Reader of any scalar: compiled once for all settings.
struct ScalarReader {
    expected: &'static str,
}

impl<'de> Visitor<'de> for ScalarReader {
    type Value = ScalarValue;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<ScalarValue, E> {
        Ok(ScalarValue::Word(word.to_owned()))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<ScalarValue, E> {
        Ok(ScalarValue::Flag(flag))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<ScalarValue, E> {
        Ok(ScalarValue::Number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<ScalarValue, E> {
        Ok(ScalarValue::Number(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<ScalarValue, E> {
        Ok(ScalarValue::Number(number as f64))
    }

    fn visit_unit<E: Error>(self) -> Result<ScalarValue, E> {
        Ok(ScalarValue::Null)
    }
}

/// Implements serde for an enum whose variants are words, with further words that are read. Code that serde derives has a parser per
/// enum; this has one for all.
macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal $(| $alias:literal)*),+ $(,)? }) => {
        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(match self {
                    $($type::$variant => $word),+
                })
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                const WORDS: &[&str] = &[$($word $(, $alias)*),+];
                const VARIANTS: &[$type] = &[$($type::$variant $(, $crate::serde_scalar::second!($alias, $type::$variant))*),+];
                $crate::serde_scalar::deserialize_word(deserializer, WORDS).map(|at| VARIANTS[at])
            }
        }
    };
}

/// Expands to the second argument.
macro_rules! second {
    ($first:tt, $second:expr) => {
        $second
    };
}

pub(crate) use {second, words};

/// Deserializes one of these words as its index.
pub(crate) fn deserialize_word<'de, D: Deserializer<'de>>(
    deserializer: D,
    words: &'static [&'static str],
) -> Result<usize, D::Error> {
    deserializer.deserialize_str(WordReader { words })
}

struct WordReader {
    words: &'static [&'static str],
}

impl Visitor<'_> for WordReader {
    type Value = usize;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("one of ")?;
        formatter.write_str(&self.words.join(", "))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<usize, E> {
        let at = self.words.iter().position(|known| *known == word);
        at.ok_or_else(|| E::unknown_variant(word, self.words))
    }
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
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Color {
        Red,
        DarkBlue,
    }

    words! { Color { Red = "red" | "crimson" | "scarlet", DarkBlue = "dark-blue" } }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Paint {
        color: Color,
    }

    #[test]
    fn a_word_and_its_other_names_are_read_and_the_first_is_written() {
        for (word, color) in [
            ("red", Color::Red),
            ("crimson", Color::Red),
            ("scarlet", Color::Red),
            ("dark-blue", Color::DarkBlue),
        ] {
            let text = format!("{{\"color\":\"{word}\"}}");
            assert_eq!(serde_json::from_str::<Paint>(&text).unwrap(), Paint { color }, "{word}");
        }
        assert_eq!(serde_json::to_string(&Color::Red).unwrap(), "\"red\"");
        assert_eq!(serde_json::to_string(&Color::DarkBlue).unwrap(), "\"dark-blue\"");
    }

    #[test]
    fn another_word_or_type_is_an_error() {
        let error = |text| serde_json::from_str::<Color>(text).unwrap_err().to_string();
        assert!(
            error("\"green\"").contains("unknown variant `green`, expected one of `red`"),
            "{}",
            error("\"green\"")
        );
        assert!(
            error("3")
                .contains("invalid type: integer `3`, expected one of red, crimson, scarlet, dark-blue"),
            "{}",
            error("3")
        );
    }
}

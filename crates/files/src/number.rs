//! Numbers in JSON, with those that JSON has no numeral for.
//!
//! JSON has neither infinity nor NaN. serde_json writes `null` for them, and no number is read from that. A field that may
//! hold one carries `#[serde(with = "stapes_files::number")]`: a finite number is written as a numeral, and the others as the
//! strings `"Infinity"`, `"-Infinity"` and `"NaN"`, which Python's `float` and JavaScript's `Number` read. `null` is read as
//! NaN: earlier versions wrote it for all three.
//!
//! The field may be an `f32`, an `f64`, or an `Option` or `Vec` of these. An `Option` reads `null` as `None`.
//!
//! # Example
//! ```
//! #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Point {
//!     #[serde(with = "stapes_files::number")]
//!     threshold: f32,
//! }
//!
//! let text = serde_json::to_string(&Point { threshold: f32::INFINITY })?;
//! assert_eq!(text, r#"{"threshold":"Infinity"}"#);
//! assert_eq!(serde_json::from_str::<Point>(&text)?.threshold, f32::INFINITY);
//! assert!(serde_json::from_str::<Point>(r#"{"threshold":null}"#)?.threshold.is_nan());
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Source
//! The strings are those of the JSON mapping of protocol buffers.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

const INFINITY: &str = "Infinity";
const MINUS_INFINITY: &str = "-Infinity";
const NAN: &str = "NaN";

/// Rounds seconds to microseconds, for text that people and programs read.
///
/// # Example
/// ```
/// assert_eq!(stapes_files::number::rounded_seconds(0.1 + 0.2), 0.3);
/// ```
pub fn rounded_seconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

/// A number, or several, that is written as by [`serialize`].
///
/// # Example
/// ```
/// use stapes_files::number::InJson;
///
/// assert_eq!(serde_json::json!({ "loss": InJson(f64::NAN) }).to_string(), r#"{"loss":"NaN"}"#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InJson<N>(pub N);

impl<N: Number> Serialize for InJson<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// Writes a number, or numbers.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<N: Number, S: Serializer>(number: &N, serializer: S) -> Result<S::Ok, S::Error> {
    number.write(serializer)
}

/// Reads a number, or numbers.
///
/// # Errors
/// Those of the deserializer, and one for a value that is not a number.
pub fn deserialize<'de, N: Number, D: Deserializer<'de>>(deserializer: D) -> Result<N, D::Error> {
    N::read(deserializer)
}

/// A number, or several, in JSON.
pub trait Number: Sized {
    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads one.
    ///
    /// # Errors
    /// Those of the deserializer, and one for a value that is not a number.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

impl Number for f64 {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match word(*self) {
            Some(word) => serializer.serialize_str(word),
            None => serializer.serialize_f64(*self),
        }
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        deserializer.deserialize_any(OneNumber)
    }
}

impl Number for f32 {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match word(f64::from(*self)) {
            Some(word) => serializer.serialize_str(word),
            None => serializer.serialize_f32(*self),
        }
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
        f64::read(deserializer).map(|number| number as f32)
    }
}

impl<N: Number> Number for Option<N> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Written).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<N>, D::Error> {
        Ok(Option::<Read<N>>::deserialize(deserializer)?.map(|Read(number)| number))
    }
}

impl<N: Number> Number for Vec<N> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Written))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<N>, D::Error> {
        deserializer.deserialize_seq(Numbers(PhantomData))
    }
}

/// The word for a number that has no numeral.
fn word(number: f64) -> Option<&'static str> {
    match number {
        number if number.is_finite() => None,
        number if number.is_nan() => Some(NAN),
        number if number > 0.0 => Some(INFINITY),
        _ => Some(MINUS_INFINITY),
    }
}

/// A number as serde writes it.
struct Written<'a, N>(&'a N);

impl<N: Number> Serialize for Written<'_, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// A number as serde reads it.
struct Read<N>(N);

impl<'de, N: Number> Deserialize<'de> for Read<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Read<N>, D::Error> {
        N::read(deserializer).map(Read)
    }
}

struct OneNumber;

impl Visitor<'_> for OneNumber {
    type Value = f64;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "a number, {INFINITY:?}, {MINUS_INFINITY:?} or {NAN:?}")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        match text {
            INFINITY => Ok(f64::INFINITY),
            MINUS_INFINITY => Ok(f64::NEG_INFINITY),
            NAN => Ok(f64::NAN),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<f64, E> {
        Ok(f64::NAN)
    }
}

struct Numbers<N>(PhantomData<N>);

impl<'de, N: Number> Visitor<'de> for Numbers<N> {
    type Value = Vec<N>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<N>, A::Error> {
        let mut numbers = Vec::new();
        while let Some(Read(number)) = items.next_element()? {
            numbers.push(number);
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Record {
        #[serde(with = "super")]
        double: f64,
        #[serde(with = "super")]
        single: f32,
        #[serde(with = "super", default, skip_serializing_if = "Option::is_none")]
        optional: Option<f64>,
        #[serde(with = "super")]
        list: Vec<f32>,
        #[serde(with = "super")]
        gaps: Vec<Option<f64>>,
        #[serde(flatten)]
        inner: Inner,
    }

    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Inner {
        #[serde(with = "super")]
        inside: f64,
    }

    impl Record {
        fn bits(&self) -> impl PartialEq + std::fmt::Debug {
            let wide = |number: f64| if number.is_nan() { f64::NAN.to_bits() } else { number.to_bits() };
            let narrow = |number: f32| wide(f64::from(number));
            (
                [wide(self.double), narrow(self.single), wide(self.inner.inside)],
                self.optional.map(wide),
                self.list.iter().copied().map(narrow).collect::<Vec<_>>(),
                self.gaps.iter().map(|number| number.map(wide)).collect::<Vec<_>>(),
            )
        }
    }

    fn record(double: f64, single: f32, optional: Option<f64>) -> Record {
        let gaps = vec![None, Some(double), optional];
        Record { double, single, optional, list: vec![single], gaps, inner: Inner { inside: double } }
    }

    proptest! {
        #[test]
        fn every_number_is_read_as_it_was_written(
            double in proptest::num::f64::ANY,
            single in proptest::num::f32::ANY,
            optional in proptest::option::of(proptest::num::f64::ANY),
        ) {
            let written = record(double, single, optional);
            let text = serde_json::to_string(&written).unwrap();
            let read: Record = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.bits(), written.bits(), "{}", text);
        }
    }

    #[test]
    fn numbers_without_a_numeral_are_words() {
        let written = record(f64::INFINITY, f32::NAN, Some(f64::NEG_INFINITY));
        let expected = json!({
            "double": "Infinity", "single": "NaN", "optional": "-Infinity", "list": ["NaN"],
            "gaps": [null, "Infinity", "-Infinity"], "inside": "Infinity",
        });
        assert_eq!(serde_json::to_value(&written).unwrap(), expected);
        // A finite number stays what it was.
        assert_eq!(serde_json::to_string(&Inner { inside: 0.1 }).unwrap(), r#"{"inside":0.1}"#);
        assert_eq!(serde_json::from_str::<Inner>(r#"{"inside":-3}"#).unwrap().inside, -3.0);
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        assert!(serde_json::from_str::<Inner>(r#"{"inside":null}"#).unwrap().inside.is_nan());
        for value in ["\"inf\"", "\"\"", "true", "[1.0]", "{}"] {
            let error = serde_json::from_str::<Inner>(&format!("{{\"inside\":{value}}}")).unwrap_err();
            assert!(error.to_string().contains("expected a number, \"Infinity\""), "{error}");
        }
        assert!(serde_json::from_str::<Inner>("{}").unwrap_err().to_string().contains("missing field"));
    }
}

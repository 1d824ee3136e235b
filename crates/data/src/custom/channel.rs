//! The key `channel` of a recipe: `"mean"`, or a number.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserializer, Serializer};
use stapes_audio::Channel;

/// Returns true for the default, the mean.
pub(super) fn is_mean(channel: &Channel) -> bool {
    *channel == Channel::Mean
}

/// Writes `"mean"` or the number of the channel.
pub(super) fn serialize<S: Serializer>(channel: &Channel, serializer: S) -> Result<S::Ok, S::Error> {
    match channel {
        Channel::Mean => serializer.collect_str(channel),
        Channel::Index(index) => serializer.serialize_u64(*index as u64),
    }
}

/// Reads `"mean"` or the number of a channel, from 0.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Channel, D::Error> {
    deserializer.deserialize_any(ChannelVisitor)
}

struct ChannelVisitor;

impl Visitor<'_> for ChannelVisitor {
    type Value = Channel;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("\"mean\", or the number of a channel: 0, 1, …")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Channel, E> {
        text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Channel, E> {
        let index =
            usize::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        Ok(Channel::Index(index))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Channel, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }
}

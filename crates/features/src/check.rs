//! What the checks of all settings share.

use std::fmt::Display;

use crate::FeatureError;

/// Beyond these a typing error would be paid in memory.
pub(crate) const LONGEST_FRAME: usize = 1 << 22;
pub(crate) const MOST_BANDS: usize = 1 << 16;

/// A setting's error unless the rule holds.
pub(crate) fn demand(holds: bool, key: &str, value: impl Display, rule: &str) -> Result<(), FeatureError> {
    if holds { Ok(()) } else { Err(FeatureError::setting(key, value, rule)) }
}

/// A setting's error, with the nearest choice, unless the value lies between two others or is one of them.
pub(crate) fn within(key: &str, value: usize, least: usize, most: usize) -> Result<(), FeatureError> {
    let rule = format!("must be within {least}..={most}; use {}", value.clamp(least, most));
    demand((least..=most).contains(&value), key, value, &rule)
}

/// A setting's error unless there is a sample rate.
pub(crate) fn rate(sample_rate_hz: u32, least: u32) -> Result<(), FeatureError> {
    let rule = format!("must be at least {least}; use the recordings' own, such as 16000");
    demand(sample_rate_hz >= least, "sample_rate_hz", sample_rate_hz, &rule)
}

/// Errors unless the bands lie between 0 and half the sample rate; `keys` are those of the lowest and highest.
pub(crate) fn band(
    keys: [&str; 2],
    (lowest_hz, highest_hz): (f64, f64),
    sample_rate_hz: u32,
) -> Result<(), FeatureError> {
    let [low, high] = keys;
    let nyquist_hz = f64::from(sample_rate_hz) / 2.0;
    let rule = format!(
        "must be above 0 and at most {nyquist_hz} Hz, half the sample rate; use {nyquist_hz} or leave it out"
    );
    demand(highest_hz > 0.0 && highest_hz <= nyquist_hz, high, highest_hz, &rule)?;
    let rule = format!("must be at least 0 and below {high} = {highest_hz} Hz; use 0");
    demand(lowest_hz >= 0.0 && lowest_hz < highest_hz, low, lowest_hz, &rule)
}

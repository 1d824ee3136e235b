//! Checks shared by all configurations.

use std::fmt::Display;

use crate::FeatureError;

/// Maximum length of a frame or a transform, samples: 4 s at 16 kHz. A larger value is a typing error that would compute for
/// minutes.
pub(crate) const MAX_FRAME_LENGTH: usize = 1 << 16;
/// Maximum number of bands or coefficients; a larger value is a typing error whose matrices would exhaust the memory.
pub(crate) const MAX_BANDS: usize = 1 << 10;

/// Returns a setting error unless the rule holds.
pub(crate) fn require(holds: bool, key: &str, value: impl Display, rule: &str) -> Result<(), FeatureError> {
    if holds { Ok(()) } else { Err(FeatureError::setting(key, value, rule)) }
}

/// Returns a setting error with the nearest valid value unless `min <= value <= max`.
pub(crate) fn require_within(key: &str, value: usize, min: usize, max: usize) -> Result<(), FeatureError> {
    let rule = format!("must be within {min}..={max}; use {}", value.clamp(min, max));
    require((min..=max).contains(&value), key, value, &rule)
}

/// Returns a setting error if the sample rate is below `min`.
pub(crate) fn require_sample_rate(sample_rate_hz: u32, min: u32) -> Result<(), FeatureError> {
    let rule = format!("must be at least {min}; use the recordings' own, such as 16000");
    require(sample_rate_hz >= min, "sample_rate_hz", sample_rate_hz, &rule)
}

/// Returns a setting error unless the bands are between 0 and half the sample rate; `keys` name the lowest
/// and the highest edge.
pub(crate) fn require_band(
    keys: [&str; 2],
    (low_hz, high_hz): (f64, f64),
    sample_rate_hz: u32,
) -> Result<(), FeatureError> {
    let [low, high] = keys;
    let nyquist_hz = f64::from(sample_rate_hz) / 2.0;
    let rule = format!(
        "must be above 0 and at most {nyquist_hz} Hz, half the sample rate; use {nyquist_hz} or remove the key"
    );
    require(high_hz > 0.0 && high_hz <= nyquist_hz, high, high_hz, &rule)?;
    let rule = format!("must be at least 0 and below {high} = {high_hz} Hz; use 0");
    require(low_hz >= 0.0 && low_hz < high_hz, low, low_hz, &rule)
}

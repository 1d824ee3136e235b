//! Overrides of a preset.

use anyhow::{Result, anyhow, bail};
use stapes::features::{FeatureConfig, preset};

/// Returns the checked settings of a preset with overrides.
pub(super) fn override_preset(name: &str, overrides: &[String]) -> Result<FeatureConfig> {
    let config = preset(name)?;
    let keys: Vec<String> = config.settings().into_iter().map(|setting| setting.key).collect();
    let overrides: Vec<String> =
        overrides.iter().map(|override_| with_full_key(name, &keys, override_)).collect::<Result<_>>()?;
    let config = stapes::apply_overrides(config, &overrides).map_err(|reason| anyhow!(reason))?;
    config.check()?;
    Ok(config)
}

/// Completes the key of an override, which may be a full key, as in a recipe, or the end of one.
fn with_full_key(preset: &str, keys: &[String], override_: &str) -> Result<String> {
    let (given, value) = stapes::parse_override(override_).map_err(|reason| anyhow!(reason))?;
    let key = given.strip_prefix("features.").unwrap_or(given);
    if keys.iter().any(|full| full == key) {
        return Ok(format!("{key}={value}"));
    }
    let end = format!(".{key}");
    let matches: Vec<&String> = keys.iter().filter(|full| full.ends_with(&end)).collect();
    match matches[..] {
        [full] => Ok(format!("{full}={value}")),
        [] => bail!(
            "--set {override_}: {preset} has no setting {given}; the closest match is {}. \
             `stapes features --list {preset}` prints all",
            closest(keys, key)
        ),
        [..] => {
            let matches: Vec<&str> = matches.into_iter().map(String::as_str).collect();
            bail!("--set {override_}: the key is ambiguous; use {}", matches.join(" or "))
        }
    }
}

/// Returns the key that is most similar to the given one, as a whole or by its end.
fn closest<'a>(keys: &'a [String], given: &str) -> &'a str {
    let similarity = |key: &str| {
        let end = |at: usize| strsim::jaro_winkler(&key[at..], given);
        key.match_indices('.').map(|(at, _)| end(at + 1)).fold(end(0), f64::max)
    };
    let best = keys.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    best.map_or("", String::as_str)
}

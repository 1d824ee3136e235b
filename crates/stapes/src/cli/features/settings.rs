//! From a preset and what is to be changed in it to settings.

use anyhow::{Result, anyhow, bail};
use stapes::features::{FeatureConfig, preset};

/// The settings of a preset with changes, checked.
pub(super) fn configured(name: &str, changes: &[String]) -> Result<FeatureConfig> {
    let config = preset(name)?;
    let keys: Vec<String> = config.settings().into_iter().map(|setting| setting.key).collect();
    let whole: Vec<String> =
        changes.iter().map(|change| whole_key(name, &keys, change)).collect::<Result<_>>()?;
    let config = stapes::changed(config, &whole).map_err(|reason| anyhow!(reason))?;
    config.check()?;
    Ok(config)
}

/// The change with its key in full: given whole, as in a recipe, or by its last parts.
fn whole_key(preset: &str, keys: &[String], change: &str) -> Result<String> {
    let (given, value) = stapes::key_and_value(change).map_err(|reason| anyhow!(reason))?;
    let key = given.strip_prefix("features.").unwrap_or(given);
    if keys.iter().any(|whole| whole == key) {
        return Ok(format!("{key}={value}"));
    }
    let ending = format!(".{key}");
    let meant: Vec<&String> = keys.iter().filter(|whole| whole.ends_with(&ending)).collect();
    match meant[..] {
        [whole] => Ok(format!("{whole}={value}")),
        [] => bail!(
            "--set {change}: {preset} has no setting {given}; the nearest is {}. All are shown by \
             `stapes features --list {preset}`",
            nearest(keys, key)
        ),
        [..] => {
            let meant: Vec<&str> = meant.into_iter().map(String::as_str).collect();
            bail!("--set {change}: say which: {}", meant.join(" or "))
        }
    }
}

/// The key that is most like what was given, by its last parts or as a whole.
fn nearest<'a>(keys: &'a [String], given: &str) -> &'a str {
    let likeness = |key: &str| {
        let part = |at: usize| strsim::jaro_winkler(&key[at..], given);
        key.match_indices('.').map(|(at, _)| part(at + 1)).fold(part(0), f64::max)
    };
    let best = keys.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    best.map_or("", String::as_str)
}

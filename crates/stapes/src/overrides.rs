//! Overrides of the form `path.to.key=value` of a configuration.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::renamed::renamed;

/// Applies overrides of the form `path.to.key=value` to a configuration, in order. A value that is not valid TOML is a
/// string; an empty value removes the key.
///
/// # Errors
/// A message with the override if it has no `=`, an unknown or renamed key, or a value of the wrong type.
///
/// # Example
/// ```
/// let config = stapes::features::preset("log-mel")?;
/// let config = stapes::apply_overrides(config, &["front_end.librosa-mel-db.n_mels=80".into()])?;
/// assert_eq!(config.init()?.width(), 80);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn apply_overrides<C: Serialize + DeserializeOwned>(
    config: C,
    overrides: &[String],
) -> Result<C, String> {
    let mut config = config;
    for text in overrides {
        let mut table = toml::Table::try_from(&config).map_err(|error| error.to_string())?;
        set(&mut table, text)?;
        config = table
            .try_into()
            .map_err(|error: toml::de::Error| format!("--set {text}: {}", humanize(error.message())))?;
    }
    Ok(config)
}

/// Reads a configuration from the keys of a section of a recipe.
///
/// # Errors
/// A message that begins with the key, such as `train.epochs`, if it was renamed or has the wrong type; with the section, if a
/// key is unknown or missing.
pub fn config_from_table<C: DeserializeOwned>(section: &str, keys: toml::Table) -> Result<C, String> {
    if let Some(message) = keys.keys().find_map(|key| renamed(&format!("{section}.{key}"))) {
        return Err(message);
    }
    keys.try_into().map_err(|error: toml::de::Error| {
        // The text ends with the key: "in `schedule.step`".
        let text = error.to_string();
        let inner = text.rsplit_once("\nin `").and_then(|(_, key)| key.trim_end().strip_suffix('`'));
        let key = inner.map_or(section.into(), |inner| format!("{section}.{inner}"));
        format!("{key}: {}", humanize(error.message()))
    })
}

/// Maximum number of characters per line of a message, because a file without line ends is one line.
const MAX_LINE: usize = 2000;

/// Rewrites a message of the TOML parser for users: names of Rust types become descriptions, unknown keys get a
/// suggestion, and long lines of the file are cut.
pub(crate) fn humanize(message: &str) -> String {
    let end = |line: &str| line.char_indices().nth(MAX_LINE).map_or(line.len(), |(end, _)| end);
    let lines: Vec<&str> = message.trim_end().lines().map(|line| &line[..end(line)]).collect();
    let mut text =
        lines.join("\n").replace("wanted exactly 1 element", "expected exactly one of the choices");
    text = text.replace(
        "invalid type: unit variant, expected struct variant",
        "this choice has keys, such as { step = { every_epochs = 10, factor = 0.5 } } or \
         { plateau = { patience = 5, factor = 0.5 } }",
    );
    for (name, max) in [("usize", i64::MAX as u64), ("u64", i64::MAX as u64), ("u32", u32::MAX.into())] {
        text = text.replace(&format!("expected {name}"), &format!("expected a whole number from 0 to {max}"));
    }
    for name in ["f64", "f32"] {
        text = text.replace(&format!("expected {name}"), "expected a number");
    }
    suggest(text)
}

/// Adds the closest of the expected keys or choices, if one is close.
fn suggest(text: String) -> String {
    let Some((before, expected)) = text.split_once(", expected ") else { return text };
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let Some(given) = quoted(before).pop().filter(|_| before.contains("unknown ")) else { return text };
    let similarity = |known: &String| strsim::jaro_winkler(known, &given);
    let known = quoted(expected);
    let closest = known.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    match closest.filter(|known| similarity(known) > 0.8) {
        Some(closest) => format!("{before}, did you mean `{closest}`? Expected {expected}"),
        None => text,
    }
}

/// Splits an override into key and value.
///
/// # Errors
/// A message if there is no `=`.
pub fn parse_override(text: &str) -> Result<(&str, &str), String> {
    let parts = text.split_once('=').map(|(key, value)| (key.trim(), value));
    parts.ok_or_else(|| format!("--set {text}: expected key=value, such as train.epochs=2"))
}

/// Applies one override to a table.
fn set(table: &mut toml::Table, text: &str) -> Result<(), String> {
    let (path, value) = parse_override(text)?;
    if let Some(message) = renamed(path) {
        return Err(format!("--set {text}: {message}"));
    }
    let removes = value.trim().is_empty();
    let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.into()));
    let mut keys: Vec<&str> = path.split('.').collect();
    let last = keys.pop().unwrap_or_default();
    let mut section = table;
    for key in keys {
        let inner = section.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let Some(inner) = inner.as_table_mut() else {
            return Err(format!("--set {text}: {key} is a value, not a section; remove what follows it"));
        };
        section = inner;
    }
    match removes {
        true => section.remove(last),
        false => section.insert(last.into(), value),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_reported_with_the_closest_match() {
        let error = |recipe: &str, text: &str| {
            let recipe: crate::Recipe = toml::from_str(recipe).unwrap();
            apply_overrides(recipe, &[text.into()]).unwrap_err()
        };
        let recipe = include_str!("../recipes/quickstart.toml");
        let message = error(recipe, "train.epoch=1");
        assert!(
            message.contains("unknown field `epoch`, did you mean `epochs`? Expected one of `batch_size`"),
            "{message}"
        );
        assert!(error(recipe, "model.recurrent.cell=gruu").contains("did you mean `gru`?"));
        // No key is close, and no key is unknown.
        assert!(!error(recipe, "train.zzz=1").contains("did you mean"));
        assert!(!error(recipe, "train.epochs=many").contains("did you mean"));
    }

    #[test]
    fn errors_of_a_section_begin_with_the_key() {
        let error = |keys: &str| {
            let keys = toml::from_str(keys).unwrap();
            config_from_table::<stapes_train::TrainConfig>("train", keys).unwrap_err()
        };
        let text = error("batch_size = 2\nepochs = \"many\"");
        assert!(
            text.starts_with("train.epochs: invalid type: string \"many\", expected a whole number"),
            "{text}"
        );
        let text = error("batch_size = 2\nepoch = 1");
        assert!(text.starts_with("train: unknown field `epoch`, did you mean `epochs`?"), "{text}");
        assert_eq!(error("batch = 2"), "train.batch was renamed: write train.batch_size");
        assert!(error("batch_size = 2").starts_with("train: missing field `epochs`"));
    }

    #[test]
    fn a_renamed_key_is_reported_with_its_new_name() {
        let recipe: crate::Recipe = toml::from_str(include_str!("../recipes/quickstart.toml")).unwrap();
        assert_eq!(
            apply_overrides(recipe, &["train.batch=3".into()]).unwrap_err(),
            "--set train.batch=3: train.batch was renamed: write train.batch_size"
        );
    }

    #[test]
    fn a_message_about_a_long_line_is_short() {
        let text = format!("title = \"Ä\"\n[data.fsdd]\n{} = 1\n", "ä".repeat(100_000));
        let error = crate::Recipe::from_toml("long.toml", &text, &[]).unwrap_err().to_string();
        assert!(error.contains("ää") && error.len() < 20_000, "{} bytes", error.len());
    }

    #[test]
    fn an_empty_value_removes_the_key() {
        let config: stapes_features::FeatureConfig = stapes_features::preset("log-mel").unwrap();
        let fixed = apply_overrides(config.clone(), &["fixed_length_samples=8000".into()]).unwrap();
        assert_eq!(fixed.fixed_length_samples, Some(8000));
        assert_eq!(apply_overrides(fixed, &["fixed_length_samples=".into()]).unwrap(), config);
        // An absent key may be removed; a required key may not.
        assert_eq!(apply_overrides(config.clone(), &["fixed_length_samples=".into()]).unwrap(), config);
        let recipe = include_str!("../recipes/quickstart.toml");
        let recipe: crate::Recipe = toml::from_str(recipe).unwrap();
        let error = apply_overrides(recipe, &["train.epochs=".into()]).unwrap_err();
        assert!(error.contains("--set train.epochs=: missing field"), "{error}");
    }
}

//! Changes of the form `path.to.key=value` to a configuration.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A configuration with changes of the form `path.to.key=value`, in their order; a value that is no TOML is a
/// string, and no value at all takes the key out.
///
/// # Errors
/// What is wrong with which change: no `=`, an unknown key, a value of another kind.
///
/// # Example
/// ```
/// let config = stapes::features::preset("log-mel")?;
/// let changed = stapes::changed(config, &["front_end.librosa-mel-db.n_mels=80".into()])?;
/// assert_eq!(changed.init()?.width(), 80);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn changed<C: Serialize + DeserializeOwned>(config: C, changes: &[String]) -> Result<C, String> {
    let mut config = config;
    for change in changes {
        let mut table = toml::Table::try_from(&config).map_err(|error| error.to_string())?;
        set(&mut table, change)?;
        config = table
            .try_into()
            .map_err(|error: toml::de::Error| format!("--set {change}: {}", humanize(error.message())))?;
    }
    Ok(config)
}

/// Characters of a line of a message: more help nobody, and a file without line ends is one line.
const MAX_LINE: usize = 2000;

/// A message of the TOML reader in a user's words; it may show a line of the file, of which only the beginning is kept.
pub(crate) fn humanize(message: &str) -> String {
    let cut = |line: &str| line.char_indices().nth(MAX_LINE).map_or(line.len(), |(end, _)| end);
    let lines: Vec<&str> = message.trim_end().lines().map(|line| &line[..cut(line)]).collect();
    let mut text =
        lines.join("\n").replace("wanted exactly 1 element", "expected exactly one of the choices");
    text = text.replace(
        "invalid type: unit variant, expected struct variant",
        "this choice has keys of its own, such as { step = { every_epochs = 10, factor = 0.5 } } or \
         { plateau = { patience = 5, factor = 0.5 } }",
    );
    for name in ["usize", "u64", "u32"] {
        text = text.replace(&format!("expected {name}"), "expected a whole number, 0 or more");
    }
    for name in ["f64", "f32"] {
        text = text.replace(&format!("expected {name}"), "expected a number");
    }
    suggest(text)
}

/// Names the nearest of the keys or choices that were expected, where one is near.
fn suggest(text: String) -> String {
    let Some((before, expected)) = text.split_once(", expected ") else { return text };
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let Some(given) = quoted(before).pop().filter(|_| before.contains("unknown ")) else { return text };
    let likeness = |known: &String| strsim::jaro_winkler(known, &given);
    let known = quoted(expected);
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|known| likeness(known) > 0.8) {
        Some(nearest) => format!("{before}, did you mean `{nearest}`? Expected {expected}"),
        None => text,
    }
}

/// Key and value of a change.
///
/// # Errors
/// If there is no `=`.
pub fn parse_override(change: &str) -> Result<(&str, &str), String> {
    let parts = change.split_once('=').map(|(key, value)| (key.trim(), value));
    parts.ok_or_else(|| format!("--set {change}: expected key=value, such as train.epochs=2"))
}

/// Applies a change to a table.
fn set(table: &mut toml::Table, change: &str) -> Result<(), String> {
    let (path, value) = parse_override(change)?;
    let removes = value.trim().is_empty();
    let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.into()));
    let mut keys: Vec<&str> = path.split('.').collect();
    let last = keys.pop().unwrap_or_default();
    let mut at = table;
    for key in keys {
        let inner = at.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let Some(inner) = inner.as_table_mut() else {
            return Err(format!("--set {change}: {key} is a value and has no keys"));
        };
        at = inner;
    }
    match removes {
        true => at.remove(last),
        false => at.insert(last.into(), value),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_told_with_the_nearest() {
        let told = |recipe: &str, change: &str| {
            let recipe: crate::Recipe = toml::from_str(recipe).unwrap();
            changed(recipe, &[change.into()]).unwrap_err()
        };
        let recipe = include_str!("../../../recipes/quickstart.toml");
        let error = told(recipe, "train.epoch=1");
        assert!(
            error.contains("unknown field `epoch`, did you mean `epochs`? Expected one of `batch`"),
            "{error}"
        );
        assert!(told(recipe, "model.recurrent.cell=gruu").contains("did you mean `gru`?"));
        // Nothing is near, and nothing is unknown.
        assert!(!told(recipe, "train.zzz=1").contains("did you mean"));
        assert!(!told(recipe, "train.epochs=many").contains("did you mean"));
    }

    #[test]
    fn a_message_about_a_long_line_is_short() {
        let text = format!("title = \"Ä\"\n[data.fsdd]\n{} = 1\n", "ä".repeat(100_000));
        let error = crate::Recipe::from_toml("long.toml", &text, &[]).unwrap_err().to_string();
        assert!(error.contains("ää") && error.len() < 20_000, "{} bytes", error.len());
    }

    #[test]
    fn a_key_without_a_value_is_taken_out() {
        let config: stapes_features::FeatureConfig = stapes_features::preset("log-mel").unwrap();
        let cut = changed(config.clone(), &["fixed_length_samples=8000".into()]).unwrap();
        assert_eq!(cut.fixed_length_samples, Some(8000));
        assert_eq!(changed(cut, &["fixed_length_samples=".into()]).unwrap(), config);
        // What was not there is gone already; what must be there is missed.
        assert_eq!(changed(config.clone(), &["fixed_length_samples=".into()]).unwrap(), config);
        let recipe = include_str!("../../../recipes/quickstart.toml");
        let recipe: crate::Recipe = toml::from_str(recipe).unwrap();
        let error = changed(recipe, &["title=".into()]).unwrap_err();
        assert!(error.contains("--set title=: missing field"), "{error}");
    }
}

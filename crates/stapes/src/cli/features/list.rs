//! Presets and their settings, for people and for machines.

use anyhow::Result;
use serde_json::json;
use stapes::features::{PRESETS, Preset, Setting, preset};

use super::super::console::Console;

/// What begins the keys of a front end's own settings.
const OWN: &str = "front_end.";

/// Shows one preset's settings, or all presets and theirs.
pub(super) fn show(name: Option<&str>, console: &Console) -> Result<u8> {
    if let Some(name) = name {
        // Its error names the presets.
        preset(name)?;
    }
    let shown: Vec<&Preset> =
        PRESETS.iter().filter(|preset| name.is_none_or(|name| preset.name == name)).collect();
    let longest = shown.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    for preset in &shown {
        console.say(&format!("{:<longest$}  {}", preset.name, preset.summary));
        let settings = preset.settings();
        let settings: Vec<_> = settings
            .iter()
            .map(|setting| {
                json!({
                    "key": setting.key, "default": setting.value, "unit": setting.unit,
                    "meaning": setting.meaning,
                })
            })
            .collect();
        console.emit(&json!({ "preset": preset.name, "summary": preset.summary, "settings": settings }));
    }
    match shown[..] {
        [preset] => console.say(&format!("\n{}", table(&preset.settings()))),
        _ => console.say(&all(&shown)),
    }
    Ok(super::super::DONE)
}

/// What all presets share once, then what each has of its own or otherwise.
fn all(presets: &[&Preset]) -> String {
    let mut shared = presets[0].settings();
    shared.retain(|setting| !setting.key.starts_with(OWN));
    let mut text = format!("\nevery preset\n{}", table(&shared));
    for preset in presets {
        let mut own = preset.settings();
        own.retain(|setting| !shared.contains(setting));
        text += &format!("\n{}\n{}", preset.name, table(&own));
    }
    text.trim_end().to_owned()
}

/// A line a setting: key, default, unit, meaning.
fn table(settings: &[Setting]) -> String {
    let widest = |part: fn(&Setting) -> usize| settings.iter().map(part).max().unwrap_or(0);
    let key = widest(|setting| setting.key.len());
    let value = widest(|setting| setting.value.len());
    let unit = widest(|setting| setting.unit.len());
    let line = |setting: &Setting| {
        let Setting { key: name, value: default, unit: of, meaning, .. } = setting;
        format!("  {name:<key$}  {default:>value$} {of:<unit$}  {meaning}\n")
    };
    settings.iter().map(line).collect()
}

//! The list of presets and their settings, as text and JSON.

use anyhow::Result;
use serde_json::json;
use stapes::features::{PRESETS, Preset, Setting, preset};

use super::super::console::Console;

/// Prefix of the keys of a front end.
const FRONT_END: &str = "front_end.";

/// Prints one preset with its settings, or all presets.
pub(super) fn show(name: Option<&str>, console: &Console) -> Result<u8> {
    if let Some(name) = name {
        // The error names the presets.
        preset(name)?;
    }
    let presets: Vec<&Preset> =
        PRESETS.iter().filter(|preset| name.is_none_or(|name| preset.name == name)).collect();
    let width = presets.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    for preset in &presets {
        console.print(&format!("{:<width$}  {}", preset.name, preset.summary));
        let settings = preset.settings();
        let settings: Vec<_> = settings
            .iter()
            .map(|setting| {
                json!({
                    "key": setting.key, "default": setting.value, "unit": setting.unit,
                    "description": setting.description,
                })
            })
            .collect();
        console.json(&json!({ "preset": preset.name, "summary": preset.summary, "settings": settings }));
    }
    match presets[..] {
        [preset] => console.print(&format!("\n{}", table(&preset.settings()))),
        _ => console.print(&settings_of_all(&presets)),
    }
    Ok(super::super::DONE)
}

/// Returns the settings that all presets share, then those that differ, preset by preset.
fn settings_of_all(presets: &[&Preset]) -> String {
    let mut shared = presets[0].settings();
    shared.retain(|setting| !setting.key.starts_with(FRONT_END));
    let mut text = format!("\nall presets\n{}", table(&shared));
    for preset in presets {
        let mut settings = preset.settings();
        settings.retain(|setting| !shared.contains(setting));
        text += &format!("\n{}\n{}", preset.name, table(&settings));
    }
    text.trim_end().to_owned()
}

/// Formats one line per setting: key, default, unit, description.
fn table(settings: &[Setting]) -> String {
    let width = |length: fn(&Setting) -> usize| settings.iter().map(length).max().unwrap_or(0);
    let key_width = width(|setting| setting.key.len());
    let value_width = width(|setting| setting.value.len());
    let unit_width = width(|setting| setting.unit.len());
    let line = |setting: &Setting| {
        let Setting { key, value, unit, description, .. } = setting;
        format!("  {key:<key_width$}  {value:>value_width$} {unit:<unit_width$}  {description}\n")
    };
    settings.iter().map(line).collect()
}

//! The answer to `describe`.

use serde_json::{Value, json};

use super::{Service, WakeWord};

const URL: &str = "https://docs.rs/stapes";

/// Returns the data of `info`: the wake words.
pub(super) fn info(service: &Service) -> Value {
    let model = |word: &WakeWord| {
        let description = format!("{} ({})", word.label, word.model.name);
        let mut model = artifact(&word.name, &description);
        model["languages"] = json!([]);
        model["phrase"] = json!(word.label);
        model
    };
    let mut program = artifact("stapes", "Wake words with models of stapes");
    program["models"] = service.wake_words.iter().map(model).collect();
    let programs = if service.wake_words.is_empty() { json!([]) } else { json!([program]) };
    let none = || json!([]);
    json!({
        "wake": programs, "asr": none(), "tts": none(), "handle": none(), "intent": none(), "mic": none(), "snd": none(),
    })
}

fn artifact(name: &str, description: &str) -> Value {
    json!({
        "name": name,
        "description": description,
        "attribution": { "name": "stapes", "url": URL },
        "installed": true,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

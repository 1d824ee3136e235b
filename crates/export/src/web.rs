//! A page that runs a model in the browser, with the package for JavaScript.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use stapes_infer::{InferError, Input, Model, ModelCard};
use stapes_web::{BROWSER_ENGINE, PACKAGE, PAGE, WASM_MODULES};

use crate::ExportFile;
use crate::error::ExportError;

/// Texts of the page about a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebOptions {
    /// Name of the model; also that of its file.
    pub name: String,
    /// Description of the model in a few words.
    pub description: String,
    /// License of the model, such as `CC BY 4.0`.
    pub license: Option<String>,
}

/// Returns the files of a page: `index.html` with its scripts, `models.json`, `NAME.safetensors`, `files.json`, and in `stapes`
/// the package for JavaScript. Any server of files can send them; the page makes no other request.
///
/// # Errors
/// [`ExportError::Input`] if the model reads frames and not recordings; [`ExportError::Model`] if it cannot be written.
pub fn web_files(model: &Model, options: &WebOptions) -> Result<Vec<ExportFile>, ExportError> {
    if let Input::Frames(_) = &model.input {
        return Err(ExportError::Input(
            "the page reads recordings, and the model reads frames; use --to onnx",
        ));
    }
    let failed = |error: InferError| ExportError::Model(error.to_string());
    let file = format!("{}.safetensors", options.name);
    let mut card = serde_json::to_value(ModelCard::new(model).map_err(failed)?).unwrap_or_default();
    if let (Some(license), Value::Object(card)) = (&options.license, &mut card) {
        card.insert("license".into(), json!(license));
    }
    let entry =
        json!({ "file": file, "name": options.name, "description": options.description, "card": card });
    let models = format!("{:#}\n", json!({ "models": [entry] }));
    let mut files = vec![
        ExportFile::new("models.json", models),
        ExportFile::new(file, model.to_bytes().map_err(failed)?),
    ];
    let texts = PAGE.iter().chain(BROWSER_ENGINE).chain(PACKAGE);
    files.extend(texts.map(|file| ExportFile::new(file.path, file.bytes)));
    files.extend(WASM_MODULES.iter().map(|module| {
        let mut bytes = Vec::new();
        // The bytes are part of the program; every test of an exported page decompresses them.
        GzDecoder::new(module.bytes)
            .read_to_end(&mut bytes)
            .unwrap_or_else(|error| panic!("{}: {error}", module.path));
        ExportFile::new(module.path, bytes)
    }));
    files.sort_by_key(|file| file.path != "index.html");
    // The service worker keeps them.
    let paths: Vec<&str> = files.iter().map(|file| &*file.path).collect();
    files.push(ExportFile::new("files.json", format!("{:#}\n", json!(paths))));
    Ok(files)
}

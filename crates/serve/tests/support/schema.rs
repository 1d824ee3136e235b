//! The description of the interface as a check of answers: the part of JSON Schema that it uses.

use std::sync::OnceLock;

use serde_json::Value;

use super::http::Answer;

/// Returns `/openapi.json`.
pub(crate) fn description() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(|| serde_json::from_str(include_str!("../../src/openapi.json")).unwrap())
}

/// Checks that the description has the answer: its status, its type of content and its fields. Paths and methods that are not in the
/// description have 404 and 405, beside the files of the page.
pub(crate) fn check(method: &str, target: &str, answer: &Answer) {
    let path = target.split('?').next().unwrap();
    let Some(methods) = description()["paths"].get(path) else {
        let is_of_page = |file: &stapes_web::WebFile| path.strip_prefix('/') == Some(file.path);
        if stapes_web::PAGE.iter().chain([&stapes_web::SERVER_ENGINE]).any(is_of_page)
            && [200, 304].contains(&answer.status)
        {
            return;
        }
        assert!([404, 403].contains(&answer.status), "{method} {target}: {}", answer.status);
        return;
    };
    let Some(operation) = methods.get(method.to_lowercase()) else {
        assert!([405, 403, 204, 200].contains(&answer.status), "{method} {target}: {}", answer.status);
        return;
    };
    let described = &operation["responses"][answer.status.to_string()];
    assert!(described.is_object(), "{method} {target}: status {} is not described", answer.status);
    let Some(content) = described["content"].as_object() else { return };
    let kind = answer.headers["content-type"].split(';').next().unwrap();
    let described = content.get(kind).unwrap_or_else(|| panic!("{target}: content {kind} is not described"));
    if kind == "application/json"
        && let Err(fault) = conforms(&answer.json(), &described["schema"])
    {
        panic!("{method} {target} {}: {fault}\n{}", answer.status, answer.json());
    }
}

/// Returns the fault of a value.
fn conforms(value: &Value, schema: &Value) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return conforms(value, &description()["components"]["schemas"][name]);
    }
    if let Some(options) = schema["anyOf"].as_array() {
        let faults: Vec<String> = options.iter().filter_map(|option| conforms(value, option).err()).collect();
        return if faults.len() < options.len() { Ok(()) } else { Err(faults.join("; ")) };
    }
    let fault = |text: &str| Err(format!("{value}: {text} ({schema})"));
    if schema.get("const").is_some_and(|constant| constant != value) {
        return fault("another constant");
    }
    if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        return fault("not one of the values");
    }
    let is_kind = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_u64() || value.is_i64(),
        _ => true,
    };
    if !is_kind {
        return fault("another type");
    }
    let bounds = (schema["minimum"].as_f64(), schema["maximum"].as_f64(), value.as_f64());
    if let (min, max, Some(number)) = bounds
        && (min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max))
    {
        return fault("out of bounds");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            return fault(&format!("{name} is missing"));
        }
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(property), _) => conforms(value, property)?,
            (None, Value::Bool(false)) => return fault(&format!("{name} is not described")),
            (None, Value::Object(_)) => conforms(value, &schema["additionalProperties"])?,
            (None, _) => {}
        }
    }
    value.as_array().into_iter().flatten().try_for_each(|item| match schema.get("items") {
        Some(items) => conforms(item, items),
        None => Ok(()),
    })
}

//! Every key that a message names is the full one of a recipe, so that it works with `--set`.

use std::fs;
use std::path::{Path, PathBuf};

use stapes::Recipe;

/// Crates with messages about recipes.
const CRATES: [&str; 7] = ["augment", "data", "features", "infer", "nn", "stapes", "train"];
/// Names of data sets, which replace placeholders in messages.
const SETS: [&str; 4] = ["folders", "manifest", "fsdd", "speech-commands"];
/// Words that look like keys: tensors and a call of Python, a key that only files and `--set` have, and placeholders.
const OTHERS: [&str; 5] =
    ["features.mean", "model.state_dict", "features.preset", "augment.NAME", "data.SET.validation_fraction"];
/// Keys of custom data that a message could name without its section.
const BARE: [&str; 5] = [
    "validation_fraction",
    "test_fraction",
    "max_unreadable_fraction",
    "allow_shared_speakers",
    "fixed_length_samples",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
            && !path.ends_with("renamed.rs")
        {
            found.push(path);
        }
    }
}

/// Returns the string literals of the code before its tests, without comments.
fn literals(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n").replace("'\"'", "").replace("\\\"", "'");
    code.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the keys that a literal names, each with a section of a recipe.
fn keys(literal: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "._-{}".contains(letter);
    let words = literal.split(|letter| !is_part(letter));
    let is_key = |word: &str| {
        ["data.", "features.", "augment.", "model.", "train."].iter().any(|section| word.starts_with(section))
    };
    let words = words.map(|word| word.trim_end_matches(['.', '-']));
    words
        .filter(|word| {
            is_key(word) && !word.contains("safetensors") && !word.ends_with(".md") && !OTHERS.contains(word)
        })
        .map(str::to_owned)
        .collect()
}

/// Returns the error of a recipe in which this key is set, if the key is unknown.
fn unknown(key: &str) -> Option<String> {
    let mut recipe: toml::Table =
        toml::from_str(include_str!("../../../../recipes/quickstart.toml")).unwrap();
    let names: Vec<&str> = key.split('.').collect();
    // Choices: the section contains nothing else.
    let choices = match names[..] {
        ["data" | "model", _, ..] => 1,
        ["features", "front_end", _, ..] => 2,
        _ => 0,
    };
    if choices == 2 {
        let features: toml::Table = toml::from_str("[features.front_end.librosa-mfcc]").unwrap();
        recipe.extend(features);
        recipe.insert("data".to_owned(), toml::from_str::<toml::Table>("[fsdd]").unwrap().into());
    }
    let mut section = &mut recipe;
    for (at, name) in names[..names.len() - 1].iter().enumerate() {
        if choices > 0 && at == choices {
            section.clear();
        }
        let inner = section.entry(*name).or_insert_with(|| toml::Table::new().into());
        if !inner.is_table() {
            *inner = toml::Table::new().into();
        }
        section = inner.as_table_mut().unwrap();
    }
    if choices > 0 && names.len() - 1 == choices {
        section.clear();
    }
    section.insert((*names.last().unwrap()).to_owned(), 0.into());
    let error = recipe.try_into::<Recipe>().err()?.to_string();
    (error.contains("unknown field") || error.contains("unknown variant")).then_some(error)
}

#[test]
fn every_key_that_a_message_names_is_a_key_of_a_recipe() {
    assert!(unknown("train.epoch").is_some() && unknown("speech-commands.silence").is_some());
    assert!(unknown("data.folders.splits").is_some() && unknown("model.recurrent.hidden").is_some());
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    CRATES.iter().for_each(|name| sources(&crates.join(name).join("src"), &mut files));
    let (mut checked, mut wrong) = (0, Vec::new());
    for file in files {
        for literal in literals(&fs::read_to_string(&file).unwrap()) {
            for key in keys(&literal) {
                let candidates: Vec<String> = match key.split_once('{').zip(key.split_once('}')) {
                    None => vec![key.clone()],
                    // Only names of data sets are placeholders of which the values are known here.
                    Some((("data.", _), (_, rest))) if rest.starts_with('.') => {
                        SETS.map(|set| format!("data.{set}{rest}")).to_vec()
                    }
                    Some(_) => continue,
                };
                checked += 1;
                let errors: Vec<String> = candidates.iter().filter_map(|key| unknown(key)).collect();
                if errors.len() == candidates.len() {
                    wrong.push(format!("{}: {key}: {}", file.display(), errors[0]));
                }
            }
            let is_message = literal.contains(' ') && literal.contains([',', ';', ':']);
            for key in BARE.iter().filter(|_| is_message) {
                for (at, _) in literal.match_indices(key) {
                    if !literal[..at].ends_with('.') {
                        wrong.push(format!("{}: {key} without its section in: {literal}", file.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 60, "the test finds only {checked} keys");
}

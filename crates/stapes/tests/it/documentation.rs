//! The documents name every key that the program accepts, with its default, and no other key.
//!
//! The accepted keys come from serde's own error for an unknown key; a documented default must give the same recipe as no key.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use stapes::Recipe;
use stapes::sweep::SweepConfig;
use stapes_testkit::fixture::workspace_root;
use toml::{Table, Value};

use crate::support::Scratch;

/// Recipe with all required keys of `[train]` and `[model.recurrent]`.
const RECIPE: &str = "
title = 'Minimal'
[data.fsdd]
[features]
[model.recurrent]
cell = 'gru'
hidden_size = 4
[train]
batch_size = 2
epochs = 3
";

/// Section of a document: its heading and the cells of its tables, without header rows.
struct Section {
    heading: String,
    rows: Vec<Vec<String>>,
}

fn document(name: &str) -> String {
    std::fs::read_to_string(workspace_root().join("docs").join(name)).unwrap()
}

fn sections(name: &str) -> Vec<Section> {
    let mut sections = vec![Section { heading: String::new(), rows: Vec::new() }];
    for line in document(name).lines() {
        if let Some(heading) = line.strip_prefix('#') {
            sections.push(Section { heading: heading.trim_matches(['#', ' ']).into(), rows: Vec::new() });
        } else if let Some(row) = line.strip_prefix('|').and_then(|row| row.strip_suffix('|')) {
            let cells = row.split('|').map(|cell| cell.trim().to_owned()).collect();
            sections.last_mut().unwrap().rows.push(cells);
        }
    }
    // Each table begins with a header and a line of dashes.
    for section in &mut sections {
        let dashes = |row: &Vec<String>| row[0].starts_with("---");
        let headers: Vec<usize> = (1..section.rows.len()).filter(|&at| dashes(&section.rows[at])).collect();
        for at in headers.into_iter().rev() {
            section.rows.drain(at - 1..=at);
        }
    }
    sections
}

fn find<'a>(sections: &'a [Section], heading: &str) -> &'a Section {
    let found = sections.iter().find(|section| section.heading == heading);
    found.unwrap_or_else(|| panic!("no section {heading:?}"))
}

/// Returns the code spans of a text.
fn code_spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Returns the keys or names that a message of serde lists.
fn expected(message: &str) -> BTreeSet<String> {
    let (_, list) = message.split_once(", expected ").unwrap_or_else(|| panic!("{message}"));
    code_spans(list.lines().next().unwrap()).into_iter().map(String::from).collect()
}

/// Returns the table at a path of a recipe, which is created if necessary.
fn table_at<'a>(recipe: &'a mut Table, path: &str) -> &'a mut Table {
    path.split('.').filter(|key| !key.is_empty()).fold(recipe, |table, key| {
        table.entry(key).or_insert_with(|| Table::new().into()).as_table_mut().unwrap()
    })
}

/// Returns the minimal recipe with this section.
fn minimal(section: &str) -> Table {
    let mut recipe: Table = toml::from_str(RECIPE).unwrap();
    let first = section.split('.').next().unwrap();
    if ["data", "model"].contains(&first) && section != "model.recurrent" {
        recipe.remove(first);
    }
    let table = table_at(&mut recipe, section);
    if section == "data.speech-commands" {
        table.insert("classes".into(), Value::Array(vec!["yes".into(), "no".into()]));
    }
    recipe
}

fn parse(recipe: Table) -> Result<Recipe, String> {
    recipe.try_into().map_err(|error: toml::de::Error| error.to_string())
}

fn with(section: &str, key: &str, value: Value) -> Result<Recipe, String> {
    let mut recipe = minimal(section);
    table_at(&mut recipe, section).insert(key.into(), value);
    parse(recipe)
}

/// Returns the keys that a section accepts.
fn accepted(section: &str) -> BTreeSet<String> {
    expected(&with(section, "zzz", Table::new().into()).unwrap_err())
}

/// Parses the default in a table: a code span is a string, or a name of a table's choice, other text is a value.
fn default_value(kind: &str, text: &str) -> Value {
    if kind.starts_with("table") {
        let names = code_spans(text).into_iter().map(|name| (name.to_owned(), Value::Table(Table::new())));
        return Value::Table(names.collect());
    }
    match code_spans(text)[..] {
        [name] => name.into(),
        _ => toml::from_str::<Table>(&format!("value = {text}"))
            .unwrap_or_else(|error| panic!("{text}: {error}"))["value"]
            .clone(),
    }
}

/// Checks the rows `key | type | default | …` of a section: its keys are `accepted`, and defaults and required keys are right.
fn check_rows(section: &str, rows: &[&Vec<String>], accepted: &BTreeSet<String>) {
    let keys: BTreeSet<String> = rows.iter().map(|row| code_spans(&row[0])[0].to_owned()).collect();
    assert_eq!(&keys, accepted, "documented and accepted keys of [{section}]");
    let recipe = parse(minimal(section)).unwrap();
    let written: Table = toml::from_str(&recipe.to_toml()).unwrap();
    for row in rows {
        let [key, kind, default] = [code_spans(&row[0])[0], &row[1], &row[2]];
        let name = format!("{section}.{key}");
        if kind.contains("optional") {
            let is_written = table_at(&mut written.clone(), section).contains_key(key);
            let is_given = table_at(&mut minimal(section), section).contains_key(key);
            assert_eq!(is_written, is_given, "{name} is optional and has a default");
        } else if default.is_empty() {
            let mut without = minimal(section);
            assert!(table_at(&mut without, section).remove(key).is_some(), "{name} is not required");
            assert!(parse(without).is_err(), "{name} is not required");
        } else {
            let given =
                with(section, key, default_value(kind, default)).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(given, recipe, "{name}: the default is not {default}");
        }
    }
}

#[test]
fn recipe_sections_are_documented_with_their_defaults() {
    let sections = sections("recipes.md");
    let mut checked = 0;
    for Section { heading, rows } in &sections {
        let names: Vec<&str> = match heading.as_str() {
            "Top level" => vec![""],
            _ => code_spans(heading).into_iter().map(|name| name.trim_matches(['[', ']'])).collect(),
        };
        for name in names.into_iter().filter(|name| !name.ends_with("NAME") && *name != "augment") {
            let mut accepted = accepted(name);
            let mut rows: Vec<&Vec<String>> = rows.iter().collect();
            if name == "features" {
                // Not a key of the configuration: it is replaced by the preset's keys.
                rows.retain(|row| row[0] != "`preset`");
                accepted.remove("preset");
            }
            check_rows(name, &rows, &accepted);
            checked += 1;
        }
    }
    assert_eq!(checked, 14);
    let names = |heading: &str, column: usize| -> BTreeSet<String> {
        let rows = &find(&sections, heading).rows;
        rows.iter().flat_map(|row| code_spans(&row[column])).map(String::from).collect()
    };
    let data = names("`[data.NAME]`", 0);
    assert_eq!(data, accepted("data"));
    assert_eq!(names("`[features.front_end.NAME]`", 0), accepted("features.front_end"));
    let presets = find(&sections, "`[features]`").rows.iter().find(|row| row[0] == "`preset`").unwrap();
    let all: BTreeSet<&str> = stapes::features::PRESETS.iter().map(|preset| preset.name).collect();
    assert_eq!(code_spans(&presets[3]).into_iter().collect::<BTreeSet<_>>(), all);
}

#[test]
fn augmentations_are_documented_with_their_keys() {
    let mut names = accepted("augment");
    assert!(names.remove("waveform"));
    names.extend(accepted("augment.waveform").into_iter().map(|name| format!("waveform.{name}")));
    let mut documented = BTreeSet::new();
    for row in &find(&sections("recipes.md"), "`[augment]`").rows {
        let name = code_spans(&row[0])[0];
        let mut keys: BTreeSet<String> = code_spans(&row[1]).into_iter().map(String::from).collect();
        keys.insert("probability".into());
        assert_eq!(
            keys,
            accepted(&format!("augment.{name}")),
            "documented and accepted keys of augment.{name}"
        );
        documented.insert(name.to_owned());
    }
    assert_eq!(documented, names);
}

#[test]
fn keys_of_custom_data_are_documented_with_their_defaults() {
    let sections = sections("data.md");
    let rows = &find(&sections, "Keys").rows;
    for (name, other) in [("data.folders", "[data.manifest]"), ("data.manifest", "[data.folders]")] {
        // The section has two tables: keys with four columns, and splits with two.
        let own = |row: &&Vec<String>| row.len() == 4 && !row[3].starts_with(&format!("`{other}`"));
        let rows: Vec<&Vec<String>> = rows.iter().filter(own).collect();
        let mut accepted = accepted(name);
        let other_keys = if name == "data.folders" {
            &["file", "layout", "columns", "frame_labels"][..]
        } else {
            &["speaker", "frame_width"]
        };
        assert!(other_keys.iter().all(|key| accepted.remove(*key)), "{accepted:?}");
        check_rows(name, &rows, &accepted);
    }
}

#[test]
fn keys_of_models_are_documented_with_their_defaults() {
    let mut documented = BTreeSet::from(["recurrent".to_owned()]);
    for row in &find(&sections("models.md"), "Keys of the other models").rows {
        let name = code_spans(&row[0])[0];
        let section = format!("model.{name}");
        let recipe = parse(minimal(&section)).unwrap();
        let assignments = code_spans(&row[1]).into_iter().filter(|span| span.contains(" = "));
        let defaults: Table = toml::from_str(&assignments.collect::<Vec<_>>().join("\n")).unwrap();
        let keys: BTreeSet<String> = defaults.keys().cloned().collect();
        assert_eq!(keys, accepted(&section), "documented and accepted keys of {section}");
        for (key, default) in defaults {
            assert_eq!(with(&section, &key, default), Ok(recipe.clone()), "{section}.{key}: another default");
        }
        documented.insert(name.to_owned());
    }
    assert_eq!(documented, accepted("model"));
}

/// Adds the keys of a table and its inner tables, as `axes.range.from`, to `keys`.
fn add_keys(path: &str, value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Table(table) => table.iter().for_each(|(key, value)| {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            add_keys(&inner, value, keys);
            keys.insert(inner);
        }),
        Value::Array(values) => values.iter().for_each(|value| add_keys(path, value, keys)),
        _ => {}
    }
}

#[test]
fn keys_of_sweeps_and_searches_are_documented() {
    let page = document("comparing.md");
    let mut documented = BTreeSet::new();
    for block in page.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("toml\n")) {
        // Optional keys are shown as comments.
        let lines = block
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ")).unwrap_or(line));
        let table: Table = toml::from_str(&lines.collect::<Vec<_>>().join("\n")).unwrap();
        add_keys("", &Value::Table(table), &mut documented);
    }
    // Described in the text, without an example.
    for key in [
        "configurations",
        "configurations.name",
        "configurations.recipe",
        "configurations.set",
        "axes.range.factor",
    ] {
        let name = key.rsplit('.').next().unwrap();
        assert!(
            page.contains(&format!("`{name}`"))
                || page.contains(&format!("[[{name}]]"))
                || page.contains(&format!("({name})")),
            "{key}"
        );
        documented.insert(key.into());
    }
    let sweep = |text: &str| toml::from_str::<SweepConfig>(text).unwrap_err().message().to_owned();
    let mut all = BTreeSet::new();
    for (path, text) in [
        ("", "zzz = 1"),
        ("configurations", "[[configurations]]\nzzz = 1"),
        ("axes", "[[axes]]\nzzz = 1"),
        ("axes.range", "[[axes]]\nrange = { zzz = 1 }"),
        ("axes.between", "[[axes]]\nbetween = { zzz = 1 }"),
        ("axes.choices", "[[axes]]\nchoices = [{ zzz = 1 }]"),
        ("search", "[search]\nzzz = 1"),
    ] {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
        all.extend(expected(&sweep(text)).into_iter().map(|key| format!("{prefix}{key}")));
    }
    assert_eq!(documented, all);
}

/// Returns the files below a folder with this extension.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.partition(|path| path.is_dir());
    let here = files.into_iter().filter(|path| path.extension().is_some_and(|found| found == extension));
    here.chain(folders.iter().flat_map(|folder| files_below(folder, extension))).collect()
}

#[test]
fn figures_of_the_documents_are_xml() {
    let figures = files_below(&workspace_root().join("docs"), "svg");
    assert!(figures.len() >= 3, "{figures:?}");
    for path in figures {
        let text = std::fs::read_to_string(&path).unwrap();
        roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// Returns the code of the blocks of a language in a document.
fn code_blocks(document: &str, language: &str) -> Vec<String> {
    let start = format!("```{language}\n");
    let blocks = document.split(&start).skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_pytorch_module_of_the_guide_computes_the_same_probabilities() {
    let python = std::env::var("STAPES_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_torch = Command::new(&python).args(["-c", "import torch, safetensors"]).output();
    if !has_torch.is_ok_and(|ran| ran.status.success()) {
        eprintln!("skipped: {python} has no torch and safetensors");
        return;
    }
    let scratch = Scratch::new();
    let recipe = scratch.run("recipes show quickstart").succeeds().stdout();
    scratch.write("recipe.toml", recipe.replace("\"lstm\"", "\"gru\""));
    let changes = "--set model.recurrent.num_layers=2 --set model.recurrent.head=max --set train.epochs=2";
    scratch
        .run(&format!("train recipe --out run {changes} --set frames.normalization=per-coefficient"))
        .succeeds();
    scratch.run("quickstart --out example --set train.epochs=1").succeeds();
    let predicted = scratch.run("predict run example/example.csv --json").succeeds().json();
    let module = code_blocks(&document("use.md"), "python").remove(0);
    let check = "
import numpy
frames = torch.tensor(numpy.loadtxt(sys.argv[2], delimiter=','), dtype=torch.float32)
print(model(frames[None])[0].tolist())
";
    scratch.write("model.py", module + check);
    let ran = Command::new(&python)
        .current_dir(scratch.path("."))
        .args(["model.py", "run/model.safetensors", "example/example.csv"])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let found: Vec<f64> = serde_json::from_slice(&ran.stdout).unwrap();
    let expected = predicted[0]["probabilities"].as_object().unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, (label, expected)) in found.iter().zip(expected) {
        assert!((found - expected.as_f64().unwrap()).abs() < 1e-5, "{label}: {found} and {expected}");
    }
}

//! Manifests of other toolkits: other names of columns, durations, JSON lines in `.json` files, several manifests.

use std::fs;

use stapes_data::{
    CustomSplit, DataConfig, DataError, DataSet, ManifestConfig, ManifestLayout, Source, Subset,
};
use tempfile::TempDir;

use crate::custom::message;

fn written(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn config(keys: &str) -> DataConfig {
    toml::from_str(&format!("[manifest]\n{keys}")).unwrap()
}

fn opened(keys: &str, files: &[(&str, &str)]) -> Result<DataSet, DataError> {
    config(keys).open(Some(written(files).path()))
}

fn ids(dataset: &DataSet) -> Vec<&str> {
    dataset.examples.iter().map(|example| example.id.as_str()).collect()
}

const NEMO: &str = r#"{"audio_filepath": "a.wav", "duration": 0.5, "label": "yes", "offset": 0}
{"audio_filepath": "b.wav", "duration": 0.25, "label": "no", "offset": 1.5, "text": "_"}
{"audio_filepath": "c.wav", "duration": null, "label": "no", "offset": null}
"#;

#[test]
fn columns_are_mapped_to_those_of_the_manifest() {
    let csv = "wav,command,from,to,who,part,dev\na.wav,yes,0.5,1,anna,train,1\nb.wav,no,,,bo,test,2\n";
    let keys = "columns = { path = 'wav', label = 'Command', start = 'from', end = 'to', speaker = 'who', \
                split = 'part', fold = 'dev' }";
    let tsv = csv.replace(',', "\t");
    let json = r#"{"wav": "a.wav", "command": "yes", "from": 0.5, "to": 1, "who": "anna", "part": "train", "dev": 1}
{"wav": "b.wav", "command": "no", "who": "bo", "part": "test", "dev": "2"}"#;
    for (name, text) in
        [("manifest.csv", csv), ("manifest.tsv", &tsv), ("manifest.jsonl", json), ("manifest.json", json)]
    {
        let dataset = opened(&format!("{keys}\nsplit = 'folds'"), &[(name, text)]).unwrap();
        assert_eq!(ids(&dataset), ["a.wav 0.5-1", "b.wav"], "{name}");
        let [first, second] = &dataset.examples[..] else { panic!("{name}") };
        assert_eq!((first.group.as_deref(), first.fold.as_deref()), (Some("anna"), Some("1")), "{name}");
        assert_eq!(
            (first.predefined, second.predefined),
            (Some(Subset::Train), Some(Subset::Test)),
            "{name}"
        );
        assert!(dataset.notes.is_empty(), "{:?}", dataset.notes);
    }
    // A column that is mapped to another has no other meaning: the folds are the labels here.
    let dataset =
        opened("columns = { label = 'fold' }", &[("manifest.csv", "path,fold\na.wav,1\nb.wav,2\n")]);
    assert_eq!(dataset.unwrap().classes, ["1", "2"]);
    // The column of the default name is not used then.
    let text = "path,label,word\na.wav,x,yes\nb.wav,x,no\n";
    let dataset = opened("columns = { label = 'word' }", &[("manifest.csv", text)]).unwrap();
    assert_eq!(dataset.classes, ["no", "yes"]);
    let note = dataset.notes[0].to_string();
    assert!(
        note.starts_with("1 column of the manifest is not used: label; if one has the values of"),
        "{note}"
    );
}

#[test]
fn a_mapping_to_a_column_that_does_not_exist_names_those_that_do() {
    let csv = ("manifest.csv", "wav,label,len\na.wav,yes,1\nb.wav,no,1\n");
    let json = ("manifest.jsonl", "{\"wav\": \"a.wav\", \"label\": \"yes\", \"len\": 1}\n");
    for (keys, column, name) in [
        ("path = 'wav', speaker = 'who'", "speaker", "who"),
        ("path = 'audio'", "path", "audio"),
        ("path = 'wav', duration = 'seconds'", "duration", "seconds"),
    ] {
        for file in [csv, json] {
            let error = message(opened(&format!("columns = {{ {keys} }}"), &[file]));
            let expected = format!(
                "data.manifest.columns.{column} = \"{name}\": there is no such column; the columns are "
            );
            assert!(error.contains(&expected) && error.contains("wav"), "{}: {error}", file.0);
        }
    }
    for (keys, part) in [
        ("path = 'a', label = 'A'", "data.manifest.columns.label = \"A\": is also the column of path; each"),
        ("path = ' '", "data.manifest.columns.path = \" \": must be the name of a column"),
    ] {
        let error = message(opened(&format!("columns = {{ {keys} }}"), &[csv]));
        assert!(error.contains(part), "{error}");
    }
    let error = toml::from_str::<DataConfig>("[manifest]\ncolumns = { file = 'x' }").unwrap_err().to_string();
    assert!(error.contains("unknown field `file`") && error.contains("duration"), "{error}");
    for key in ["columns = { path = 'x' }", "layout = 'nemo'"] {
        let error = toml::from_str::<DataConfig>(&format!("[folders]\n{key}")).unwrap_err().to_string();
        assert!(error.contains("is only valid in [data.manifest]"), "{error}");
    }
}

#[test]
fn a_duration_is_the_end_of_a_segment() {
    let read = |rows: &str| {
        opened("", &[("manifest.csv", &format!("path,label,start,end,duration\na.wav,yes,,,\n{rows}\n"))])
    };
    for (row, id) in [
        ("b.wav,no,0.1,,0.2", "b.wav 0.1-0.3"),
        ("b.wav,no,,,0.5", "b.wav 0-0.5"),
        ("b.wav,no,2,,", "b.wav 2-"),
        ("b.wav,no,2,3,", "b.wav 2-3"),
        ("b.wav,no,2,3,1.001", "b.wav 2-3"),
        ("b.wav,no,2,3,0.999", "b.wav 2-3"),
    ] {
        assert_eq!(ids(&read(row).unwrap())[1], id, "{row}");
    }
    for (row, part) in [
        ("b.wav,no,2,3,1.1", "manifest.csv:3: end = 3 s, but start + duration = 3.1 s; correct"),
        ("b.wav,no,2,3,1.002", "end = 3 s, but start + duration = 3.002 s"),
        ("b.wav,no,2,,0", "manifest.csv:3: duration = 0 s must be more than 0"),
        ("b.wav,no,2,,-1", "duration = -1 s must not be negative"),
        ("b.wav,no,2,,x", "duration = `x` is not a number of seconds"),
    ] {
        let error = message(read(row));
        assert!(error.contains(part), "{row}: {error}");
    }
    let labels = "path,label,start,duration\na.wav,no,0,0.3\na.wav,yes,0.3,0.6\nb.wav,yes,0,1\n";
    let dataset = opened("frame_labels = true", &[("manifest.csv", labels)]).unwrap();
    assert_eq!(ids(&dataset), ["a.wav", "b.wav"]);
}

#[test]
fn manifests_of_nemo_are_read() {
    let expected = ["a.wav 0-0.5", "b.wav 1.5-1.75", "c.wav"];
    let older = NEMO.replace("\"label\"", "\"command\"").replace(", \"text\": \"_\"", "");
    let oldest = older.replace("command", "text");
    for text in [NEMO, &older, &oldest] {
        for (keys, name) in [
            ("layout = 'nemo'", "manifest.json"),
            ("layout = 'nemo'", "manifest.jsonl"),
            ("layout = 'nemo'\nfile = 'lists/all.json'", "lists/all.json"),
        ] {
            let dataset = opened(keys, &[(name, text)]).unwrap();
            assert_eq!((ids(&dataset), dataset.classes.join(" ")), (expected.to_vec(), "no yes".to_owned()));
            let Source::Segment { start_seconds, end_seconds, .. } = &dataset.examples[1].source else {
                panic!()
            };
            assert_eq!((*start_seconds, *end_seconds), (1.5, Some(1.75)));
        }
        let folder = written(&[("all.json", text)]);
        let path = folder.path().join("all.json");
        assert_eq!(ids(&DataConfig::detect(&path).open(Some(&path)).unwrap()), expected);
        assert_eq!(ids(&config("layout = 'nemo'").open(Some(&path)).unwrap()), expected);
    }
    // A mapped column replaces that of the layout.
    let keys = "layout = 'nemo'\ncolumns = { label = 'word' }";
    let dataset = opened(keys, &[("manifest.json", &NEMO.replace("\"label\"", "\"word\""))]).unwrap();
    assert_eq!(ids(&dataset), expected);
    // Paths may be absolute inside the folder, but not outside.
    let folder = tempfile::tempdir().unwrap();
    let open = |text: &str| {
        fs::write(folder.path().join("manifest.json"), text).unwrap();
        config("layout = 'nemo'").open(Some(folder.path()))
    };
    let inside = folder.path().join("a.wav").display().to_string();
    assert_eq!(ids(&open(&NEMO.replace("a.wav", &inside)).unwrap()), expected);
    let error = message(open(&NEMO.replace("a.wav", "/elsewhere/a.wav")));
    assert!(error.contains("manifest.json:1: path `/elsewhere/a.wav` is outside"), "{error}");
}

#[test]
fn manifests_of_nemo_per_subset_are_a_predefined_split() {
    let files = [
        ("train_manifest.json", "a.wav"),
        ("validation_manifest.json", "b.wav"),
        ("test_manifest.json", "c.wav"),
    ];
    let texts = files.map(|(name, path)| {
        let row =
            |path: &str, label: &str| format!("{{\"audio_filepath\": \"{path}\", \"label\": \"{label}\"}}\n");
        (name, row(path, "yes") + &row(&format!("no/{path}"), "no"))
    });
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let folder = written(&texts);
    let config = config("layout = 'nemo'");
    let dataset = config.open(Some(folder.path())).unwrap();
    assert_eq!(DataConfig::detect(folder.path()), config);
    let split = config.split(&dataset, 1).unwrap();
    let of = |part: &[usize]| part.iter().map(|&index| ids(&dataset)[index]).collect::<Vec<_>>();
    assert_eq!(of(&split.train), ["a.wav", "no/a.wav"]);
    assert_eq!(of(&split.validation), ["b.wav", "no/b.wav"]);
    assert_eq!(of(&split.test), ["c.wav", "no/c.wav"]);
    fs::write(
        folder.path().join("test_manifest.json"),
        "{\"audio_filepath\": \"a.wav\", \"label\": \"yes\"}",
    )
    .unwrap();
    let error = message(config.open(Some(folder.path())));
    assert!(error.contains("train_manifest.json:1: a.wav is already in line 1 of"), "{error}");
}

#[test]
fn metadata_of_hugging_face_is_read() {
    let csv = "file_name,label\na.wav,yes\nb/c.wav,no\n";
    let jsonl =
        "{\"file_name\": \"a.wav\", \"label\": \"yes\"}\n{\"file_name\": \"b/c.wav\", \"label\": \"no\"}\n";
    for (name, text) in [("metadata.csv", csv), ("metadata.jsonl", jsonl)] {
        let whole = opened("layout = 'hugging-face'", &[(name, text)]).unwrap();
        assert_eq!(ids(&whole), ["a.wav", "b/c.wav"]);
        let inside = ["train", "valid", "test"].map(|folder| format!("{folder}/{name}"));
        let files: Vec<(&str, &str)> = inside.iter().map(|name| (name.as_str(), text)).collect();
        let config = config("layout = 'hugging-face'");
        let folder = written(&files);
        let dataset = config.open(Some(folder.path())).unwrap();
        let split = config.split(&dataset, 1).unwrap();
        let of = |part: &[usize]| part.iter().map(|&index| ids(&dataset)[index]).collect::<Vec<_>>();
        assert_eq!(of(&split.train), ["train/a.wav", "train/b/c.wav"]);
        assert_eq!(of(&split.validation), ["valid/a.wav", "valid/b/c.wav"]);
        assert_eq!(of(&split.test), ["test/a.wav", "test/b/c.wav"]);
        let path = dataset.examples[split.test[1]].source.path().unwrap();
        assert_eq!(path, folder.path().join("test/b/c.wav"));
    }
    // The same recording in two manifests, a row of another subset, and faults, which name the manifest.
    let good = ("train/metadata.csv", csv);
    for (text, part) in [
        (
            "file_name,label\n../train/a.wav,yes\n",
            "train/metadata.csv:2: train/a.wav is already in line 2 of",
        ),
        (
            "file_name,label,split\nx.wav,yes,train\n",
            "test/metadata.csv:2: split = `train`, but this manifest is that of test",
        ),
        ("file_name,label\n../../a.wav,yes\n", "test/metadata.csv:2: path `../../a.wav` is outside"),
        ("file_name,label\n,yes\n", "test/metadata.csv:2: path is empty"),
        (
            "path,label\na.wav,yes\n",
            "test/metadata.csv:1: there is no column file_name; the columns are path, label",
        ),
    ] {
        let error = message(opened("layout = 'hugging-face'", &[("test/metadata.csv", text), good]));
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_manifest_of_another_toolkit_is_recognized_by_its_columns() {
    let nemo = "set data.manifest.layout = \"nemo\"";
    let hugging_face = "set data.manifest.layout = \"hugging-face\"";
    for (name, text, parts) in [
        (
            "manifest.json",
            NEMO,
            ["manifest.json:1: there is no key path; the keys are audio_filepath, duration", nemo],
        ),
        ("manifest.jsonl", NEMO, ["manifest.jsonl:1: there is no key path", nemo]),
        ("manifest.csv", "audio_filepath,label\n", ["there is no column path", nemo]),
        (
            "manifest.csv",
            "file_name,label\n",
            ["there is no column path; the columns are file_name, label", hugging_face],
        ),
        (
            "manifest.csv",
            "wav,label\n",
            ["there is no column path", "data.manifest.columns = { path = \"NAME\" }"],
        ),
        (
            "manifest.csv",
            "path,word\n",
            ["there is no column label", "data.manifest.columns = { label = \"NAME\" }"],
        ),
    ] {
        let error = message(opened("", &[(name, text)]));
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    let error = message(opened("layout = 'nemo'", &[("manifest.csv", "path,label\n")]));
    assert!(error.contains("there is no column audio_filepath; the columns are path, label"), "{error}");
    let array = message(opened("", &[("manifest.json", "\n [{\"path\": \"a.wav\", \"label\": \"yes\"}]")]));
    assert!(
        array.contains("manifest.json:2: is a JSON array; a manifest has one JSON object per line"),
        "{array}"
    );
    for (layout, part) in [
        ("nemo", "expected manifest.json, or train_manifest.json"),
        ("hugging-face", "expected metadata.csv, .jsonl or .parquet with the columns file_name and label"),
    ] {
        let error = message(opened(&format!("layout = '{layout}'"), &[("other.csv", "")]));
        assert!(error.contains(part) && error.contains("other.csv"), "{error}");
        assert!(
            message(config(&format!("layout = '{layout}'")).open(None)).contains(&part["expected ".len()..])
        );
    }
}

#[test]
fn a_layout_and_columns_are_written_and_read_back() {
    let config = config("layout = 'nemo'\nsplit = 'random'\ncolumns = { label = 'word', speaker = 'who' }");
    let DataConfig::Manifest(ManifestConfig { layout, columns, custom, .. }) = &config else { panic!() };
    assert_eq!((*layout, custom.split), (Some(ManifestLayout::Nemo), Some(CustomSplit::Random)));
    assert_eq!((columns.label.as_deref(), columns.path.as_deref()), (Some("word"), None));
    let text = toml::to_string(&config).unwrap();
    assert_eq!(toml::from_str::<DataConfig>(&text).unwrap(), config, "{text}");
}

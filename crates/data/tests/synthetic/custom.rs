//! Custom data: folders and manifests.
//!
//! Longer than other files because folders and manifests share data sets, splits and error cases.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use stapes_data::{
    Channel, CustomDataConfig, CustomSplit, DataConfig, DataError, DataSet, Example, FoldersConfig,
    ManifestConfig, Progress, Source, Split, Subset,
};
use tempfile::TempDir;

use crate::folders::write_wav;
use crate::rules;

fn folders(custom: CustomDataConfig) -> DataConfig {
    DataConfig::Folders(FoldersConfig {
        speaker: Some("before _".parse().unwrap()),
        custom,
        ..FoldersConfig::default()
    })
}

fn manifest(custom: CustomDataConfig) -> DataConfig {
    DataConfig::Manifest(ManifestConfig { custom, ..ManifestConfig::default() })
}

fn of(split: CustomSplit) -> CustomDataConfig {
    CustomDataConfig { split: Some(split), ..CustomDataConfig::default() }
}

pub(crate) fn message<T>(result: Result<T, DataError>) -> String {
    result.err().expect("this must be rejected").to_string()
}

/// Two classes with `count` files per speaker, all with different content.
fn sounds(speakers: &[&str], count: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    for class in ["no", "yes"] {
        for speaker in speakers {
            for index in 0..count {
                number += 1;
                write_wav(&folder.path().join(format!("{class}/{speaker}_{index}.wav")), &[number; 100]);
            }
        }
    }
    folder
}

/// Folder with a manifest of this name.
fn written(name: &str, text: impl AsRef<[u8]>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    folder
}

pub(crate) fn opened(name: &str, text: impl AsRef<[u8]>) -> Result<DataSet, DataError> {
    manifest(CustomDataConfig::default()).open(Some(written(name, text).path()))
}

fn split(config: &DataConfig, dataset: &DataSet, seed: u64) -> Split {
    let split = config.split(dataset, seed).unwrap();
    rules::check(dataset, &split).unwrap();
    split
}

fn speakers<'a>(dataset: &'a DataSet, part: &[usize]) -> BTreeSet<&'a str> {
    part.iter().filter_map(|&index| dataset.examples[index].group.as_deref()).collect()
}

#[test]
fn folders_are_classes_of_any_depth_and_other_files_are_ignored() {
    let folder = sounds(&["anna", "bo"], 2);
    write_wav(&folder.path().join("yes/more/deep/anna_7.WAV"), &[1]);
    fs::write(folder.path().join("yes/notes.txt"), "").unwrap();
    fs::write(folder.path().join("yes/song.flac"), "").unwrap();
    write_wav(&folder.path().join("_noise/x_1.wav"), &[1]);
    let dataset = folders(of(CustomSplit::Random)).open(Some(folder.path())).unwrap();
    assert_eq!(dataset.classes, ["no", "yes"]);
    let yes = dataset.examples.iter().filter(|example| example.label.class() == Some(1));
    let names: Vec<(&str, Option<&str>)> = yes.map(|e| (e.id.as_str(), e.group.as_deref())).collect();
    assert_eq!(
        names,
        [
            ("yes/anna_0.wav", Some("anna")),
            ("yes/anna_1.wav", Some("anna")),
            ("yes/bo_0.wav", Some("bo")),
            ("yes/bo_1.wav", Some("bo")),
            ("yes/more/deep/anna_7.WAV", Some("anna")),
            ("yes/song.flac", None),
        ]
    );
}

#[test]
fn folders_train_and_test_are_a_predefined_split() {
    let folder = tempfile::tempdir().unwrap();
    for (part, count) in [("train", 9), ("dev", 2), ("test", 3)] {
        for class in ["a", "b"] {
            for index in 0..count {
                write_wav(&folder.path().join(format!("{part}/{class}/{index}.wav")), &[1]);
            }
        }
    }
    let config = DataConfig::Folders(FoldersConfig::default());
    let dataset = config.open(Some(folder.path())).unwrap();
    let found = split(&config, &dataset, 1);
    assert_eq!([found.train.len(), found.validation.len(), found.test.len()], [18, 4, 6]);
    assert!(found.test.iter().all(|&index| dataset.examples[index].id.starts_with("test/")));
    write_wav(&folder.path().join("other/a/1.wav"), &[1]);
    let error = message(config.open(Some(folder.path())));
    assert!(error.contains("other: is beside the folders train and test"), "{error}");
    let plain = sounds(&["anna"], 3);
    let error = message(folders(of(CustomSplit::Predefined)).open(Some(plain.path())));
    assert!(error.contains("train, validation and test"), "{error}");
}

#[test]
fn classes_keep_the_order_of_the_recipe_and_others_are_rejected() {
    let folder = sounds(&["anna"], 5);
    let with = |classes: &[&str]| {
        let classes = Some(classes.iter().map(ToString::to_string).collect());
        folders(CustomDataConfig { classes, ..CustomDataConfig::default() }).open(Some(folder.path()))
    };
    let dataset = with(&["yes", "no"]).unwrap();
    assert_eq!(dataset.classes, ["yes", "no"]);
    assert!(dataset.examples.iter().all(|e| e.id.starts_with(&dataset.classes[e.label.class().unwrap()])));
    let error = message(with(&["yes", "maybe"]));
    assert!(
        error.contains("no: as a folder, label `no` is not a class of the recipe (yes, maybe)"),
        "{error}"
    );
    let error = message(with(&["yes", "no", "maybe"]));
    assert!(error.contains("class `maybe` has no examples"), "{error}");
}

#[test]
fn one_class_and_an_empty_folder_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let open = || message(DataConfig::Folders(FoldersConfig::default()).open(Some(folder.path())));
    assert!(open().contains("is not folders: expected one folder per class"), "{}", open());
    write_wav(&folder.path().join("yes/1.wav"), &[1]);
    assert!(open().contains("has one class (yes); at least two"), "{}", open());
    fs::create_dir(folder.path().join("no")).unwrap();
    assert!(open().contains("class `no` has no example"), "{}", open());
}

#[test]
fn manifests_of_all_formats_are_equal() {
    let csv = "path,label,start,end,split,speaker,remark\n\
               a.wav,yes,,,train,anna,\"a, b\"\nb.wav,no,0.5,1.5,test,bo,\nc/d.wav,no,2,,validation,,x\n";
    let tsv = csv.replace(',', "\t").replace("a\t b", "a\tb");
    let json = r#"{"path": "a.wav", "label": "yes", "split": "train", "speaker": "anna", "remark": [1]}

        {"label": "no", "path": "b.wav", "start": 0.5, "end": 1.5, "split": "test", "speaker": "bo"}
        {"path": "c/d.wav", "label": "no", "start": 2, "end": null, "split": "dev"}"#;
    let open = |name: &str, text: &[u8]| {
        let folder = written(name, text);
        let mut dataset = manifest(CustomDataConfig::default()).open(Some(folder.path())).unwrap();
        let inside = manifest(CustomDataConfig::default()).open(Some(&folder.path().join(name))).unwrap();
        assert_eq!(dataset, inside, "{name}");
        for example in &mut dataset.examples {
            let (Source::File(path) | Source::Segment { path, .. }) = &mut example.source else { panic!() };
            *path = path.strip_prefix(folder.path()).unwrap().to_owned();
        }
        dataset
    };
    let dataset = open("manifest.csv", csv.as_bytes());
    assert_eq!(dataset.classes, ["no", "yes"]);
    let second = Example {
        id: "b.wav 0.5-1.5".into(),
        label: stapes_data::Label::Class(0),
        group: Some("bo".into()),
        fold: None,
        predefined: Some(Subset::Test),
        source: Source::Segment { path: "b.wav".into(), start_seconds: 0.5, end_seconds: Some(1.5) },
        channel: Channel::Mean,
    };
    assert_eq!(dataset.examples[1], second);
    assert_eq!((dataset.examples[2].id.as_str(), &dataset.examples[2].group), ("c/d.wav 2-", &None));
    assert_eq!(dataset.examples[2].predefined, Some(Subset::Validation));
    #[cfg(feature = "parquet")]
    assert_eq!(open("manifest.parquet", include_bytes!("../fixtures/manifest.parquet")), dataset);
    assert_eq!(open("manifest.tsv", tsv.as_bytes()), dataset);
    assert_eq!(open("manifest.jsonl", json.as_bytes()), dataset);
    assert_eq!(open("manifest.csv", csv.replace('\n', "\r\n").as_bytes()), dataset, "CRLF");
    assert_eq!(open("manifest.csv", format!("\u{feff}{csv}").as_bytes()), dataset, "BOM");
    assert_eq!(open("manifest.jsonl", format!("\u{feff}{json}").as_bytes()), dataset, "BOM");
}

#[test]
fn faults_of_a_manifest_are_reported_with_their_line() {
    let good = "path,label,start,end,split\na.wav,yes,,,\nb.wav,no,,,\n";
    for (rows, part) in [
        ("../c.wav,no,,,", "manifest.csv:4: path `../c.wav` is outside "),
        ("/etc/passwd,no,,,", "manifest.csv:4: path `/etc/passwd` is outside "),
        (",no,,,", "manifest.csv:4: path is empty"),
        ("c.wav,,,,", "manifest.csv:4: label is empty"),
        ("c.wav,no,x,,", "manifest.csv:4: start = `x` is not a number"),
        ("c.wav,no,-1,,", "manifest.csv:4: start = -1 s must not be negative"),
        ("c.wav,no,,nan,", "manifest.csv:4: end = `nan` is not a number"),
        ("c.wav,no,2,1,", "manifest.csv:4: end = 1 s must be after start = 2 s"),
        ("c.wav,no,,,eval", "manifest.csv:4: split = `eval` must be train"),
        ("c.wav,no", "manifest.csv:4: has 2 values, but the header has 5 columns"),
        ("c.wav,no,1,2,\nd.wav,no,,,\nc.wav,yes,1,2,", "manifest.csv:6: c.wav 1-2 is already in line 4"),
        ("./a.wav,no,,,", "manifest.csv:4: a.wav is already in line 2"),
        ("\"c\n.wav\",no,,,", "manifest.csv:4: the value of column path begins with a quote"),
    ] {
        let error = message(opened("manifest.csv", format!("{good}{rows}\n")));
        assert!(error.contains(part), "{rows}: {error}");
    }
    for (name, text, part) in [
        ("manifest.csv", &b""[..], "manifest.csv:1: is empty"),
        ("manifest.csv", b"path,label\n", "manifest.csv: has no rows"),
        ("manifest.csv", b"path,label\na.wav,yes\nb.wav,yes\n", "manifest.csv: has one class (yes)"),
        (
            "manifest.csv",
            b"file,label\na.wav,yes\n",
            "manifest.csv:1: there is no column path; the columns are file, label",
        ),
        ("manifest.csv", b"path;label\na.wav;yes\n", "a .csv is separated by commas"),
        ("manifest.csv", b"path,label,path\n", "two columns are called path"),
        ("manifest.csv", b"path,label\na.wav,yes\n\xff.wav,no\n", "manifest.csv:3: is not UTF-8"),
        ("manifest.tsv", b"path,label\na.wav,yes\n", "a .csv is separated by commas, a .tsv by tabs"),
        ("manifest.jsonl", b"", "manifest.jsonl: has no rows"),
        (
            "manifest.jsonl",
            b"{\"path\": \"a.wav\"}\n",
            "manifest.jsonl:1: there is no key label; the keys are path",
        ),
        ("manifest.jsonl", b"\n[1]\n", "manifest.jsonl:2: is a JSON array"),
        (
            "manifest.jsonl",
            b"{\"path\": \"a.wav\", \"label\": [1]}\n",
            "manifest.jsonl:1: label = [1] must be text",
        ),
        ("other.csv", b"path,label\n", "is not manifest: expected a manifest"),
    ] {
        let error = message(opened(name, text));
        assert!(error.contains(part), "{name} {error}");
    }
    let config =
        DataConfig::Manifest(ManifestConfig { file: Some("list.txt".into()), ..ManifestConfig::default() });
    let error = message(config.open(Some(written("list.txt", good).path())));
    assert!(
        error.contains("list.txt: the extension of a manifest is .csv, .tsv, .jsonl, .json or .parquet"),
        "{error}"
    );
    let error = message(config.open(Some(written("manifest.csv", good).path())));
    assert!(error.contains("list.txt: cannot be read"), "{error}");
    let custom =
        CustomDataConfig { classes: Some(vec!["yes".into(), "maybe".into()]), ..CustomDataConfig::default() };
    let error = message(manifest(custom).open(Some(written("manifest.csv", good).path())));
    assert!(
        error.contains("manifest.csv:3: label `no` is not a class of the recipe (yes, maybe)"),
        "{error}"
    );
}

#[cfg(feature = "parquet")]
#[test]
fn a_damaged_parquet_file_is_named() {
    let whole = include_bytes!("../fixtures/manifest.parquet");
    for length in [0, 4, whole.len() / 2, whole.len() - 1] {
        let error = message(opened("manifest.parquet", &whole[..length]));
        assert!(error.contains("manifest.parquet: cannot be read as Parquet"), "{error}");
    }
}

/// The Parquet library has assertions about offsets and sizes.
#[cfg(feature = "parquet")]
#[test]
fn no_flipped_bit_of_a_parquet_file_makes_the_reader_panic() {
    let whole = include_bytes!("../fixtures/manifest.parquet");
    let mut contained = 0;
    for bit in 0..8 * whole.len() {
        let mut flipped = whole.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Err(error) = opened("manifest.parquet", &flipped) else { continue };
        contained += usize::from(error.to_string().contains("is a damaged Parquet file"));
    }
    assert!(contained > 0, "no flipped bit meets an assertion; contain_panic may be needless");
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_names_the_required_feature() {
    let error = message(opened("manifest.parquet", "PAR1"));
    assert!(error.contains("--features parquet"), "{error}");
}

#[test]
fn rows_of_a_path_label_its_frames_in_any_order() {
    let config = DataConfig::Manifest(ManifestConfig { frame_labels: true, ..ManifestConfig::default() });
    let open = |rows: &str| {
        let text = format!("path,label,start,end,speaker\n{rows}");
        config.open(Some(written("manifest.csv", text).path()))
    };
    let rows = "a.wav,voice,1.5,2,x\nb.wav,silence,0,4,\na.wav,silence,0,1.5,x\n";
    let dataset = open(rows).unwrap();
    assert_eq!((dataset.examples.len(), dataset.classes.join(" ")), (2, "silence voice".to_owned()));
    let stapes_data::Label::Segments(segments) = &dataset.examples[0].label else { panic!("no segments") };
    assert_eq!([0.0, 1.4, 1.5, 1.9].map(|seconds| segments.class_at(seconds)), [0, 0, 1, 1]);
    assert_eq!(dataset.examples[0].group.as_deref(), Some("x"));
    for (row, part) in [
        (
            "a.wav,voice,1.9,3,x",
            "manifest.csv:5: starts at 1.9 s and overlaps the previous segment; it must start at 2 s",
        ),
        ("a.wav,voice,2.5,3,x", "manifest.csv:5: starts at 2.5 s and leaves a gap; it must start at 2 s"),
        ("a.wav,voice,-1,0,x", "manifest.csv:5: start = -1 s must not be negative"),
        ("a.wav,voice,2,,x", "manifest.csv:5: needs start and end"),
        ("a.wav,voice,2,3,y", "manifest.csv:5: speaker differs from line 2; all rows of a.wav"),
        ("c.wav,voice,1,2,", "manifest.csv:5: starts at 1 s and leaves a gap; it must start at 0 s"),
    ] {
        let error = message(open(&format!("{rows}{row}\n")));
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_path_without_labels_has_them_in_a_file_beside_it() {
    let open = |frames: bool, keys: &str, rows: &str, files: &[(&str, &str)]| {
        let manifest = format!("path,label,start,end\n{rows}");
        let folder = written("manifest.csv", manifest);
        files.iter().for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
        let config: DataConfig =
            toml::from_str(&format!("[manifest]\nframe_labels = {frames}\n{keys}")).unwrap();
        config.open(Some(folder.path()))
    };
    let files = [
        ("a.vtt", "WEBVTT\n\n00:00.500 --> 00:01.500\nspeech\n"),
        ("b.rttm", "SPEAKER b 1 1 0.5 <NA> <NA> x <NA> <NA>\nSPEAKER b 1 0.75 0.5 <NA> <NA> y <NA> <NA>\n"),
    ];
    let rows = "a.wav,,,\nb.wav,,,\nc.wav,speech,0,2\n";
    let dataset = open(true, "", rows, &files).unwrap();
    assert_eq!(dataset.classes, ["silence", "speech"]);
    let classes = |example: usize| {
        let stapes_data::Label::Segments(segments) = &dataset.examples[example].label else { panic!() };
        [0.2, 0.8, 1.4, 1.6, 9.0].map(|seconds| segments.class_at(seconds))
    };
    assert_eq!([0, 1, 2].map(classes), [[0, 1, 1, 0, 0], [0, 1, 1, 0, 0], [1; 5]]);
    let noise = open(true, "classes = [\"noise\", \"speech\"]", rows, &files).unwrap();
    assert_eq!(noise.examples[0].label.classes(), [0, 1]);
    for (frames, rows, part) in [
        (true, "d.wav,,,\n", "manifest.csv:2: has no label, and there is no label file"),
        (true, "a.wav,,,\na.wav,speech,0,1\n", "manifest.csv:3: a.wav has a row without labels"),
        (true, "a.wav,speech,0,1\na.wav,,,\n", "manifest.csv:3: a.wav has a row without labels"),
        (true, "e.wav,,,\n", "e.lab:1: `0` is not `start end label`"),
        (false, "a.wav,,,\n", "manifest.csv:2: label is empty"),
    ] {
        let error = message(open(frames, "", rows, &[files[0], ("e.lab", "0\n")]));
        assert!(error.contains(part), "{error}");
    }
    let error = message(open(true, "classes = [\"noise\", \"music\"]", rows, &files));
    assert!(error.contains("a.vtt:3: label `speech` is not a class"), "{error}");
}

#[test]
fn the_default_split_depends_on_the_data() {
    let resolve = |config: &DataConfig, folder: &Path| {
        let dataset = config.open(Some(folder)).unwrap();
        let (DataConfig::Folders(FoldersConfig { custom, .. })
        | DataConfig::Manifest(ManifestConfig { custom, .. })) = config.resolve(&dataset)
        else {
            panic!()
        };
        assert_eq!(custom.classes.unwrap(), dataset.classes);
        custom.split.unwrap()
    };
    let config = folders(CustomDataConfig::default());
    assert_eq!(resolve(&config, sounds(&["anna", "bo", "carl"], 2).path()), CustomSplit::BySpeaker);
    assert_eq!(resolve(&config, sounds(&["anna", "bo"], 2).path()), CustomSplit::Random);
    assert_eq!(resolve(&folders(of(CustomSplit::Folds)), sounds(&["anna"], 9).path()), CustomSplit::Folds);
    let rows = "path,label,split\na.wav,yes,train\nb.wav,no,test\n";
    assert_eq!(
        resolve(&manifest(CustomDataConfig::default()), written("manifest.csv", rows).path()),
        CustomSplit::Predefined
    );
}

#[test]
fn a_split_by_speaker_has_disjoint_speakers() {
    let names: Vec<String> = (0..20).map(|number| format!("s{number}")).collect();
    let folder = sounds(&names.iter().map(String::as_str).collect::<Vec<_>>(), 3);
    let config = folders(of(CustomSplit::BySpeaker));
    let dataset = config.open(Some(folder.path())).unwrap();
    let first = split(&config, &dataset, 1);
    assert_eq!([first.train.len(), first.validation.len(), first.test.len()], [84, 12, 24]);
    assert_eq!(first.shared_groups(&dataset), []);
    assert_eq!(first, split(&config, &dataset, 1));
    assert_ne!(first.test, split(&config, &dataset, 2).test);
    let without = CustomDataConfig { validation_fraction: Some(0.0), ..of(CustomSplit::BySpeaker) };
    let without = split(&folders(without), &dataset, 1);
    assert_eq!((without.validation.len(), without.test), (0, first.test));
}

#[test]
fn folds_test_every_example_once_and_no_speaker_twice() {
    let folder = sounds(&["a", "b", "c", "d", "e", "f", "g"], 4);
    for shared in [false, true] {
        let custom =
            CustomDataConfig { folds: Some(3), allow_shared_speakers: shared, ..of(CustomSplit::Folds) };
        let config = folders(custom);
        let dataset = config.open(Some(folder.path())).unwrap();
        let folds = config.folds(&dataset).unwrap();
        assert_eq!(
            folds.iter().map(|fold| fold.name.as_str()).collect::<Vec<_>>(),
            ["fold-0", "fold-1", "fold-2"]
        );
        let mut tested: Vec<usize> = Vec::new();
        for fold in &folds {
            let split = split(&fold.data, &dataset, 1);
            assert_eq!(split.test, fold.data.split(&dataset, 7).unwrap().test, "another seed");
            assert_eq!(split.shared_groups(&dataset).is_empty(), !shared);
            assert!((16..=24).contains(&split.test.len()), "{}", split.test.len());
            tested.extend(split.test);
        }
        tested.sort_unstable();
        assert_eq!(tested, (0..56).collect::<Vec<_>>());
    }
    let custom = CustomDataConfig { folds: Some(8), ..of(CustomSplit::Folds) };
    let dataset = folders(custom.clone()).open(Some(folder.path())).unwrap();
    let error = message(folders(custom).split(&dataset, 1));
    assert!(error.contains("folders.folds = 8: must be at most 7, the number of speakers"), "{error}");
}

#[test]
fn one_speaker_or_each_in_turn_is_tested() {
    let folder = sounds(&["anna", "bo", "carl", "dora"], 4);
    let skipped = |group: Option<&str>| CustomDataConfig {
        group: group.map(str::to_owned),
        ..of(CustomSplit::LeaveOneOut)
    };
    let config = folders(skipped(Some("bo")));
    let dataset = config.open(Some(folder.path())).unwrap();
    let first = split(&config, &dataset, 1);
    assert_eq!(speakers(&dataset, &first.test), BTreeSet::from(["bo"]));
    assert_eq!(speakers(&dataset, &first.validation).len(), 1);
    let folds = folders(skipped(None)).folds(&dataset).unwrap();
    assert_eq!(
        folds.iter().map(|fold| fold.name.as_str()).collect::<Vec<_>>(),
        ["anna", "bo", "carl", "dora"]
    );
    assert_eq!(split(&folds[1].data, &dataset, 1), first);
    for (group, part) in
        [(None, "folders.group = none: leave-one-out requires"), (Some("eve"), "folders.group = eve: ")]
    {
        let error = message(folders(skipped(group)).split(&dataset, 1));
        assert!(error.contains(part) && error.contains("anna, bo, carl, dora"), "{error}");
    }
    let error = message(folders(of(CustomSplit::Random)).folds(&dataset));
    assert!(error.contains("has no folds") && error.contains("leave-one-out"), "{error}");
}

#[test]
fn a_speaker_in_two_subsets_is_an_error_unless_allowed() {
    let folder = sounds(&["anna", "bo", "carl"], 20);
    let config = folders(of(CustomSplit::Random));
    let dataset = config.open(Some(folder.path())).unwrap();
    let error = message(config.split(&dataset, 1));
    for part in [
        "data.folders: 3 speakers are in more",
        "anna (",
        "test)",
        "split = \"by-speaker\"",
        "allow_shared_speakers",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(config.split_unchecked(&dataset, 1).unwrap().shared_groups(&dataset).len(), 3);
    let custom = CustomDataConfig { allow_shared_speakers: true, ..of(CustomSplit::Random) };
    let allowed = split(&folders(custom), &dataset, 1);
    assert_eq!([allowed.train.len(), allowed.validation.len(), allowed.test.len()], [86, 10, 24]);
    let rows =
        "path,label,split,speaker\na.wav,yes,train,x\nb.wav,no,train,y\nc.wav,no,test,y\nd.wav,yes,dev,z\n";
    let config = manifest(CustomDataConfig::default());
    let dataset = config.open(Some(written("manifest.csv", rows).path())).unwrap();
    let error = message(config.split(&dataset, 1));
    assert!(
        error.contains("data.manifest: 1 speaker is in more") && error.contains("y (train, test)"),
        "{error}"
    );
}

#[test]
fn an_incomplete_predefined_split_is_reported() {
    let config = manifest(of(CustomSplit::Predefined));
    for (rows, part) in [
        ("a.wav,yes,train\nb.wav,no,", "none for b.wav: every example needs"),
        ("a.wav,yes,train\nb.wav,no,train", "there are no test examples"),
        ("a.wav,yes,test\nb.wav,no,test", "there are no train examples"),
        ("a.wav,yes,train\nb.wav,no,test\nc.wav,yes,dev", "class `no` has no train examples"),
    ] {
        let dataset =
            config.open(Some(written("manifest.csv", format!("path,label,split\n{rows}\n")).path())).unwrap();
        let error = message(config.split(&dataset, 1));
        assert!(error.contains(part), "{rows}: {error}");
    }
    let dataset =
        config.open(Some(written("manifest.csv", "path,label\na.wav,yes\nb.wav,no\n").path())).unwrap();
    let error = message(manifest(of(CustomSplit::BySpeaker)).split(&dataset, 1));
    assert!(error.contains("2 of 2 have none (a.wav first)"), "{error}");
}

#[test]
fn files_of_equal_content_in_two_subsets_are_named() {
    let folder = sounds(&["anna"], 4);
    // Louder than silence, of which copies are permitted.
    let same = [300; 8000];
    write_wav(&folder.path().join("no/copy_1.wav"), &same);
    let mut almost = same;
    almost[7000] = 400;
    write_wav(&folder.path().join("no/almost.wav"), &almost);
    write_wav(&folder.path().join("yes/copy_2.wav"), &same);
    let rows = |parts: &[&str]| {
        let names = [
            "no/copy_1.wav,no",
            "no/almost.wav,no",
            "yes/copy_2.wav,yes",
            "no/anna_0.wav,no",
            "yes/anna_0.wav,yes",
        ];
        let rows: Vec<String> =
            names.iter().zip(parts).map(|(row, part)| format!("{row},,,{part}\n")).collect();
        format!("path,label,start,end,split\n{}", rows.concat())
    };
    let check = |text: String| {
        fs::write(folder.path().join("manifest.csv"), text).unwrap();
        let config =
            manifest(CustomDataConfig { validation_fraction: Some(0.0), ..CustomDataConfig::default() });
        let dataset = config.open(Some(folder.path())).unwrap();
        let split = config.split(&dataset, 1).unwrap();
        config.check_files(&dataset, &split, &Progress::default())
    };
    let error = message(check(rows(&["train", "test", "test", "train", "train"])));
    assert!(error.contains("data.manifest: 1 pair of files has"), "{error}");
    assert!(error.contains("no/copy_1.wav and yes/copy_2.wav"), "{error}");
    check(rows(&["train", "test", "train", "train", "train"])).unwrap();
    // Overlapping segments of one file have shared content.
    let parts = |end: &str| {
        rows(&["train", "train", "train", "train", "train"])
            + &format!("no/almost.wav,yes,0.2,{end},train\nno/copy_1.wav,no,0.3,0.4,test\n")
    };
    let error = message(check(parts("0.25")));
    assert!(error.contains("no/copy_1.wav and no/copy_1.wav 0.3-0.4"), "{error}");
    let two = "path,label,start,end,split\nno/almost.wav,no,0,0.5,train\nno/almost.wav,yes,0.5,0.7,test\nno/anna_0.wav,yes,,,train\n";
    check(two.to_owned()).unwrap();
    assert!(
        message(check(two.replace("0.5,0.7", "0.4,0.7")))
            .contains("almost.wav 0-0.5 and no/almost.wav 0.4-0.7")
    );
}

#[test]
fn a_recipe_has_all_keys_in_one_table_and_rejects_others() {
    let read = |text: &str| toml::from_str::<DataConfig>(text).map_err(|error| error.to_string());
    let text = "[manifest]\nfile = \"list.csv\"\nframe_labels = true\nclasses = [\"a\", \"b\"]\nsplit = \"folds\"\nfolds = 4\nfold = 1\n";
    let config = read(text).unwrap();
    assert_eq!(toml::to_string(&config).unwrap(), text);
    config.check().unwrap();
    for (text, part) in [
        ("[manifest]\nfiles = 1\n", "unknown field `files`"),
        ("[folders]\nfile = \"x.csv\"\n", "data.folders.file: is only valid in [data.manifest]"),
        ("[manifest]\nspeaker = \"folder\"\n", "data.manifest.speaker: is only valid in [data.folders]"),
        ("[folders]\nspeaker = \"after _\"\n", "must be \"before _\""),
        ("[folders]\nsplit = \"given\"\n", "unknown variant `given`"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    for (keys, part) in [
        ("classes = [\"a\"]", "folders.classes = [\"a\"]: must name at least two"),
        ("classes = [\"a\", \"a\"]", "folders.classes = \"a\": must be in the list once"),
        (
            "split = \"predefined\"\ntest_fraction = 0.5",
            "folders.test_fraction = 0.5: is only valid with data.folders.split = \"random\" or \"by-speaker\"",
        ),
        ("test_fraction = 1.0", "folders.test_fraction = 1: must be greater than 0"),
        ("validation_fraction = 1.0", "folders.validation_fraction = 1: must be at least 0"),
        ("folds = 3", "folders.folds = 3: is only valid with data.folders.split = \"folds\""),
        ("split = \"folds\"\nfolds = 1", "folders.folds = 1: must be at least 2"),
        ("split = \"folds\"\nfold = 5", "folders.fold = 5: must be from 0 to 4"),
        (
            "split = \"random\"\ngroup = \"x\"",
            "folders.group = x: is only valid with data.folders.split = \"leave-one-out\"",
        ),
        ("max_unreadable_fraction = 1.0", "folders.max_unreadable_fraction = 1: must be at least 0"),
    ] {
        let found = message(read(&format!("[folders]\n{keys}\n")).unwrap().check());
        assert!(found.starts_with(&format!("data.{part}")), "{found}");
    }
}

#[test]
fn manifests_and_folders_are_detected() {
    let folder = written("manifest.tsv", "path\tlabel\na.wav\tx\nb.wav\ty\n");
    assert!(matches!(DataConfig::detect(folder.path()), DataConfig::Manifest(_)));
    assert!(matches!(DataConfig::detect(&folder.path().join("manifest.tsv")), DataConfig::Manifest(_)));
    assert!(matches!(DataConfig::detect(sounds(&["a"], 1).path()), DataConfig::Folders(_)));
}

#[test]
fn segments_of_one_recording_stay_together_without_speakers() {
    // Twelve recordings of six segments each, without speakers.
    let parts = (0..12).flat_map(|recording| (0..6).map(move |part| (recording, part)));
    let row = |(recording, part): (u32, u32)| {
        let class = if (recording + part).is_multiple_of(2) { "no" } else { "yes" };
        format!("{recording}.wav,{class},{part},{}\n", part + 1)
    };
    let text = format!("path,label,start,end\n{}", parts.map(row).collect::<String>());
    let dataset = opened("manifest.csv", text).unwrap();
    let recordings = |part: &[usize]| -> BTreeSet<&Path> {
        part.iter().map(|&index| dataset.examples[index].source.path().unwrap()).collect()
    };
    let disjoint = |split: &Split| {
        let parts = Subset::ALL.map(|subset| recordings(split.subset(subset)));
        parts.iter().map(BTreeSet::len).sum::<usize>() == 12 && parts.iter().all(|part| !part.is_empty())
    };
    for seed in 1..=5 {
        assert!(disjoint(&split(&manifest(of(CustomSplit::Random)), &dataset, seed)));
        let fold =
            CustomDataConfig { folds: Some(4), fold: Some(seed as usize - 1), ..of(CustomSplit::Folds) };
        if seed < 5 {
            assert!(disjoint(&split(&manifest(fold), &dataset, seed)));
        }
        let mixed = CustomDataConfig { allow_shared_speakers: true, ..of(CustomSplit::Random) };
        assert!(!disjoint(&split(&manifest(mixed), &dataset, seed)));
    }
    let many = CustomDataConfig { folds: Some(13), ..of(CustomSplit::Folds) };
    let refused = message(manifest(many).split(&dataset, 1));
    assert!(refused.contains("must be at most 12, the number of recordings"), "{refused}");
}

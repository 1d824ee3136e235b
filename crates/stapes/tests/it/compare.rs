//! `stapes compare` and `stapes report`.

use std::fs;
use std::path::Path;

use crate::support::{Scratch, TONES};
use serde_json::Value;
use stapes::sweep::Sweep;
use stapes_testkit::fixture::workspace_root;

const SWEEP: &str = "
title = 'Tones'
recipe = 'tones.toml'
seeds = 2
set = ['train.epochs=2']
[[axes]]
name = 'cell'
key = 'model.recurrent.cell'
values = ['gru', 'rnn_tanh']
[[axes]]
name = 'hidden_size'
key = 'model.recurrent.hidden_size'
values = [4, 8]
";

fn prepared() -> Scratch {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.write("sweep.toml", SWEEP);
    scratch
}

const COMPARE: &str = "compare sweep.toml --data tones --out runs";

/// Returns the lines of a table file.
fn table(scratch: &Scratch, file: &str) -> Vec<String> {
    fs::read_to_string(scratch.path(file)).unwrap().lines().map(String::from).collect()
}

/// Returns the values of a column of a table file.
fn column(scratch: &Scratch, file: &str, key: &str) -> Vec<String> {
    let lines = table(scratch, file);
    let fields = |line: &str| line.split(',').map(String::from).collect::<Vec<_>>();
    let at = fields(&lines[0]).iter().position(|field| field == key).unwrap();
    lines[1..].iter().map(|line| fields(line)[at].clone()).collect()
}

#[test]
fn every_configuration_is_trained_with_every_seed_and_is_in_the_table() {
    let scratch = prepared();
    let ran = scratch.run(&format!("{COMPARE} --json")).succeeds();
    let lines = ran.json();
    let group_runs = lines.iter().filter(|line| line["event"] == "run").count();
    assert_eq!(group_runs, 8);
    let rows = lines.last().unwrap()["table"]["rows"].as_array().unwrap().len();
    assert_eq!(rows, 4);
    assert_eq!(column(&scratch, "runs/table.csv", "cell"), ["gru", "gru", "rnn_tanh", "rnn_tanh"]);
    assert_eq!(column(&scratch, "runs/table.csv", "hidden_size"), ["4", "8", "4", "8"]);
    assert_eq!(column(&scratch, "runs/table.csv", "seeds"), ["2"; 4]);
    // A configuration's accuracy is the median over its seeds: the mean of two.
    let of_run = |seed: u32| -> f64 {
        let text = fs::read_to_string(scratch.path(&format!("runs/gru_8/seed-{seed}/run.json"))).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["test_accuracy"].as_f64().unwrap()
    };
    let median: f64 = column(&scratch, "runs/table.csv", "test_accuracy")[1].parse().unwrap();
    assert_eq!(median, (of_run(1) + of_run(2)) / 2.0);
    assert!(table(&scratch, "runs/table.md")[0].starts_with(r"| cell | hidden\_size | seeds | test, % |"));
}

#[test]
fn report_shows_the_table_and_links_to_the_runs() {
    let scratch = prepared();
    scratch.run(COMPARE).succeeds();
    let page = fs::read_to_string(scratch.path("runs/report.html")).unwrap();
    for (cell, size) in [("gru", "4"), ("gru", "8"), ("rnn_tanh", "4"), ("rnn_tanh", "8")] {
        assert!(page.contains(&format!("|{cell}, hidden_size {size}")), "{cell}, {size} has no point");
        assert!(
            page.contains(&format!("<summary>{cell}, hidden_size {size}: ")),
            "{cell}, {size} has no matrix"
        );
        for seed in [1, 2] {
            let run = format!("{cell}_{size}/seed-{seed}/report.html");
            assert!(page.contains(&format!("href=\"./{run}\"")) && scratch.path("runs").join(run).is_file());
        }
    }
    for figure in column(&scratch, "runs/table.csv", "test_accuracy") {
        assert!(page.contains(&format!("data-value=\"{figure}\"")), "{figure}");
    }
    assert!(page.contains("correction for the 3 comparisons"));
    assert!(!page.contains("* Only one seed"));
    // All runs have the same command, which is shown once.
    assert_eq!(page.matches("compare sweep.toml --data tones --out runs").count(), 1);
    assert!(page.contains("<p class=\"muted\">8 runs</p>"));
    assert_eq!(page.matches("<svg").count(), 9);
    assert!(page.contains("Each class against the rest, mean over classes and seeds."));
    let figures = ["against-seconds_to_best", "against-parameters", "training-loss", "validation-accuracy"];
    for figure in [&figures[..], &["roc", "det", "reliability"]].concat() {
        let svg = fs::read_to_string(scratch.path(&format!("runs/figures/{figure}.svg"))).unwrap();
        assert!(svg.contains("</svg>"), "{figure}");
        assert_eq!(&fs::read(scratch.path(&format!("runs/figures/{figure}.png"))).unwrap()[1..4], b"PNG");
    }
    scratch.run(&format!("{COMPARE} --table --sort parameters")).succeeds();
    let sorted = fs::read_to_string(scratch.path("runs/report.html")).unwrap();
    let position = |page: &str, name: &str| page.find(&format!("<td>{name}</td></tr>")).unwrap();
    assert!(position(&page, "gru_8") < position(&page, "rnn_tanh_4"));
    assert!(position(&sorted, "gru_8") > position(&sorted, "rnn_tanh_4"));
}

#[test]
fn runs_on_different_data_are_in_separate_tables() {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    // The same folder names, and one recording less for training.
    copy_folder(&scratch.path("tones"), &scratch.path("others"));
    let recordings =
        fs::read_dir(scratch.path("others/recordings")).unwrap().map(|entry| entry.unwrap().path());
    fs::remove_file(recordings.max().unwrap()).unwrap();
    for data in ["tones", "others"] {
        for cell in ["gru", "rnn_tanh"] {
            let train = format!("train tones.toml --data {data} --out runs/{data}/{cell}");
            scratch
                .run(&format!("{train} --set train.epochs=2 --set model.recurrent.cell={cell}"))
                .succeeds();
        }
    }
    let ran = scratch.run("report runs --out comparison --sort test_accuracy").succeeds();
    let sets = column(&scratch, "comparison/table.csv", "data_set");
    assert_eq!(sets.len(), 4);
    assert!(sets[0] == sets[1] && sets[1] != sets[2] && sets[2] == sets[3], "{sets:?}");
    // The best of each data set.
    let best: Vec<bool> =
        column(&scratch, "comparison/table.csv", "vs_best").iter().map(|result| result == "best").collect();
    assert_eq!(best.iter().filter(|best| **best).count(), 2);
    assert!(best[0] != best[1] && best[2] != best[3]);
    let markdown = table(&scratch, "comparison/table.md");
    let page = fs::read_to_string(scratch.path("comparison/report.html")).unwrap();
    for set in [&sets[0], &sets[2]] {
        assert!(markdown.iter().any(|line| line.replace('\\', "") == format!("## {set}")), "{markdown:?}");
        assert!(ran.stdout().lines().any(|line| line == set), "{}", ran.stdout());
        assert!(page.contains(&format!("\">Results: {set}</h2>")), "{set}");
    }
    assert!(page.contains("on each data set: ") && page.contains("correction for the 1 comparison "));
    assert!(!page.contains("not all tested on the same examples"));
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

#[test]
fn complete_runs_are_kept_and_missing_runs_are_trained() {
    let scratch = prepared();
    scratch.run(COMPARE).succeeds();
    let model = scratch.path("runs/gru_4/seed-2/model.safetensors");
    let modified = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let before = modified(&model);
    let bytes = fs::read(scratch.path("runs/rnn_tanh_8/seed-1/model.safetensors")).unwrap();
    fs::remove_dir_all(scratch.path("runs/rnn_tanh_8/seed-1")).unwrap();
    let again = scratch.run(&format!("{COMPARE} --json")).succeeds();
    let trained: Vec<Value> = again.json().into_iter().filter(|line| line["event"] == "run").collect();
    assert_eq!(trained.len(), 1);
    assert_eq!(trained[0]["run"], "rnn_tanh_8/seed-1");
    assert_eq!(modified(&model), before);
    // Alone or beside other runs, on one thread or two: the same bits.
    assert_eq!(fs::read(scratch.path("runs/rnn_tanh_8/seed-1/model.safetensors")).unwrap(), bytes);
}

#[test]
fn shards_are_disjoint_and_complete() {
    let scratch = prepared();
    scratch.run("compare sweep.toml --data tones --out one --shard 1/2").succeeds();
    scratch.run("compare sweep.toml --data tones --out two --shard 2/2").succeeds();
    scratch.run(COMPARE).succeeds();
    for cell in ["gru_4", "gru_8", "rnn_tanh_4", "rnn_tanh_8"] {
        for seed in ["seed-1", "seed-2"] {
            let model =
                |out: &str| fs::read(scratch.path(&format!("{out}/{cell}/{seed}/model.safetensors"))).ok();
            assert_eq!(model("one").or(model("two")), model("runs"), "{cell}/{seed}");
            assert!(model("one").is_none() || model("two").is_none(), "{cell}/{seed}");
            // The folders are merged.
            let (from, to) =
                (scratch.path(&format!("two/{cell}/{seed}")), scratch.path(&format!("one/{cell}/{seed}")));
            if from.is_dir() {
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::rename(from, to).unwrap();
            }
        }
    }
    scratch.run("compare sweep.toml --data tones --out one --table").succeeds();
    let accuracy = |file: &str| column(&scratch, file, "test_accuracy");
    assert_eq!(accuracy("one/table.csv"), accuracy("runs/table.csv"));
}

#[test]
fn failed_run_is_named_and_other_runs_are_trained() {
    let scratch = prepared();
    // With this learning rate the loss is not finite.
    scratch.write(
        "sweep.toml",
        "title = 'Rates'\nrecipe = 'tones.toml'\nset = ['train.epochs=2', 'model.recurrent.cell=rnn_relu']\n\
         axes = [{ name = 'rate', key = 'train.learning_rate', values = [1e-3, 1e30] }]",
    );
    scratch.run(COMPARE).fails(1, &["/seed-1  error:", "1 of 2 runs failed"]);
    assert_eq!(column(&scratch, "runs/table.csv", "seeds"), ["1", "0"]);
}

#[test]
fn folds_are_one_candidate() {
    let scratch = prepared();
    let speakers = TONES.replace("split = \"official\"", "split = \"leave-speaker-out\"\nspeaker = \"ann\"");
    scratch.write("tones.toml", speakers);
    scratch.write(
        "sweep.toml",
        "title = 'Folds'\nrecipe = 'tones.toml'\nfolds = true\nset = ['train.epochs=2']",
    );
    scratch.run(COMPARE).succeeds();
    assert!(scratch.path("runs/recipe/ann/seed-1/run.json").is_file());
    assert!(scratch.path("runs/recipe/bob/seed-1/run.json").is_file());
    assert_eq!(column(&scratch, "runs/table.csv", "seeds"), ["1"]);
}

#[test]
fn configurations_are_timed_on_request() {
    let scratch = prepared();
    scratch.run(COMPARE).succeeds();
    assert!(scratch.path("runs/figures/against-seconds_to_best.png").is_file());
    scratch.run(&format!("{COMPARE} --time --sort step_ms")).succeeds();
    let steps: Vec<f64> =
        column(&scratch, "runs/table.csv", "step_ms").iter().map(|field| field.parse().unwrap()).collect();
    assert!(steps.len() == 4 && steps[0] > 0.0 && steps.is_sorted(), "{steps:?}");
    let page = fs::read_to_string(scratch.path("runs/report.html")).unwrap();
    assert!(page.contains("vs. time of a training step (ms)"));
    assert!(scratch.path("runs/figures/against-step_ms.png").is_file());
    assert!(!scratch.path("runs/figures/against-seconds_to_best.png").exists());
}

#[test]
fn runs_share_the_feature_cache() {
    let scratch = prepared();
    let model = |folder: &str| fs::read(scratch.path(folder).join("model.safetensors")).unwrap();
    let train = "train tones.toml --data tones --set train.epochs=2";
    scratch.run(&format!("{train} --out without")).succeeds();
    scratch.run(&format!("{train} --out first --cache frames")).succeeds();
    scratch.run(&format!("{train} --out second --cache frames")).succeeds();
    assert!(model("without") == model("first") && model("first") == model("second"));
    let count = |folder: &str| -> usize {
        let files = |folder: fs::DirEntry| fs::read_dir(folder.path()).map_or(0, Iterator::count);
        fs::read_dir(scratch.path(folder)).unwrap().map(|entry| files(entry.unwrap())).sum()
    };
    let clips: usize = count("tones");
    assert_eq!((count("frames"), clips > 0), (clips, true));
    // All configurations have one front end and share the cache.
    scratch.run(&format!("{COMPARE} --cache frames")).succeeds();
    assert_eq!(count("frames"), clips);
    scratch.write("taken", "");
    scratch
        .run(&format!("{train} --out third --cache taken"))
        .fails(2, &["taken: frames cannot be cached here: "]);
}

#[test]
fn errors_give_advice() {
    let scratch = prepared();
    scratch.run("compare missing.toml --out runs").fails(2, &["cannot read the sweep"]);
    scratch.run("compare sweep.toml --out runs --table").fails(2, &["no such folder"]);
    scratch.run(&format!("{COMPARE} --shard 3/2")).fails(2, &["expected I/N"]);
    scratch.run(&format!("{COMPARE} --sort speed")).fails(2, &["`speed` is not a column"]);
    scratch.run("compare sweep.toml --data nowhere --out runs").fails(2, &["nowhere"]);
    scratch.run("compare sweep.toml --out runs").fails(2, &["--data"]);
    assert!(!scratch.path("runs").exists());
    scratch.run(&format!("{COMPARE} --hours 0")).fails(1, &["8 of 8 runs remaining"]);
    scratch.run(&format!("{COMPARE} --table --sort speed")).fails(2, &["`speed` is not a column"]);
    scratch.write("sweep.toml", SWEEP.replace("'gru'", "'gruu'"));
    scratch.run(COMPARE).fails(2, &["gruu_4", "gruu"]);
}

#[test]
fn run_of_a_different_recipe_is_rejected() {
    let scratch = prepared();
    scratch.run(COMPARE).succeeds();
    scratch.write("sweep.toml", SWEEP.replace("epochs=2", "epochs=3"));
    scratch.run(COMPARE).fails(2, &["different recipe", "8 of 8 runs failed"]);
    // They are not in the table.
    scratch.run(&format!("{COMPARE} --table")).fails(2, &["`epochs = 2` then, `epochs = 3` now"]);
    assert_eq!(column(&scratch, "runs/table.csv", "seeds"), ["0"; 4]);
}

#[test]
fn unusable_runs_are_named_and_other_runs_are_compared() {
    let scratch = prepared();
    scratch.run(COMPARE).succeeds();
    scratch.write("runs/gru_4/seed-1/metrics.jsonl", "{\"step\"");
    fs::remove_file(scratch.path("runs/gru_8/seed-2/predictions.safetensors")).unwrap();
    let parts = ["metrics.jsonl", "line 1", "gru_8/seed-2: predictions.safetensors is missing"];
    scratch.run(&format!("{COMPARE} --table")).fails(1, &parts);
    assert_eq!(column(&scratch, "runs/table.csv", "seeds"), ["1", "1", "2", "2"]);
    let page = fs::read_to_string(scratch.path("runs/report.html")).unwrap();
    assert!(page.contains("predictions.safetensors is missing"));
    scratch.run("report runs --out page").fails(1, &parts);
    fs::remove_file(scratch.path("runs/rnn_tanh_4/seed-1/model.safetensors")).unwrap();
    scratch.run(&format!("{COMPARE} --time")).fails(1, &["not timed: ", "rnn_tanh_4"]);
    assert!(scratch.path("runs/rnn_tanh_8/timing.json").is_file());
    // Timings are not mixed with speeds measured during training.
    assert!(column(&scratch, "runs/table.csv", "clip_ms").iter().all(|field| !field.is_empty()));
}

#[test]
fn duplicate_runs_count_once_and_incomplete_runs_are_named() {
    let scratch = prepared();
    let speakers = TONES.replace("split = \"official\"", "split = \"leave-speaker-out\"\nspeaker = \"ann\"");
    scratch.write("tones.toml", speakers);
    let train = "train tones.toml --data tones --set train.epochs=1";
    scratch.run(&format!("{train} --out runs/gru --folds")).succeeds();
    scratch.run(&format!("{train} --out runs/again/ann")).succeeds();
    scratch.run(&format!("{train} --out runs/wide/ann --set model.recurrent.hidden_size=9")).succeeds();
    fs::create_dir_all(scratch.path("runs/begun")).unwrap();
    fs::copy(scratch.path("tones.toml"), scratch.path("runs/begun/recipe.toml")).unwrap();
    let ran = scratch.run("report runs/gru runs --out page").succeeds();
    let notes = ran.stderr();
    for part in [
        "runs/again/ann has the same recipe and seed as runs/gru/ann and was skipped.",
        "wide/ann, seed 1: tested on 1 of 2 folds.",
        "Unfinished runs were skipped: runs/begun.",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    // Both folds form one row, and every example counts once.
    let examples = |out: &str| {
        let page = fs::read_to_string(scratch.path(&format!("{out}/report.html"))).unwrap();
        let summary = page.split_once("<summary>").unwrap().1.split_once("</summary>").unwrap().0.to_string();
        summary.split_once(" of ").unwrap().1.split(',').next().unwrap().to_string()
    };
    assert_eq!(column(&scratch, "page/table.csv", "folder"), ["gru", "wide/ann"]);
    scratch.run("report runs/gru --out gru").succeeds();
    assert_eq!(examples("page"), examples("gru"));
}

#[test]
fn every_sweep_of_the_project_can_be_read_and_its_table_is_complete() {
    let folder = workspace_root().join("recipes/results");
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let of_kind =
        |kind: &'static str| files.iter().filter(move |path| path.extension().is_some_and(|e| e == kind));
    let read = |path: &Path| Sweep::read(path).unwrap_or_else(|error| panic!("{error}"));
    assert!(of_kind("toml").count() > 0 && of_kind("csv").count() > 0);
    for path in of_kind("toml") {
        assert!(read(path).configurations.len() > 1, "{}", path.display());
    }
    for path in of_kind("csv") {
        let rows = fs::read_to_string(path).unwrap().lines().count() - 1;
        assert_eq!(rows, read(&path.with_extension("toml")).configurations.len(), "{}", path.display());
    }
}

#[test]
fn report_names_runs_by_the_keys_that_differ() {
    let scratch = prepared();
    scratch.run(COMPARE).succeeds();
    scratch.run("report runs --out page").succeeds();
    assert_eq!(column(&scratch, "page/table.csv", "cell"), ["gru", "gru", "rnn_tanh", "rnn_tanh"]);
    for key in ["hidden_size", "seeds", "test_accuracy", "p"] {
        assert_eq!(column(&scratch, "page/table.csv", key), column(&scratch, "runs/table.csv", key), "{key}");
    }
    scratch.run("report runs/gru_4 runs/gru_8/seed-2 --out two").succeeds();
    assert_eq!(column(&scratch, "two/table.csv", "seeds"), ["2", "1"]);
    // Runs in other folders are named and not linked; with two seeds against one, p describes these runs only.
    let page = fs::read_to_string(scratch.path("two/report.html")).unwrap();
    assert!(!page.contains("href=\"./") && page.contains("* Only one seed on a side"));
    assert!(page.contains("2 candidates, 3 runs.") && page.contains("<sup>*</sup>"));
    scratch.run("report sweep.toml --out none").fails(2, &["sweep.toml"]);
    scratch.run("report tones --out none").fails(2, &["tones", "run folder"]);
}

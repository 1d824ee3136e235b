//! `stapes search`.

use std::fs;

use crate::support::Scratch;
use serde_json::Value;
use stapes::sweep::Search;
use stapes_testkit::fixture::workspace_root;

const SEARCH: &str = "
title = 'Tones'
recipe = 'tones.toml'
seeds = 2
set = ['train.epochs=4']
[search]
trials = 6
reduction_factor = 2
rungs = 3
seeds = 2
set = ['data.fsdd.validation_fraction=0.4']
[[axes]]
name = 'rate'
key = 'train.learning_rate'
between = { low = 1e-5, high = 1e-1, scale = 'log' }
[[axes]]
name = 'hidden_size'
key = 'model.recurrent.hidden_size'
between = { low = 4, high = 12 }
";

const RUN: &str = "search search.toml --data tones --out found";

fn prepared() -> Scratch {
    let scratch = Scratch::new();
    scratch.tones();
    scratch.tones_recipe();
    scratch.write("search.toml", SEARCH);
    scratch
}

fn record(scratch: &Scratch, run: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(scratch.path(run).join("run.json")).unwrap()).unwrap()
}

fn folders(scratch: &Scratch, inside: &str) -> Vec<String> {
    let entries = fs::read_dir(scratch.path(inside)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn better_half_continues_and_only_the_best_trial_is_tested() {
    let scratch = prepared();
    scratch.run(RUN).succeeds();
    let [first, second, third] =
        ["found/rung-1", "found/rung-2", "found/rung-3"].map(|rung| folders(&scratch, rung));
    assert_eq!((first.len(), second.len(), third.len()), (6, 3, 2));
    let score = |rung: u32, trial: &str| -> f64 {
        let of = |seed| record(&scratch, &format!("found/rung-{rung}/{trial}/seed-{seed}"));
        let [a, b] = [1, 2].map(|seed| of(seed)["validation_accuracy"].as_f64().unwrap());
        (a + b) / 2.0
    };
    // Trials that continued are at least as good as those that did not.
    let worst_kept = second.iter().map(|trial| score(1, trial)).fold(1.0, f64::min);
    let best_dropped =
        first.iter().filter(|trial| !second.contains(trial)).map(|trial| score(1, trial)).fold(0.0, f64::max);
    assert!(worst_kept >= best_dropped, "{worst_kept} {best_dropped}");
    for rung in 1..=3 {
        for trial in folders(&scratch, &format!("found/rung-{rung}")) {
            let run = format!("found/rung-{rung}/{trial}/seed-2");
            assert!(record(&scratch, &run)["test_accuracy"].is_null(), "{run}");
            assert!(!scratch.path(&run).join("predictions.safetensors").exists(), "{run}");
        }
    }
    assert!(record(&scratch, "found/best/seed-2")["test_accuracy"].as_f64().is_some());
    let best = third.iter().max_by(|a, b| score(3, a).total_cmp(&score(3, b))).unwrap();
    let rate = |run: &str| {
        let recipe = fs::read_to_string(scratch.path(run).join("recipe.toml")).unwrap();
        recipe.lines().find(|line| line.starts_with("learning_rate")).unwrap().to_owned()
    };
    assert_eq!(rate("found/best/seed-1"), rate(&format!("found/rung-3/{best}/seed-1")));
    let fraction = |run: &str| {
        let recipe = fs::read_to_string(scratch.path(run).join("recipe.toml")).unwrap();
        recipe.lines().find(|line| line.starts_with("validation_fraction")).unwrap().to_owned()
    };
    assert_eq!(fraction(&format!("found/rung-3/{best}/seed-1")), "validation_fraction = 0.4");
    assert_eq!(fraction("found/best/seed-1"), "validation_fraction = 0.2");
    let page = fs::read_to_string(scratch.path("found/report.html")).unwrap();
    assert!(page.contains("trial-001") && page.contains("trial-006"), "the trials are on the page");
    let table = fs::read_to_string(scratch.path("found/search.csv")).unwrap();
    assert_eq!(table.lines().count(), 7);
    assert!(
        table
            .lines()
            .next()
            .unwrap()
            .starts_with("trial,rate,hidden_size,validation_1,validation_2,validation_3")
    );
}

#[test]
fn interrupted_search_continues_to_the_same_result() {
    let scratch = prepared();
    scratch.run(&format!("{RUN} --hours 0")).fails(1, &["12 of 12 runs remaining"]);
    scratch.run(RUN).succeeds();
    let table = fs::read(scratch.path("found/search.csv")).unwrap();
    let model = fs::read(scratch.path("found/best/seed-1/model.safetensors")).unwrap();
    fs::remove_dir_all(scratch.path("found/rung-2")).unwrap();
    fs::remove_dir_all(scratch.path("found/best/seed-1")).unwrap();
    scratch.run(RUN).succeeds();
    assert_eq!(fs::read(scratch.path("found/search.csv")).unwrap(), table);
    assert_eq!(fs::read(scratch.path("found/best/seed-1/model.safetensors")).unwrap(), model);
}

#[test]
fn errors_give_advice() {
    let scratch = prepared();
    scratch.run("compare search.toml --data tones --out runs").fails(2, &["[search] is for `stapes search`"]);
    scratch.write("search.toml", SEARCH.replace("[search]", "[searching]"));
    scratch.run(RUN).fails(2, &["unknown field `searching`"]);
    scratch.write("search.toml", SEARCH.replace("validation_fraction=0.4", "validation_fraction=0.0"));
    scratch.run(RUN).fails(2, &["no validation examples"]);
}

#[test]
fn every_search_of_the_project_can_be_read() {
    for entry in fs::read_dir(workspace_root().join("recipes/searches")).unwrap() {
        let search = Search::read(&entry.unwrap().path()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(search.trials.len(), search.settings.trials);
    }
}

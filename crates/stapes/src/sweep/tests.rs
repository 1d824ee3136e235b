//! Tests of sweeps.

use super::*;

/// Builds a sweep over the recipes of the repository.
fn sweep(text: &str) -> Result<Sweep, String> {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    Sweep::from_config(parse(text)?, &recipes)
}

const GRID: &str = "
    title = 'Cells'
    recipe = 'quickstart.toml'
    seeds = 2
    set = ['train.epochs=1']
    [[axes]]
    name = 'cell'
    key = 'model.recurrent.cell'
    values = ['gru', 'lstm']
    [[axes]]
    name = 'directions'
    choices = [{ name = 'one' , set = ['model.recurrent.bidirectional=false'] },
               { name = 'two, interleaved', set = ['model.recurrent.bidirectional=true'] }]
";

#[test]
fn a_grid_has_every_combination_with_its_overrides() {
    let sweep = sweep(GRID).unwrap();
    let names: Vec<&str> = sweep.configurations.iter().map(|configuration| &*configuration.name).collect();
    assert_eq!(names, ["gru_one", "gru_two--interleaved", "lstm_one", "lstm_two--interleaved"]);
    let last = &sweep.configurations[3];
    assert_eq!(last.settings[1], ("directions".to_string(), "two, interleaved".to_string()));
    let recipe = last.recipe.to_toml();
    for line in
        ["cell = \"lstm\"", "bidirectional = true", "epochs = 1", "title = \"lstm_two--interleaved (Cells)\""]
    {
        assert!(recipe.contains(line), "{line}: {recipe}");
    }
}

#[test]
fn jobs_are_ordered_by_seed() {
    let jobs = sweep(GRID).unwrap().jobs(None).unwrap();
    let folders: Vec<String> = jobs.iter().map(|job| job.folder.display().to_string()).collect();
    assert_eq!(folders[..2], ["gru_one/seed-1", "gru_two--interleaved/seed-1"]);
    assert_eq!(folders[4..6], ["gru_one/seed-2", "gru_two--interleaved/seed-2"]);
    assert_eq!((jobs.len(), jobs[5].recipe.seed, jobs[5].configuration), (8, 2, 1));
}

#[test]
fn configurations_may_have_recipes_and_are_combined_with_axes() {
    let sweep = sweep(
        "title = 'Both'
         configurations = [{ name = 'small', recipe = 'quickstart.toml' },
                           { name = 'strokes', recipe = 'handwriting.toml', set = ['train.batch_size=9'] }]
         axes = [{ name = 'epochs', key = 'train.epochs', range = { from = 1, to = 2, step = 1 } }]",
    )
    .unwrap();
    let names: Vec<&str> = sweep.configurations.iter().map(|configuration| &*configuration.name).collect();
    assert_eq!(names, ["small_1", "small_2", "strokes_1", "strokes_2"]);
    assert_eq!(sweep.configurations[3].recipe.train.batch_size, 9);
    assert_ne!(sweep.configurations[1].recipe.train.batch_size, 9);
}

#[test]
fn errors_name_the_place_and_give_advice() {
    for (text, part) in [
        ("title = 'a'", "has no recipe; set recipe in the sweep or in the configuration"),
        ("title = 'a'\nseeds = 0\nrecipe = 'quickstart.toml'", "seeds = 0: must be > 0"),
        ("title = 'a'\nbudget_hours = -1.0\nrecipe = 'quickstart.toml'", "budget_hours = -1"),
        ("title = 'a'\nrecipe = 'quickstart.toml'\nset = ['train.epoch=1']", "train.epoch"),
        ("title = 'a'\nrecipe = 'missing.toml'", "cannot read the recipe"),
        (
            "title = 'a'\nrecipe = 'quickstart.toml'\nconfigurations = [{ name = 'x' }, { name = 'X' }]",
            "two configurations are named X",
        ),
        (
            "title = 'a'\nrecipe = 'quickstart.toml'\nconfigurations = [{ name = 'x' }, { name = 'y' }]",
            "x and y are the same experiment",
        ),
        ("title = 'a'\nrecipes = 'quickstart.toml'", "unknown field `recipes`"),
        (&GRID.replace("'directions'", "'cell'"), "axes.cell: two axes have this name"),
        (&GRID.replace("'directions'", "'seeds'"), "axes.seeds: a column of the table has this name"),
        (
            &GRID.replace("'one'", &format!("'{}'", "o".repeat(160))),
            "the name of a configuration has at most 160 letters",
        ),
    ] {
        let error = sweep(text).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn folder_names_are_valid_on_all_systems() {
    assert_eq!(folder_name("../a b"), "-a-b");
    assert_eq!(folder_name("0.001"), "0.001");
    assert_eq!(folder_name(".."), "-");
    assert_eq!(folder_name("größe"), "gr--e");
}

use super::*;

/// A sweep over the recipes of the repository.
fn sweep(text: &str) -> Result<Sweep, String> {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    Sweep::of(toml::from_str(text).map_err(|error| error.to_string())?, &recipes)
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
    choices = [{ name = 'one' , set = ['model.recurrent.wiring=unidirectional'] },
               { name = 'two, stacked', set = ['model.recurrent.bidirectional=true'] }]
";

#[test]
fn a_grid_has_every_combination_and_its_changes() {
    let sweep = sweep(GRID).unwrap();
    let names: Vec<&str> = sweep.cells.iter().map(|cell| &*cell.name).collect();
    assert_eq!(names, ["gru_one", "gru_two--stacked", "lstm_one", "lstm_two--stacked"]);
    let last = &sweep.cells[3];
    assert_eq!(last.settings[1], ("directions".to_string(), "two, stacked".to_string()));
    let recipe = last.recipe.to_toml();
    for line in
        ["cell = \"lstm\"", "wiring = \"stacked\"", "epochs = 1", "title = \"lstm_two--stacked (Cells)\""]
    {
        assert!(recipe.contains(line), "{line}: {recipe}");
    }
}

#[test]
fn every_cell_comes_with_the_first_seed_before_any_with_the_second() {
    let jobs = sweep(GRID).unwrap().jobs(None).unwrap();
    let folders: Vec<String> = jobs.iter().map(|job| job.folder.display().to_string()).collect();
    assert_eq!(folders[..2], ["gru_one/seed-1", "gru_two--stacked/seed-1"]);
    assert_eq!(folders[4..6], ["gru_one/seed-2", "gru_two--stacked/seed-2"]);
    assert_eq!((jobs.len(), jobs[5].recipe.seed, jobs[5].cell), (8, 2, 1));
}

#[test]
fn rows_may_have_recipes_of_their_own_and_take_every_value_of_an_axis() {
    let sweep = sweep(
        "title = 'Both'
         rows = [{ name = 'small', recipe = 'quickstart.toml' },
                 { name = 'strokes', recipe = 'handwriting.toml', set = ['train.batch_size=9'] }]
         axes = [{ name = 'epochs', key = 'train.epochs', range = { from = 1, to = 2, step = 1 } }]",
    )
    .unwrap();
    let names: Vec<&str> = sweep.cells.iter().map(|cell| &*cell.name).collect();
    assert_eq!(names, ["small_1", "small_2", "strokes_1", "strokes_2"]);
    assert_eq!(sweep.cells[3].recipe.train.batch_size, 9);
    assert_ne!(sweep.cells[1].recipe.train.batch_size, 9);
}

#[test]
fn mistakes_say_where_and_what_to_do() {
    for (text, part) in [
        ("title = 'a'", "no recipe: give recipe for the sweep or for the row"),
        ("title = 'a'\nseeds = 0\nrecipe = 'quickstart.toml'", "seeds = 0: must be > 0"),
        ("title = 'a'\nbudget_hours = -1.0\nrecipe = 'quickstart.toml'", "budget_hours = -1"),
        ("title = 'a'\nrecipe = 'quickstart.toml'\nset = ['train.epoch=1']", "train.epoch"),
        ("title = 'a'\nrecipe = 'missing.toml'", "cannot read the recipe"),
        (
            "title = 'a'\nrecipe = 'quickstart.toml'\nrows = [{ name = 'x' }, { name = 'X' }]",
            "two cells are called X",
        ),
        (
            "title = 'a'\nrecipe = 'quickstart.toml'\nrows = [{ name = 'x' }, { name = 'y' }]",
            "x and y are the same experiment",
        ),
        ("title = 'a'\nrecipes = 'quickstart.toml'", "unknown field `recipes`"),
        (&GRID.replace("'directions'", "'cell'"), "axes.cell: two axes are called so"),
        (&GRID.replace("'directions'", "'seeds'"), "axes.seeds: a column of the table is called so"),
        (&GRID.replace("'one'", &format!("'{}'", "o".repeat(160))), "a cell's name has at most 160 letters"),
    ] {
        let error = sweep(text).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn names_of_folders_are_safe_on_any_system() {
    assert_eq!(folder_name("../a b"), "-a-b");
    assert_eq!(folder_name("0.001"), "0.001");
    assert_eq!(folder_name(".."), "-");
    assert_eq!(folder_name("größe"), "gr--e");
}

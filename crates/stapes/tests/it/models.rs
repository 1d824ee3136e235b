//! The table of models in `docs/models.md` agrees with `stapes summary`.

use std::collections::BTreeSet;

use crate::support::Scratch;
use stapes_testkit::fixture::workspace_root;

#[test]
fn table_lists_every_recipe_with_its_size() {
    let scratch = Scratch::new();
    let page = std::fs::read_to_string(workspace_root().join("docs/models.md")).unwrap();
    let mut listed = BTreeSet::new();
    for row in page.lines().filter(|row| row.contains("](../crates/stapes/recipes/")) {
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, model, recipe, parameters, macs, ..] = columns[..] else {
            panic!("a row of the table: {row}")
        };
        let file = recipe.split_once("](../crates/stapes/recipes/").unwrap().1.trim_end_matches(')');
        listed.insert(file.to_owned());
        let path = workspace_root().join("recipes").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let name = model.split('`').nth(1).unwrap();
        assert!(text.contains(&format!("[model.{name}]")), "{file} has no model {name}");
        let summary = scratch.run(&format!("summary {} --json", path.display())).succeeds().last_json();
        let number = |text: &str| text.replace(',', "").parse::<u64>().unwrap();
        assert_eq!(summary["parameters"], number(parameters), "{file}: parameters");
        let key = if summary["macs_per_second"].is_null() { "macs" } else { "macs_per_second" };
        assert_eq!(summary[key], number(macs), "{file}: multiply-accumulates");
    }
    let all = std::fs::read_dir(workspace_root().join("recipes")).unwrap();
    // Folders contain sweeps over these recipes.
    let recipes = all.map(Result::unwrap).filter(|entry| entry.path().is_file());
    let all: BTreeSet<String> = recipes.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(listed, all, "recipes");
}

//! Every recipe of the project can be read and trained for a step on its data.

mod support;

use std::path::Path;
use std::process::ExitCode;

use stapes_testkit::fixture::{Fixture, workspace_root};
use stapes_testkit::suite::{self, Case};
use support::Scratch;

fn main() -> ExitCode {
    suite::run(Fixture::Data, |data| {
        let mut cases = Vec::new();
        let entries =
            std::fs::read_dir(workspace_root().join("recipes")).map_err(|error| error.to_string())?;
        for entry in entries {
            let recipe = entry.map_err(|error| error.to_string())?.path();
            // Folders contain sweeps over these recipes.
            if recipe.is_dir() {
                continue;
            }
            let name = recipe.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&recipe).map_err(|error| format!("{name}: {error}"))?;
            let folder = match () {
                () if text.contains("[data.fsdd]") => Some("fsdd"),
                () if text.contains("[data.speech-commands]") => Some("speech_commands"),
                () if text.contains("[data.upc-vad]") => Some("upc_vad"),
                () if text.contains("[data.handwriting]") => Some("cs671_handwriting"),
                () if text.contains("[data.consonant-vowel]") => Some("cs671_cv"),
                () if text.contains("[data.arabic-digits]") => Some("spoken_arabic_digits"),
                () if text.contains("[data.japanese-vowels]") => None,
                () => return Err(format!("{name}: add the folder of its data set to this test")),
            };
            let folder = folder.map(|folder| data.join(folder));
            cases.push(Case::new(name, move || trains(&recipe, folder.as_deref())));
        }
        Ok(cases)
    })
}

fn trains(recipe: &Path, data: Option<&Path>) -> Result<(), String> {
    let scratch = Scratch::new();
    let recipe = recipe.display();
    scratch.run(&format!("summary {recipe}")).succeeds();
    let data = data.map_or_else(String::new, |data| format!("--data {}", data.display()));
    let trained = scratch.run(&format!("train {recipe} {data} --out run --json --set train.max_steps=1"));
    let trained = trained.succeeds().last_json();
    if trained["steps"] != 1 {
        return Err(format!("{trained}"));
    }
    Ok(())
}

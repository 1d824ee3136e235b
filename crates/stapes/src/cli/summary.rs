//! `stapes summary`: the layers of a recipe's model.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use stapes::nn::LayerSummary;

use super::console::{Console, thousands};
use super::recipe_argument::{RecipeArgument, RecipeOverrides};

/// Print the layers of a recipe's model with output shapes, parameters and multiply-accumulates
#[derive(Args)]
#[command(after_help = "Example:\n  stapes summary fsdd-lstm")]
pub(crate) struct Summary {
    #[command(flatten)]
    recipe: RecipeArgument,
    /// Folder of the data set; needed if the recipe does not list the classes
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    overrides: RecipeOverrides,
}

impl Summary {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let recipe = self.recipe.read(&self.overrides)?;
        let recipe = recipe.resolve(self.data.as_deref())?;
        let (network, length) = (recipe.network()?, recipe.input_length());
        if let Some(warning) = recipe.feature_warning() {
            console.warning(&warning);
        }
        let heading = ["layer", "output", "parameters", "multiply-accumulates"].map(String::from);
        let input = ["input".into(), network.input_shape().to_string(), String::new(), String::new()];
        let mut rows = vec![heading, input];
        let summary = network.summary(length.frames);
        let macs: u64 = summary.iter().map(|line| line.macs).sum();
        let macs_per_second = length.macs_per_second(&network);
        let number = |number: u64| if number == 0 { String::new() } else { thousands(number) };
        for line in &summary {
            let parameters = number(line.parameters as u64);
            rows.push([line.layer.clone(), line.output.to_string(), parameters, number(line.macs)]);
        }
        console.print(&aligned(&rows));
        console.print(&format!("parameters            {}", thousands(network.parameter_count() as u64)));
        console.print(&format!("multiply-accumulates  {} for {length}", thousands(macs)));
        if let Some(per_second) = macs_per_second.filter(|per_second| *per_second != macs) {
            console.print(&format!("                      {} per second of audio", thousands(per_second)));
        }
        let line = |line: &LayerSummary| {
            json!({
                "layer": line.layer, "output": line.output.to_string(), "parameters": line.parameters,
                "macs": line.macs,
            })
        };
        console.json(&json!({
            "recipe": self.recipe.path().display().to_string(), "layers": summary.iter().map(line).collect::<Vec<_>>(),
            "parameters": network.parameter_count(), "frames": length.frames, "seconds": length.seconds,
            "macs": macs, "macs_per_second": macs_per_second,
        }));
        Ok(super::DONE)
    }
}

/// Aligns columns: texts to the left, numbers to the right.
fn aligned(rows: &[[String; 4]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |[layer, output, parameters, macs]: &[String; 4]| {
        let [a, b, c, d] = widths;
        format!("{layer:<a$}  {output:<b$}  {parameters:>c$}  {macs:>d$}").trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

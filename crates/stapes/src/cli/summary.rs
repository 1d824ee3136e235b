//! `stapes summary`: what a recipe's model is made of.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use stapes::Recipe;
use stapes::infer::Input;

use super::console::{Console, thousands};
use super::train::Changes;

/// Print every layer of a recipe's model with its output shape, parameters and multiply-accumulates
#[derive(Args)]
#[command(after_help = "Example:\n  stapes summary recipes/fsdd-lstm.toml")]
pub(crate) struct Summary {
    /// The recipe, a TOML file
    recipe: PathBuf,
    #[command(flatten)]
    changes: Changes,
}

impl Summary {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let recipe = self.changes.recipe(|changes| Recipe::read(&self.recipe, changes))?;
        let network = recipe.network()?;
        let frames_a_second = match recipe.input()? {
            Input::Recordings(features) => Some(features.frames_per_second()),
            Input::Frames(_) => None,
        };
        let heading = ["layer", "output", "parameters", "multiply-accumulates"].map(String::from);
        let input = ["input".into(), network.input_shape().to_string(), String::new(), String::new()];
        let mut rows = vec![heading, input];
        let mut layers = Vec::new();
        let (mut a_frame, mut a_sequence) = (0, 0);
        for line in network.summary() {
            a_frame += line.macs.a_frame;
            a_sequence += line.macs.a_sequence;
            let macs = match (line.macs.a_frame, line.macs.a_sequence) {
                (0, 0) => String::new(),
                (0, macs) => format!("{} once", thousands(macs)),
                (macs, _) => format!("{} a frame", thousands(macs)),
            };
            layers.push(json!({
                "layer": line.layer, "output": line.output.to_string(), "parameters": line.parameters,
                "macs_a_frame": line.macs.a_frame, "macs_a_sequence": line.macs.a_sequence,
            }));
            rows.push([line.layer, line.output.to_string(), thousands(line.parameters as u64), macs]);
        }
        let macs_a_second = frames_a_second.map(|frames| (frames * a_frame as f64) as u64 + a_sequence);
        console.say(&aligned(&rows));
        console.say(&format!("parameters            {}", thousands(network.parameter_count() as u64)));
        match (macs_a_second, frames_a_second) {
            (Some(macs), Some(frames)) => console.say(&format!(
                "multiply-accumulates  {} for a second of audio ({frames:.1} frames)",
                thousands(macs)
            )),
            _ => console.say(&format!(
                "multiply-accumulates  {} a frame and {} a sequence (this data comes as frames, not audio)",
                thousands(a_frame),
                thousands(a_sequence)
            )),
        }
        console.emit(&json!({
            "recipe": self.recipe.display().to_string(), "layers": layers, "parameters": network.parameter_count(),
            "macs_a_frame": a_frame, "macs_a_sequence": a_sequence, "macs_a_second": macs_a_second,
        }));
        Ok(super::DONE)
    }
}

/// Rows with columns of equal width; numbers to the right.
fn aligned(rows: &[[String; 4]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |[layer, output, parameters, macs]: &[String; 4]| {
        let [a, b, c, d] = widths;
        format!("{layer:<a$}  {output:<b$}  {parameters:>c$}  {macs:>d$}").trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

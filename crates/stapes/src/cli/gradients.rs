//! `stapes gradients`: gradient norms through time.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use stapes::data::{LoadOptions, Progress};
use stapes::experiment;
use stapes::gradients::{GradientFlow, gradient_flow};
use stapes::report::{GradientLine, gradient_picture};
use stapes::run::Run;

use super::console::{Console, visible_path};
use super::eval_data::{EvalSubset, reopen};
use super::paths::{check_extension, write_file};
use super::progress;

/// Plot gradient norms through time, per recurrent layer
///
/// Prints the norm of the gradient of the loss with respect to each layer's state, by the distance of its frame from the last.
#[derive(Args)]
#[command(after_help = "Example:\n  stapes gradients runs/rnn runs/lstm --fresh --out gradients.svg")]
pub(crate) struct Gradients {
    /// Run folders
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Use the initial weights of the models, before training
    #[arg(long)]
    fresh: bool,
    /// Subset of the data
    #[arg(long, value_enum, default_value_t = EvalSubset::Validation)]
    split: EvalSubset,
    /// Number of examples, from the start of the subset
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    examples: u16,
    /// Folder of the data set [default: as used in training]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Plot all runs, as an SVG file; overwrites an existing file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Gradients {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        if let Some(out) = &self.out {
            check_extension("--out", out, "svg")?;
        }
        let stop = progress::stop_on_interrupt();
        let mut lines = Vec::new();
        for folder in &self.runs {
            let run = Run::open(folder)?;
            let experiment = reopen(&run, self.data.clone(), console)?;
            let indices = self.split.indices(&experiment.split);
            let indices = &indices[..indices.len().min(self.examples.into())];
            let loaded = experiment::load(
                &experiment.dataset,
                LoadOptions::default(),
                &run.model.input,
                indices,
                &Progress { on_example: &|_| {}, stop: &stop },
            )?;
            let parameters = match self.fresh {
                true => run.model.network()?.initial_parameters(experiment.recipe.seed),
                false => run.model.parameters.clone(),
            };
            let flows = gradient_flow(&run.model, &parameters, &loaded)?;
            console.print(&format!("{}: {} examples", visible_path(folder), loaded.features.len()));
            console.print(&table(&flows));
            console.json(
                &json!({ "run": folder.display().to_string(), "fresh": self.fresh, "gradients": flows }),
            );
            for flow in flows {
                let name = match self.runs.len() {
                    1 => flow.name(),
                    _ => format!("{}, {}", folder.display(), flow.name()),
                };
                lines.push(GradientLine { name, norms: flow.norms });
            }
        }
        if let Some(out) = self.out {
            write_file(&out, gradient_picture(&lines)?.as_bytes())?;
            console.status(&format!("plot in {}", visible_path(&out)));
        }
        Ok(super::DONE)
    }
}

/// Formats one line per layer and direction: the norms at distances 0, 1, 2, 5, 10, 20, 50 etc.
fn table(flows: &[GradientFlow]) -> String {
    let longest = flows.iter().map(|flow| flow.norms.len()).max().unwrap_or(0);
    let steps = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)));
    let distances: Vec<usize> = std::iter::once(0).chain(steps.take_while(|step| *step < longest)).collect();
    let heading: String = distances.iter().map(|distance| format!("{distance:>10}")).collect();
    let mut text = format!("{:<20}{heading}  frames before the last state", "|dLoss/dh|");
    for flow in flows {
        let norm = |&distance: &usize| format!("{:>10.2e}", flow.norms[distance]);
        let norms: String = distances.iter().filter(|at| **at < flow.norms.len()).map(norm).collect();
        text += &format!("\n{:<20}{norms}", flow.name());
    }
    text
}

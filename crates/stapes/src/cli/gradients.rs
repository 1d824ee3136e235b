//! `stapes gradients`: how the loss's gradient flows back through time.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use stapes::data::Terms;
use stapes::eval::{GradientLine, gradient_picture};
use stapes::experiment;
use stapes::gradients::{GradientFlow, gradient_flow};
use stapes::run::Run;

use super::console::{Console, place};
use super::eval::{Part, reopened};
use super::progress;

/// Show the norm of the loss's gradient by every layer's states, frame by frame back from the last
#[derive(Args)]
#[command(after_help = "Example:\n  stapes gradients runs/rnn runs/lstm --fresh --out gradients.svg")]
pub(crate) struct Gradients {
    /// The folders of the runs
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Look at the models with the first weights that their seed draws, before any training
    #[arg(long)]
    fresh: bool,
    /// Which part of the data
    #[arg(long, value_enum, default_value_t = Part::Validation)]
    split: Part,
    /// How many examples, the first of the part
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    examples: u16,
    /// The folder of the data set [default: where it lay in training]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Draw a picture of all runs, an SVG file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Gradients {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        let mut lines = Vec::new();
        for folder in &self.runs {
            let run = Run::open(folder)?;
            let experiment = reopened(&run, self.data.clone(), console)?;
            let indices = self.split.of(&experiment.split);
            let indices = &indices[..indices.len().min(self.examples.into())];
            let loaded = experiment::load(
                (&experiment.dataset, Terms::default()),
                &run.bundle.input,
                indices,
                &stop,
                &|_| {},
            )?;
            let parameters = match self.fresh {
                true => run.bundle.network()?.initial_parameters(experiment.recipe.seed),
                false => run.bundle.parameters.clone(),
            };
            let flows = gradient_flow(&run.bundle, &parameters, &loaded)?;
            console.print(&format!("{}: {} examples", place(folder), loaded.features.len()));
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
            let picture = gradient_picture(&lines)?;
            let refused = || format!("{}: cannot write the picture", out.display());
            stapes_files::write_atomic(&out, picture.as_bytes()).with_context(refused)?;
            console.eprint(&format!("picture in {}", place(&out)));
        }
        Ok(super::DONE)
    }
}

/// A line a layer and direction: the norms at distances 0, 1, 2, 5, 10, 20, 50 and so on.
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

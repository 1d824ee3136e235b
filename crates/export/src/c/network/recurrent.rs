//! Recurrent layers in C.

use stapes_nn::graph::GraphNode;
use stapes_nn::recurrent::{CellKind, Directions, RecurrentConfig};

use super::super::refused;
use super::{NetworkWriter, Outlet, identifier};
use crate::error::ExportError;

impl NetworkWriter<'_> {
    /// Writes recurrent layers.
    pub(super) fn recurrent(
        &mut self,
        node: &GraphNode,
        input: &Outlet,
        (config, prefix): (&RecurrentConfig, &str),
        [x, y]: [&str; 2],
    ) -> Result<Outlet, ExportError> {
        self.cell(config)?;
        let cell = config.cell.name();
        let (hidden, layers) = (config.hidden_size, config.num_layers);
        let width = config.output_size();
        let states = config.cell.states() * hidden;
        let output = self.fresh(node, input.length.clone(), input.flag.clone());
        // Products of x and of h.
        let scratch = self.scratch(2 * config.cell.gates() * hidden);
        let names = self.stacks(config, prefix, input.width());
        if self.stream {
            let (number, size) = (self.node + 1, states * layers);
            self.code.field(format!("float states{number}[{size}]; /* {layers} x {states} */"));
            let stack = &names[0];
            let line = format!(
                "memcpy({y}, {cell}_stack({stack}, {layers}, {x}, model->states{number}, {scratch}), sizeof(float) * {hidden});"
            );
            self.run(&input.flag, &line);
            return Ok(output);
        }
        self.code
            .need_with("recurrent_frames", &[("CELL", cell), ("STATES", &config.cell.states().to_string())]);
        let frames = &input.length.text;
        let state = self.scratch(states * layers);
        if config.directions != Directions::Interleaved {
            for (direction, stack) in names.iter().enumerate() {
                let from = direction * hidden;
                self.code.line(format!(
                    "{cell}_frames({stack}, {layers}, {x}, {}, {y} + {from}, {width}, {frames}, {direction}, {state}, {scratch});",
                    input.width()
                ));
            }
            return Ok(output);
        }
        // Each layer reads both directions of the layer below; the last writes the output.
        let between: Vec<String> =
            (0..(layers - 1).min(2)).map(|_| self.scratch(width * input.length.max)).collect();
        let (mut from, mut from_width) = (x.to_owned(), input.width());
        for layer in 0..layers {
            let to = if layer + 1 == layers { y } else { &between[layer % 2] };
            for direction in 0..2 {
                let stack = &names[2 * layer + direction];
                let column = direction * hidden;
                self.code.line(format!(
                    "{cell}_frames({stack}, 1, {from}, {from_width}, {to} + {column}, {width}, {frames}, {direction}, {state}, {scratch});"
                ));
            }
            (from, from_width) = (to.to_owned(), width);
        }
        Ok(output)
    }

    /// Adds the functions of a cell.
    fn cell(&mut self, config: &RecurrentConfig) -> Result<(), ExportError> {
        self.code.need(&["linear", "cell"]);
        let cell = config.cell.name();
        match config.cell {
            CellKind::RnnTanh => self.code.need_with("rnn", &[("CELL", cell), ("ACTIVATION", "tanhf(sum)")]),
            CellKind::RnnRelu => {
                self.code.need_with("rnn", &[("CELL", cell), ("ACTIVATION", "sum > 0 ? sum : 0")]);
            }
            CellKind::Gru | CellKind::GruResetBefore | CellKind::Lstm => self.code.need(&["sigmoid", cell]),
            _ => return Err(refused(cell, "the cell is not known there")),
        }
        self.code.need_with("recurrent", &[("CELL", cell), ("STATES", &config.cell.states().to_string())]);
        Ok(())
    }

    /// Adds the weights, and returns the names of arrays of layers: one per direction, or for interleaved directions one per
    /// layer and direction.
    fn stacks(&mut self, config: &RecurrentConfig, prefix: &str, features: usize) -> Vec<String> {
        let path = identifier(prefix.trim_end_matches('.'));
        let stacks: Vec<(String, Vec<(usize, String)>)> = match config.directions {
            Directions::Interleaved => (0..config.num_layers)
                .flat_map(|layer| {
                    let suffixes = [format!("_l{layer}"), format!("_l{layer}_reverse")];
                    suffixes.map(|suffix| (format!("{path}{suffix}"), vec![(layer, suffix)]))
                })
                .collect(),
            _ => {
                let directions: &[&str] = match config.directions {
                    Directions::Independent => &["forward.", "backward."],
                    Directions::Shared => &["forward."],
                    _ => &[""],
                };
                let layers = |direction: &str| {
                    (0..config.num_layers).map(|layer| (layer, format!("{direction}_l{layer}"))).collect()
                };
                directions
                    .iter()
                    .map(|direction| (identifier(&format!("{path}.{direction}layers")), layers(direction)))
                    .collect()
            }
        };
        let mut names = Vec::new();
        for (name, layers) in stacks {
            let rows: Vec<String> = layers
                .iter()
                .map(|(layer, suffix)| self.layer(config, prefix, (*layer, suffix), features))
                .collect();
            let head = format!("static const cell_layer {name}[{}]", rows.len());
            self.code.layers += &format!("{head} = {{\n{}}};\n", rows.concat());
            names.push(name);
        }
        if config.directions == Directions::Shared {
            names.push(names[0].clone());
        }
        names
    }

    /// Adds the weights of one layer, and returns its row.
    fn layer(
        &mut self,
        config: &RecurrentConfig,
        prefix: &str,
        (layer, suffix): (usize, &str),
        features: usize,
    ) -> String {
        let (hidden, rows) = (config.hidden_size, config.cell.gates() * config.hidden_size);
        let inputs = match layer {
            0 => features,
            _ if config.directions == Directions::Interleaved => config.output_size(),
            _ => hidden,
        };
        // A suffix with a direction, such as `forward._l0`, belongs around the name.
        let (direction, suffix) = suffix
            .rsplit_once('.')
            .map_or(("".into(), suffix), |(direction, suffix)| (format!("{direction}."), suffix));
        let mut table =
            |name: &str, shape: String| self.table(&format!("{prefix}{direction}{name}{suffix}"), &shape);
        let weights = [
            table("weight_ih", format!("[{rows}, {inputs}]")),
            table("weight_hh", format!("[{rows}, {hidden}]")),
        ];
        let biases = match config.bias {
            true => ["bias_ih", "bias_hh"].map(|name| table(name, format!("[{rows}]"))),
            false => ["0", "0"].map(String::from),
        };
        format!("    {{{}, {}, {inputs}, {hidden}}},\n", weights.join(", "), biases.join(", "))
    }
}

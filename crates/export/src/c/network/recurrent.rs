//! Recurrent layers in C.

use stapes_nn::graph::{GraphNode, RecurrentChain, RecurrentLayer};
use stapes_nn::recurrent::{CellKind, RecurrentConfig};

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
        let stages = config.stages(prefix, input.width());
        let stages: Vec<Vec<String>> = stages.iter().map(|chains| self.chains(config, chains)).collect();
        if self.stream {
            let (number, size) = (self.node + 1, states * layers);
            self.code.field(format!("float states{number}[{size}]; /* {layers} x {states} */"));
            let stack = &stages[0][0];
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
        // Values between stages.
        let between: Vec<String> =
            (0..(stages.len() - 1).min(2)).map(|_| self.scratch(width * input.length.max)).collect();
        let (mut from, mut from_width) = (x.to_owned(), input.width());
        let layers = layers / stages.len();
        for (stage, chains) in stages.iter().enumerate() {
            let to = if stage + 1 == stages.len() { y } else { &between[stage % 2] };
            for (direction, chain) in chains.iter().enumerate() {
                let column = direction * hidden;
                self.code.line(format!(
                    "{cell}_frames({chain}, {layers}, {from}, {from_width}, {to} + {column}, {width}, {frames}, {direction}, {state}, {scratch});"
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

    /// Adds the weights of the chains of a stage, and returns the names of their arrays of layers.
    fn chains(&mut self, config: &RecurrentConfig, chains: &[RecurrentChain]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for chain in chains {
            let name = identifier(&chain.name);
            // Both directions can share their weights.
            if !names.contains(&name) {
                let rows: Vec<String> = chain.layers.iter().map(|layer| self.layer(config, layer)).collect();
                let head = format!("static const cell_layer {name}[{}]", rows.len());
                self.code.layers += &format!("{head} = {{\n{}}};\n", rows.concat());
            }
            names.push(name);
        }
        names
    }

    /// Adds the weights of one layer, and returns its row.
    fn layer(&mut self, config: &RecurrentConfig, layer: &RecurrentLayer) -> String {
        let (hidden, rows, inputs) =
            (config.hidden_size, config.cell.gates() * config.hidden_size, layer.inputs);
        let weights = [
            self.table(&layer.weight_ih, &format!("[{rows}, {inputs}]")),
            self.table(&layer.weight_hh, &format!("[{rows}, {hidden}]")),
        ];
        let biases = match &layer.biases {
            Some(names) => names.each_ref().map(|name| self.table(name, &format!("[{rows}]"))),
            None => ["0", "0"].map(String::from),
        };
        format!("    {{{}, {}, {inputs}, {hidden}}},\n", weights.join(", "), biases.join(", "))
    }
}

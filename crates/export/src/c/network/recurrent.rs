//! Recurrent layers in C.

use stapes_nn::graph::{GraphNode, RecurrentChain, RecurrentLayer};
use stapes_nn::recurrent::{CellKind, RecurrentConfig};
use stapes_quantize::{Numbers, QuantizedLayer};

use super::super::refused;
use super::integers::arguments;
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
        let states = self.states(config) * hidden;
        let output = self.fresh(node, input.length.clone(), input.flag.clone());
        // Products of x and of h.
        let products = 2 * config.cell.gates() * hidden;
        let scratch = match self.quantized {
            Some(_) => self.sums(products).to_owned(),
            None => self.scratch(products),
        };
        let quantized = match self.numbers() {
            Some(Numbers::Recurrent(stages)) => Some(stages),
            _ => None,
        };
        let stages = config.stages(prefix, input.width());
        let stages: Vec<Vec<String>> = stages
            .iter()
            .enumerate()
            .map(|(stage, chains)| self.chains(config, chains, quantized.map(|stages| &*stages[stage])))
            .collect();
        if self.stream {
            let (number, size, ctype) = (self.node + 1, states * layers, self.ctype());
            self.code.field(format!("{ctype} states{number}[{size}]; /* {layers} x {states} */"));
            let stack = &stages[0][0];
            let line = format!(
                "memcpy({y}, {cell}_stack({stack}, {layers}, {x}, model->states{number}, {scratch}), sizeof({ctype}) * {hidden});"
            );
            self.run(&input.flag, &line);
            return Ok(output);
        }
        self.need_with("recurrent_frames", &[("CELL", cell), ("STATES", &self.states(config).to_string())]);
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

    /// Returns the number of states of a cell; on integers a GRU whose reset gate comes first keeps the product of gate and state.
    fn states(&self, config: &RecurrentConfig) -> usize {
        match (config.cell, self.quantized) {
            (CellKind::GruResetBefore, Some(_)) => 2,
            _ => config.cell.states(),
        }
    }

    /// Adds the functions of a cell.
    fn cell(&mut self, config: &RecurrentConfig) -> Result<(), ExportError> {
        let cell = config.cell.name();
        let is_quantized = self.quantized.is_some();
        self.need(if is_quantized { &["fixed_point", "sums", "cell"] } else { &["linear", "cell"] });
        match (config.cell, is_quantized) {
            (CellKind::RnnTanh, false) => {
                self.need_with("rnn", &[("CELL", cell), ("ACTIVATION", "tanhf(sum)")])
            }
            (CellKind::RnnTanh, true) => {
                self.tanh();
                self.need_with("rnn", &[("CELL", cell), ("ACTIVATION", "fixed_tanh(sum)")]);
            }
            (CellKind::RnnRelu, false) => {
                self.need_with("rnn", &[("CELL", cell), ("ACTIVATION", "sum > 0 ? sum : 0")]);
            }
            (CellKind::RnnRelu, true) => {
                let relu = "rescale(sum > 0 ? sum : 0, layer->multiplier, layer->shift)";
                self.need_with("rnn", &[("CELL", cell), ("ACTIVATION", relu)]);
            }
            (CellKind::Gru | CellKind::GruResetBefore | CellKind::Lstm, is_quantized) => {
                if is_quantized {
                    self.sigmoid();
                } else {
                    self.need(&["sigmoid"]);
                }
                self.need(&[cell]);
            }
            _ => return Err(refused(cell, "the cell is not known there")),
        }
        self.need_with("recurrent", &[("CELL", cell), ("STATES", &self.states(config).to_string())]);
        Ok(())
    }

    /// Adds the weights of the chains of a stage, and returns the names of their arrays of layers.
    fn chains(
        &mut self,
        config: &RecurrentConfig,
        chains: &[RecurrentChain],
        quantized: Option<&[Vec<QuantizedLayer>]>,
    ) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (number, chain) in chains.iter().enumerate() {
            let name = identifier(&chain.name);
            // Both directions can share their weights.
            if !names.contains(&name) {
                let rows: Vec<String> = chain
                    .layers
                    .iter()
                    .enumerate()
                    .map(|(at, layer)| match quantized {
                        Some(quantized) => self.quantized_layer(config, layer, &quantized[number][at]),
                        None => self.layer(config, layer),
                    })
                    .collect();
                let head = format!("static const cell_layer {name}[{}]", rows.len());
                self.code.layers += &format!("{head} = {{\n{}}};\n", rows.concat());
            }
            names.push(name);
        }
        names
    }

    /// Adds the weights of one layer, and returns its row.
    fn layer(&mut self, config: &RecurrentConfig, layer: &RecurrentLayer) -> String {
        let (hidden, inputs) = (config.hidden_size, layer.inputs);
        let rows = config.cell.gates() * hidden;
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

    /// Adds the integers of one layer, and returns its row.
    fn quantized_layer(
        &mut self,
        config: &RecurrentConfig,
        layer: &RecurrentLayer,
        quantized: &QuantizedLayer,
    ) -> String {
        let (hidden, inputs) = (config.hidden_size, layer.inputs);
        let rows = config.cell.gates() * hidden;
        let mut products = |products, name: &str, columns: usize| {
            self.products(products, &identifier(name), &format!("[{rows}, {columns}]"))
        };
        let input = products(&quantized.input, &layer.weight_ih, inputs);
        let state = products(&quantized.state, &layer.weight_hh, hidden);
        let rescale = quantized.rescale.as_ref().map_or("0, 0".into(), |rescale| arguments(rescale, 0));
        format!("    {{{input}, {state}, {inputs}, {hidden}, {rescale}, {}}},\n", quantized.cell_bits)
    }
}

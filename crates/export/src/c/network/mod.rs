//! The network as a C function: a line or a loop per operation, on values in one buffer.

mod convolution;
mod integers;
mod operations;
mod recurrent;

pub(super) use self::integers::quantized_input;
use stapes_infer::Model;
use stapes_nn::Network;
use stapes_nn::graph::{Graph, GraphNode, GraphTensors, Operation};
use stapes_nn::layer::Shape;
use stapes_quantize::{Numbers, QuantizedNetwork};

use super::code::Code;
use super::memory::Memory;
use super::refused;
use crate::error::ExportError;

/// Step of the first operation; earlier steps are those of the front end.
pub(super) const FIRST_STEP: usize = 100;

/// Number of frames, of columns of an image, or of rows of scores.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Length {
    /// C expression.
    pub(super) text: String,
    /// Maximum.
    pub(super) max: usize,
}

impl Length {
    /// Returns a length that is the same for all recordings.
    pub(super) fn fixed(length: usize) -> Length {
        Length { text: length.to_string(), max: length }
    }

    fn is_fixed(&self) -> bool {
        self.text == self.max.to_string()
    }
}

/// Value in the buffer: the input or the output of an operation.
#[derive(Clone, Debug)]
pub(super) struct Outlet {
    /// Number in the [`Memory`].
    pub(super) value: usize,
    pub(super) shape: Shape,
    pub(super) length: Length,
    /// Variable that is 1 if a stream has this value now; `None` if it always has.
    flag: Option<String>,
}

impl Outlet {
    /// Returns a value that exists for every frame or clip.
    pub(super) fn new(value: usize, shape: Shape, length: Length) -> Outlet {
        Outlet { value, shape, length, flag: None }
    }

    /// Returns the values per frame, per vector, or per column of an image.
    fn width(&self) -> usize {
        match self.shape {
            Shape::Sequence { features, .. } | Shape::Vector { features } => features,
            Shape::Image { channels, height, .. } => channels * height,
        }
    }

    /// Returns the number of rows of `width` values as C and as a maximum.
    fn rows(&self) -> Length {
        match self.shape {
            Shape::Vector { .. } => Length::fixed(1),
            _ => self.length.clone(),
        }
    }

    /// Returns the maximal number of values.
    pub(super) fn size(&self) -> usize {
        self.width() * self.rows().max
    }
}

/// Writes the function `network`.
pub(super) struct NetworkWriter<'a> {
    pub(super) code: &'a mut Code,
    pub(super) memory: &'a mut Memory,
    tensors: GraphTensors<'a>,
    graph: &'a Graph,
    /// Integers, if the network runs on them.
    quantized: Option<&'a QuantizedNetwork>,
    /// True for one frame at a time.
    stream: bool,
    /// Outputs of the operations so far.
    outlets: Vec<Outlet>,
    input: Outlet,
    pointers: Vec<String>,
    /// Maximal number of values after the last operation.
    node: usize,
}

impl<'a> NetworkWriter<'a> {
    pub(super) fn new(
        code: &'a mut Code,
        memory: &'a mut Memory,
        (model, network, graph): (&'a Model, &'a Network, &'a Graph),
        quantized: Option<&'a QuantizedNetwork>,
        input: Outlet,
        stream: bool,
    ) -> NetworkWriter<'a> {
        NetworkWriter {
            code,
            memory,
            tensors: GraphTensors::new(network, &model.parameters),
            graph,
            quantized,
            stream,
            outlets: Vec::new(),
            input,
            pointers: Vec::new(),
            node: 0,
        }
    }

    /// Writes all operations, and returns the scores.
    ///
    /// # Errors
    /// [`ExportError::Layer`].
    pub(super) fn write(mut self) -> Result<Outlet, ExportError> {
        self.point(0, &self.input.clone());
        for (number, node) in self.graph.nodes.iter().enumerate() {
            self.node = number;
            for input in &node.inputs {
                let value = self.outlet(*input).value;
                self.memory.keep(value, self.step());
            }
            let outlet = self.operation(node)?;
            self.memory.grow(outlet.value, outlet.size());
            self.point(number + 1, &outlet);
            self.outlets.push(outlet);
        }
        let scores = self.outlets.last().unwrap_or(&self.input).clone();
        self.memory.keep(scores.value, FIRST_STEP + self.graph.nodes.len());
        let result = format!("x{}", self.outlets.len());
        let (code, pointers) = (self.code, self.pointers);
        code.network = without_unused_lengths(&code.network);
        // An operation without code, such as dropout, has a pointer that nothing reads.
        let is_used = |pointer: &&String| {
            let name = pointer.split(" = ").next().and_then(|head| head.split_whitespace().last());
            let name = name.unwrap_or_default().trim_start_matches("*const").trim();
            name == result || words(&code.network).any(|word| word == name)
        };
        code.network = pointers.iter().filter(is_used).cloned().collect::<String>() + &code.network;
        match &scores.flag {
            Some(flag) => code.line(format!("return {flag} ? {result} : 0;")),
            None => code.line(format!("return {result};")),
        }
        Ok(scores)
    }

    /// Declares the pointer to a value.
    fn point(&mut self, number: usize, outlet: &Outlet) {
        let is_input = self
            .graph
            .nodes
            .iter()
            .any(|node| node.inputs.iter().any(|input| input.map_or(0, |at| at + 1) == number));
        let is_last = number == self.graph.nodes.len();
        if is_input || is_last {
            let shape = if self.stream { column_text(outlet.shape) } else { outlet.shape.to_string() };
            self.pointers.push(format!(
                "    {} *const x{number} = {}; /* {shape} */\n",
                self.ctype(),
                self.memory.address(outlet.value)
            ));
        }
    }

    fn step(&self) -> usize {
        FIRST_STEP + self.node
    }

    fn outlet(&self, input: Option<usize>) -> Outlet {
        input.map_or(&self.input, |at| &self.outlets[at]).clone()
    }

    /// Returns the name of an input.
    fn name(&self, input: Option<usize>) -> String {
        format!("x{}", input.map_or(0, |at| at + 1))
    }

    /// Returns true if no later operation reads the value of an input, so that it can be overwritten.
    fn is_free(&self, input: Option<usize>) -> bool {
        let value = self.outlet(input).value;
        let shares = |other: Option<usize>| self.outlet(other).value == value;
        let readers = self.graph.nodes.iter().enumerate().skip(self.node);
        readers.flat_map(|(at, node)| node.inputs.iter().map(move |input| (at, *input))).all(|(at, read)| {
            let known = read.is_none_or(|read| read < self.node);
            !known || !shares(read) || (at == self.node && read == input)
        }) && self.graph.nodes[self.node].inputs.iter().filter(|read| **read == input).count() == 1
    }

    /// Returns an outlet with memory of its own.
    fn fresh(&mut self, node: &GraphNode, length: Length, flag: Option<String>) -> Outlet {
        let mut outlet = Outlet { value: 0, shape: node.output, length, flag };
        outlet.value = self.memory.add(outlet.size(), self.step());
        outlet
    }

    /// Returns memory for this operation alone, as C.
    fn scratch(&mut self, size: usize) -> String {
        let value = self.memory.add(size, self.step());
        self.memory.address(value)
    }

    /// Returns memory for 32-bit sums of this operation, as C.
    fn sums(&mut self, size: usize) -> &'static str {
        self.code.sums = self.code.sums.max(size);
        "model->sums"
    }

    /// Returns the type of values in C.
    fn ctype(&self) -> &'static str {
        self.memory.ctype()
    }

    /// Returns the integers of the operation, if the network runs on integers.
    fn numbers(&self) -> Option<&'a Numbers> {
        self.quantized.map(|quantized| &quantized.nodes[self.node].numbers)
    }

    /// Adds functions for the type of values.
    fn need(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.need_with(name, &[]));
    }

    /// Adds a function with words replaced for the type of values.
    fn need_with(&mut self, name: &str, replacements: &[(&str, &str)]) {
        match self.quantized {
            Some(_) => self.code.need_integer(name, replacements),
            None => self.code.need_with(name, replacements),
        }
    }

    /// Adds a line that runs if the inputs exist.
    fn run(&mut self, flag: &Option<String>, line: &str) {
        match flag {
            Some(flag) => self.code.line(format!("if ({flag})\n        {line}")),
            None => self.code.line(line),
        }
    }

    /// Adds a tensor as a table, and returns its name in C.
    fn table(&mut self, name: &str, shape: &str) -> String {
        let (values, identifier) = (self.tensors.values(name), identifier(name));
        self.code.floats("float", &identifier, shape, values);
        identifier
    }

    fn operation(&mut self, node: &GraphNode) -> Result<Outlet, ExportError> {
        let (input, x) = (self.outlet(node.inputs[0]), self.name(node.inputs[0]));
        let y = format!("x{}", self.node + 1);
        Ok(match &node.operation {
            Operation::Identity | Operation::Concatenate => Outlet { shape: node.output, ..input },
            Operation::Linear { weight, bias } => {
                self.linear(node, &input, (weight, bias.as_deref()), [&x, &y])
            }
            Operation::Recurrent { config, prefix } => {
                self.recurrent(node, &input, (config, prefix), [&x, &y])?
            }
            Operation::Pool { kind, num_directions } => {
                self.pool(node, &input, (*kind, *num_directions), [&x, &y])
            }
            Operation::Attention { query, weight, bias } => {
                self.attention(node, &input, (*query, weight, bias), [&x, &y])
            }
            Operation::FramesAsRows | Operation::FramesAsChannels | Operation::ImageAsFrames => {
                self.transpose(node, &input, input.length.clone(), [&x, &y])
            }
            Operation::FramesAsOneRow => {
                let all = Length { text: count(input.width(), &input.length), max: input.size() };
                self.transpose(node, &input, all, [&x, &y])
            }
            Operation::Convolution { .. } => self.convolution(node, &input, [&x, &y]),
            Operation::FrameConvolution { .. } => self.frame_convolution(node, &input, [&x, &y]),
            Operation::NormActivation { norm, bands, relu } => {
                self.norm_activation(node, &input, (norm.as_ref(), *bands, *relu), [&x, &y])
            }
            Operation::Swish => self.swish(node, &input, [&x, &y]),
            Operation::MeanOverRows | Operation::GlobalMean => self.mean(node, &input, [&x, &y]),
            Operation::Sum { relu } => self.sum(node, *relu, &y),
            _ => return Err(unknown(node)),
        })
    }
}

/// Removes the names of lengths that nothing reads.
fn without_unused_lengths(text: &str) -> String {
    let line = |line: &str| match line
        .split_once(" = ")
        .map(|(head, call)| (head.strip_prefix("    const int "), call))
    {
        Some((Some(name), call)) if words(text).filter(|word| *word == name).count() == 1 => {
            format!("    {call}\n")
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// Returns the words of C code.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
}

/// Returns `n * length` as C.
fn count(n: usize, length: &Length) -> String {
    match length.is_fixed() {
        true => (n * length.max).to_string(),
        false => format!("{n} * {}", length.text),
    }
}

/// Returns the shape of one frame or column.
fn column_text(shape: Shape) -> String {
    match shape {
        Shape::Sequence { features, .. } | Shape::Vector { features } => format!("[{features}]"),
        Shape::Image { channels, height, .. } => format!("[{channels}, {height}]"),
    }
}

/// Returns the name of the module of a tensor.
fn module_path(tensor: &str) -> &str {
    tensor.rsplit_once('.').map_or(tensor, |(path, _)| path)
}

/// Returns a name in C.
fn identifier(name: &str) -> String {
    let letters = name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' });
    let name: String = letters.collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("layer_{name}") } else { name }
}

fn unknown(node: &GraphNode) -> ExportError {
    refused(format!("{:?}", node.operation), "it is not known there")
}

//! The network: constructors of its layers, and the lines of `forward`.

use std::fmt::Write;

use stapes_nn::convolution::Activation;
use stapes_nn::graph::{BATCH_NORM_EPSILON, Graph, GraphNode, LOG_RELU_FLOOR, Operation};
use stapes_nn::head::{Pooling, Query};
use stapes_nn::layer::Shape;
use stapes_nn::recurrent::{CellKind, Directions, RecurrentConfig};

use super::python::flag;
use crate::error::ExportError;

/// Lines of the two methods.
#[derive(Default)]
pub(super) struct Code {
    /// Lines of the constructor.
    pub modules: String,
    /// Lines of `scores`; the last one computes x`nodes`.
    pub forward: String,
    /// Number of nodes.
    pub nodes: usize,
}

impl Code {
    /// Returns the lines for a network.
    ///
    /// # Errors
    /// [`ExportError::Layer`] if PyTorch has no such layer.
    pub(super) fn new(graph: &Graph) -> Result<Code, ExportError> {
        let mut code = Code { nodes: graph.nodes.len(), ..Code::default() };
        for (number, node) in graph.nodes.iter().enumerate() {
            let shape = |input: &Option<usize>| input.map_or(graph.input, |at| graph.nodes[at].output);
            let shapes: Vec<Shape> = node.inputs.iter().map(shape).collect();
            code.node(number, node, &shapes)?;
        }
        Ok(code)
    }

    /// Adds a module under the name that its tensors have in the model file.
    fn module(&mut self, path: &str, constructor: &str) {
        let _ = match is_name(path) {
            true => writeln!(self.modules, "        self.{path} = {constructor}"),
            false => writeln!(self.modules, "        add(self, {path:?}, {constructor})"),
        };
    }

    /// Adds a line that computes the output of a node.
    fn line(&mut self, number: usize, expression: &str) {
        let _ = writeln!(self.forward, "        x{} = {expression}", number + 1);
    }

    fn node(&mut self, number: usize, node: &GraphNode, inputs: &[Shape]) -> Result<(), ExportError> {
        let name = |input: &Option<usize>| input.map_or("x0".to_owned(), |at| format!("x{}", at + 1));
        let x = name(&node.inputs[0]);
        let expression = match &node.operation {
            Operation::Identity => x,
            Operation::Linear { weight, bias } => {
                let path = module_path(weight);
                let (from, to) = (inputs[0].features(), node.output.features());
                self.module(path, &format!("nn.Linear({from}, {to}, bias={})", flag(bias.is_some())));
                match inputs[0] {
                    Shape::Image { .. } => format!("{}({x}.flatten(1))", get(path)),
                    _ => format!("{}({x})", get(path)),
                }
            }
            Operation::Recurrent { config, prefix } => {
                self.recurrent(config, prefix, inputs[0].features(), &x)?
            }
            Operation::Pool { kind, num_directions } => {
                pool(*kind, *num_directions, inputs[0].features(), &x)
            }
            Operation::Attention { query, weight, .. } => {
                let (path, features) = (module_path(weight), inputs[0].features());
                let outputs = if *query == Query::Learned { 1 } else { features };
                self.module(path, &format!("nn.Linear({features}, {outputs})"));
                match query {
                    Query::Learned => format!("({x} * {}({x}).softmax(dim=1)).sum(dim=1)", get(path)),
                    Query::MiddleFrame => format!("attend({x}, {}({x}[:, {x}.shape[1] // 2]))", get(path)),
                }
            }
            Operation::Concatenate => format!("{x}.flatten(1)"),
            Operation::FramesAsRows => format!("{x}.transpose(1, 2).unsqueeze(1)"),
            Operation::FramesAsChannels => format!("{x}.transpose(1, 2).unsqueeze(2)"),
            Operation::FramesAsOneRow => format!("{x}.transpose(1, 2).flatten(1)[:, None, None]"),
            Operation::ImageAsFrames => format!("{x}.flatten(1, 2).transpose(1, 2)"),
            Operation::Convolution { .. } => self.convolution(&node.operation, &x),
            Operation::FrameConvolution { .. } => self.frame_convolution(&node.operation, &x),
            Operation::NormActivation { norm, bands, relu } => {
                let normalized = match norm {
                    Some(names) => self.norm(&names[0], inputs[0], *bands, &x),
                    None => x,
                };
                if *relu { format!("{normalized}.relu()") } else { normalized }
            }
            Operation::Swish => format!("F.silu({x})"),
            Operation::MeanOverRows => format!("{x}.mean(dim=2, keepdim=True)"),
            Operation::GlobalMean => format!("{x}.mean(dim=(2, 3))"),
            Operation::Sum { relu } => {
                let sum = node.inputs.iter().map(name).collect::<Vec<_>>().join(" + ");
                if *relu { format!("({sum}).relu()") } else { sum }
            }
            other => return Err(ExportError::unknown("PyTorch", &format!("{other:?}"))),
        };
        self.line(number, &expression);
        Ok(())
    }

    /// Adds recurrent layers, and returns the expression of their outputs.
    fn recurrent(
        &mut self,
        config: &RecurrentConfig,
        prefix: &str,
        features: usize,
        x: &str,
    ) -> Result<String, ExportError> {
        let (class, nonlinearity) = match config.cell {
            CellKind::RnnTanh => ("RNN", ""),
            CellKind::RnnRelu => ("RNN", ", nonlinearity=\"relu\""),
            CellKind::Gru => ("GRU", ""),
            CellKind::Lstm => ("LSTM", ""),
            _ => {
                let reason = "torch.nn.GRU resets after the recurrent product; use cell = \"gru\"";
                return Err(ExportError::Layer {
                    target: "PyTorch",
                    layer: config.cell.name().into(),
                    reason,
                });
            }
        };
        let RecurrentConfig { hidden_size, num_layers, bias, directions, .. } = config;
        let constructor = |bidirectional: bool| {
            format!(
                "nn.{class}({features}, {hidden_size}, {num_layers}, bias={}, batch_first=True, bidirectional={}{nonlinearity})",
                flag(*bias),
                flag(bidirectional)
            )
        };
        let path = prefix.trim_end_matches('.');
        let [ahead, back] = ["ahead", "back"].map(|direction| format!("{prefix}{direction}"));
        Ok(match directions {
            Directions::Unidirectional | Directions::Interleaved => {
                self.module(path, &constructor(*directions == Directions::Interleaved));
                format!("{}({x})[0]", get(path))
            }
            Directions::Independent => {
                self.module(&ahead, &constructor(false));
                self.module(&back, &constructor(false));
                format!("both({}, {}, {x})", get(&ahead), get(&back))
            }
            Directions::Shared => {
                self.module(&ahead, &constructor(false));
                format!("both({0}, {0}, {x})", get(&ahead))
            }
            other => return Err(ExportError::unknown("PyTorch", &format!("{other:?}"))),
        })
    }

    /// Adds a convolution with what follows it, and returns its expression.
    fn convolution(&mut self, operation: &Operation, x: &str) -> String {
        let Operation::Convolution { shape, one_dimensional, weight, bias, norm, relu, avg_pool } = operation
        else {
            return String::new();
        };
        let path = module_path(weight);
        let [[top, bottom], [left, right]] = shape.padding;
        let tuple = |[rows, columns]: [usize; 2]| match one_dimensional {
            true => columns.to_string(),
            false => format!("({rows}, {columns})"),
        };
        let class = if *one_dimensional { "Conv1d" } else { "Conv2d" };
        self.module(
            path,
            &format!(
                "nn.{class}({}, {}, {}, stride={}, dilation={}, groups={}, bias={})",
                shape.inputs,
                shape.outputs,
                tuple(shape.kernel),
                tuple(shape.stride),
                tuple(shape.dilation),
                shape.groups,
                flag(bias.is_some())
            ),
        );
        let padded = match [top, bottom, left, right] {
            [0, 0, 0, 0] => x.to_owned(),
            _ => format!("F.pad({x}, ({left}, {right}, {top}, {bottom}))"),
        };
        let mut expression = match one_dimensional {
            true => format!("{}({padded}.squeeze(2)).unsqueeze(2)", get(path)),
            false => format!("{}({padded})", get(path)),
        };
        if let Some(names) = norm {
            let path = module_path(&names[0]);
            self.module(path, &format!("nn.BatchNorm2d({}, eps={BATCH_NORM_EPSILON:e})", shape.outputs));
            expression = format!("{}({expression})", get(path));
        }
        if *relu {
            expression += ".relu()";
        }
        match avg_pool {
            [1, 1] => expression,
            [rows, columns] => format!("F.avg_pool2d({expression}, ({rows}, {columns}))"),
        }
    }

    /// Adds a convolution along the values of each frame, and returns its expression.
    fn frame_convolution(&mut self, operation: &Operation, x: &str) -> String {
        let Operation::FrameConvolution { filters, window, pool, activation, weight, .. } = operation else {
            return String::new();
        };
        let path = module_path(weight);
        // The axes of the weight in the model file may have more ones.
        self.module(path, &format!("Filters({filters}, {window})"));
        let pool = pool.map_or("None".into(), |pool| pool.to_string());
        let logarithm = match activation {
            Activation::Relu => "None".into(),
            Activation::LogRelu => LOG_RELU_FLOOR.to_string(),
        };
        format!("{}({x}, {pool}, {logarithm})", get(path))
    }

    /// Adds a batch normalization, and returns its expression.
    fn norm(&mut self, weight: &str, shape: Shape, bands: usize, x: &str) -> String {
        let path = module_path(weight);
        match shape {
            Shape::Image { channels, .. } => {
                self.module(
                    path,
                    &format!("nn.BatchNorm2d({}, eps={BATCH_NORM_EPSILON:e})", channels * bands),
                );
                match bands {
                    1 => format!("{}({x})", get(path)),
                    _ => format!("in_bands({}, {x}, {bands})", get(path)),
                }
            }
            Shape::Vector { features } => {
                self.module(path, &format!("nn.BatchNorm1d({features}, eps={BATCH_NORM_EPSILON:e})"));
                format!("{}({x})", get(path))
            }
            Shape::Sequence { features, .. } => {
                self.module(path, &format!("nn.BatchNorm1d({features}, eps={BATCH_NORM_EPSILON:e})"));
                format!("{}({x}.transpose(1, 2)).transpose(1, 2)", get(path))
            }
        }
    }
}

/// Returns the name of the module of a tensor.
fn module_path(tensor: &str) -> &str {
    tensor.rsplit_once('.').map_or(tensor, |(path, _)| path)
}

/// Returns true if an attribute may have this name.
fn is_name(name: &str) -> bool {
    !name.contains('.') && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

/// Returns the expression of a module.
fn get(path: &str) -> String {
    match path.split('.').all(is_name) {
        true => format!("self.{path}"),
        false => format!("self.get_submodule({path:?})"),
    }
}

fn pool(kind: Pooling, num_directions: usize, features: usize, x: &str) -> String {
    match (kind, num_directions) {
        (Pooling::Mean, _) => format!("{x}.mean(dim=1)"),
        (Pooling::Max, _) => format!("{x}.amax(dim=1)"),
        (Pooling::Last, 1) => format!("{x}[:, -1]"),
        (Pooling::Last, _) => {
            let half = features / 2;
            format!("torch.cat([{x}[:, -1, :{half}], {x}[:, 0, {half}:]], dim=-1)")
        }
    }
}

//! Operations without settings of their own in C.

use stapes_nn::graph::{GraphNode, Operation};
use stapes_nn::head::{Pooling, Query};
use stapes_nn::layer::Shape;

use super::{Length, NetworkWriter, Outlet, count, identifier, module_path};

impl NetworkWriter<'_> {
    /// Returns an outlet for the output of an operation that can overwrite its first input.
    pub(super) fn in_place(&mut self, node: &GraphNode, input: &Outlet) -> Outlet {
        match self.is_free(node.inputs[0]) {
            true => Outlet { shape: node.output, ..input.clone() },
            false => self.fresh(node, input.length.clone(), input.flag.clone()),
        }
    }

    /// Writes a linear layer.
    pub(super) fn linear(
        &mut self,
        node: &GraphNode,
        input: &Outlet,
        (weight, bias): (&str, Option<&str>),
        [x, y]: [&str; 2],
    ) -> Outlet {
        self.code.need(&["linear"]);
        let is_sequence = matches!(input.shape, Shape::Sequence { .. });
        let (inputs, outputs) = (input.shape.features(), node.output.features());
        let rows = if is_sequence { input.length.clone() } else { Length::fixed(1) };
        let w = self.table(weight, &format!("[{outputs}, {inputs}]"));
        let b = bias.map_or("0".into(), |bias| self.table(bias, &format!("[{outputs}]")));
        let output = self.fresh(node, rows.clone(), input.flag.clone());
        let line = format!("linear({w}, {b}, {x}, {y}, {}, {inputs}, {outputs});", rows.text);
        self.run(&input.flag, &line);
        output
    }

    /// Writes pooling to a vector.
    pub(super) fn pool(
        &mut self,
        node: &GraphNode,
        input: &Outlet,
        (kind, num_directions): (Pooling, usize),
        [x, y]: [&str; 2],
    ) -> Outlet {
        let name = match kind {
            Pooling::Last if self.stream => return Outlet { shape: node.output, ..input.clone() },
            Pooling::Last => "last_pool",
            Pooling::Mean => "mean_pool",
            Pooling::Max => "max_pool",
        };
        let (n, frames) = (input.width(), &input.length.text);
        let output = self.fresh(node, Length::fixed(1), input.flag.clone());
        if self.stream {
            let number = self.node + 1;
            self.code.need(&[&format!("{name}_step")]);
            self.code.field(format!("float pooled{number}[{n}]; /* up to the current frame */"));
            self.code.field(format!("int frames{number};"));
            let line = format!("{name}_step({x}, model->pooled{number}, {y}, ++model->frames{number}, {n});");
            self.run(&input.flag, &line);
            return output;
        }
        self.code.need(&[name]);
        let directions = if kind == Pooling::Last { format!(", {num_directions}") } else { String::new() };
        self.code.line(format!("{name}({x}, {y}, {frames}, {n}{directions});"));
        output
    }

    /// Writes attention.
    pub(super) fn attention(
        &mut self,
        node: &GraphNode,
        input: &Outlet,
        (query, weight, bias): (Query, &str, &str),
        [x, y]: [&str; 2],
    ) -> Outlet {
        self.code.need(&["softmax", "linear", "attention"]);
        let (n, frames) = (input.width(), input.length.clone());
        let output = self.fresh(node, Length::fixed(1), None);
        let weights = self.scratch(frames.max);
        let (query, offset) = match query {
            Query::Learned => {
                let w = self.table(weight, &format!("[1, {n}]"));
                (w, format!("{:e}f", self.tensors.values(bias)[0]))
            }
            Query::MiddleFrame => {
                let (w, b) =
                    (self.table(weight, &format!("[{n}, {n}]")), self.table(bias, &format!("[{n}]")));
                let query = self.scratch(n);
                let middle = format!("{x} + {} / 2 * {n}", frames.text);
                self.code.line(format!("linear({w}, {b}, {middle}, {query}, 1, {n}, {n});"));
                (query, "0".into())
            }
        };
        let frames = &frames.text;
        self.code.line(format!("attention({query}, {offset}, {x}, {weights}, {y}, {frames}, {n});"));
        output
    }

    /// Writes a change between frames and images.
    pub(super) fn transpose(
        &mut self,
        node: &GraphNode,
        input: &Outlet,
        length: Length,
        [x, y]: [&str; 2],
    ) -> Outlet {
        let width = input.width();
        if width == 1 || input.length == Length::fixed(1) {
            return Outlet { shape: node.output, length, ..input.clone() };
        }
        self.code.need(&["transpose"]);
        let output = self.fresh(node, length, input.flag.clone());
        let frames = &input.length.text;
        let (rows, columns) = match node.operation {
            Operation::ImageAsFrames => (width.to_string(), frames.clone()),
            _ => (frames.clone(), width.to_string()),
        };
        self.code.line(format!("transpose({x}, {y}, {rows}, {columns});"));
        output
    }

    /// Writes batch normalization and ReLU.
    pub(super) fn norm_activation(
        &mut self,
        node: &GraphNode,
        input: &Outlet,
        (norm, bands, relu): (Option<&[String; 4]>, usize, bool),
        [x, y]: [&str; 2],
    ) -> Outlet {
        let output = self.in_place(node, input);
        let all = count(input.width(), &input.rows());
        match norm {
            Some(names) => {
                self.code.need(&["affine"]);
                let (channels, each) = match input.shape {
                    Shape::Image { channels, height, .. } => {
                        (channels * bands, count(height / bands, &input.length))
                    }
                    _ => (input.width(), "1".into()),
                };
                let [scale, shift] = self.tensors.batch_norm(names);
                let path = identifier(module_path(&names[0]));
                self.code.floats("float", &format!("{path}_scale"), &format!("[{channels}]"), &scale);
                self.code.floats("float", &format!("{path}_shift"), &format!("[{channels}]"), &shift);
                let call = |x: &str, y: &str| {
                    format!("affine({path}_scale, {path}_shift, {x}, {y}, {channels}, {each});")
                };
                if matches!(input.shape, Shape::Sequence { .. }) && input.length != Length::fixed(1) {
                    let (n, frames) = (input.width(), &input.length.text);
                    self.code.line(format!("for (int t = 0; t < {frames}; t++)"));
                    self.code
                        .line(format!("    {}", call(&format!("{x} + t * {n}"), &format!("{y} + t * {n}"))));
                } else {
                    self.run(&input.flag, &call(x, y));
                }
            }
            None if output.value != input.value => {
                self.run(&input.flag, &format!("memcpy({y}, {x}, sizeof(float) * (size_t)({all}));"));
            }
            None => {}
        }
        if relu {
            self.code.need(&["relu"]);
            self.run(&input.flag, &format!("relu({y}, {all});"));
        }
        output
    }

    /// Writes a sum.
    pub(super) fn sum(&mut self, node: &GraphNode, relu: bool, y: &str) -> Outlet {
        let first = self.outlet(node.inputs[0]);
        let output = self.in_place(node, &first);
        let all = count(first.width(), &first.rows());
        if output.value != first.value {
            let x = self.name(node.inputs[0]);
            self.run(&first.flag, &format!("memcpy({y}, {x}, sizeof(float) * (size_t)({all}));"));
        }
        self.code.need(&["add"]);
        for input in &node.inputs[1..] {
            let (x, term) = (self.name(*input), self.outlet(*input));
            let line = match (first.shape, term.shape) {
                (Shape::Image { channels, height, .. }, Shape::Image { height: rows, .. }) => {
                    format!("add({x}, {y}, {channels}, {rows}, {height}, {});", first.length.text)
                }
                _ => format!("add({x}, {y}, 1, 1, 1, {all});"),
            };
            self.run(&first.flag, &line);
        }
        if relu {
            self.code.need(&["relu"]);
            self.run(&first.flag, &format!("relu({y}, {all});"));
        }
        output
    }

    /// Writes the mean over the rows of each column, or over all positions of each channel.
    pub(super) fn mean(&mut self, node: &GraphNode, input: &Outlet, [x, y]: [&str; 2]) -> Outlet {
        let Shape::Image { channels, height, .. } = input.shape else { return input.clone() };
        let (length, line) = match node.operation {
            Operation::GlobalMean => {
                self.code.need(&["global_mean"]);
                let each = count(height, &input.length);
                (Length::fixed(1), format!("global_mean({x}, {y}, {channels}, {each});"))
            }
            _ => {
                self.code.need(&["mean_over_rows"]);
                let width = &input.length.text;
                (input.length.clone(), format!("mean_over_rows({x}, {y}, {channels}, {height}, {width});"))
            }
        };
        let output = self.fresh(node, length, input.flag.clone());
        self.run(&input.flag, &line);
        output
    }
}

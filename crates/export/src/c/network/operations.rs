//! Operations without settings of their own in C.

use stapes_nn::graph::{GraphNode, Operation};
use stapes_nn::head::{Pooling, Query};
use stapes_nn::layer::Shape;
use stapes_quantize::Numbers;

use super::integers::arguments;
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
        self.need(&["linear"]);
        let is_sequence = matches!(input.shape, Shape::Sequence { .. });
        let (inputs, outputs) = (input.shape.features(), node.output.features());
        let rows = if is_sequence { input.length.clone() } else { Length::fixed(1) };
        let axes = format!("[{outputs}, {inputs}]");
        let output = self.fresh(node, rows.clone(), input.flag.clone());
        let line = match self.numbers() {
            Some(Numbers::Products(products)) => {
                self.need(&["sums"]);
                let products = self.products_table(products, &identifier(module_path(weight)), &axes);
                let sums = self.sums(outputs);
                format!("linear({products}, {x}, {y}, {sums}, {}, {inputs}, {outputs});", rows.text)
            }
            _ => {
                let w = self.table(weight, &axes);
                let b = bias.map_or("0".into(), |bias| self.table(bias, &format!("[{outputs}]")));
                format!("linear({w}, {b}, {x}, {y}, {}, {inputs}, {outputs});", rows.text)
            }
        };
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
        if kind == Pooling::Mean && self.quantized.is_some() {
            self.need(&["mean"]);
        }
        if self.stream {
            let number = self.node + 1;
            self.need(&[&format!("{name}_step")]);
            // Sums of integers are exact.
            let ctype = match (kind, self.quantized) {
                (Pooling::Mean, Some(_)) => "int64_t",
                _ => self.ctype(),
            };
            self.code.field(format!("{ctype} pooled{number}[{n}]; /* up to the current frame */"));
            self.code.field(format!("int frames{number};"));
            let line = format!("{name}_step({x}, model->pooled{number}, {y}, ++model->frames{number}, {n});");
            self.run(&input.flag, &line);
            return output;
        }
        self.need(&[name]);
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
        let (n, frames) = (input.width(), input.length.clone());
        let output = self.fresh(node, Length::fixed(1), None);
        if let Some(Numbers::Attention(attention)) = self.numbers() {
            self.quantized_attention(attention, (weight, n), &frames, [x, y]);
            return output;
        }
        self.need(&["softmax", "linear", "attention"]);
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
        self.need(&["transpose"]);
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
                let (channels, each) = match input.shape {
                    Shape::Image { channels, height, .. } => {
                        (channels * bands, count(height / bands, &input.length))
                    }
                    _ => (input.width(), "1".into()),
                };
                let tables = self.affine_tables(names, channels);
                let call = |x: &str, y: &str| format!("affine({tables}, {x}, {y}, {channels}, {each});");
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
                self.copy(&input.flag, [x, y], &all);
            }
            None => {}
        }
        if relu {
            self.need(&["relu"]);
            self.run(&input.flag, &format!("relu({y}, {all});"));
        }
        output
    }

    /// Adds the tables of a batch normalization, and returns their names as arguments.
    fn affine_tables(&mut self, names: &[String; 4], channels: usize) -> String {
        let (path, axes) = (identifier(module_path(&names[0])), format!("[{channels}]"));
        if let Some(Numbers::Affine { factors, addends }) = self.numbers() {
            self.need(&["fixed_point", "affine"]);
            self.code.integers("int32_t", &format!("{path}_multipliers"), &axes, &factors.multipliers);
            self.code.integers("int32_t", &format!("{path}_addends"), &axes, addends);
            return format!("{path}_multipliers, {}, {path}_addends", factors.shift);
        }
        self.need(&["affine"]);
        let [scale, shift] = self.tensors.batch_norm(names);
        self.code.floats("float", &format!("{path}_scale"), &axes, &scale);
        self.code.floats("float", &format!("{path}_shift"), &axes, &shift);
        format!("{path}_scale, {path}_shift")
    }

    /// Writes x sigmoid(x).
    pub(super) fn swish(&mut self, node: &GraphNode, input: &Outlet, [x, y]: [&str; 2]) -> Outlet {
        let output = self.in_place(node, input);
        let argument = match self.numbers() {
            Some(Numbers::Swish(argument)) => {
                self.need(&["fixed_point", "swish"]);
                self.sigmoid();
                arguments(argument, 0) + ", "
            }
            _ => {
                self.need(&["sigmoid", "swish"]);
                String::new()
            }
        };
        let line = format!("swish({x}, {y}, {argument}{});", count(input.width(), &input.rows()));
        self.run(&input.flag, &line);
        output
    }

    /// Writes a copy of all values.
    fn copy(&mut self, flag: &Option<String>, [x, y]: [&str; 2], all: &str) {
        let line = format!("memcpy({y}, {x}, sizeof({}) * (size_t)({all}));", self.ctype());
        self.run(flag, &line);
    }

    /// Writes a sum.
    pub(super) fn sum(&mut self, node: &GraphNode, relu: bool, y: &str) -> Outlet {
        let first = self.outlet(node.inputs[0]);
        let output = self.in_place(node, &first);
        let all = count(first.width(), &first.rows());
        let x = self.name(node.inputs[0]);
        let factors = match self.numbers() {
            Some(Numbers::Sum(factors)) => Some(factors),
            _ => None,
        };
        if let Some(factors) = factors {
            self.need(&["fixed_point", "rescale_values"]);
            self.run(&first.flag, &format!("rescale_values({x}, {y}, {}, {all});", arguments(factors, 0)));
        } else if output.value != first.value {
            self.copy(&first.flag, [&x, y], &all);
        }
        self.need(&["add"]);
        for (number, input) in node.inputs.iter().enumerate().skip(1) {
            let (x, term) = (self.name(*input), self.outlet(*input));
            let factor = factors.map_or(String::new(), |factors| arguments(factors, number) + ", ");
            let line = match (first.shape, term.shape) {
                (Shape::Image { channels, height, .. }, Shape::Image { height: rows, .. }) => {
                    format!("add({x}, {y}, {factor}{channels}, {rows}, {height}, {});", first.length.text)
                }
                _ => format!("add({x}, {y}, {factor}1, 1, 1, {all});"),
            };
            self.run(&first.flag, &line);
        }
        if relu {
            self.need(&["relu"]);
            self.run(&first.flag, &format!("relu({y}, {all});"));
        }
        output
    }

    /// Writes the mean over the rows of each column, or over all positions of each channel.
    pub(super) fn mean(&mut self, node: &GraphNode, input: &Outlet, [x, y]: [&str; 2]) -> Outlet {
        let Shape::Image { channels, height, .. } = input.shape else { return input.clone() };
        if self.quantized.is_some() {
            self.need(&["mean"]);
        }
        let (length, line) = match node.operation {
            Operation::GlobalMean => {
                self.need(&["global_mean"]);
                let each = count(height, &input.length);
                (Length::fixed(1), format!("global_mean({x}, {y}, {channels}, {each});"))
            }
            _ => {
                self.need(&["mean_over_rows"]);
                let width = &input.length.text;
                (input.length.clone(), format!("mean_over_rows({x}, {y}, {channels}, {height}, {width});"))
            }
        };
        let output = self.fresh(node, length, input.flag.clone());
        self.run(&input.flag, &line);
        output
    }
}

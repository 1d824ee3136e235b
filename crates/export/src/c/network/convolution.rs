//! Convolutions in C.

use stapes_kernels::convolution::ConvolutionShape;
use stapes_nn::convolution::Activation;
use stapes_nn::graph::{GraphNode, LOG_RELU_FLOOR, Operation};
use stapes_nn::layer::Shape;
use stapes_quantize::Numbers;

use super::{Length, NetworkWriter, Outlet, identifier, module_path};

impl NetworkWriter<'_> {
    /// Writes a convolution with its batch normalization folded in, ReLU and mean pooling.
    pub(super) fn convolution(&mut self, node: &GraphNode, input: &Outlet, [x, y]: [&str; 2]) -> Outlet {
        let Operation::Convolution { shape, weight, bias, norm, relu, avg_pool, .. } = &node.operation else {
            return input.clone();
        };
        let Shape::Image { height, .. } = input.shape else { return input.clone() };
        self.need(&["convolution"]);
        let path = identifier(module_path(weight));
        let weights = self.convolution_weights((shape, weight), bias.as_deref(), norm.as_ref(), &path);
        if self.stream {
            return self.convolution_step(node, input, (shape, *relu, [&path, &weights]), [x, y]);
        }
        // A window of one position reads all positions as one row.
        let is_pointwise = shape.kernel == [1, 1] && shape.stride == [1, 1] && shape.padding == [[0, 0]; 2];
        let rows = if is_pointwise { 1 } else { height };
        self.settings(shape, rows, *relu, [&path, &weights]);
        let size = |width: usize| shape.output([height, width]).unwrap_or([1, 1]);
        let (output_rows, columns) = (size(1.max(input.length.max))[0], size(input.length.max)[1]);
        let number = self.node + 1;
        let (pool_rows, pool_columns) = (avg_pool[0], avg_pool[1]);
        let is_pooled = *avg_pool != [1, 1];
        let length = |max: usize| match input.length.text == input.length.max.to_string() {
            true => Length::fixed(max),
            false if is_pointwise && !is_pooled => Length { max, ..input.length.clone() },
            false => Length { text: format!("t{number}"), max },
        };
        let output = self.fresh(node, length(columns / pool_columns), None);
        self.memory.grow(output.value, shape.outputs * output_rows * columns);
        let width = match is_pointwise {
            true => super::count(height, &input.length),
            false => input.length.text.clone(),
        };
        let sums = self.row_sums(if is_pointwise { height * input.length.max } else { columns });
        let call = format!("convolution(&{path}_convolution, {x}, {width}, {y}{sums});");
        let is_named = output.length.text == format!("t{number}");
        let named = |call: &str| match is_named {
            true => format!("const int t{number} = {call}"),
            false => call.to_owned(),
        };
        if !is_pooled {
            self.code.line(named(&call));
            return output;
        }
        self.code.line(&call);
        let width = match is_named {
            true if is_pointwise => input.length.text.clone(),
            true => format!("conv_positions(&{path}_convolution, 1, {})", input.length.text),
            false => columns.to_string(),
        };
        if self.quantized.is_some() {
            self.need(&["mean"]);
        }
        self.need(&["average_pool"]);
        self.code.line(named(&format!(
            "average_pool({y}, {}, {output_rows}, {width}, {pool_rows}, {pool_columns});",
            shape.outputs
        )));
        output
    }

    /// Writes a causal convolution of one column at a time.
    fn convolution_step(
        &mut self,
        node: &GraphNode,
        input: &Outlet,
        (shape, relu, [path, weights]): (&ConvolutionShape, bool, [&str; 2]),
        [x, y]: [&str; 2],
    ) -> Outlet {
        let Shape::Image { height, .. } = input.shape else { return input.clone() };
        self.need(&["convolution_step"]);
        // The state has the columns before the current one, so none are padded and the stride is counted outside.
        let stride = shape.stride[1];
        let window =
            ConvolutionShape { padding: [shape.padding[0], [0, 0]], stride: [shape.stride[0], 1], ..*shape };
        self.settings(&window, height, relu, [path, weights]);
        let number = self.node + 1;
        let columns = (shape.kernel[1] - 1) * shape.dilation[1] + 1;
        let size = shape.inputs * height * columns;
        let ctype = self.ctype();
        self.code
            .field(format!("{ctype} columns{number}[{size}]; /* [{}, {height}, {columns}] */", shape.inputs));
        self.code.field(format!("int phase{number};"));
        let sums = self.row_sums(1);
        let call = format!(
            "convolution_step(&{path}_convolution, {stride}, {x}, model->columns{number}, &model->phase{number}, {y}{sums})"
        );
        if stride == 1 {
            self.run(&input.flag, &format!("{call};"));
            return self.fresh(node, Length::fixed(1), input.flag.clone());
        }
        let before = input.flag.as_ref().map_or(String::new(), |flag| format!("{flag} && "));
        self.code.line(format!("const int has{number} = {before}{call};"));
        self.fresh(node, Length::fixed(1), Some(format!("has{number}")))
    }

    /// Adds the settings of a convolution.
    fn settings(&mut self, shape: &ConvolutionShape, height: usize, relu: bool, [path, weights]: [&str; 2]) {
        let pair = |[first, second]: [usize; 2]| format!("{{{first}, {second}}}");
        let ConvolutionShape { inputs, outputs, groups, kernel, stride, dilation, padding } = *shape;
        self.code.layers += &format!(
            "static const convolution_layer {path}_convolution = {{\n    {weights}, {inputs}, {outputs}, {groups}, {height},\n    \
             {}, {}, {}, {{{}, {}}}, {},\n}};\n",
            pair(kernel),
            pair(stride),
            pair(dilation),
            pair(padding[0]),
            pair(padding[1]),
            u8::from(relu)
        );
    }

    /// Returns memory for the sums of a row of a convolution on integers, as a further argument in C.
    fn row_sums(&mut self, columns: usize) -> String {
        match self.quantized {
            Some(_) => format!(", {}", self.sums(columns)),
            None => String::new(),
        }
    }

    /// Adds weights and bias of a convolution with its batch normalization, and returns their initializer.
    fn convolution_weights(
        &mut self,
        (shape, weight): (&ConvolutionShape, &str),
        bias: Option<&str>,
        norm: Option<&[String; 4]>,
        path: &str,
    ) -> String {
        let [rows, columns] = shape.kernel;
        let axes = format!("[{}, {}, {rows}, {columns}]", shape.outputs, shape.inputs / shape.groups);
        if let Some(Numbers::Products(products)) = self.numbers() {
            return self.products(products, path, &axes);
        }
        let [weights, bias] = self.tensors.convolution(shape, weight, bias, norm);
        self.code.floats("float", &format!("{path}_weight"), &axes, &weights);
        self.code.floats("float", &format!("{path}_bias"), &format!("[{}]", shape.outputs), &bias);
        format!("{path}_weight, {path}_bias")
    }

    /// Writes a convolution along the values of each frame.
    pub(super) fn frame_convolution(
        &mut self,
        node: &GraphNode,
        input: &Outlet,
        [x, y]: [&str; 2],
    ) -> Outlet {
        let Operation::FrameConvolution { filters, window, pool, activation, weight, bias } = &node.operation
        else {
            return input.clone();
        };
        let floor = format!("logf(best + {LOG_RELU_FLOOR:e}f)");
        let (name, expression) = match activation {
            Activation::Relu => ("frame_convolution", "best"),
            Activation::LogRelu => ("log_frame_convolution", &*floor),
        };
        self.need_with("frame_convolution", &[("frame_convolution", name), ("ACTIVATION", expression)]);
        let (n, axes) = (input.width(), format!("[{filters}, {window}]"));
        let weights = match self.numbers() {
            Some(Numbers::Products(products)) => {
                self.products_table(products, &identifier(module_path(weight)), &axes)
            }
            _ => format!("{}, {}", self.table(weight, &axes), self.table(bias, &format!("[{filters}]"))),
        };
        let pool = pool.unwrap_or(n - window + 1);
        let output = self.fresh(node, input.length.clone(), input.flag.clone());
        let frames = &input.length.text;
        let line = format!("{name}({weights}, {x}, {y}, {frames}, {n}, {filters}, {window}, {pool});");
        self.run(&input.flag, &line);
        output
    }
}

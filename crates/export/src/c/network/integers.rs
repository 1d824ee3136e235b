//! Tables of a network on integers, and its input.

use stapes_quantize::fixed_point::{Rescale, power_table, tanh_table};
use stapes_quantize::{Products, QuantizedAttention, QuantizedNetwork};

use super::{Length, NetworkWriter, Outlet, count, identifier, module_path};
use crate::c::code::Code;
use crate::c::memory::Memory;

/// Writes the functions that put the input of the network into its buffer, and returns the input.
pub(in crate::c) fn quantized_input(
    code: &mut Code,
    memory: &mut Memory,
    (network, name): (&QuantizedNetwork, &str),
    (frames, address): (&Outlet, &str),
) -> Outlet {
    for piece in ["fixed_point", "quantize"] {
        code.need_integer(piece, &[]);
    }
    let outlet = Outlet { value: memory.add(frames.size(), super::FIRST_STEP - 1), ..frames.clone() };
    let all = count(frames.width(), &frames.length);
    let parameter = if frames.length.is_fixed() { "" } else { ", int frames" };
    code.input = format!(
        "/* Input of the network, {}. */\nstatic int16_t *network_input({name}_model *model)\n{{\n    return {};\n}}\n\n\
         /* Quantizes the frames of the front end. */\nstatic void quantize_frames({name}_model *model{parameter})\n{{\n    \
         quantize({address}, network_input(model), {:e}f, {all});\n}}\n\n",
        frames.shape,
        memory.address(outlet.value),
        network.inverse_input_scale(),
    );
    outlet
}

impl NetworkWriter<'_> {
    /// Adds weights, biases and factors, and returns the C initializer of their struct.
    pub(super) fn products(&mut self, products: &Products, path: &str, axes: &str) -> String {
        self.need(&["fixed_point"]);
        let Products { weights, bias, rescale } = products;
        let rows = format!("[{}]", bias.len());
        self.code.integers("int8_t", &format!("{path}_weight"), axes, weights);
        self.code.integers("int32_t", &format!("{path}_bias"), &rows, bias);
        self.code.integers("int32_t", &format!("{path}_multipliers"), &rows, &rescale.multipliers);
        format!("{{{path}_weight, {path}_bias, {path}_multipliers, {}}}", rescale.shift)
    }

    /// Adds a struct of products, and returns the address of it.
    pub(super) fn products_table(&mut self, products: &Products, path: &str, axes: &str) -> String {
        let initializer = self.products(products, path, axes);
        self.code.layers += &format!("static const products {path}_products = {initializer};\n");
        format!("&{path}_products")
    }

    /// Writes attention over frames of n values.
    pub(super) fn quantized_attention(
        &mut self,
        attention: &QuantizedAttention,
        (weight, n): (&str, usize),
        frames: &Length,
        [x, y]: [&str; 2],
    ) {
        self.exponential();
        self.need(&["sums"]);
        let path = identifier(module_path(weight));
        let text = &frames.text;
        match attention {
            QuantizedAttention::Learned(products) => {
                let products = self.products_table(products, &path, &format!("[1, {n}]"));
                let scores = self.sums(frames.max);
                self.code.line(format!("for (int t = 0; t < {text}; t++)"));
                self.code
                    .line(format!("    product_sums({products}, 0, {x} + t * {n}, {scores} + t, {n}, 1);"));
            }
            QuantizedAttention::MiddleFrame { query, score } => {
                self.need(&["linear", "query_scores"]);
                let products = self.products_table(query, &path, &format!("[{n}, {n}]"));
                let query = self.scratch(n);
                let scores = self.sums(frames.max.max(n));
                let middle = format!("{x} + {text} / 2 * {n}");
                self.code.line(format!("linear({products}, {middle}, {query}, {scores}, 1, {n}, {n});"));
                let factor = arguments(score, 0);
                self.code.line(format!("query_scores({query}, {x}, {scores}, {factor}, {text}, {n});"));
            }
            _ => {}
        }
        let scores = self.sums(frames.max);
        self.code.line(format!("attention({x}, {scores}, {y}, {text}, {n});"));
    }

    /// Adds the hyperbolic tangent.
    pub(super) fn tanh(&mut self) {
        self.need(&["shift_rounded", "interpolate", "tanh"]);
        self.function_table("tanh_table", "tanh(i / 32), Q15", &tanh_table());
    }

    /// Adds the sigmoid.
    pub(super) fn sigmoid(&mut self) {
        self.tanh();
        self.need(&["sigmoid"]);
    }

    /// Adds the exponential function.
    pub(super) fn exponential(&mut self) {
        self.need(&["shift_rounded", "interpolate", "mean", "attention"]);
        self.function_table("power_table", "2^(-i / 64), Q15", &power_table());
    }

    fn function_table(&mut self, name: &str, meaning: &str, values: &[i16]) {
        if !self.code.declarations().contains(&format!(" {name}[")) {
            self.code.integers("int16_t", name, meaning, values);
        }
    }
}

/// Returns factor and shift of a channel as arguments in C.
pub(super) fn arguments(rescale: &Rescale, channel: usize) -> String {
    format!("{}, {}", rescale.multipliers[channel], rescale.shift)
}

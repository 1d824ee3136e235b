//! The parts of a C source while it is written.

use std::fmt::{Display, LowerExp, Write};

/// Functions of the source, in the order in which they are written; each calls earlier ones only.
const PIECES: &[(&str, &str)] = &[
    ("softmax", include_str!("pieces/softmax.c")),
    ("argmax", include_str!("pieces/argmax.c")),
    ("sigmoid", include_str!("pieces/sigmoid.c")),
    ("linear", include_str!("pieces/linear.c")),
    ("cell", include_str!("pieces/cell.c")),
    ("rnn", include_str!("pieces/rnn.c")),
    ("gru", include_str!("pieces/gru.c")),
    ("gru_reset_before", include_str!("pieces/gru_reset_before.c")),
    ("lstm", include_str!("pieces/lstm.c")),
    ("recurrent", include_str!("pieces/recurrent.c")),
    ("recurrent_frames", include_str!("pieces/recurrent_frames.c")),
    ("convolution", include_str!("pieces/convolution.c")),
    ("convolution_step", include_str!("pieces/convolution_step.c")),
    ("average_pool", include_str!("pieces/average_pool.c")),
    ("frame_convolution", include_str!("pieces/frame_convolution.c")),
    ("affine", include_str!("pieces/affine.c")),
    ("relu", include_str!("pieces/relu.c")),
    ("swish", include_str!("pieces/swish.c")),
    ("transpose", include_str!("pieces/transpose.c")),
    ("mean_over_rows", include_str!("pieces/mean_over_rows.c")),
    ("global_mean", include_str!("pieces/global_mean.c")),
    ("add", include_str!("pieces/add.c")),
    ("mean_pool", include_str!("pieces/mean_pool.c")),
    ("max_pool", include_str!("pieces/max_pool.c")),
    ("last_pool", include_str!("pieces/last_pool.c")),
    ("mean_pool_step", include_str!("pieces/mean_pool_step.c")),
    ("max_pool_step", include_str!("pieces/max_pool_step.c")),
    ("attention", include_str!("pieces/attention.c")),
];

/// Functions on integers, in the order in which they are written; where there is none, the one on numbers is written for `int16_t`.
const INTEGER_PIECES: &[(&str, &str)] = &[
    ("fixed_point", include_str!("pieces/int8/fixed_point.c")),
    ("shift_rounded", include_str!("pieces/int8/shift_rounded.c")),
    ("mean", include_str!("pieces/int8/mean.c")),
    ("interpolate", include_str!("pieces/int8/interpolate.c")),
    ("tanh", include_str!("pieces/int8/tanh.c")),
    ("sigmoid", include_str!("pieces/int8/sigmoid.c")),
    ("quantize", include_str!("pieces/int8/quantize.c")),
    ("sums", include_str!("pieces/int8/sums.c")),
    ("linear", include_str!("pieces/int8/linear.c")),
    ("cell", include_str!("pieces/int8/cell.c")),
    ("rnn", include_str!("pieces/int8/rnn.c")),
    ("gru", include_str!("pieces/int8/gru.c")),
    ("gru_reset_before", include_str!("pieces/int8/gru_reset_before.c")),
    ("lstm", include_str!("pieces/int8/lstm.c")),
    ("recurrent", include_str!("pieces/int8/recurrent.c")),
    ("recurrent_frames", include_str!("pieces/int8/recurrent_frames.c")),
    ("convolution", include_str!("pieces/int8/convolution.c")),
    ("convolution_step", include_str!("pieces/int8/convolution_step.c")),
    ("average_pool", include_str!("pieces/int8/average_pool.c")),
    ("frame_convolution", include_str!("pieces/int8/frame_convolution.c")),
    ("affine", include_str!("pieces/int8/affine.c")),
    ("swish", include_str!("pieces/int8/swish.c")),
    ("mean_over_rows", include_str!("pieces/int8/mean_over_rows.c")),
    ("global_mean", include_str!("pieces/int8/global_mean.c")),
    ("rescale_values", include_str!("pieces/int8/rescale_values.c")),
    ("add", include_str!("pieces/int8/add.c")),
    ("mean_pool", include_str!("pieces/int8/mean_pool.c")),
    ("mean_pool_step", include_str!("pieces/int8/mean_pool_step.c")),
    ("attention", include_str!("pieces/int8/attention.c")),
    ("query_scores", include_str!("pieces/int8/query_scores.c")),
];

/// The parts of a C source.
#[derive(Default)]
pub(super) struct Code {
    /// Pieces with their places in [`PIECES`].
    pieces: Vec<(usize, String)>,
    declarations: String,
    tables: String,
    /// Types of the source.
    pub(super) types: String,
    /// Types of the header.
    pub(super) structs: String,
    /// Members of the struct.
    pub(super) fields: String,
    /// Lines that set the struct to the start of a recording.
    pub(super) init: String,
    /// Settings of layers.
    pub(super) layers: String,
    /// Lines of the network.
    pub(super) network: String,
    /// Functions that put the input of a network on integers into its buffer.
    pub(super) input: String,
    /// Largest number of 32-bit sums of a layer on integers.
    pub(super) sums: usize,
}

impl Code {
    /// Adds functions of the source, once.
    pub(super) fn need(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.need_with(name, &[]));
    }

    /// Adds a function with words replaced, once.
    pub(super) fn need_with(&mut self, name: &str, replacements: &[(&str, &str)]) {
        let place = PIECES.iter().position(|(piece, _)| *piece == name);
        let place = place.unwrap_or_else(|| unreachable!("the piece {name}"));
        self.add(place, PIECES[place].1, replacements);
    }

    /// Adds a function on integers with words replaced, once.
    pub(super) fn need_integer(&mut self, name: &str, replacements: &[(&str, &str)]) {
        match INTEGER_PIECES.iter().position(|(piece, _)| *piece == name) {
            Some(place) => self.add(PIECES.len() + place, INTEGER_PIECES[place].1, replacements),
            None => self.need_with(name, &[("float", "int16_t")]),
        }
    }

    fn add(&mut self, place: usize, text: &str, replacements: &[(&str, &str)]) {
        let text = replacements
            .iter()
            .fold(text.to_owned(), |text, (word, replacement)| text.replace(word, replacement));
        if !self.pieces.iter().any(|(_, other)| *other == text) {
            self.pieces.push((place, text));
        }
    }

    /// Returns the functions.
    pub(super) fn functions(&self) -> String {
        let mut pieces: Vec<&(usize, String)> = self.pieces.iter().collect();
        pieces.sort_by_key(|(place, _)| *place);
        pieces.iter().map(|(_, text)| format!("{text}\n")).collect()
    }

    /// Returns the declarations of all tables, which precede the functions.
    pub(super) fn declarations(&self) -> &str {
        &self.declarations
    }

    /// Returns the tables, which follow the functions.
    pub(super) fn tables(&self) -> &str {
        &self.tables
    }

    /// Adds a table of floating-point numbers of a C type, whose shape is for the reader.
    pub(super) fn floats<T: LowerExp + Copy>(&mut self, ctype: &str, name: &str, shape: &str, values: &[T]) {
        let suffix = if ctype == "float" { "f" } else { "" };
        self.table(ctype, name, shape, values.iter().map(|value| format!("{value:e}{suffix}")));
    }

    /// Adds a table of whole numbers.
    pub(super) fn integers<T: Display>(&mut self, ctype: &str, name: &str, shape: &str, values: &[T]) {
        self.table(ctype, name, shape, values.iter().map(T::to_string));
    }

    fn table(&mut self, ctype: &str, name: &str, shape: &str, values: impl ExactSizeIterator<Item = String>) {
        let head = format!("static const {ctype} {name}[{}]", values.len());
        let _ = writeln!(self.declarations, "{head}; /* {shape} */");
        let _ = write!(self.tables, "{head} = {{");
        let mut column = usize::MAX;
        for value in values {
            if column.saturating_add(value.len()) > 110 {
                let _ = write!(self.tables, "\n   ");
                column = 3;
            }
            let _ = write!(self.tables, " {value},");
            column += value.len() + 2;
        }
        let _ = writeln!(self.tables, "\n}};\n");
    }

    /// Adds a line of the network.
    pub(super) fn line(&mut self, line: impl Display) {
        let _ = writeln!(self.network, "    {line}");
    }

    /// Adds a member of the struct.
    pub(super) fn field(&mut self, field: impl Display) {
        let _ = writeln!(self.fields, "    {field}");
    }
}

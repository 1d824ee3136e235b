//! Tensors with lengths: masks, and states of streams.

use stapes_nn::layer::Shape;

use super::builder::{Axis, Builder, Kind, Value};

/// Output of a node of the network.
///
/// Frames are [B, T, F], images [B, C, H, T], vectors [B, F]. On a stream T is 1.
#[derive(Clone)]
pub(super) struct Signal {
    pub value: Value,
    pub shape: Shape,
    /// Lengths along T, [B]; `None` on a stream, and for vectors.
    pub lengths: Option<Value>,
    /// True if values after the lengths are zeros.
    pub masked: bool,
    /// On a stream: true for examples that have an output in this step, [B, 1]; `None` if all have one in every step.
    pub has_output: Option<Value>,
}

impl Signal {
    /// Returns the result of an operation that treats every frame alone.
    pub(super) fn map(&self, value: Value, shape: Shape) -> Signal {
        Signal { value, shape, masked: false, ..self.clone() }
    }

    /// Returns a vector computed from it.
    pub(super) fn vector(&self, value: Value, shape: Shape) -> Signal {
        Signal { lengths: None, ..self.map(value, shape) }
    }

    /// Axis of time.
    fn time(&self) -> usize {
        if matches!(self.shape, Shape::Image { .. }) { 3 } else { 1 }
    }

    /// Returns true for the values before the lengths, [B, T, 1] or [B, 1, 1, T]; `None` on a stream.
    pub(super) fn mask(&self, builder: &mut Builder) -> Option<Value> {
        let lengths = self.lengths.as_ref()?;
        let frames = builder.size(&self.value, self.time());
        let frames = builder.range(&frames);
        let lengths = builder.unsqueeze(lengths, &[1]);
        let mask = builder.less(&frames, &lengths);
        Some(builder.unsqueeze(&mask, if self.time() == 3 { &[1, 2] } else { &[2] }))
    }

    /// Returns the values with `other` after the lengths.
    pub(super) fn filled(&self, builder: &mut Builder, other: f64) -> Value {
        let Some(mask) = self.mask(builder) else { return self.value.clone() };
        let other = builder.float(other);
        builder.choose(&mask, &self.value, &other)
    }

    /// Returns the values with zeros after the lengths.
    pub(super) fn zeros_after(&self, builder: &mut Builder) -> Value {
        if self.masked { self.value.clone() } else { self.filled(builder, 0.0) }
    }

    /// Returns the lengths as f32, [B, 1].
    pub(super) fn float_lengths(&self, builder: &mut Builder) -> Option<Value> {
        let lengths = self.lengths.as_ref()?;
        let lengths = builder.unsqueeze(lengths, &[1]);
        Some(builder.cast(&lengths, Kind::F32))
    }
}

/// A state of a stream: an input, and the output that is the input of the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Name of the input.
    pub input: String,
    /// Name of the output.
    pub output: String,
    /// Sizes of the axes after the batch; all states begin as zeros.
    pub axes: Vec<usize>,
}

/// States of a stream under construction.
#[derive(Default)]
pub(super) struct States {
    pub all: Vec<State>,
    next: Vec<Value>,
}

impl States {
    /// Adds the input of a state, [B, axes].
    pub(super) fn input(&mut self, builder: &mut Builder, name: &str, axes: &[usize]) -> Value {
        let name = name.replace('.', "_");
        let dimensions: Vec<Axis> = batch(axes);
        let value =
            builder.input(&name, Kind::F32, &dimensions, "state of the stream; zeros at its beginning");
        self.all.push(State { output: format!("{name}_next"), input: name, axes: axes.to_vec() });
        value
    }

    /// Sets the next value of the state that was added last without one; it stays as it is where `has_output` is false.
    pub(super) fn set(&mut self, builder: &mut Builder, next: Value, has_output: Option<&Value>) {
        let state = &self.all[self.next.len()];
        let next = match has_output {
            None => next,
            Some(condition) => {
                let axes: Vec<i64> = (2..=state.axes.len() as i64).collect();
                let condition =
                    if axes.is_empty() { condition.clone() } else { builder.unsqueeze(condition, &axes) };
                builder.choose(&condition, &next, &state.input.clone())
            }
        };
        self.next.push(next);
    }

    /// Makes the next values outputs of the graph.
    pub(super) fn outputs(&self, builder: &mut Builder) {
        for (state, next) in self.all.iter().zip(&self.next) {
            builder.output(next, &state.output, Kind::F32, &batch(&state.axes), "state for the next step");
        }
    }
}

/// Returns the axes after the batch.
pub(super) fn batch(axes: &[usize]) -> Vec<Axis> {
    std::iter::once(Axis::Dynamic("batch")).chain(axes.iter().map(|&size| Axis::Fixed(size))).collect()
}

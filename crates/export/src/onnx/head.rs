//! From frames to a vector, and from scores to probabilities.

use stapes_nn::graph::GraphTensors;
use stapes_nn::head::{Pooling, Query};
use stapes_nn::layer::Shape;
use stapes_nn::objective::Objective;

use super::builder::{Attribute, Builder, Value};
use super::network::linear;
use super::signal::{Signal, States};
use crate::error::ExportError;

/// Adds the pooling of the frames of a clip.
pub(super) fn pool(builder: &mut Builder, kind: Pooling, num_directions: usize, input: &Signal) -> Signal {
    let features = input.shape.features();
    let shape = Shape::Vector { features };
    let value = match kind {
        Pooling::Mean => mean(builder, input),
        Pooling::Max => {
            let lowest = input.filled(builder, f64::from(f32::MIN));
            builder.reduce("ReduceMax", &lowest, &[1], false)
        }
        Pooling::Last => {
            let one = builder.int(1);
            let last = input.lengths.as_ref().map_or_else(String::new, |lengths| builder.sub(lengths, &one));
            let last = frame(builder, &input.value, &last, features);
            match num_directions {
                1 => last,
                _ => {
                    let (half, whole) = ((features / 2) as i64, features as i64);
                    let ahead = builder.slice(&last, 1, 0, half);
                    let first = builder.slice(&input.value, 1, 0, 1);
                    let first = builder.squeeze(&first, &[1]);
                    let back = builder.slice(&first, 1, half, whole);
                    builder.concat(&[&ahead, &back], 1)
                }
            }
        }
    };
    input.vector(value, shape)
}

/// Returns one frame of each example, [B, F]; `at` are its numbers, [B].
fn frame(builder: &mut Builder, frames: &str, at: &str, features: usize) -> Value {
    let at = builder.unsqueeze(at, &[1, 2]);
    let width = builder.list(&[1, 1, features as i64]);
    let at = builder.binary("Expand", &at, &width);
    let frame = builder.gather_elements(frames, &at, 1);
    builder.squeeze(&frame, &[1])
}

/// Returns the mean over the frames of each example, [B, F].
fn mean(builder: &mut Builder, input: &Signal) -> Value {
    let zeros = input.zeros_after(builder);
    let sum = builder.reduce("ReduceSum", &zeros, &[1], false);
    match input.float_lengths(builder) {
        Some(lengths) => builder.div(&sum, &lengths),
        None => sum,
    }
}

/// Adds the pooling of the frames of a stream so far.
pub(super) fn pool_stream(
    builder: &mut Builder,
    states: &mut States,
    (kind, name): (Pooling, &str),
    input: &Signal,
) -> Signal {
    let features = input.shape.features();
    let frame = builder.squeeze(&input.value, &[1]);
    let value = match kind {
        Pooling::Last => frame,
        Pooling::Mean => running_mean(builder, states, name, &frame, (features, input.has_output.as_ref())),
        Pooling::Max => {
            let count = states.input(builder, &format!("{name}.frames"), &[1]);
            let next = plus_one(builder, &count);
            states.set(builder, next, input.has_output.as_ref());
            let largest = states.input(builder, &format!("{name}.max"), &[features]);
            let zero = builder.float(0.0);
            let started = builder.less(&zero, &count);
            let larger = builder.less(&largest, &frame);
            let kept = builder.choose(&larger, &frame, &largest);
            let next = builder.choose(&started, &kept, &frame);
            states.set(builder, next.clone(), input.has_output.as_ref());
            next
        }
    };
    input.vector(value, Shape::Vector { features })
}

fn plus_one(builder: &mut Builder, count: &str) -> Value {
    let one = builder.float(1.0);
    builder.add(count, &one)
}

/// Returns the mean of the vectors of a stream so far.
fn running_mean(
    builder: &mut Builder,
    states: &mut States,
    name: &str,
    vector: &str,
    (width, has_output): (usize, Option<&Value>),
) -> Value {
    let count = states.input(builder, &format!("{name}.frames"), &[1]);
    let count = plus_one(builder, &count);
    states.set(builder, count.clone(), has_output);
    let sum = states.input(builder, &format!("{name}.sum"), &[width]);
    let sum = builder.add(&sum, vector);
    states.set(builder, sum.clone(), has_output);
    builder.div(&sum, &count)
}

/// Adds the mean of the frames, weighted by attention.
pub(super) fn attention(
    builder: &mut Builder,
    tensors: &GraphTensors<'_>,
    (query, weight, bias): (Query, &str, &str),
    input: &Signal,
) -> Signal {
    let features = input.shape.features();
    let frames = input.zeros_after(builder);
    // Scores of the frames, [B, T, 1].
    let scores = match query {
        Query::Learned => linear(builder, tensors, weight, Some(bias), &frames),
        Query::MiddleFrame => {
            let two = builder.int(2);
            let middle =
                input.lengths.as_ref().map_or_else(String::new, |lengths| builder.div(lengths, &two));
            let middle = frame(builder, &frames, &middle, features);
            let query = linear(builder, tensors, weight, Some(bias), &middle);
            let query = builder.unsqueeze(&query, &[1]);
            let product = builder.mul(&frames, &query);
            builder.reduce("ReduceSum", &product, &[2], true)
        }
    };
    let scores = input.map(scores, input.shape.with_features(1)).filled(builder, f64::from(f32::MIN));
    let scores = builder.transpose(&scores, &[0, 2, 1]);
    let weights = builder.node("Softmax", &[&scores], &[("axis", Attribute::Int(2))]);
    let sum = builder.matmul(&weights, &frames);
    let value = builder.squeeze(&sum, &[1]);
    input.vector(value, Shape::Vector { features })
}

/// Adds the probabilities of the scores.
pub(super) fn probabilities(
    builder: &mut Builder,
    objective: Objective,
    scores: &Signal,
    labels: usize,
    states: Option<&mut States>,
) -> Result<Value, ExportError> {
    let softmax = |builder: &mut Builder| {
        let axis = if matches!(scores.shape, Shape::Vector { .. }) { 1 } else { 2 };
        builder.node("Softmax", &[&scores.value], &[("axis", Attribute::Int(axis))])
    };
    Ok(match objective {
        Objective::Classes | Objective::FrameClasses => softmax(builder),
        Objective::FrameBinary => {
            let negative = builder.unary("Neg", &scores.value);
            let [no, yes] = [&negative, &scores.value].map(|scores| builder.unary("Sigmoid", scores));
            builder.concat(&[&no, &yes], 2)
        }
        Objective::Vote => {
            let attributes = [("axis", Attribute::Int(2)), ("keepdims", Attribute::Int(0))];
            let best = builder.node("ArgMax", &[&scores.value], &attributes);
            let (depth, values) = (builder.int(labels), builder.floats("votes", &[2], [0.0, 1.0]));
            let votes = builder.node("OneHot", &[&best, &depth, &values], &[]);
            match states {
                None => mean(builder, &scores.map(votes, scores.shape.with_features(labels))),
                Some(states) => {
                    let votes = builder.squeeze(&votes, &[1]);
                    running_mean(builder, states, "votes", &votes, (labels, scores.has_output.as_ref()))
                }
            }
        }
        other => return Err(ExportError::unknown("ONNX", &format!("{other:?}"))),
    })
}

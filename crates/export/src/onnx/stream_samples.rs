//! From the samples of a hop to a frame of a stream.

use stapes_features::{Edges, Stages};
use stapes_nn::layer::Shape;

use super::builder::{Axis, Builder, Kind, Value};
use super::framing::{preemphasis, scale};
use super::signal::{Signal, States, batch};
use crate::error::ExportError;

/// Checks that frames come from whole hops of samples.
fn check(stages: &Stages) -> Result<(), ExportError> {
    let refused = |layer: &str, reason| {
        Err(ExportError::Layer { target: "ONNX on a stream", layer: layer.into(), reason })
    };
    match stages.framing.edges {
        Edges::Padded { zeros: 0, reflected: 0 } | Edges::Completed => {}
        Edges::Padded { .. } => {
            return refused(
                "padding of the front end",
                "a stream has no end; use center = false and pad = 0",
            );
        }
        Edges::Mirrored => {
            return refused("snip_edges = false", "a stream has no end; use snip_edges = true");
        }
    }
    match stages.frames.is_empty() {
        true => Ok(()),
        false => refused(
            "deltas, stacking or normalization over the clip",
            "they need other frames; export without the front end, and compute frames with stapes",
        ),
    }
}

/// Adds the input `samples`, \[B, hop\], and returns the frame that they complete, \[B, 1, length\].
pub(super) fn write(
    builder: &mut Builder,
    states: &mut States,
    stages: &Stages,
) -> Result<Signal, ExportError> {
    check(stages)?;
    let (length, hop) = (stages.framing.length, stages.framing.hop);
    let axes = [Axis::Dynamic("batch"), Axis::Fixed(hop)];
    let samples = builder.input("samples", Kind::F32, &axes, "the next hop of samples, in [-1, 1]");
    let samples = scale(builder, stages, &samples);
    let hops = length.div_ceil(hop);
    let filtered = stages.preemphasis != 0.0;
    let before = (hops - 1) * hop + usize::from(filtered);
    let mut window = samples;
    if before > 0 {
        let earlier = states.input(builder, "samples.before", &[before]);
        window = builder.concat(&[&earlier, &window], 1);
        let next = builder.slice(&window, 1, hop as i64, (hop + before) as i64);
        states.set(builder, next, None);
    }
    if filtered {
        let total = (hops * hop + 1) as i64;
        let shifted = builder.slice(&window, 1, 0, total - 1);
        let current = builder.slice(&window, 1, 1, total);
        window = preemphasis(builder, &current, &shifted, stages.preemphasis);
    }
    let frame = builder.slice(&window, 1, 0, length as i64);
    let value = builder.unsqueeze(&frame, &[1]);
    let has_output = (hops > 1).then(|| started(builder, states, hops));
    let shape = Shape::Sequence { features: length, frames: None };
    Ok(Signal { value, shape, lengths: None, masked: true, has_output })
}

/// Counts the hops, and returns true from the first whole frame on, \[B, 1\].
fn started(builder: &mut Builder, states: &mut States, hops: usize) -> Value {
    let count = states.input(builder, "samples.hops", &[1]);
    let one = builder.float(1.0);
    let advanced = builder.add(&count, &one);
    let enough = builder.float(hops as f64 - 0.5);
    let waiting = builder.less(&advanced, &enough);
    // Stops counting at the first frame: a stream does not end.
    let limit = builder.float(hops as f64);
    let next = builder.choose(&waiting, &advanced, &limit);
    states.set(builder, next, None);
    builder.unary("Not", &waiting)
}

/// Adds the input `frame`, \[B, F\], and returns it as \[B, 1, F\].
pub(super) fn frame_input(builder: &mut Builder, shape: Shape) -> Signal {
    let frame =
        builder.input("frame", Kind::F32, &batch(&[shape.features()]), "the next frame of the front end");
    let value = builder.unsqueeze(&frame, &[1]);
    Signal { value, shape, lengths: None, masked: true, has_output: None }
}

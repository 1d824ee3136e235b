//! From samples to frames of samples.

use stapes_features::{Edges, FramingStage, Stages};

use super::builder::{Builder, Value};
use super::signal::Signal;
use stapes_nn::layer::Shape;

/// Samples [B, L] with their lengths [B].
struct Samples {
    value: Value,
    lengths: Value,
}

impl Samples {
    /// Returns the samples with zeros after the lengths.
    fn zeros_after(&self, builder: &mut Builder, value: &str) -> Value {
        let length = builder.size(value, 1);
        let places = builder.range(&length);
        let lengths = builder.unsqueeze(&self.lengths, &[1]);
        let mask = builder.less(&places, &lengths);
        let zero = builder.float(0.0);
        builder.choose(&mask, value, &zero)
    }
}

/// Adds the frames of clips, [B, T, length], at the scale of the front end.
///
/// samples [B, L] in [-1, 1], lengths [B]
pub(super) fn write(builder: &mut Builder, stages: &Stages, samples: &str, lengths: &str) -> Signal {
    let mut clips = Samples { value: samples.into(), lengths: lengths.into() };
    clips.value = clips.zeros_after(builder, samples);
    if let Some(length) = stages.fixed_length_samples {
        clips = fixed_length(builder, clips, length);
    }
    let scaled = scale(builder, stages, &clips.value);
    clips.value = match stages.preemphasis {
        0.0 => scaled,
        coefficient => {
            let shifted = builder.pad(&scaled, &[0, 1], &[0, 0]);
            let before = builder.slice(&shifted, 1, 0, -1);
            let filtered = preemphasis(builder, &scaled, &before, coefficient);
            clips.zeros_after(builder, &filtered)
        }
    };
    frames(builder, &stages.framing, &clips)
}

/// Returns the samples times the scale of the front end.
pub(super) fn scale(builder: &mut Builder, stages: &Stages, samples: &str) -> Value {
    if stages.scale == 1.0 {
        return samples.into();
    }
    let scale = builder.float(stages.scale.into());
    builder.mul(samples, &scale)
}

/// Returns x - coefficient before.
pub(super) fn preemphasis(builder: &mut Builder, x: &str, before: &str, coefficient: f64) -> Value {
    let coefficient = builder.float(coefficient);
    let subtracted = builder.mul(before, &coefficient);
    builder.sub(x, &subtracted)
}

/// Cuts or pads the clips.
fn fixed_length(builder: &mut Builder, clips: Samples, length: usize) -> Samples {
    let padded = builder.pad(&clips.value, &[0, 0], &[0, length]);
    let value = builder.slice(&padded, 1, 0, length as i64);
    let zero = builder.int(0);
    let zeros = builder.mul(&clips.lengths, &zero);
    let length = builder.int(length);
    Samples { value, lengths: builder.add(&zeros, &length) }
}

/// Returns the number of frames of clips of these lengths.
fn count(builder: &mut Builder, framing: &FramingStage, lengths: &str) -> Value {
    let [zero, one] = [0, 1].map(|value| builder.int(value));
    let hop = builder.int(framing.hop);
    match framing.edges {
        Edges::Padded { zeros, reflected } => {
            let beyond = 2 * (zeros + reflected) as i64 - framing.length as i64;
            let beyond = builder.ints(&[], &[beyond]);
            let room = builder.add(lengths, &beyond);
            let hops = builder.div(&room, &hop);
            let frames = builder.add(&hops, &one);
            let short = builder.less(&room, &zero);
            builder.choose(&short, &zero, &frames)
        }
        Edges::Completed => {
            let length = builder.int(framing.length);
            let beyond = builder.sub(lengths, &length);
            let beyond = builder.max(&beyond, &zero);
            let last = builder.int(framing.hop - 1);
            let rounded = builder.add(&beyond, &last);
            let hops = builder.div(&rounded, &hop);
            builder.add(&hops, &one)
        }
        Edges::Mirrored => {
            let half = builder.int(framing.hop / 2);
            let rounded = builder.add(lengths, &half);
            builder.div(&rounded, &hop)
        }
    }
}

fn frames(builder: &mut Builder, framing: &FramingStage, clips: &Samples) -> Signal {
    let longest = builder.size(&clips.value, 1);
    let count_of_longest = count(builder, framing, &longest);
    let lengths = count(builder, framing, &clips.lengths);
    let padded = match framing.edges {
        Edges::Padded { zeros: 0, reflected: 0 } => clips.value.clone(),
        Edges::Padded { zeros, reflected: 0 } => builder.pad(&clips.value, &[0, zeros], &[0, zeros]),
        Edges::Completed => builder.pad(&clips.value, &[0, 0], &[0, framing.length + framing.hop]),
        Edges::Padded { .. } | Edges::Mirrored => mirrored(builder, framing, clips, &count_of_longest),
    };
    // Places of the samples of each frame, [T, length].
    let numbers = builder.range(&count_of_longest);
    let hop = builder.int(framing.hop);
    let starts = builder.mul(&numbers, &hop);
    let starts = builder.unsqueeze(&starts, &[1]);
    let within: Vec<i64> = (0..framing.length as i64).collect();
    let within = builder.list(&within);
    let places = builder.add(&starts, &within);
    let value = builder.gather(&padded, &places, 1);
    let shape = Shape::Sequence { features: framing.length, frames: None };
    Signal { value, shape, lengths: Some(lengths), masked: false, has_output: None }
}

/// Returns the samples with what is before and after them, from the first sample of the first frame on.
fn mirrored(builder: &mut Builder, framing: &FramingStage, clips: &Samples, count: &str) -> Value {
    let (first, zeros, repeats_edge) = match framing.edges {
        Edges::Padded { zeros, reflected } => (-((zeros + reflected) as i64), zeros as i64, false),
        _ => ((framing.hop / 2) as i64 - (framing.length / 2) as i64, 0, true),
    };
    let hop = builder.int(framing.hop);
    let span = builder.mul(count, &hop);
    let length = builder.int(framing.length);
    let span = builder.add(&span, &length);
    let places = builder.range(&span);
    // Places within the clip with its zeros, [1, P].
    let first = builder.ints(&[], &[first + zeros]);
    let places = builder.add(&places, &first);
    let places = builder.unsqueeze(&places, &[0]);
    let lengths = builder.unsqueeze(&clips.lengths, &[1]);
    let twice_zeros = builder.ints(&[], &[2 * zeros]);
    let padded = builder.add(&lengths, &twice_zeros);
    let [one, two] = [1, 2].map(|value| builder.int(value));
    let twice = builder.mul(&padded, &two);
    let (period, last) = match repeats_edge {
        true => (twice.clone(), builder.sub(&twice, &one)),
        false => {
            let period = builder.sub(&twice, &two);
            (builder.max(&period, &one), period)
        }
    };
    let within = builder.binary("Mod", &places, &period);
    let other = builder.sub(&last, &within);
    let folded = builder.min(&within, &other);
    let zeros = builder.ints(&[], &[zeros]);
    let places = builder.sub(&folded, &zeros);
    // Zeros outside of the clip.
    let minus_one = builder.ints(&[], &[-1]);
    let begun = builder.less(&minus_one, &places);
    let not_ended = builder.less(&places, &lengths);
    let inside = builder.binary("And", &begun, &not_ended);
    let nowhere = builder.int(0);
    let places = builder.choose(&inside, &places, &nowhere);
    let values = builder.gather_elements(&clips.value, &places, 1);
    let zero = builder.float(0.0);
    builder.choose(&inside, &values, &zero)
}

//! Processing of the frames of a clip: deltas, stacking, normalization.

use stapes_features::{
    DeltaFilter, DeltaMode, DeltaStage, FrameStage, Normalization, StackingConfig, StandardScaler,
};

use super::builder::{Builder, Kind, Value};
use super::signal::Signal;

/// Smallest variance of [`Normalization::Cmvn`].
const MIN_VARIANCE: f64 = 1e-20;

/// Adds a stage.
pub(super) fn write(builder: &mut Builder, stage: &FrameStage, input: &Signal) -> Signal {
    match stage {
        FrameStage::Deltas(stage) => deltas(builder, stage, input),
        FrameStage::Stacking(config) => stacking(builder, *config, input),
        FrameStage::Normalization(normalization) => normalize(builder, *normalization, input),
    }
}

/// Returns the frames with these numbers, [B, P, F]; `at` is [B, P].
fn frames_at(builder: &mut Builder, input: &Signal, at: &str) -> Value {
    let at = builder.unsqueeze(at, &[2]);
    let width = builder.list(&[1, 1, input.shape.features() as i64]);
    let at = builder.binary("Expand", &at, &width);
    builder.gather_elements(&input.value, &at, 1)
}

/// Returns the lengths as [B, 1], and the numbers from `first` on of T + `more` frames, [1, T + more].
fn numbers(builder: &mut Builder, input: &Signal, first: i64, more: usize) -> [Value; 2] {
    let lengths = input.lengths.clone().unwrap_or_default();
    let lengths = builder.unsqueeze(&lengths, &[1]);
    let frames = builder.size(&input.value, 1);
    let more = builder.int(more);
    let count = builder.add(&frames, &more);
    let numbers = builder.range(&count);
    let first = builder.ints(&[], &[first]);
    let numbers = builder.add(&numbers, &first);
    [lengths, builder.unsqueeze(&numbers, &[0])]
}

/// Returns the numbers, at least `low` and at most `high`.
fn clamp(builder: &mut Builder, numbers: &str, low: &str, high: &str) -> Value {
    let above = builder.max(numbers, low);
    builder.min(&above, high)
}

/// Appends the outputs of the filters to the features.
fn deltas(builder: &mut Builder, stage: &DeltaStage, input: &Signal) -> Signal {
    let mut blocks = vec![input.clone()];
    for filter in &stage.filters {
        let value = delta(builder, filter, stage.edges, &blocks[filter.source]);
        blocks.push(input.map(value, input.shape));
    }
    let parts: Vec<&str> = blocks.iter().map(|block| block.value.as_str()).collect();
    let value = builder.concat(&parts, 2);
    input.map(value, input.shape.with_features(input.shape.features() * parts.len()))
}

fn delta(builder: &mut Builder, filter: &DeltaFilter, edges: DeltaMode, input: &Signal) -> Value {
    let half = filter.weights.len() / 2;
    let [lengths, numbers] = numbers(builder, input, -(half as i64), 2 * half);
    let [zero, one, two] = [0, 1, 2].map(|value| builder.int(value));
    let last = builder.sub(&lengths, &one);
    let at = match edges {
        DeltaMode::Wrap => builder.binary("Mod", &numbers, &lengths),
        DeltaMode::Mirror => {
            let period = builder.mul(&last, &two);
            let divisor = builder.max(&period, &one);
            let within = builder.binary("Mod", &numbers, &divisor);
            let other = builder.sub(&period, &within);
            builder.min(&within, &other)
        }
        _ => clamp(builder, &numbers, &zero, &last),
    };
    // Frames with what is before and after them, [B, T + 2 half, F].
    let mut extended = frames_at(builder, input, &at);
    if edges == DeltaMode::Constant {
        let same = builder.binary("Equal", &at, &numbers);
        let same = builder.unsqueeze(&same, &[2]);
        let nothing = builder.float(0.0);
        extended = builder.choose(&same, &extended, &nothing);
    }
    let image = builder.unsqueeze(&extended, &[1]);
    let weights = filter.weights.iter().map(|&weight| weight as f32);
    let weights = builder.floats("delta", &[1, 1, filter.weights.len(), 1], weights);
    let filtered = builder.node("Conv", &[&image, &weights], &[]);
    let filtered = builder.squeeze(&filtered, &[1]);
    if edges != DeltaMode::Interp {
        return filtered;
    }
    // The value of the nearest frame with all neighbors.
    let filtered = input.map(filtered, input.shape);
    let [_, numbers] = self::numbers(builder, input, 0, 0);
    let half = builder.int(half);
    let high = builder.sub(&last, &half);
    let at = clamp(builder, &numbers, &half, &high);
    frames_at(builder, &filtered, &at)
}

/// Puts neighbors beside each frame, and keeps every `every`-th frame.
fn stacking(builder: &mut Builder, config: StackingConfig, input: &Signal) -> Signal {
    let StackingConfig { left, right, every } = config;
    let [lengths, all] = numbers(builder, input, 0, 0);
    let [zero, one] = [0, 1].map(|value| builder.int(value));
    let last = builder.sub(&lengths, &one);
    let every_value = builder.int(every);
    let rounding = builder.int(every - 1);
    let kept = |builder: &mut Builder, frames: &str| {
        let rounded = builder.add(frames, &rounding);
        builder.div(&rounded, &every_value)
    };
    let centers = match every {
        1 => all,
        _ => {
            let frames = builder.size(&input.value, 1);
            let count = kept(builder, &frames);
            let numbers = builder.range(&count);
            let centers = builder.mul(&numbers, &every_value);
            builder.unsqueeze(&centers, &[0])
        }
    };
    let neighbor = |offset: i64| {
        let offset = builder.ints(&[], &[offset]);
        let at = builder.add(&centers, &offset);
        let at = clamp(builder, &at, &zero, &last);
        frames_at(builder, input, &at)
    };
    let parts: Vec<Value> = (-(left as i64)..=right as i64).map(neighbor).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let value = builder.concat(&parts, 2);
    let lengths = input.lengths.as_ref().map(|lengths| kept(builder, lengths));
    Signal { lengths, ..input.map(value, input.shape.with_features(input.shape.features() * parts.len())) }
}

/// Subtracts the mean over the frames of each clip, and divides by their deviation.
pub(super) fn normalize(builder: &mut Builder, normalization: Normalization, input: &Signal) -> Signal {
    if matches!(normalization, Normalization::None | Normalization::PerCoefficient) {
        return input.clone();
    }
    let Some(lengths) = &input.lengths else { return input.clone() };
    // In f64, as the front end: the deviation of a constant is 0 then, and not the rounding of its mean.
    let lengths = builder.unsqueeze(lengths, &[1, 2]);
    let lengths = builder.cast(&lengths, Kind::F64);
    let mean_of = |builder: &mut Builder, values: &str| {
        let sum = builder.reduce("ReduceSum", values, &[1], true);
        builder.div(&sum, &lengths)
    };
    let zeros = input.filled(builder, 0.0);
    let wide = builder.cast(&zeros, Kind::F64);
    let mean = mean_of(builder, &wide);
    let centered = builder.sub(&wide, &mean);
    let value = match normalization {
        Normalization::PerUtterance | Normalization::Cmvn => {
            let mut square = builder.mul(&centered, &centered);
            if let Some(mask) = input.mask(builder) {
                let nothing = builder.double(0.0);
                square = builder.choose(&mask, &square, &nothing);
            }
            let variance = mean_of(builder, &square);
            let deviation = deviation(builder, normalization, [&variance, &mean, &lengths]);
            builder.div(&centered, &deviation)
        }
        _ => centered,
    };
    let value = builder.cast(&value, Kind::F32);
    input.map(value, input.shape)
}

/// Returns the divisor of the values, f64.
fn deviation(
    builder: &mut Builder,
    normalization: Normalization,
    [variance, mean, lengths]: [&str; 3],
) -> Value {
    if normalization == Normalization::Cmvn {
        let floor = builder.double(MIN_VARIANCE);
        let floored = builder.binary("Max", variance, &floor);
        return builder.unary("Sqrt", &floored);
    }
    // A variance within the rounding of the sums is that of a constant.
    let epsilon = builder.double(f64::EPSILON);
    let relative = builder.mul(lengths, &epsilon);
    let of_mean = builder.mul(mean, &relative);
    let of_mean = builder.mul(&of_mean, &of_mean);
    let of_variance = builder.mul(variance, &relative);
    let rounding = builder.add(&of_mean, &of_variance);
    let varies = builder.less(&rounding, variance);
    let root = builder.unary("Sqrt", variance);
    let one = builder.double(1.0);
    builder.choose(&varies, &root, &one)
}

/// Adds the normalization with the mean and scale of the training frames.
pub(super) fn standardize(builder: &mut Builder, scaler: &StandardScaler, input: &Signal) -> Signal {
    let width = [scaler.mean.len()];
    let mean = builder.floats("features.mean", &width, scaler.mean.iter().copied());
    let scale = builder.floats("features.scale", &width, scaler.scale.iter().copied());
    let centered = builder.sub(&input.value, &mean);
    input.map(builder.div(&centered, &scale), input.shape)
}

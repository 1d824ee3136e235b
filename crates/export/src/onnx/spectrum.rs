//! From frames of samples to energies, their logarithms or cepstra.

use std::f64::consts::{LN_10, TAU};

use stapes_features::{EnergySource, FrameEnergy, Logarithm, Reference, SpectrumStage};

use super::builder::{Builder, Value};
use super::framing::preemphasis;
use super::signal::Signal;

/// Adds the computation of each frame.
///
/// frames [B, T, length] -> [B, T, F]
pub(super) fn write(builder: &mut Builder, stage: &SpectrumStage, input: &Signal) -> Signal {
    let (centered, windowed) = prepare(builder, stage, input);
    let power = powers(builder, stage, &windowed);
    let energy = stage
        .energy
        .as_ref()
        .map(|energy| frame_energy(builder, energy, stage, [&centered, &windowed, &power]));
    let raised = match stage.exponent {
        2.0 => power,
        1.0 => builder.unary("Sqrt", &power),
        exponent => {
            let half = builder.float(exponent / 2.0);
            builder.binary("Pow", &power, &half)
        }
    };
    let bands = matrix(builder, "mel", &stage.bands);
    let bands = builder.matmul(&raised, &bands);
    let bands = input.map(bands, input.shape.with_features(stage.bands.len()));
    let mut value = logarithm(builder, stage.logarithm, &bands);
    let mut width = stage.bands.len();
    if let Some(rows) = &stage.cepstra {
        let dct = matrix(builder, "dct", rows);
        value = builder.matmul(&value, &dct);
        width = rows.len();
    }
    match (energy, &stage.energy) {
        (Some(energy), Some(FrameEnergy { replaces_first: true, .. })) => {
            let others = builder.slice(&value, 2, 1, width as i64);
            value = builder.concat(&[&energy, &others], 2);
        }
        (Some(energy), _) => {
            value = builder.concat(&[&energy, &value], 2);
            width += 1;
        }
        (None, _) => {}
    }
    if stage.first_value_last {
        let first = builder.slice(&value, 2, 0, 1);
        let others = builder.slice(&value, 2, 1, width as i64);
        value = builder.concat(&[&others, &first], 2);
    }
    input.map(value, input.shape.with_features(width))
}

/// Returns the transpose of a matrix as a constant, [columns, rows].
fn matrix(builder: &mut Builder, name: &str, rows: &[Vec<f64>]) -> Value {
    let columns = rows.first().map_or(0, Vec::len);
    let values = (0..columns).flat_map(|column| rows.iter().map(move |row| row[column] as f32));
    builder.floats(name, &[columns, rows.len()], values)
}

/// Returns the frames without their mean, and what the Fourier transform reads.
fn prepare(builder: &mut Builder, stage: &SpectrumStage, input: &Signal) -> (Value, Value) {
    let mut x = input.value.clone();
    if stage.remove_mean {
        let mean = builder.reduce("ReduceMean", &x, &[2], true);
        x = builder.sub(&x, &mean);
    }
    let centered = x.clone();
    let length = input.shape.features() as i64;
    if stage.preemphasis != 0.0 {
        let first = builder.slice(&x, 2, 0, 1);
        let before = builder.slice(&x, 2, 0, length - 1);
        let before = builder.concat(&[&first, &before], 2);
        x = preemphasis(builder, &x, &before, stage.preemphasis);
    }
    let (from, to) = (stage.offset as i64, (stage.offset + stage.window.len()) as i64);
    if (from, to) != (0, length) {
        x = builder.slice(&x, 2, from, to);
    }
    if stage.window.iter().any(|&weight| weight != 1.0) {
        let weights = stage.window.iter().map(|&weight| weight as f32);
        let window = builder.floats("window", &[stage.window.len()], weights);
        x = builder.mul(&x, &window);
    }
    (centered, x)
}

/// Returns the factors of `points` that are nearest to its root.
fn factors(points: usize) -> [usize; 2] {
    let first = (1..=points)
        .take_while(|factor| factor * factor <= points)
        .filter(|factor| points.is_multiple_of(*factor));
    let first = first.last().unwrap_or(1);
    [first, points / first]
}

/// Returns |X|^2 of the bins, [B, T, points / 2 + 1].
///
/// With N = P Q, n = Q p + q and k = k1 + P k2, the transform is one of length P over p, factors exp(-2 pi i q k1 / N), and one
/// of length Q over q; the three constants have P^2, P Q and Q^2 entries.
fn powers(builder: &mut Builder, stage: &SpectrumStage, windowed: &str) -> Value {
    let [p, q] = factors(stage.points);
    let padded = match stage.points - stage.window.len() {
        0 => windowed.to_owned(),
        zeros => builder.pad(windowed, &[0, 0, 0], &[0, 0, zeros]),
    };
    let x = builder.reshape(&padded, &[0, 0, p as i64, q as i64]);
    let mut table = |name: &str, [rows, columns]: [usize; 2], over: usize| {
        let angle = |at: usize| -TAU * (at / columns * (at % columns) % over) as f64 / over as f64;
        [("re", f64::cos as fn(f64) -> f64), ("im", f64::sin)].map(|(part, wave)| {
            let values = (0..rows * columns).map(|at| wave(angle(at)) as f32);
            builder.floats(&format!("dft.{name}.{part}"), &[rows, columns], values)
        })
    };
    let [outer, twiddles, inner] =
        [table("outer", [p, p], p), table("twiddles", [p, q], p * q), table("inner", [q, q], q)];
    // Rows k1 of the transform over p.
    let [re, im] = outer.map(|outer| builder.matmul(&outer, &x));
    let multiply = |builder: &mut Builder, [re, im]: [&str; 2], [cos, sin]: &[Value; 2], operation: &str| {
        let [rr, ii, ri, ir] =
            [(re, cos), (im, sin), (re, sin), (im, cos)].map(|(x, y)| builder.binary(operation, x, y));
        [builder.sub(&rr, &ii), builder.add(&ri, &ir)]
    };
    let [re, im] = multiply(builder, [&re, &im], &twiddles, "Mul");
    let [re, im] = multiply(builder, [&re, &im], &inner, "MatMul");
    let squares = [re, im].map(|part| builder.mul(&part, &part));
    let power = builder.add(&squares[0], &squares[1]);
    // [k1, k2] -> k1 + P k2
    let turned = builder.transpose(&power, &[0, 1, 3, 2]);
    let flat = builder.reshape(&turned, &[0, 0, stage.points as i64]);
    builder.slice(&flat, 2, 0, stage.points as i64 / 2 + 1)
}

/// Returns the log energy of each frame, [B, T, 1].
fn frame_energy(
    builder: &mut Builder,
    settings: &FrameEnergy,
    stage: &SpectrumStage,
    [centered, windowed, power]: [&str; 3],
) -> Value {
    let energy = match settings.source {
        EnergySource::Samples => builder.reduce("ReduceSumSquare", centered, &[2], true),
        EnergySource::Windowed => builder.reduce("ReduceSumSquare", windowed, &[2], true),
        EnergySource::Spectrum => {
            let sum = builder.reduce("ReduceSum", power, &[2], true);
            let points = builder.float(stage.points as f64);
            builder.div(&sum, &points)
        }
    };
    let floored = match settings.only_zero {
        true => nonzero(builder, &energy, settings.floor),
        false => at_least(builder, &energy, settings.floor),
    };
    let logarithm = builder.unary("Log", &floored);
    match settings.min_logarithm {
        f64::NEG_INFINITY => logarithm,
        floor => at_least(builder, &logarithm, floor),
    }
}

/// Replaces values of exactly 0.
fn nonzero(builder: &mut Builder, x: &str, replacement: f64) -> Value {
    let zero = builder.float(0.0);
    let is_zero = builder.binary("Equal", x, &zero);
    let replacement = builder.float(replacement);
    builder.choose(&is_zero, &replacement, x)
}

fn at_least(builder: &mut Builder, x: &str, floor: f64) -> Value {
    let floor = builder.float(floor);
    builder.binary("Max", x, &floor)
}

fn logarithm(builder: &mut Builder, logarithm: Logarithm, bands: &Signal) -> Value {
    let x = &bands.value;
    match logarithm {
        Logarithm::None { zero: 0.0 } => x.clone(),
        Logarithm::None { zero } => nonzero(builder, x, zero),
        Logarithm::NaturalOfNonzero { zero } => {
            let x = nonzero(builder, x, zero);
            builder.unary("Log", &x)
        }
        Logarithm::NaturalFloored { floor } => {
            let x = at_least(builder, x, floor);
            builder.unary("Log", &x)
        }
        Logarithm::NaturalOffset { offset } => {
            let offset = builder.float(offset);
            let x = builder.add(x, &offset);
            builder.unary("Log", &x)
        }
        Logarithm::Decibels { reference, min_power, top_db } => {
            let x = at_least(builder, x, min_power);
            let x = builder.unary("Log", &x);
            let decibels_per_neper = builder.float(10.0 / LN_10);
            let decibels = builder.mul(&x, &decibels_per_neper);
            relative(builder, bands, decibels, (reference, min_power, top_db))
        }
    }
}

/// Subtracts the reference, and applies the floor below the maximum of the clip.
fn relative(
    builder: &mut Builder,
    bands: &Signal,
    mut decibels: Value,
    (reference, min_power, top_db): (Reference, f64, Option<f64>),
) -> Value {
    let peak = |builder: &mut Builder, decibels: &str| {
        let filled = bands.map(decibels.into(), bands.shape).filled(builder, f64::from(f32::MIN));
        builder.reduce("ReduceMax", &filled, &[1, 2], true)
    };
    let zero_db = match reference {
        Reference::Max => Some(peak(builder, &decibels)),
        Reference::Power(power) => {
            let zero_db = 10.0 * power.abs().max(min_power).log10();
            (zero_db != 0.0).then(|| builder.float(zero_db))
        }
    };
    if let Some(zero_db) = zero_db {
        decibels = builder.sub(&decibels, &zero_db);
    }
    if let Some(top_db) = top_db {
        let peak = peak(builder, &decibels);
        let top_db = builder.float(top_db);
        let floor = builder.sub(&peak, &top_db);
        decibels = builder.binary("Max", &decibels, &floor);
    }
    decibels
}

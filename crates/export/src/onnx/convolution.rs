//! Convolutions of images, with batch normalization, ReLU and mean pooling.

use stapes_nn::graph::{GraphTensors, Operation};
use stapes_nn::layer::Shape;

use super::builder::{Attribute, Builder, Value};
use super::network::norm;
use super::signal::{Signal, States};

/// Adds a convolution, and returns its images; with `states`, those of one column of a stream.
pub(super) fn write(
    builder: &mut Builder,
    tensors: &GraphTensors<'_>,
    (operation, number): (&Operation, usize),
    (input, output): (&Signal, Shape),
    states: Option<&mut States>,
) -> Signal {
    let Operation::Convolution { shape, weight, bias, norm: names, relu, avg_pool, .. } = operation else {
        return input.clone();
    };
    let [[top, bottom], [left, right]] = shape.padding;
    let past = (shape.kernel[1] - 1) * shape.dilation[1];
    let streams = states.is_some();
    let (x, has_output) = match states {
        None => (input.zeros_after(builder), None),
        Some(states) => stream(builder, states, (number, past, shape.stride[1]), input),
    };
    // A stream has its past columns in place of the padding.
    let pads = if streams { [top, 0, bottom, 0] } else { [top, left, bottom, right] };
    let ints = |values: &[usize]| Attribute::Ints(values.iter().map(|&value| value as i64).collect());
    let axes = [shape.outputs, shape.inputs / shape.groups, shape.kernel[0], shape.kernel[1]];
    let w = builder.tensor(tensors, weight, &axes);
    let b = bias.as_ref().map(|bias| builder.tensor(tensors, bias, &[shape.outputs]));
    let attributes = [
        ("pads", ints(&pads)),
        ("strides", ints(&shape.stride)),
        ("dilations", ints(&shape.dilation)),
        ("group", Attribute::Int(shape.groups as i64)),
        ("kernel_shape", ints(&shape.kernel)),
    ];
    let inputs: Vec<&str> = [Some(x.as_str()), Some(&w), b.as_deref()].into_iter().flatten().collect();
    let mut value = builder.node("Conv", &inputs, &attributes);
    if let Some(names) = names {
        value = norm(builder, tensors, names, &value, 2);
    }
    if *relu {
        value = builder.unary("Relu", &value);
    }
    if *avg_pool != [1, 1] {
        let attributes = [("kernel_shape", ints(avg_pool)), ("strides", ints(avg_pool))];
        value = builder.node("AveragePool", &[&value], &attributes);
    }
    let unchanged = shape.stride[1] == 1 && left + right == past && avg_pool[1] == 1;
    let lengths = match &input.lengths {
        Some(lengths) if !unchanged => {
            let grown = builder.ints(&[], &[(left + right) as i64 - past as i64 - 1]);
            let stride = builder.int(shape.stride[1]);
            let one = builder.int(1);
            let room = builder.add(lengths, &grown);
            let strides = builder.div(&room, &stride);
            let columns = builder.add(&strides, &one);
            let window = builder.int(avg_pool[1]);
            Some(builder.div(&columns, &window))
        }
        lengths => lengths.clone(),
    };
    Signal {
        lengths,
        has_output: has_output.or_else(|| input.has_output.clone()),
        ..input.map(value, output)
    }
}

/// Returns the columns of the window of a stream, and whether the convolution has an output in this step.
fn stream(
    builder: &mut Builder,
    states: &mut States,
    (number, past, stride): (usize, usize, usize),
    input: &Signal,
) -> (Value, Option<Value>) {
    let Shape::Image { channels, height, .. } = input.shape else { return (input.value.clone(), None) };
    let arrived = input.has_output.as_ref();
    let mut window = input.value.clone();
    if past > 0 {
        let columns = states.input(builder, &format!("conv{number}.columns"), &[channels, height, past]);
        window = builder.concat(&[&columns, &input.value], 3);
        let next = builder.slice(&window, 3, 1, past as i64 + 1);
        states.set(builder, next, arrived);
    }
    if stride == 1 {
        return (window, None);
    }
    let phase = states.input(builder, &format!("conv{number}.phase"), &[1]);
    let [half, one, stride] = [0.5, 1.0, stride as f64].map(|value| builder.float(value));
    let first = builder.less(&phase, &half);
    let advanced = builder.add(&phase, &one);
    let below = builder.sub(&stride, &half);
    let within = builder.less(&advanced, &below);
    let zero = builder.float(0.0);
    let next = builder.choose(&within, &advanced, &zero);
    states.set(builder, next, arrived);
    let has_output = match arrived {
        Some(arrived) => builder.binary("And", &first, arrived),
        None => first,
    };
    (window, Some(has_output))
}

//! Construction of an ONNX graph, operation by operation.

use std::collections::{BTreeMap, BTreeSet};

use stapes_nn::graph::GraphTensors;

use super::proto::{
    AttributeProto, DimensionProto, GraphProto, NodeProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};

/// Name of a tensor of the graph.
pub(super) type Value = String;

/// Type of the numbers of a tensor, with its code in the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    F32 = 1,
    I32 = 6,
    I64 = 7,
    Bool = 9,
    F64 = 11,
}

/// Size of an axis.
#[derive(Clone, Copy, Debug)]
pub(super) enum Axis {
    Fixed(usize),
    Dynamic(&'static str),
}

/// Setting of an operation.
pub(super) enum Attribute<'a> {
    Int(i64),
    Text(&'a str),
    Ints(Vec<i64>),
    Texts(Vec<&'a str>),
}

/// Graph under construction.
#[derive(Default)]
pub(super) struct Builder {
    graph: GraphProto,
    /// Names in use.
    names: BTreeSet<String>,
    /// Constants of whole numbers, by their axes and values.
    ints: BTreeMap<(Vec<usize>, Vec<i64>), Value>,
}

impl Builder {
    /// Returns the graph.
    pub(super) fn finish(self, name: &str) -> GraphProto {
        GraphProto { name: name.into(), ..self.graph }
    }

    /// Returns an unused name that begins with `stem`.
    fn unused(&mut self, stem: &str) -> String {
        let mut name = stem.to_owned();
        for number in 2.. {
            if self.names.insert(name.clone()) {
                break;
            }
            name = format!("{stem}_{number}");
        }
        name
    }

    /// Adds an input of the graph.
    pub(super) fn input(&mut self, name: &str, kind: Kind, axes: &[Axis], description: &str) -> Value {
        let info = value_info(name, kind, axes, description);
        self.graph.input.push(info);
        self.names.insert(name.into());
        name.into()
    }

    /// Makes a tensor an output of the graph.
    pub(super) fn output(&mut self, value: &str, name: &str, kind: Kind, axes: &[Axis], description: &str) {
        self.graph.output.push(value_info(name, kind, axes, description));
        let node = NodeProto {
            input: vec![value.into()],
            output: vec![name.into()],
            name: name.into(),
            op_type: "Identity".into(),
            attribute: Vec::new(),
        };
        self.graph.node.push(node);
    }

    /// Adds an operation with one output; an empty input is an optional one that is not given.
    pub(super) fn node(
        &mut self,
        operation: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) -> Value {
        self.nodes(operation, inputs, attributes, &[true]).swap_remove(0)
    }

    /// Adds an operation with an output for each `true`; the others are empty names.
    pub(super) fn nodes(
        &mut self,
        operation: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
        outputs: &[bool],
    ) -> Vec<Value> {
        let name = self.unused(&operation.to_lowercase());
        let output = |(at, &wanted): (usize, &bool)| match (wanted, at) {
            (false, _) => String::new(),
            (true, 0) => name.clone(),
            (true, at) => format!("{name}.{at}"),
        };
        let outputs: Vec<Value> = outputs.iter().enumerate().map(output).collect();
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: outputs.clone(),
            name,
            op_type: operation.into(),
            attribute: attributes.iter().map(|(name, attribute)| attribute_proto(name, attribute)).collect(),
        });
        outputs
    }

    /// Adds a constant of numbers, rounded to f32.
    pub(super) fn floats(
        &mut self,
        name: &str,
        axes: &[usize],
        values: impl IntoIterator<Item = f32>,
    ) -> Value {
        let data = values.into_iter().flat_map(f32::to_le_bytes).collect();
        self.constant(name, Kind::F32, axes, data)
    }

    /// Adds a tensor of the network as a constant, with other axes of the same size.
    pub(super) fn tensor(&mut self, tensors: &GraphTensors<'_>, name: &str, axes: &[usize]) -> Value {
        self.floats(name, axes, tensors.values(name).iter().copied())
    }

    /// Returns a constant of one number.
    pub(super) fn float(&mut self, value: f64) -> Value {
        self.floats("number", &[], [value as f32])
    }

    /// Returns a constant of one number, f64.
    pub(super) fn double(&mut self, value: f64) -> Value {
        self.constant("double", Kind::F64, &[], value.to_le_bytes().to_vec())
    }

    /// Returns a constant of whole numbers; equal ones are the same.
    pub(super) fn ints(&mut self, axes: &[usize], values: &[i64]) -> Value {
        let key = (axes.to_vec(), values.to_vec());
        if let Some(name) = self.ints.get(&key) {
            return name.clone();
        }
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let name = self.constant("whole", Kind::I64, axes, data);
        self.ints.insert(key, name.clone());
        name
    }

    /// Returns a constant vector of whole numbers.
    pub(super) fn list(&mut self, values: &[i64]) -> Value {
        self.ints(&[values.len()], values)
    }

    /// Returns a constant of one whole number.
    pub(super) fn int(&mut self, value: usize) -> Value {
        self.ints(&[], &[value as i64])
    }

    fn constant(&mut self, name: &str, kind: Kind, axes: &[usize], raw_data: Vec<u8>) -> Value {
        let name = self.unused(name);
        self.graph.initializer.push(TensorProto {
            dims: axes.iter().map(|&size| size as i64).collect(),
            data_type: kind as i32,
            name: name.clone(),
            raw_data,
        });
        name
    }
}

/// Operations, under their names in the format.
impl Builder {
    pub(super) fn unary(&mut self, operation: &str, x: &str) -> Value {
        self.node(operation, &[x], &[])
    }

    pub(super) fn binary(&mut self, operation: &str, x: &str, y: &str) -> Value {
        self.node(operation, &[x, y], &[])
    }

    pub(super) fn add(&mut self, x: &str, y: &str) -> Value {
        self.binary("Add", x, y)
    }

    pub(super) fn sub(&mut self, x: &str, y: &str) -> Value {
        self.binary("Sub", x, y)
    }

    pub(super) fn mul(&mut self, x: &str, y: &str) -> Value {
        self.binary("Mul", x, y)
    }

    pub(super) fn div(&mut self, x: &str, y: &str) -> Value {
        self.binary("Div", x, y)
    }

    pub(super) fn less(&mut self, x: &str, y: &str) -> Value {
        self.binary("Less", x, y)
    }

    pub(super) fn matmul(&mut self, x: &str, y: &str) -> Value {
        self.binary("MatMul", x, y)
    }

    pub(super) fn choose(&mut self, condition: &str, yes: &str, no: &str) -> Value {
        self.node("Where", &[condition, yes, no], &[])
    }

    pub(super) fn cast(&mut self, x: &str, kind: Kind) -> Value {
        self.node("Cast", &[x], &[("to", Attribute::Int(kind as i64))])
    }

    pub(super) fn unsqueeze(&mut self, x: &str, axes: &[i64]) -> Value {
        self.node("Unsqueeze", &[x], &[("axes", Attribute::Ints(axes.to_vec()))])
    }

    pub(super) fn squeeze(&mut self, x: &str, axes: &[i64]) -> Value {
        self.node("Squeeze", &[x], &[("axes", Attribute::Ints(axes.to_vec()))])
    }

    pub(super) fn transpose(&mut self, x: &str, order: &[i64]) -> Value {
        self.node("Transpose", &[x], &[("perm", Attribute::Ints(order.to_vec()))])
    }

    /// Reshapes; a size of 0 is the input's, one of -1 is what remains.
    pub(super) fn reshape(&mut self, x: &str, axes: &[i64]) -> Value {
        let shape = self.list(axes);
        self.binary("Reshape", x, &shape)
    }

    pub(super) fn concat(&mut self, parts: &[&str], axis: i64) -> Value {
        self.node("Concat", parts, &[("axis", Attribute::Int(axis))])
    }

    pub(super) fn slice(&mut self, x: &str, axis: i64, from: i64, to: i64) -> Value {
        let [from, to, axis] = [from, to, axis].map(|value| self.list(&[value]));
        self.node("Slice", &[x, &from, &to, &axis], &[])
    }

    pub(super) fn gather(&mut self, x: &str, at: &str, axis: i64) -> Value {
        self.node("Gather", &[x, at], &[("axis", Attribute::Int(axis))])
    }

    pub(super) fn gather_elements(&mut self, x: &str, at: &str, axis: i64) -> Value {
        self.node("GatherElements", &[x, at], &[("axis", Attribute::Int(axis))])
    }

    pub(super) fn reduce(&mut self, operation: &str, x: &str, axes: &[i64], keep: bool) -> Value {
        let attributes =
            [("axes", Attribute::Ints(axes.to_vec())), ("keepdims", Attribute::Int(keep.into()))];
        self.node(operation, &[x], &attributes)
    }

    /// Pads with zeros: `before` and `after` for each axis.
    pub(super) fn pad(&mut self, x: &str, before: &[usize], after: &[usize]) -> Value {
        let sizes: Vec<i64> = before.iter().chain(after).map(|&size| size as i64).collect();
        let sizes = self.list(&sizes);
        self.binary("Pad", x, &sizes)
    }

    /// Returns 0, 1, .. below `end`, a whole number.
    pub(super) fn range(&mut self, end: &str) -> Value {
        let [zero, one] = [0, 1].map(|value| self.int(value));
        self.node("Range", &[&zero, end, &one], &[])
    }

    /// Returns the size of an axis, a whole number.
    pub(super) fn size(&mut self, x: &str, axis: usize) -> Value {
        let shape = self.unary("Shape", x);
        let axis = self.int(axis);
        self.gather(&shape, &axis, 0)
    }

    /// Returns the smaller of whole numbers; opset 11 has no `Min` for them.
    pub(super) fn min(&mut self, x: &str, y: &str) -> Value {
        let less = self.less(x, y);
        self.choose(&less, x, y)
    }

    /// Returns the larger of whole numbers.
    pub(super) fn max(&mut self, x: &str, y: &str) -> Value {
        let less = self.less(x, y);
        self.choose(&less, y, x)
    }
}

fn value_info(name: &str, kind: Kind, axes: &[Axis], description: &str) -> ValueInfoProto {
    let dimension = |axis: &Axis| match *axis {
        Axis::Fixed(size) => DimensionProto { dim_value: Some(size as i64), dim_param: None },
        Axis::Dynamic(name) => DimensionProto { dim_value: None, dim_param: Some(name.into()) },
    };
    let shape = TensorShapeProto { dim: axes.iter().map(dimension).collect() };
    let tensor_type = TensorTypeProto { elem_type: kind as i32, shape: Some(shape) };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto { tensor_type: Some(tensor_type) }),
        doc_string: description.into(),
    }
}

fn attribute_proto(name: &str, attribute: &Attribute<'_>) -> AttributeProto {
    let base = AttributeProto { name: name.into(), ..AttributeProto::default() };
    match attribute {
        Attribute::Int(i) => AttributeProto { i: *i, r#type: 2, ..base },
        Attribute::Text(text) => AttributeProto { s: text.as_bytes().to_vec(), r#type: 3, ..base },
        Attribute::Ints(ints) => AttributeProto { ints: ints.clone(), r#type: 7, ..base },
        Attribute::Texts(texts) => {
            let strings = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
            AttributeProto { strings, r#type: 8, ..base }
        }
    }
}

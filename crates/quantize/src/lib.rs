//! Integer networks: int8 weights with a scale per output, int16 values and states, for processors without fast floating point.
//!
//! [`Calibration`] measures the ranges of the values of a trained model on recordings, and returns a [`QuantizedNetwork`], whose
//! results are those of the exported C code bit for bit. [`QuantizedClassifier`] classifies recordings with it, so that its accuracy
//! can be compared with that of the model.

mod calibration;
mod classifier;
mod error;
pub mod fixed_point;
mod float;
mod integer;
mod value;
mod window;

pub use calibration::Calibration;
pub use classifier::QuantizedClassifier;
pub use error::QuantizeError;
pub use integer::{Numbers, Products, QuantizedAttention, QuantizedLayer, QuantizedNetwork, QuantizedNode};

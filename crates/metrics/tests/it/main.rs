//! Tests of evaluations of examples and of frames, and of their JSON.

mod evaluation;
mod frame_metrics;
mod json;

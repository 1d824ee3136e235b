//! Small published models for keyword spotting, for frames of any number.

mod attention_rnn;
mod bc_resnet;
mod crnn;
mod ds_cnn;
mod tc_resnet;

pub use attention_rnn::AttentionRnnConfig;
pub use bc_resnet::{BcResnetConfig, BcResnetWidth};
pub use crnn::CrnnConfig;
pub use ds_cnn::{DsCnnConfig, DsCnnSize};
pub use tc_resnet::TcResnetConfig;

//! What the tests of all crates share: where recorded references and data sets lie, how they are read,
//! and how close is equal.
//!
//! A test over recorded cases is a binary of its own (`harness = false`) whose `main` is [`suite::run`]:
//! each recorded case is one test with a name, and a folder that is absent shows as ignored tests.

pub mod fixture;
pub mod hang;
pub mod manifest;
pub mod suite;
pub mod tensors;
pub mod tolerance;

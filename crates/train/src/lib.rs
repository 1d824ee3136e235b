//! The training loop, optimisers, and what a run leaves behind.

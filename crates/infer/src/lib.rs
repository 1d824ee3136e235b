//! A model file and the classifier that runs it; no training code.

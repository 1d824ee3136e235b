//! Layers with forward beside backward over one flat parameter buffer; named models built from a checked configuration.

//! Data sets, splits and labels: what there is to learn from, and which part may be looked at when.

//! Metrics with intervals, confusion, and the report page.

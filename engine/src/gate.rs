//! The gate: whether a candidate beats its head, by exact tests that anyone can recompute.

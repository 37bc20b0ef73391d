//! Checks: what a case asks of a run, answered without a model where that can be done.

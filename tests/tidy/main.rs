//! Holds the invariants of docs/ARCHITECTURE.md that a test can hold by reading the sources. Each test names the number of its
//! invariant there; each list of exceptions carries a reason for every entry.

mod dependencies;
mod documents;
mod layers;
mod places;
mod shape;
mod sources;
mod stations;

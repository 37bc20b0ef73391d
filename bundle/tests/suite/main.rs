//! The formats as a whole: worked examples, hostile input, and what other implementations make of ours.

mod hostile;
mod profile;
mod statements;
mod vectors;

//! The formats as a whole: worked examples, hostile input, and what other implementations make of ours.

mod hostile;
mod peers;
mod profile;
mod properties;
mod statements;
mod vectors;

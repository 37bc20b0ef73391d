//! The formats as a whole: worked examples, hostile input, and what other implementations make of ours.
#![allow(clippy::unwrap_used, reason = "the helpers of tests may panic as tests do")]

#[cfg(target_os = "linux")]
mod cost;
mod fuzz;
mod hostile;
mod peers;
mod profile;
mod properties;
mod statements;
mod vectors;

//! The formats as a whole: worked examples, hostile input, and what other implementations make of ours.
#![allow(clippy::unwrap_used, reason = "the helpers of tests may panic as tests do")]

#[cfg(target_os = "linux")]
mod cost;
mod dsse_peers;
mod fuzz;
mod hostile;
mod log_peers;
mod operator;
mod peers;
mod profile;
mod properties;
mod signatures;
mod statements;
mod vectors;

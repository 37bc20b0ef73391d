//! Executors: what turns a skill and a case into a transcript, outputs and usage.

pub mod sandbox;

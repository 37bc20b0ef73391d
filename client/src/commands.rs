//! The commands: one file each, with arguments, help and code.

pub mod cache;
pub mod completions;
pub mod explain;
pub mod help;
pub mod man;
pub mod version;

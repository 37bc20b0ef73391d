//! The commands: one file each, with arguments, help and code.

pub mod cache;
pub mod version;

//! The commands: one file each, with arguments, help and code.

pub mod cache;
pub mod check;
pub mod completions;
pub mod config;
pub mod deprecate;
pub mod doctor;
pub mod explain;
pub mod help;
pub mod init;
pub mod key;
pub mod login;
pub mod logout;
pub mod man;
pub mod new;
pub mod owner;
pub mod pack;
pub mod registry;
pub mod token;
pub mod version;
pub mod whoami;

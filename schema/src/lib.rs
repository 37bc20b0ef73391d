//! Names, formats and wire types of **skill**: what the client, the registry and the mirrors agree on.
//!
//! This crate is pure: it does no IO, reads neither clock nor randomness, and depends on no other crate of ours. Parsers
//! here are the only ones for their format, and every one of them names its limits.

pub mod api;
pub mod codes;
pub mod digest;
pub mod index;
pub mod limits;
pub mod lint;
pub mod lock;
pub mod manifest;
pub mod name;
pub mod problem;
pub mod project;
pub mod skill_md;
pub mod spec;
pub mod statement;
pub mod time;
pub mod token;
mod toml_doc;
pub mod version;

pub use codes::{Code, Fault};
pub use digest::Digest;
pub use limits::Limits;
pub use name::{Scope, SkillId, SkillName};
pub use version::{Version, VersionReq};

//! The contracts of the registry's HTTP API: one module per operation, under the name that the client's command, the registry's
//! route and the story in `tests/` have too. Each holds the route, a path builder, and the request and response bodies.
//!
//! Errors are [`crate::problem::Problem`] bodies. Requests are authorised by `Authorization: Bearer skl_…` where a contract says so.

pub mod blob;
pub mod deprecate;
pub mod eval;
pub mod index;
pub mod info;
pub mod job;
pub mod leaderboard;
pub mod lineage;
pub mod log;
pub mod owner;
pub mod proposal;
pub mod publish;
pub mod quarantine;
pub mod scope;
pub mod search;
pub mod snapshot;
pub mod suite;
pub mod token;
pub mod well_known;
pub mod whoami;
pub mod worker;
pub mod yank;

/// Where the versioned API lives, below the registry's address.
pub const BASE: &str = "/api/skill/v1";

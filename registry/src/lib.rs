//! The registry: a server for skills, their signed statements and their index.
//!
//! * [`server`]: [`serve`] runs a registry on a bound listener.
//! * [`routes`]: one file per operation of the API; [`gate`] has the checks of a publish request, [`store`] the transaction.
//! * [`measured`], [`evidence`]: what is asked of a version that was measured, and whether its record holds.
//! * [`sealed`], [`vault`], [`verifiers`]: sealed suites, where they lie, and who measures on them.
//! * [`store`]: the only SQL; [`blobs`]: archives and statements as files.
//! * [`log`]: the Merkle log over all statements.
//! * [`fsck`]: whether all of it is what the signed statements lead to.
//! * [`witness`]: a witness of other logs, as a server of its own.
//! * [`admin`]: the operator's commands, on the folder and the database directly.
//! * [`config`]: flags, environment and `registry.toml`.

pub mod admin;
pub mod app;
pub mod auth;
pub mod blobs;
pub mod body;
pub mod chains;
pub mod cli;
pub mod clock;
pub mod config;
pub mod data;
pub mod error;
pub mod evidence;
pub mod fsck;
pub mod gate;
pub mod http;
pub mod ids;
pub mod index_cache;
pub mod limits;
pub mod linger;
pub mod log;
pub mod measured;
pub mod openapi;
#[cfg(test)]
mod postgres;
pub mod proposals;
pub mod rate_limit;
pub mod routes;
pub mod sealed;
pub mod server;
pub mod state;
pub mod store;
pub mod suites;
pub mod telemetry;
pub mod tokens;
pub mod traffic;
pub mod upload;
pub mod usage;
pub mod vault;
pub mod verifiers;
pub mod witness;

pub use config::Config;
pub use error::Error;
pub use server::serve;

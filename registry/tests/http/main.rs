//! The registry over HTTP: a server in this process on a free port, and a client that can misbehave.

mod auth;
mod body;
mod client;
mod fsck;
mod fuzz;
mod log;
mod openapi;
mod owners;
#[path = "../../src/postgres.rs"]
mod postgres;
mod proposal;
mod publish;
mod quarantine;
mod read;
mod scopes;
mod server;
mod status;
mod world;

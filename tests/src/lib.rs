//! The harness of the stories: a registry and its people, each with a home of their own, driving the real programs.
//!
//! A [`World`] starts the real `skill-registry` on a free port with a fresh database and waits until it answers; nothing sleeps a
//! guessed time. From it come people, typed by their role, so that a story cannot hand the owner's token to a stranger by
//! mistake: an [`Owner`] has a scope with an enrolled key, a [`Stranger`] is signed in and owns nothing, a [`Reader`] never
//! signed in. Everybody runs the real `skill` with an environment that holds nothing but their own home.

#![allow(clippy::missing_panics_doc, reason = "tests panic: that is how they fail")]
#![allow(
    clippy::return_self_not_must_use,
    reason = "an expectation is stated for its own sake and can be followed by another"
)]

pub mod contest;
pub mod forger;
pub mod http;
pub mod improving;
pub mod measured;
pub mod model;
pub mod people;
pub mod postgres;
pub mod programs;
pub mod project;
pub mod proxy;
pub mod publisher;
pub mod registry;
pub mod run;
pub mod schemas;
pub mod sealed;
pub mod skills;
pub mod witness;
pub mod world;

pub use people::{Owner, Person, Reader, Stranger};
pub use project::Project;
pub use run::Outcome;
pub use skills::Skill;
pub use world::World;

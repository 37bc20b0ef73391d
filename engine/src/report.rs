//! Reports of a record for people and for other tools. Each takes a record and what is not in it (prompts, outputs,
//! transcripts) and gives text; the caller writes files.
//!
//! No report shows a mean without the number of cases and runs, its interval, the lift over no skill, tokens, model and trust:
//! these stand in one place, [`words::facts`].

mod details;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod remarks;
#[cfg(test)]
pub(crate) mod sample;
pub mod skill_creator;
pub mod terminal;
pub mod words;

pub use details::{CaseText, Details, OutputFile, RunDetails, RunId};

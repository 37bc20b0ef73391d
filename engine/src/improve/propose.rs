//! What proposes edits: a model, or a command.

mod command;
mod model;

pub use command::Command;
pub use model::Model;

use super::{Brief, NoProposal, Propose, Proposed};

/// Either of them.
#[derive(Debug)]
pub enum Proposer {
    /// A model.
    Model(Model),
    /// A command.
    Command(Command),
}

impl Propose for Proposer {
    async fn propose(
        &self,
        brief: &Brief,
        folder: &std::path::Path,
        within: std::time::Duration,
    ) -> Result<Proposed, NoProposal> {
        match self {
            Self::Model(model) => model.propose(brief, folder, within).await,
            Self::Command(command) => command.propose(brief, folder, within).await,
        }
    }
}

//! What the commands that measure share: models, the suite and skill that are measured, and where results are kept.

pub mod audit;
pub mod contest;
pub mod kept;
pub mod models;
pub mod options;
pub mod prepared;
pub mod program;
pub mod recheck;
pub mod sealed;
pub mod session;
pub mod verify;

use std::path::PathBuf;

use skill_engine::{Event, Reporter, executor::sandbox::Helper};
use skill_schema::{Fault, codes};

use crate::{context::Context, output::Output, progress::Progress};

/// The hidden argument with which this program is the sandbox's helper.
pub const SANDBOX: &str = "__sandbox";

/// The sandbox's helper: this program.
///
/// # Errors
/// [`codes::SANDBOX`] if the program does not know its own file.
pub fn helper(context: &Context) -> Result<Helper, Fault> {
    let program: PathBuf = context.env.program.clone().ok_or_else(|| Fault::new(codes::SANDBOX))?;
    Ok(Helper { program, args: vec![SANDBOX.to_owned()] })
}

/// Draws the events of an eval.
pub struct Drawn {
    progress: Progress,
    output: Output,
}

impl Drawn {
    /// A bar over so many runs.
    pub fn new(context: &Context, runs: u64) -> Self {
        Self { progress: Progress::items(&context.output, "Running", runs), output: context.output.clone() }
    }
}

impl Reporter for Drawn {
    fn report(&self, event: Event) {
        match event {
            Event::Step { name, passed, elapsed } => {
                self.progress.advance(1);
                self.output.trace(1, || {
                    format!("{} {name} in {:.1} s", if passed { "passed" } else { "failed" }, elapsed.as_secs_f64())
                });
            }
            Event::Warning { message } => self.output.warn(message),
            Event::Started { .. } | Event::Finished { .. } => {}
        }
    }
}

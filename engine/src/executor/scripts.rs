//! The programs of checks, run in the sandbox: a copy of what the run left may be written, the suite may be read, nothing else.

use std::{collections::BTreeMap, sync::Arc};

use super::sandbox::{End, Limits, Shell, Spec};
use crate::check::{ScriptEnd, ScriptOutcome, ScriptRequest, ScriptRunner};

/// Runs the programs of checks through a shell that isolates them.
#[derive(Debug, Clone)]
pub struct Scripts {
    /// Runs commands in the sandbox.
    pub shell: Arc<dyn Shell>,
}

impl ScriptRunner for Scripts {
    fn run(&self, request: ScriptRequest) -> ScriptOutcome {
        let home = request.folder.display().to_string();
        let mut env: BTreeMap<String, String> = request.env.into_iter().collect();
        env.insert("HOME".to_owned(), home.clone());
        env.insert("TMPDIR".to_owned(), home);
        let spec = Spec {
            argv: request.command,
            dir: request.workdir,
            write: vec![request.folder],
            read: request.readable,
            env,
            network: false,
            limits: Limits { time: request.timeout, ..Limits::default() },
            allow_none: false,
        };
        match self.shell.run(&spec) {
            Ok(outcome) => {
                let code = outcome.code();
                let end = match outcome.end {
                    End::Timeout => ScriptEnd::TimedOut,
                    End::NotStarted(why) => ScriptEnd::NotStarted(why),
                    _ => ScriptEnd::Exited(code),
                };
                ScriptOutcome { end, stdout: outcome.stdout, stderr: outcome.stderr }
            }
            Err(fault) => {
                ScriptOutcome { end: ScriptEnd::NotStarted(fault.sentence()), stdout: Vec::new(), stderr: Vec::new() }
            }
        }
    }
}

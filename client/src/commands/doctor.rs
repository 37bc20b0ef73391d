//! `skill doctor`: is everything in order on this machine?

mod local;
mod remote;

use serde::Serialize;
use skill_schema::codes::{Exit, escape};

use crate::{
    context::Context,
    output::{DIM, count},
    report::Done,
};

/// Check this machine: folders, permissions, keys, agents, registries, clocks, certificates.
///
/// Nothing is changed. The exit code is 1 if something is wrong; warnings alone leave it 0.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill doctor
  skill doctor --offline        without asking the registries
  skill doctor --json")]
pub struct Args {}

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    area: &'static str,
    state: State,
    message: String,
    /// What to do.
    help: Option<String>,
}

impl Check {
    fn ok(area: &'static str, message: impl Into<String>) -> Self {
        Self { area, state: State::Ok, message: message.into(), help: None }
    }

    fn warning(area: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { area, state: State::Warning, message: message.into(), help: Some(help.into()) }
    }

    fn problem(area: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { area, state: State::Problem, message: message.into(), help: Some(help.into()) }
    }

    fn of_fault(area: &'static str, fault: &skill_schema::Fault) -> Self {
        Self::problem(area, fault.sentence(), fault.code.help)
    }
}

#[derive(Serialize)]
struct Result {
    ok: bool,
    version: &'static str,
    checks: Vec<Check>,
}

fn both(problems: usize, warnings: usize) -> String {
    format!("{}, {}", count(problems, "problem"), count(warnings, "warning"))
}

/// Runs `skill doctor`.
///
/// # Errors
/// [`Done`] with exit code 1 if something is wrong.
pub async fn run(_: Args, context: &Context) -> anyhow::Result<()> {
    let mut checks = local::checks(context);
    checks.extend(remote::checks(context).await);
    let of = |state: State| checks.iter().filter(|check| check.state == state).count();
    let (problems, warnings) = (of(State::Problem), of(State::Warning));
    let result = Result { ok: problems == 0, version: env!("CARGO_PKG_VERSION"), checks };
    context.output.result_or("skill.doctor/1", &result, |out| {
        for check in &result.checks {
            let state = match check.state {
                State::Ok => "ok",
                State::Warning => "warning",
                State::Problem => "problem",
            };
            if out.to_person() {
                out.data(format!("{state:<8} {:<12} {}", check.area, escape(&check.message)));
                if let Some(help) = check.help.as_ref().filter(|help| !help.is_empty()) {
                    out.data(format!("{:<8} {:<12} {DIM}help: {help}{DIM:#}", "", ""));
                }
            } else {
                out.data(
                    [state, check.area, &escape(&check.message), check.help.as_deref().unwrap_or_default()].join("\t"),
                );
            }
        }
        match (problems, warnings) {
            (0, 0) => out.status("Healthy", "nothing is wrong"),
            (0, _) => out.status("Healthy", format!("with {}", count(warnings, "warning"))),
            _ => out.status_warn("Unhealthy", both(problems, warnings)),
        }
    });
    if result.ok { Ok(()) } else { Err(Done(Exit::Failed).into()) }
}

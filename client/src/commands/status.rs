//! `skill status`: what differs between `skills.toml`, `skills.lock` and the agents' folders.

use serde::Serialize;
use skill_schema::SkillId;

use crate::{
    context::Context,
    listing::{self, EntryState},
    workspace::{Access, Workspace, lock_problem},
};

/// Show what differs between skills.toml, skills.lock and the agents' folders.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill status
  skill status -g --json")]
pub struct Args {
    /// What is installed for all projects.
    #[arg(long, short)]
    global: bool,
}

#[derive(Serialize)]
struct Result {
    root: String,
    /// `ok`, `missing` or `outdated`.
    lock: &'static str,
    /// Why the lock is outdated.
    detail: Option<String>,
    skills: usize,
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct Difference {
    id: Option<SkillId>,
    path: String,
    state: EntryState,
}

/// Runs `skill status`.
///
/// # Errors
/// [`skill_schema::codes::NO_PROJECT`], [`skill_schema::codes::LOCK_FILE`], [`skill_schema::codes::PROJECT`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let workspace = Workspace::open_existing(context, args.global, Access::Read)?;
    let roots = workspace.roots(&context.config);
    let detail = workspace.lock.as_ref().and_then(|lock| lock_problem(&roots, lock));
    let installed = listing::installed(context, &workspace)?;
    let differences = installed.iter().flat_map(|skill| {
        let entries = skill.entries.iter().map(|entry| (entry, skill.state(entry)));
        entries.filter(|(_, state)| *state != EntryState::Ok).map(|(entry, state)| Difference {
            id: Some(skill.locked.name.clone()),
            path: entry.path.display().to_string(),
            state,
        })
    });
    let result = Result {
        root: workspace.root.display().to_string(),
        lock: match (&workspace.lock, &detail) {
            (None, _) if roots.is_empty() => "ok",
            (None, _) => "missing",
            (Some(_), Some(_)) => "outdated",
            (Some(_), None) => "ok",
        },
        differences: differences.collect(),
        skills: installed.len(),
        detail,
    };
    context.output.result_or("skill.status/1", &result, |out| {
        let detail = result.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
        out.data(format!("skills.lock is {}{detail}", result.lock));
        let rows: Vec<_> = result
            .differences
            .iter()
            .map(|d| {
                let id = d.id.as_ref().map(ToString::to_string).unwrap_or_default();
                vec![id, d.state.as_str().to_owned(), d.path.clone()]
            })
            .collect();
        if !rows.is_empty() {
            out.table(&["skill", "state", "entry"], &rows);
        }
        match (result.lock, rows.len()) {
            ("ok", 0) => out.data("the agents' folders match it"),
            ("ok", _) => out.hint("skill sync"),
            _ => out.hint("skill install"),
        }
    });
    Ok(())
}

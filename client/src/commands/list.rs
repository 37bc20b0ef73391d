//! `skill list`: what is installed, for which agents.

use std::collections::BTreeMap;

use serde::Serialize;
use skill_schema::{SkillId, Version, index::Score};

use crate::{
    catalogue,
    context::Context,
    listing::{self, EntryState, Installed},
    scores,
    workspace::{Access, Workspace},
};

/// Show what is installed, for which agents, and whether it is as it should be.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill list
  skill list -g                            what is installed for all projects
  skill list --agent codex --json")]
pub struct Args {
    /// What is installed for all projects.
    #[arg(long, short)]
    global: bool,
    /// Only what this agent gets.
    #[arg(long, short, value_name = "AGENT")]
    agent: Option<String>,
}

#[derive(Serialize)]
struct Result {
    root: String,
    items: Vec<Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: SkillId,
    version: Version,
    /// What was asked for; `null` if it is there because another skill needs it.
    requirement: Option<String>,
    /// Whether skills.lock alone knows of it.
    one_off: bool,
    origin: String,
    tree: String,
    /// Its score, as this machine last saw the registry's index.
    score: Option<Score>,
    agents: Vec<Place>,
}

#[derive(Serialize)]
struct Place {
    agents: Vec<String>,
    path: String,
    state: EntryState,
}

/// Runs `skill list`.
///
/// # Errors
/// [`skill_schema::codes::LOCK_FILE`], [`skill_schema::codes::PROJECT`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let workspace = Workspace::open(context, args.global, Access::Read)?;
    let mut installed = listing::installed(context, &workspace)?;
    if let Some(agent) = &args.agent {
        for skill in &mut installed {
            skill.entries.retain(|entry| entry.agents.contains(agent));
        }
        installed.retain(|skill| !skill.entries.is_empty());
    }
    let scored: Vec<Option<Score>> = installed.iter().map(|skill| score(context, skill)).collect();
    let result = Result {
        root: workspace.root.display().to_string(),
        items: installed.iter().zip(&scored).map(|(skill, score)| item(skill, score.clone())).collect(),
    };
    context.output.result_or("skill.list/1", &result, |out| {
        let rows: Vec<_> = installed.iter().zip(&scored).map(|(skill, score)| row(skill, score.as_ref())).collect();
        if rows.is_empty() {
            out.status("Installed", "nothing here");
            out.hint("skill install SPEC   or skill list -g for what is there for all projects");
        } else {
            out.table(&["skill", "version", "wanted", "agents", "state", "score"], &rows);
        }
    });
    Ok(())
}

/// The score of a skill's version in the index that was fetched last; nothing is fetched for it, and without it there is none.
fn score(context: &Context, skill: &Installed) -> Option<Score> {
    let locked = &skill.locked;
    let index = catalogue::remembered(context, &locked.origin, &locked.name)?;
    index.lines.into_iter().find(|line| line.tree == locked.tree && line.vers == locked.version)?.score
}

fn item(skill: &Installed, score: Option<Score>) -> Item {
    Item {
        id: skill.locked.name.clone(),
        version: skill.locked.version.clone(),
        requirement: skill.root.as_ref().map(|root| root.req.to_string()),
        one_off: skill.root.as_ref().is_some_and(|root| root.one_off),
        origin: skill.locked.origin.clone(),
        tree: skill.locked.tree.to_string(),
        score,
        agents: skill
            .entries
            .iter()
            .map(|entry| Place {
                agents: entry.agents.clone(),
                path: entry.path.display().to_string(),
                state: skill.state(entry),
            })
            .collect(),
    }
}

fn row(skill: &Installed, score: Option<&Score>) -> Vec<String> {
    let agents: Vec<&str> = skill.entries.iter().flat_map(|entry| &entry.agents).map(String::as_str).collect();
    let wanted = match &skill.root {
        Some(_) if skill.locked.path().is_some() => skill.locked.origin.clone(),
        Some(root) if root.one_off => format!("{} (one-off)", root.req),
        Some(root) => root.req.to_string(),
        None => "(needed)".to_owned(),
    };
    let mut states: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in &skill.entries {
        let agents = entry.agents.iter().map(String::as_str);
        states.entry(skill.state(entry).as_str()).or_default().extend(agents);
    }
    let state = match states.len() {
        0 => "-".to_owned(),
        1 => states.keys().copied().collect(),
        _ => states.iter().map(|(state, who)| format!("{state}: {}", who.join(", "))).collect::<Vec<_>>().join("; "),
    };
    let (name, version) = (skill.locked.name.to_string(), skill.locked.version.to_string());
    vec![name, version, wanted, agents.join(", "), state, scores::cell_or_dash(score)]
}

//! `skill config get`, `list` and `path`.

use std::path::Path;

use serde::Serialize;
use skill_schema::{Fault, codes};

use crate::{
    agents::Agents,
    config::{KEYS, Origin, Value, find_key, unknown_key},
    context::Context,
};

/// Print one value.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill config get registries.main.url
  skill config get jobs --json              with its origin")]
pub struct GetArgs {
    /// The dotted key; skill config list --all shows every one.
    key: String,
}

/// Show all values that are set, and where each comes from.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill config list
  skill config list --all          every key that there is, with its meaning
  skill config list --agents       the known agents and their folders")]
pub struct Args {
    /// Show every key that can be set.
    #[arg(long, conflicts_with = "agents")]
    all: bool,
    /// Show the known agents and their folders.
    #[arg(long)]
    agents: bool,
}

/// Show the configuration files, weakest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill config path
  skill config path --json")]
pub struct PathArgs {}

#[derive(Serialize)]
struct Item<'a> {
    key: &'a str,
    value: &'a Value,
    origin: String,
}

#[derive(Serialize)]
struct Items<'a> {
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Known {
    key: &'static str,
    kind: String,
    help: &'static str,
}

#[derive(Serialize)]
struct Keys {
    items: Vec<Known>,
}

#[derive(Serialize)]
struct AgentItem {
    name: String,
    project: Option<String>,
    global: Option<String>,
    /// Whether the agent seems to be there for this user.
    detected: bool,
}

#[derive(Serialize)]
struct AgentItems {
    items: Vec<AgentItem>,
}

#[derive(Serialize)]
struct File {
    path: String,
    kind: &'static str,
    exists: bool,
}

#[derive(Serialize)]
struct Files {
    items: Vec<File>,
}

/// Prints one value.
pub(super) fn get(args: &GetArgs, context: &Context) -> anyhow::Result<()> {
    if find_key(&args.key).is_none() {
        return Err(Fault::new(codes::CONFIG).at(&args.key).detail(unknown_key(&args.key)).into());
    }
    let setting = context.config.get(&args.key);
    let setting = setting.ok_or_else(|| Fault::new(codes::NOT_SET).at(&args.key))?;
    let item = Item { key: &args.key, value: &setting.value, origin: setting.origin.to_string() };
    context.output.result_or("skill.config.get/1", &item, |out| out.data(item.value));
    Ok(())
}

/// Lists values, keys or agents.
pub(super) fn list(args: &Args, context: &Context) -> anyhow::Result<()> {
    if args.agents {
        return agents(context);
    }
    if args.all {
        keys(context);
        return Ok(());
    }
    let settings = context.config.settings();
    let items = settings.map(|(key, s)| Item { key, value: &s.value, origin: s.origin.to_string() }).collect();
    let items = Items { items };
    context.output.result_or("skill.config.list/1", &items, |out| {
        let rows: Vec<Vec<String>> = items
            .items
            .iter()
            .map(|item| vec![item.key.to_owned(), item.value.to_string(), item.origin.clone()])
            .collect();
        if rows.is_empty() {
            out.hint("skill config list --all   shows what can be set");
        } else {
            out.table(&["key", "value", "origin"], &rows);
        }
    });
    Ok(())
}

fn keys(context: &Context) {
    let keys = KEYS.iter().map(|key| Known { key: key.name, kind: key.kind.to_string(), help: key.help }).collect();
    let keys = Keys { items: keys };
    context.output.result_or("skill.config.keys/1", &keys, |out| {
        let row = |key: &Known| vec![key.key.to_owned(), key.kind.clone(), key.help.to_owned()];
        out.table(&["key", "takes", "meaning"], &keys.items.iter().map(row).collect::<Vec<_>>());
    });
}

fn agents(context: &Context) -> anyhow::Result<()> {
    let agents = Agents::load(&context.config)?;
    let detected = agents.detected(&context.env.home);
    let items = agents.iter().map(|(name, agent)| AgentItem {
        name: name.to_owned(),
        project: agent.project.clone(),
        global: agent.global.clone(),
        detected: detected.contains(&name),
    });
    let items = AgentItems { items: items.collect() };
    context.output.result_or("skill.config.agents/1", &items, |out| {
        let or_none = |folder: &Option<String>| folder.clone().unwrap_or_else(|| "-".to_owned());
        let row = |agent: &AgentItem| {
            let found = if agent.detected { "yes" } else { "no" };
            vec![agent.name.clone(), or_none(&agent.project), or_none(&agent.global), found.to_owned()]
        };
        let rows: Vec<Vec<String>> = items.items.iter().map(row).collect();
        out.table(&["agent", "in a project", "for all projects", "found here"], &rows);
    });
    Ok(())
}

/// Lists the files that are looked at.
pub(super) fn path(context: &Context) {
    let file = |kind, path: &Path| File { path: path.display().to_string(), kind, exists: path.exists() };
    let files = context.config.files().iter().filter_map(|origin| match origin {
        Origin::System(path) => Some(file("system", path)),
        Origin::User(path) => Some(file("user", path)),
        Origin::Project(path) => Some(file("project", path)),
        Origin::File(path) => Some(file("flag", path)),
        Origin::Flag => None,
    });
    let files = Files { items: files.collect() };
    context.output.result_or("skill.config.path/1", &files, |out| {
        let row = |file: &File| {
            let there = if file.exists { "exists" } else { "missing" };
            vec![file.path.clone(), file.kind.to_owned(), there.to_owned()]
        };
        out.table(&["file", "kind", "state"], &files.items.iter().map(row).collect::<Vec<_>>());
    });
}

//! `skill tree`: which skill needs which.

use std::collections::BTreeMap;

use serde::Serialize;
use skill_schema::{SkillId, Version, lock::Locked};

use crate::{
    context::Context,
    listing,
    workspace::{Access, Workspace},
};

/// Show which skill needs which.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill tree
  skill tree --depth 1
  skill tree --invert                      from what is needed to what needs it")]
pub struct Args {
    /// What is installed for all projects.
    #[arg(long, short)]
    global: bool,
    /// Show so many levels.
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// Start at what is needed.
    #[arg(long)]
    invert: bool,
}

#[derive(Serialize)]
struct Result {
    roots: Vec<Node>,
}

#[derive(Serialize)]
struct Node {
    id: SkillId,
    version: Version,
    /// Where it comes from, if that is a path.
    path: Option<String>,
    /// Whether what follows was shown before and is left out.
    repeated: bool,
    children: Vec<Node>,
}

/// Walks the graph, each skill's children once.
struct Walk<'a> {
    locked: BTreeMap<&'a SkillId, &'a Locked>,
    edges: BTreeMap<SkillId, Vec<SkillId>>,
    seen: Vec<SkillId>,
    depth: usize,
}

impl Walk<'_> {
    fn node(&mut self, id: &SkillId, level: usize) -> Option<Node> {
        let locked = *self.locked.get(id)?;
        let (version, path) = (locked.version.clone(), locked.path().map(str::to_owned));
        let next = self.edges.get(id).cloned().unwrap_or_default();
        let repeated = self.seen.contains(id) && !next.is_empty();
        self.seen.push(id.clone());
        let children = if repeated || level >= self.depth { Vec::new() } else { next };
        let children = children.iter().filter_map(|child| self.node(child, level + 1)).collect();
        Some(Node { id: id.clone(), version, path, repeated, children })
    }
}

/// Runs `skill tree`.
///
/// # Errors
/// [`skill_schema::codes::NO_PROJECT`], [`skill_schema::codes::LOCK_FILE`], [`skill_schema::codes::PROJECT`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let workspace = Workspace::open_existing(context, args.global, Access::Read)?;
    let roots = workspace.roots(&context.config);
    let down: BTreeMap<SkillId, Vec<SkillId>> =
        workspace.locked().map(|locked| (locked.name.clone(), locked.dependencies.clone())).collect();
    let starts: Vec<SkillId> = if args.invert {
        down.iter().filter(|(_, needed)| needed.is_empty()).map(|(id, _)| id.clone()).collect()
    } else {
        roots.keys().cloned().collect()
    };
    let mut walk = Walk {
        locked: workspace.locked().map(|locked| (&locked.name, locked)).collect(),
        edges: if args.invert { listing::dependents(&workspace) } else { down },
        seen: Vec::new(),
        depth: args.depth.unwrap_or(usize::MAX),
    };
    let result = Result { roots: starts.iter().filter_map(|id| walk.node(id, 0)).collect() };
    context.output.result_or("skill.tree/1", &result, |out| {
        let mut lines = Vec::new();
        for root in &result.roots {
            draw(root, "", None, &mut lines);
        }
        for line in &lines {
            out.data(line);
        }
    });
    Ok(())
}

/// `last` is `None` for a root.
fn draw(node: &Node, prefix: &str, last: Option<bool>, lines: &mut Vec<String>) {
    let (branch, indent) = match last {
        None => ("", ""),
        Some(false) => ("├── ", "│   "),
        Some(true) => ("└── ", "    "),
    };
    let again = if node.repeated { " (see above)" } else { "" };
    let path = node.path.as_ref().map(|path| format!(" (path:{path})")).unwrap_or_default();
    lines.push(format!("{prefix}{branch}{} {}{path}{again}", node.id, node.version));
    for (n, child) in node.children.iter().enumerate() {
        draw(child, &format!("{prefix}{indent}"), Some(n + 1 == node.children.len()), lines);
    }
}

//! `skill why`: the reason that a skill is installed.

use std::collections::BTreeMap;

use serde::Serialize;
use skill_schema::{Fault, SkillId, codes};

use crate::{
    context::Context,
    listing,
    workspace::{Access, Workspace},
};

/// Show why a skill is installed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  skill why acme/base                      every way from what you asked for to it")]
pub struct Args {
    /// The skill.
    #[arg(value_name = "SKILL")]
    skill: String,
    /// What is installed for all projects.
    #[arg(long, short)]
    global: bool,
}

/// Ways to show at the most: a dense graph has very many.
const MAX_WAYS: usize = 100;

#[derive(Serialize)]
struct Result {
    id: SkillId,
    /// From something that was asked for to the skill, one way an entry.
    ways: Vec<Vec<SkillId>>,
}

/// Runs `skill why`.
///
/// # Errors
/// [`codes::NOT_INSTALLED`], [`codes::LOCK_FILE`], [`codes::PROJECT`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let id: SkillId = args.skill.parse()?;
    let workspace = Workspace::open_existing(context, args.global, Access::Read)?;
    if workspace.locked().all(|locked| locked.name != id) {
        return Err(Fault::new(codes::NOT_INSTALLED).at(id.to_string()).into());
    }
    let roots = workspace.roots(&context.config);
    let dependents = listing::dependents(&workspace);
    let mut result = Result { id: id.clone(), ways: Vec::new() };
    climb(&id, &mut Vec::new(), &dependents, &|id| roots.contains_key(id), &mut result.ways);
    context.output.result_or("skill.why/1", &result, |out| {
        for way in &result.ways {
            let asked = roots.get(&way[0]);
            let path = workspace.locked().find(|locked| locked.name == way[0] && locked.path().is_some());
            let file = match (path, asked.is_some_and(|root| root.one_off)) {
                (Some(locked), _) => format!("installed by hand from {}", locked.origin),
                (None, true) => "installed by hand".to_owned(),
                (None, false) => "in skills.toml".to_owned(),
            };
            let names: Vec<String> = way.iter().map(ToString::to_string).collect();
            out.data(format!("{}   ({} is {file})", names.join(" needs "), way[0]));
        }
    });
    Ok(())
}

/// Collects the ways up from `id`; `below` holds what was passed, nearest last.
fn climb(
    id: &SkillId,
    below: &mut Vec<SkillId>,
    dependents: &BTreeMap<SkillId, Vec<SkillId>>,
    is_root: &impl Fn(&SkillId) -> bool,
    ways: &mut Vec<Vec<SkillId>>,
) {
    if below.contains(id) || ways.len() >= MAX_WAYS {
        return; // a circle, or enough
    }
    below.push(id.clone());
    if is_root(id) {
        ways.push(below.iter().rev().cloned().collect());
    }
    for above in dependents.get(id).into_iter().flatten() {
        climb(above, below, dependents, is_root, ways);
    }
    below.pop();
}

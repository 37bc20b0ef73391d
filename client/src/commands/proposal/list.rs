//! `skill proposal list`.

use serde::Serialize;
use skill_schema::{
    SkillId,
    api::proposal::{Query, Response, State},
    codes::escape,
};

use super::api;
use crate::{context::Context, render};

/// List proposals, newest first: those that wait for an answer, unless asked otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill proposal list
  skill proposal list cisco/codeguard --state all
  skill proposal list --author me --json")]
pub(super) struct Args {
    /// Only those to this skill.
    #[arg(value_name = "SCOPE/NAME")]
    skill: Option<SkillId>,
    /// Only those in this state.
    #[arg(long, value_name = "STATE", default_value = "open", value_parser = ["open", "accepted", "rejected", "withdrawn", "all"])]
    state: String,
    /// Only those of this user.
    #[arg(long, value_name = "USER")]
    author: Option<String>,
    /// Only those with a lower number, for more than a hundred.
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
}

#[derive(Serialize)]
struct List {
    items: Vec<Response>,
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let api = match &args.skill {
        Some(skill) => context.api(&context.registry_for(skill, None)?)?,
        None => api(context)?,
    };
    let query = Query { state: State::parse(&args.state), author: args.author, before: args.before };
    let list = List { items: api.proposals(args.skill.as_ref(), &query).await?.items };
    context.output.result_or("skill.proposal.list/1", &list, |out| {
        let row = |proposal: &Response| {
            vec![
                proposal.number.to_string(),
                proposal.skill.to_string(),
                proposal.state.as_str().to_owned(),
                escape(&proposal.author),
                render::day(proposal.created),
                escape(&proposal.title),
            ]
        };
        let rows: Vec<_> = list.items.iter().map(row).collect();
        out.table(&["number", "skill", "state", "author", "made", "title"], &rows);
    });
    Ok(())
}

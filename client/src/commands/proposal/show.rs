//! `skill proposal show`.

use serde::Serialize;
use skill_bundle::Package;
use skill_schema::{
    SkillId, Version,
    api::proposal::{Response, State},
    codes::escape,
    spec::Which,
};

use super::{api, indented, package};
use crate::{
    catalogue::Catalogue,
    commands::diff,
    context::Context,
    output::{HEAD, Output},
    published, render,
};

/// Show a proposal: what it says, and what it would change.
///
/// The files are those of the digests that the registry names, and are compared with the signed version that they improve. Who made it
/// and what they wrote is the registry's word. Of a proposal that was rejected or withdrawn, the files are not kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill proposal show 7
  skill proposal show 7 --stat
  skill proposal show 7 --json")]
pub(super) struct Args {
    /// The proposal's number.
    number: u64,
    /// Count the lines of each file only.
    #[arg(long)]
    stat: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    #[serde(flatten)]
    proposal: &'a Response,
    /// Whether what it improves is still the latest version.
    is_current: bool,
    /// As `skill diff --json`.
    diff: Option<serde_json::Value>,
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let api = api(context)?;
    let proposal = api.proposal(args.number).await?;
    let catalogue = Catalogue::new(context);
    let entry = catalogue.require(&proposal.skill, None).await?;
    let release = async |version: &Version| {
        let line = published::choose(&entry, &Which::Exact(version.clone()))?;
        published::package(context, &entry, line).await
    };
    let pair: Option<(Package, Package)> = match proposal.state {
        State::Open => Some((release(&proposal.base).await?, package(&api, &proposal).await?)),
        State::Accepted => Some((release(&proposal.base).await?, release(&proposal.version).await?)),
        State::Rejected | State::Withdrawn => None,
    };
    let name = |version: &Version| named(&proposal.skill, version);
    let (from, to) = (name(&proposal.base), name(&proposal.version));
    let diff = pair.as_ref().map(|(old, new)| diff::value((&from, old), (&to, new))).transpose()?;
    let is_current = entry.index.header.tags.latest.as_ref() == Some(&proposal.base);
    let shown = Shown { proposal: &proposal, is_current, diff };
    context.output.result_or("skill.proposal.show/1", &shown, |out| {
        say(&shown, out);
        if let Some((old, new)) = &pair {
            diff::print((&from, old), (&to, new), args.stat, out);
        }
        if proposal.state == State::Open {
            say_next(&shown, out);
        }
    });
    Ok(())
}

fn named(skill: &SkillId, version: &Version) -> String {
    format!("{skill}@{version}")
}

fn say(shown: &Shown<'_>, out: &Output) {
    let proposal = shown.proposal;
    let Response { number, skill, author, source, .. } = proposal;
    out.data(format!("{HEAD}{}{HEAD:#}", escape(&proposal.title)));
    out.data(format!("proposal {number} to {skill}, by {} from {source}", escape(author)));
    out.data(format!("{} -> {}, made {}", proposal.base, proposal.version, render::day(proposal.created)));
    let by = proposal.closed_by.as_deref().map(|by| format!(" by {}", escape(by))).unwrap_or_default();
    let note = proposal.note.as_deref().map(|note| format!(": {}", escape(note))).unwrap_or_default();
    out.data(format!("{}{by}{note}", proposal.state.as_str()));
    if !proposal.message.is_empty() {
        out.data(format!("\n{}", indented(&proposal.message)));
    }
}

fn say_next(shown: &Shown<'_>, out: &Output) {
    let number = shown.proposal.number;
    if shown.is_current {
        out.hint(format!("skill proposal accept {number}, or reject"));
    } else {
        out.warn(format!("{} is not the latest version any more", shown.proposal.base));
        out.hint("its author runs skill pull-upstream and proposes again");
    }
}

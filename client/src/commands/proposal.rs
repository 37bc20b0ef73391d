//! `skill proposal`: changes that people offer to the owners of a skill.

mod accept;
mod list;
mod show;

use skill_bundle::Package;
use skill_schema::{
    Fault, Limits,
    api::proposal::{Change, MAX_NOTE, Response, State},
    codes,
    codes::escape,
};

use crate::{api::Api, context::Context, render};

/// See, accept, reject and withdraw changes that people offer to the owners of a skill.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  skill proposal list cisco/codeguard    what waits for an answer
  skill proposal show 7                  what it would change
  skill proposal accept 7                measure, sign and publish it
  skill proposal reject 7 --note \"too long\""
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    #[command(visible_alias = "ls")]
    List(list::Args),
    Show(show::Args),
    Accept(Box<accept::Args>),
    Reject(RejectArgs),
    Withdraw(WithdrawArgs),
}

/// Say no to a proposal, as an owner of the skill's scope.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill proposal reject 7 --note \"the old wording was tried and works\"")]
struct RejectArgs {
    /// The proposal's number.
    number: u64,
    /// Why, for its author.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

/// Take back a proposal of your own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill proposal withdraw 7")]
struct WithdrawArgs {
    /// The proposal's number.
    number: u64,
}

/// Runs `skill proposal`.
///
/// # Errors
/// [`codes::NOT_FOUND`], [`codes::PROPOSAL_CLOSED`], [`codes::NOT_OWNER`], [`codes::NOT_AUTHOR`]; for accepting, as `skill publish`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::List(args) => list::run(args, context).await,
        Command::Show(args) => show::run(args, context).await,
        Command::Accept(args) => accept::run(*args, context).await,
        Command::Reject(args) => close(args.number, State::Rejected, args.note, context).await,
        Command::Withdraw(args) => close(args.number, State::Withdrawn, String::new(), context).await,
    }
}

async fn close(number: u64, state: State, note: String, context: &Context) -> anyhow::Result<()> {
    if note.len() > MAX_NOTE {
        return Err(Fault::new(codes::USAGE).at("--note").detail(format!("at most {MAX_NOTE} bytes")).into());
    }
    let api = api(context)?;
    let after = api.close_proposal(number, &Change { state, note }).await?;
    let (schema, verb) = match state {
        State::Rejected => ("skill.proposal.reject/1", "Rejected"),
        _ => ("skill.proposal.withdraw/1", "Withdrew"),
    };
    context.output.result_or(schema, &after, |out| out.status(verb, line(&after)));
    Ok(())
}

/// The registry that numbers belong to: the one of `--registry`, or the default one.
fn api(context: &Context) -> Result<Api, Fault> {
    context.api(&context.default_registry()?)
}

/// `proposal 7 to acme/notes: Shorter rules`.
fn line(proposal: &Response) -> String {
    format!("proposal {} to {}: {}", proposal.number, proposal.skill, escape(&proposal.title))
}

/// A message for people, each line behind two spaces.
fn indented(text: &str) -> String {
    render::lines(text).lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

/// The package of an open proposal, which must be what its digests say and a version of its skill.
///
/// # Errors
/// [`codes::DIGEST`], [`codes::TREE`], [`codes::MISMATCH`], [`codes::PROPOSAL_CLOSED`]; the rules of the archive.
async fn package(api: &Api, proposal: &Response) -> anyhow::Result<Package> {
    let place = || format!("proposal {}", proposal.number);
    let bytes = api.proposal_archive(proposal.number, Limits::V1.archive).await?;
    let package = Package::open(bytes, &Limits::V1)?;
    if package.digest() != proposal.archive {
        return Err(Fault::new(codes::DIGEST).at(place()).into());
    }
    if package.tree() != proposal.tree {
        return Err(Fault::new(codes::TREE).at(place()).into());
    }
    Ok(package)
}

//! `skill deprecate`: advises against a skill, or takes that back.

use serde::Serialize;
use skill_schema::{
    Fault, SkillId,
    api::deprecate::{MAX_MESSAGE, Request},
    codes,
    spec::{Spec, Which},
};

use crate::context::Context;

/// Advise against a skill. Its versions stay installable; skill info and skill outdated say why and what to use instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill deprecate acme/notes --message \"no longer maintained\" --replaced-by acme/journal
  skill deprecate acme/notes --undo")]
pub struct Args {
    /// The skill, all its versions.
    #[arg(value_name = "SPEC")]
    spec: Spec,
    /// Why, for people.
    #[arg(long, visible_alias = "reason", value_name = "TEXT", default_value = "", conflicts_with = "undo")]
    message: String,
    /// The skill to use instead.
    #[arg(long, value_name = "SCOPE/NAME", conflicts_with = "undo")]
    replaced_by: Option<SkillId>,
    /// Take it back.
    #[arg(long)]
    undo: bool,
    /// Show what would be said.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result<'a> {
    id: &'a SkillId,
    #[serde(flatten)]
    request: &'a Request,
    dry_run: bool,
}

/// Runs `skill deprecate`.
///
/// # Errors
/// [`codes::USAGE`] for a version or a message that is too long; what the registry refuses.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let id = args.spec.id;
    if args.spec.which != Which::Latest {
        let detail = "a skill is deprecated as a whole; skill yank withdraws one version";
        return Err(Fault::new(codes::USAGE).at(id.to_string()).detail(detail).into());
    }
    if args.message.len() > MAX_MESSAGE {
        let detail = format!("{} bytes of at most {MAX_MESSAGE}", args.message.len());
        return Err(Fault::new(codes::USAGE).at("--message").detail(detail).into());
    }
    if args.replaced_by.as_ref() == Some(&id) {
        return Err(Fault::new(codes::USAGE).at("--replaced-by").detail("it names the same skill").into());
    }
    let registry = context.registry_for(&id, args.spec.registry.as_deref())?;
    let request = Request { deprecated: !args.undo, message: args.message, replaced_by: args.replaced_by };
    if !args.dry_run {
        context.api(&registry)?.deprecate(&id, &request).await?;
    }
    let result = Result { id: &id, request: &request, dry_run: args.dry_run };
    context.output.result_or("skill.deprecate/1", &result, |out| {
        let verb = match (args.dry_run, args.undo) {
            (true, false) => "Would advise",
            (true, true) => "Would restore",
            (false, false) => "Deprecated",
            (false, true) => "Restored",
        };
        let instead = request.replaced_by.as_ref().map(|other| format!(", use {other} instead")).unwrap_or_default();
        let against = if args.dry_run && !args.undo { "against " } else { "" };
        out.status(verb, format!("{against}{id}{instead}"));
        if !args.undo && !args.dry_run {
            out.hint(format!("skill deprecate {id} --undo   takes it back"));
        }
    });
    Ok(())
}
